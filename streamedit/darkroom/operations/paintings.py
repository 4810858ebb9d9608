"""Paintings: a picture in oil, as the impressionists and pointillists did, or in watercolour."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from streamedit.darkroom.canvas import Brief, Operation
from streamedit.darkroom.optics import banded, floats, grey, luma, side, smoothstep, soft
from streamedit.darkroom.photograph import Bytes8, Floats
from streamedit.darkroom.strokes import along, at_once, clouds, drawn, flattened, flow, grid, moved, tooth


@dataclass(frozen=True, slots=True)
class Manner:
    """How someone paints. `widths`: of the brushes, coarse to fine, of the picture's side. `length`: of a stroke, in widths.

    `spacing`: of strokes, in widths. `detail`: how different finer strokes must be from what they cover to be painted, and
    more so the finer they are.
    `jitter`: how far colours stray. `colourful`: how much they are driven. `relief`: how thick the paint stands.
    """

    widths: tuple[float, ...]
    length: float
    spacing: float
    detail: float
    jitter: float
    colourful: float
    relief: float


_OIL = Manner((1 / 22, 1 / 40, 1 / 75, 1 / 135, 1 / 230), 4.5, 0.95, 0.04, 0.018, 1.15, 1.0)
_IMPRESSIONIST = Manner((1 / 24, 1 / 42, 1 / 75, 1 / 125), 2.6, 0.85, 0.05, 0.045, 1.35, 1.2)
_POINTILLIST = Manner((1 / 45, 1 / 80, 1 / 110, 1 / 160), 0.0, 0.85, 0.06, 0.05, 1.3, 0.4)

_DARKEST = np.array([0.1, 0.105, 0.15], np.float32)
"""Of watercolours: indigo, as painters mix their blacks."""

_RAG = np.array([0.99, 0.985, 0.965], np.float32)
"""The white of rag paper."""

_SHIFT = 4
"""Bits of a pixel's fraction in the coordinates that OpenCV draws with."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """Strokes of one brush, in the order of painting: n x points x 2 in pixels, and red, green, blue and height of each."""

    width_px: int
    lines: npt.NDArray[np.int32]
    paints: npt.NDArray[np.int64]


def _painted(manner: Manner) -> Callable[[Floats, Brief], Callable[[float], Floats]]:
    """Strokes along the shapes of a picture, the coarse first, the fine where there is detail (Hertzmann 1998), in relief."""

    def painting(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
        way = flow(luma(rgb), side(rgb) / 80)
        layers = list(_layers(rgb, way, manner, brief))
        bristles = along(clouds(rgb, brief.seed, side(rgb) / 600), way, side(rgb) / 70)
        bristles /= max(1e-6, float(bristles.std()))
        # red, green, blue, and how high the paint stands: 0 where there is none
        paint = cv2.merge([cv2.convertScaleAbs(rgb, alpha=255), np.zeros(rgb.shape[:2], np.uint8)])
        done = [0] * len(layers)
        fine_px = max(0.6, side(rgb) / 1300)

        def draw(part: float) -> Floats:
            for index, layer in enumerate(layers):
                goal = round(len(layer.lines) * float(np.clip(part * len(layers) - index, 0, 1)))
                _paint(np.asarray(paint), layer, done[index], goal)
                done[index] = max(done[index], goal)
            return _lit(np.asarray(paint, np.uint8), fine_px, bristles, manner.relief)

        return draw

    return painting


def _layers(rgb: Floats, way: Floats, manner: Manner, brief: Brief) -> Iterator[_Layer]:
    random = brief.chances()
    vivid = floats(grey(luma(rgb)) + (rgb - grey(luma(rgb))) * np.float32(manner.colourful))
    below: Floats | None = None
    for index, width in enumerate(manner.widths):
        width_px = max(1.5, width * side(rgb) * brief.character)
        seen = _smaller(vivid, width_px / 3)
        starts = _starts(rgb, manner.spacing * width_px, random)
        if below is not None:
            missed = np.abs(_at(seen, starts, rgb) - _at(below, starts, rgb)).max(axis=1)
            starts = starts[missed > manner.detail * (index + 1) ** 0.5]
        colours = _at(seen, starts, rgb)
        lines = _lines(seen, way, starts, colours, manner.length * width_px)
        strayed = (
            colours + random.normal(0, manner.jitter / 2, colours.shape) + random.normal(0, manner.jitter, (len(colours), 1))
        )
        heights = random.uniform(0.3, 1, (len(colours), 1))
        paints = np.clip(np.hstack([strayed, heights]) * 255, 0, 255).astype(np.int64)
        yield _Layer(round(width_px), np.round(lines * (1 << _SHIFT)).astype(np.int32), paints)
        below = soft(seen, 1.5)


def _smaller(rgb: Floats, shrink: float) -> Floats:
    """As a brush of some width sees a picture."""
    height, width = rgb.shape[:2]
    size = (max(1, round(width / max(1.0, shrink))), max(1, round(height / max(1.0, shrink))))
    return soft(floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)), 0.6)


def _starts(rgb: Floats, spacing_px: float, random: np.random.Generator) -> Floats:
    """Points, about so far apart, in any order."""
    height, width = rgb.shape[:2]
    y, x = np.mgrid[0 : height : max(1.0, spacing_px), 0 : width : max(1.0, spacing_px)]
    points = np.stack([x.ravel(), y.ravel()], axis=1) + random.uniform(-0.5, 0.5, (x.size, 2)) * spacing_px
    return floats(random.permutation(np.clip(points, 0, (width - 1, height - 1))))


