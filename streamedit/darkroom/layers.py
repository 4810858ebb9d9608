"""Layers of light over a picture: drawn small, enlarged a band at a time, and added as light adds up."""

from collections.abc import Callable

import cv2
import numpy as np

from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import banded, floats
from streamedit.darkroom.photograph import Floats

SMOOTH_PX = 512
"""The longer side of a layer that has no fine detail."""

FINE_PX = 1280
"""The longer side of a layer with lines and points: enough for a look that is the same in a larger picture."""


def linear(rgb: Floats) -> Floats:
    """Light, of encoded pixels. A square is near enough to the curve of sRGB, and takes a tenth of its time."""
    return floats(cv2.multiply(rgb, rgb))


def encoded(light: Floats) -> Floats:
    """Pixels, of light; the way back from `linear`."""
    return floats(cv2.sqrt(np.maximum(light, 0)))


def tint(colour: Colour) -> Floats:
    """A colour as light of three parts."""
    return np.square(np.array(colour, np.float32))


def small_size(rgb: Floats, longer_px: int) -> tuple[int, int]:
    """Width and height of a copy whose longer side is no more than that."""
    height, width = rgb.shape[:2]
    shrink = max(1.0, max(height, width) / longer_px)
    return max(1, round(width / shrink)), max(1, round(height / shrink))


def copy(rgb: Floats, longer_px: int) -> Floats:
    """The picture in small, as light."""
    return _resized(rgb, small_size(rgb, longer_px))


def shrunk(rgb: Floats, times: int) -> Floats:
    """The picture so many times smaller, as light."""
    return _resized(rgb, (-(-rgb.shape[1] // times), -(-rgb.shape[0] // times)))


def _resized(rgb: Floats, size: tuple[int, int]) -> Floats:
    """A smaller copy as light, made in pieces: the light of the whole picture would take as much room again as it does."""
    width, height = size
    if (height, width) == rgb.shape[:2]:
        return linear(rgb)
    pieces = []
    for row in range(0, height, 64):
        last = min(row + 64, height)
        top, bottom = (round(place * rgb.shape[0] / height) for place in (row, last))
        pieces.append(floats(cv2.resize(linear(rgb[top:bottom]), (width, last - row), interpolation=cv2.INTER_AREA)))
    return np.concatenate(pieces)


def grid(rgb: Floats, longer_px: int) -> tuple[Floats, Floats]:
    """A row of x and a column of y for a layer: 0 in the middle, and the shorter side goes from -1 to 1."""
    width, height = small_size(rgb, longer_px)
    x, y = ((np.arange(count, dtype=np.float32) * 2 + 1 - count) / min(width, height) for count in (width, height))
    return floats(x[None, :]), floats(y[:, None])


def spot(rgb: Floats, place: tuple[float, float]) -> tuple[float, float]:
    """x and y, as `grid` counts, of a place from (-1, -1), the top left, to (1, 1)."""
    height, width = rgb.shape[:2]
    short = min(height, width)
    return place[0] * width / short, place[1] * height / short


def enlarged(layer: Floats, shape: tuple[int, ...], rows: Floats) -> Floats:
    """Some rows of a layer when it is enlarged to the shape of a picture."""
    height, width = shape[:2]
    top, count = int(rows[0, 0]), len(rows)
    if layer.shape[:2] == (height, width):
        return layer[top : top + count]
    across, down = layer.shape[1] / width, layer.shape[0] / height
    place = np.array([[across, 0, across / 2 - 0.5], [0, down, (top + 0.5) * down - 0.5]])
    # linear: OpenCV's cubic does not keep an even slope even
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return floats(cv2.warpAffine(layer, place, (width, count), flags=flags, borderMode=cv2.BORDER_REPLICATE))


def over(rgb: Floats, work: Callable[..., Floats], *layers: Floats) -> Floats:
    """`work` done to bands of a picture and the same bands of layers, which may be smaller than it."""
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    return banded(lambda band, its: work(band, *(enlarged(layer, rgb.shape, its) for layer in layers)), rgb, rows)


def shone(rgb: Floats, light: Floats, amount: float) -> Floats:
    """A layer of light on the picture, as two exposures of one film: the lights add up, and no more than white comes of it."""

    def work(band: Floats, its: Floats) -> Floats:
        shade = 1 - np.clip(its * np.float32(amount), 0, 1)
        return encoded(1 - (1 - linear(band)) * shade)

    return over(rgb, work, light)


def veiled(rgb: Floats, colour: Floats, cover: Floats, amount: float) -> Floats:
    """Something of one colour (as light) before the picture: `cover`, one plane, says how much of the picture it hides."""

    return over(rgb, lambda band, its: veil(band, its, colour, amount), cover)


def veil(band: Floats, cover: Floats, colour: Floats, amount: float) -> Floats:
    """A band of `veiled`."""
    light = linear(band)
    return encoded(light + (colour - light) * np.clip(cover * np.float32(amount), 0, 1)[..., None])


def clouds(size: tuple[int, int], cells: tuple[int, int], rng: np.random.Generator, octaves: int = 4) -> Floats:
    """Fractal noise, 0..1, its mean near 0.5: so many cells across and down, then twice as many of half the weight."""
    total = np.zeros((size[1], size[0]), np.float32)
    for octave in range(octaves):
        shape = (max(2, cells[1] << octave), max(2, cells[0] << octave))
        total += floats(cv2.resize(rng.standard_normal(shape, np.float32), size, interpolation=cv2.INTER_CUBIC)) / 2**octave
    return floats(np.clip(0.5 + 0.25 * (total - total.mean()) / (total.std() + np.float32(1e-6)), 0, 1))


def put(layer: Floats, patch: Floats, centre: tuple[float, float]) -> None:
    """A patch of light put into a layer, as far as it is inside."""
    top, left = round(centre[1]) - patch.shape[0] // 2, round(centre[0]) - patch.shape[1] // 2
    inside = layer[max(0, top) : max(0, top + patch.shape[0]), max(0, left) : max(0, left + patch.shape[1])]
    above, before = max(0, -top), max(0, -left)
    inside += patch[above : above + inside.shape[0], before : before + inside.shape[1]]
