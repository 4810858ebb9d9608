"""Layers of light over a picture: drawn small, enlarged a band at a time, and added as light adds up."""

from collections.abc import Callable

import cv2
import numpy as np

from streamedit.darkroom.copies import small_size
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.linear_light import near_encoded, near_linear
from streamedit.darkroom.optics import banded, floats
from streamedit.darkroom.photograph import Floats

SMOOTH_PX = 512
"""The longer side of a layer that has no fine detail."""

FINE_PX = 1280
"""The longer side of a layer with lines and points: enough for a look that is the same in a larger picture."""


def tint(colour: Colour) -> Floats:
    """A colour as light of three parts."""
    return np.square(np.array(colour, np.float32))


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
    if layer.shape[:2] == (height, width):
        return layer[int(rows[0, 0]) : int(rows[-1, 0]) + 1]
    # not by OpenCV's warps, which know no more than 32 places between two pixels
    at = np.clip((rows + np.float32(0.5)) * np.float32(len(layer) / height) - np.float32(0.5), 0, len(layer) - 1)
    above = at[:, 0].astype(int)
    below, share = np.minimum(above + 1, len(layer) - 1), at - above[:, None]
    tall = layer[above] + (layer[below] - layer[above]) * share.reshape(-1, *(1,) * (layer.ndim - 1))
    return floats(cv2.resize(floats(tall), (width, len(rows))))


def over(rgb: Floats, work: Callable[..., Floats], *layers: Floats) -> Floats:
    """`work` done to bands of a picture and the same bands of layers, which may be smaller than it."""
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    return banded(lambda band, its: work(band, *(enlarged(layer, rgb.shape, its) for layer in layers)), rgb, rows)


def shone(rgb: Floats, light: Floats, amount: float) -> Floats:
    """A layer of light on the picture, as two exposures of one film: the lights add up, and no more than white comes of it."""

    def work(band: Floats, its: Floats) -> Floats:
        shade = 1 - np.clip(its * np.float32(amount), 0, 1)
        return near_encoded(1 - (1 - near_linear(band)) * shade)

    return over(rgb, work, light)


def veiled(rgb: Floats, colour: Floats, cover: Floats, amount: float) -> Floats:
    """Something of one colour (as light) before the picture: `cover`, one plane, says how much of the picture it hides."""

    return over(rgb, lambda band, its: veil(band, its, colour, amount), cover)


def veil(band: Floats, cover: Floats, colour: Floats, amount: float) -> Floats:
    """A band of `veiled`."""
    light = near_linear(band)
    return near_encoded(light + (colour - light) * np.clip(cover * np.float32(amount), 0, 1)[..., None])


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
