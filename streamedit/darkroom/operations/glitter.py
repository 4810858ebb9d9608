"""Small lights in a picture: sparkles, and lamps out of focus."""

from collections.abc import Iterator

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done
from streamedit.darkroom.copies import small_light, small_size
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.layers import FINE_PX, grid, put, shone, tint
from streamedit.darkroom.linear_light import near_encoded
from streamedit.darkroom.optics import floats, luma, smoothstep, soft
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.matting import subject

_SPARKLES = 280
_LONGEST = 0.12
"""Half of the length of the largest sparkle, of the shorter side."""

_MAP_PX = 192
"""The longer side of the map of where sparkles like to be."""

_GOLD: tuple[Colour, ...] = ((1.0, 0.94, 0.80), (1.0, 0.82, 0.48), (1.0, 0.90, 0.66))
_LAMPS: tuple[Colour, ...] = ((1.0, 0.80, 0.50), (1.0, 0.68, 0.36), (1.0, 0.88, 0.70), (1.0, 0.58, 0.48), (0.72, 0.86, 1.0))


def sparkles(rgb: Floats, brief: Brief) -> Done:
    """Magic dust: a few bright stars and many tiny glints, around the outline of the subject and on bright edges."""
    rng = brief.chances()
    width, height = small_size(rgb, FINE_PX)
    layer = np.zeros((height, width, 3), np.float32)
    colours = [tint(colour) for colour in brief.details.colours or _GOLD]
    for (across, down), length in zip(_places(_likes(rgb), rng), _lengths(rng), strict=False):
        star = _star(max(1.5, length * min(width, height)), rng) * float(rng.uniform(0.55, 1.2))
        put(layer, _hot(star, colours[int(rng.integers(len(colours)))]), (across * width, down * height))
    return lambda part: shone(rgb, layer, 1.4 * brief.amount * part)


def bokeh_lights(rgb: Floats, brief: Brief) -> Done:
    """Lamps far out of focus: soft discs of light with a faint rim, mostly away from the middle."""
    rng = brief.chances()
    x, y = grid(rgb, FINE_PX // 2)
    layer = np.zeros((y.shape[0], x.shape[1], 3), np.float32)
    colours = [tint(colour) for colour in brief.details.colours or _LAMPS]
    scale = min(layer.shape[:2])
    for _ in range(46):
        size, place = float(rng.uniform(0.018, 0.085)) * scale, _aside(rng)
        colour = colours[int(rng.integers(len(colours)))] * float(rng.uniform(0.10, 0.5))
        disc = _disc(max(1.0, size), float(rng.uniform(0.08, 0.3)))
        put(layer, disc[..., None] * colour, (place[0] * layer.shape[1], place[1] * layer.shape[0]))
    return lambda part: shone(rgb, layer, 1.3 * brief.amount * part)


def _likes(rgb: Floats) -> Floats:
    """How much sparkles like each place: the outline of the subject most, then bright edges, its inside least."""
    small = near_encoded(small_light(rgb, _MAP_PX))
    matte = soft(subject(small), min(small.shape[:2]) / 40)
    light = soft(luma(small), 1)
    edge = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0), cv2.Sobel(light, cv2.CV_32F, 0, 1)) * light
    outline = np.clip(4 * matte * (1 - matte), 0, 1)
    bright = np.minimum(1, edge / (4 * edge.mean() + np.float32(1e-6)))
    return floats((outline**1.5 + 0.5 * bright * (1 - outline) + 0.05) * (1 - 1.84 * np.clip(matte - 0.5, 0, 0.5)))


def _places(likes: Floats, rng: np.random.Generator) -> Iterator[tuple[float, float]]:
    """Places, 0..1 across and down, the most liked most often; where one is, the next keep their distance for a while."""
    height, width = likes.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    likes = likes * _off_the_rim(x / width) * _off_the_rim(y / height)
    for number in range(_SPARKLES):
        sums = np.cumsum(likes, dtype=np.float64)
        row, column = divmod(int(np.searchsorted(sums, rng.uniform() * sums[-1])), width)
        yield (column + float(rng.uniform())) / width, (row + float(rng.uniform())) / height
        if number < 40:
            near = np.hypot(x - column, y - row) / (0.16 * min(height, width) / (1 + 0.1 * number))
            likes = likes * np.minimum(1, 0.02 + near**2)


def _off_the_rim(values: Floats) -> Floats:
    return smoothstep(floats(np.minimum(values, 1 - values) / 0.08 + 0.1))


def _lengths(rng: np.random.Generator) -> Iterator[float]:
    """Of each sparkle, the largest first: a few large ones, many small."""
    for number in range(_SPARKLES):
        yield _LONGEST * (1 + 0.22 * number) ** -0.8 * float(rng.uniform(0.75, 1.15))


def _star(length_px: float, rng: np.random.Generator) -> Floats:
    """One sparkle: four long points, or six, a heart, and a soft glow around it."""
    reach = int(np.ceil(length_px))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / np.float32(length_px)
    thin = max(0.022, 0.55 / length_px)
    turn, six = float(rng.normal(0, 0.09)), rng.uniform() < 0.25
    points = ((0.0, 0.72), (1.047, 0.72), (2.094, 0.72)) if six else ((0.0, 0.62), (1.571, 1.0), (0.785, 0.30), (2.356, 0.30))
    star = sum((_point(x, y, angle + turn + 1.571 * six, part, thin) for angle, part in points), np.zeros_like(x))
    far = np.hypot(x, y)
    rim = smoothstep((1 - far) / 0.5)
    return floats(star + (1.3 * np.exp(-((far / max(0.055, thin * 1.3)) ** 2)) + 0.34 * np.exp(-far / 0.16)) * rim)


def _point(x: Floats, y: Floats, angle: float, part: float, thin: float) -> Floats:
    """Two opposite points of a star: thin, and thinner and fainter towards their ends."""
    along, off = np.abs(x * np.cos(angle) + y * np.sin(angle)) / part, y * np.cos(angle) - x * np.sin(angle)
    left = np.clip(1 - along, 0, 1)
    return floats(0.95 * left**2.2 * np.exp(-np.square(off / (thin * (0.25 + 0.75 * left)))))


def _hot(star: Floats, colour: Floats) -> Floats:
    """White where it is brightest, of its colour around."""
    return floats(star[..., None] * colour + np.float32(0.5) * np.square(star)[..., None])


def _disc(radius_px: float, softness: float) -> Floats:
    reach = int(np.ceil(radius_px * (1 + softness))) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / np.float32(radius_px)
    far = np.hypot(x, y)
    edge = max(softness, 1.5 / radius_px)
    return floats(smoothstep((1 - far) / edge + 0.5) * (0.7 + 0.45 * np.minimum(far, 1) ** 5))


def _aside(rng: np.random.Generator) -> tuple[float, float]:
    """A place, 0..1 across and down, seldom near the middle, more often above."""
    for _ in range(8):
        across, down = float(rng.uniform(-0.02, 1.02)), float(rng.beta(1.0, 1.4))
        if rng.uniform() < np.hypot(across - 0.5, down - 0.55) * 2 - 0.25:
            break
    return across, down