def _lines(seen: Floats, way: Floats, starts: Floats, colours: Floats, length_px: float) -> Floats:
    """A stroke from each start, both ways along the flow, until the picture has another colour."""
    ends = []
    for sign in (-1, 1):
        point, points = starts, []
        heading, running = _at(way, starts, way) * np.float32(sign), np.ones((len(starts), 1), bool)
        for _ in range(2):
            turn = _at(way, point, way)
            heading = turn * np.where((turn * heading).sum(axis=1, keepdims=True) < 0, -1, 1).astype(np.float32)
            ahead = point + heading * np.float32(length_px / 4)
            running &= np.abs(_at(seen, ahead, way) - colours).max(axis=1, keepdims=True) < 0.1
            point = floats(np.where(running, ahead, point))
            points.append(point)
        ends.append(points)
    return floats(np.stack([*ends[0][::-1], starts, *ends[1]], axis=1))


def _at(pixels: Floats, points: Floats, like: Floats) -> Floats:
    """What a picture, or a smaller copy of it, has at points; the points are those of `like`."""
    height, width = pixels.shape[:2]
    scale = np.array([width / like.shape[1], height / like.shape[0]], np.float32)
    x, y = np.clip((points + np.float32(0.5)) * scale, 0, (width - 1, height - 1)).astype(np.intp).T
    return floats(pixels[y, x])


def _paint(paint: cv2.typing.MatLike, layer: _Layer, first: int, last: int) -> None:
    for line, colour in zip(layer.lines[first:last], layer.paints[first:last].tolist(), strict=True):
        cv2.polylines(paint, [line], False, colour, layer.width_px, cv2.LINE_AA, _SHIFT)


def _lit(paint: Bytes8, fine_px: float, bristles: Floats, relief: float) -> Floats:
    """Paint in light from the upper left: the rims of strokes and the traces of bristles stand out."""
    height = floats(paint[..., 3:]) / 255
    painted = smoothstep(floats(height * 4))
    surface = floats(height[..., 0] * np.float32(0.7) + bristles * np.float32(0.16) * height[..., 0])
    surface = soft(surface, fine_px)
    slope = cv2.Sobel(surface, cv2.CV_32F, 1, 0) + cv2.Sobel(surface, cv2.CV_32F, 0, 1)
    light = np.clip(floats(slope) * np.float32(relief * 0.16), -0.2, 0.25) * painted[..., 0]
    return floats(floats(paint[..., :3]) / 255 * (1 + light[..., None]) + 0.35 * np.maximum(0, light - 0.05)[..., None])


def watercolour(rgb: Floats, brief: Brief) -> Floats:
    """Washes of pigment on rough paper: flat tones, darker rims, granulation, and white where it is light (Bousseau 2006)."""
    unit = side(rgb) / 1000
    grain, density = tooth(rgb, brief.seed + 2, 2 * unit), _pools(rgb, brief.seed, unit)
    cv2.scaleAdd(grain, 0.14, density, dst=density)
    for _ in range(2):
        rgb = flattened(rgb, 2.8 * unit * brief.character)
    rgb = _wobbling(soft(rgb, 0.8 * unit), brief, 3 * unit * brief.character)
    light = luma(rgb)
    near, far = soft(light, 2 * unit), soft(light, 6 * unit)
    density += 2 * np.clip(far - light, -0.1, 0.25) + 4 * np.clip(np.abs(light - near), 0, 0.1)
    del light, near, far
    return banded(_washed, rgb, density, grain)


def _pools(rgb: Floats, seed: int, unit: float) -> Floats:
    """Where pigment gathers on wet paper."""
    return floats(cv2.addWeighted(clouds(rgb, seed + 1, 90 * unit), 0.16, clouds(rgb, seed + 6, 24 * unit), 0.08, 0))


def _washed(flat: Floats, density: Floats, grain: Floats) -> Floats:
    """Thin paint: the dark is never black, and what is light is left to the paper. `density`: of pigment, beyond the usual."""
    light = grey(luma(flat))
    pure = np.clip(light + (flat - light) * np.float32(1.4), 0.01, 1)
    wash = _DARKEST + (1 - _DARKEST) * np.minimum(floats(cv2.pow(pure, 0.8)) * np.float32(1.12), 1)
    tinted = wash - wash * (1 - wash) * density[..., None]
    return floats(np.clip(tinted, 0, 1) * _RAG * (1 + np.float32(0.014) * grain[..., None]))


def _wobbling(rgb: Floats, brief: Brief, reach_px: float) -> Floats:
    """The picture as if its outlines were drawn by a wet brush."""
    waves = [clouds(rgb, brief.seed + index, side(rgb) / 45) for index in (3, 4)]
    here = grid(rgb) + floats(cv2.merge(waves)) * np.float32(reach_px * 0.6)
    return moved(rgb, here)


PAINTINGS: Mapping[str, Operation] = MappingProxyType(
    {
        "painting": drawn(_painted(_OIL)),
        "impressionist": drawn(_painted(_IMPRESSIONIST)),
        "pointillism": drawn(_painted(_POINTILLIST)),
        "watercolour": at_once(watercolour),
    }
)
"""By the names of the grammar's table."""
