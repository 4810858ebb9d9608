"""What a film, a paper, a screen and a plain lens leave on a picture: grain, dust, fibres, lines, fringes."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.copies import small_size
from streamedit.darkroom.layers import FINE_PX, clouds, over
from streamedit.darkroom.optics import banded, chances, floats, grey, luma, side, smoothstep
from streamedit.darkroom.photograph import Bytes8, Floats

_FRINGE = 0.014
"""How much larger red is than green, and green than blue."""


def film_grain(rgb: Floats, brief: Brief) -> Done:
    """Noise in lightness, of the size of grain rather than of pixels, strongest in the mid-tones."""
    grains = _grains(rgb.shape[:2], max(0.6, side(rgb) / 1300), brief.seed)

    def effect(part: float) -> Floats:
        amount = 0.075 * brief.amount * part

        def work(band: Floats, its: Floats) -> Floats:
            light, top = np.clip(luma(band), 0, 1), int(its[0, 0])
            shown = floats(grains[top : top + len(band)]) * (0.22 + 3.1 * light * (1 - light)) * np.float32(amount / 4096)
            return floats(cv2.add(band, grey(shown)))

        return banded(work, rgb, np.arange(rgb.shape[0], dtype=np.float32)[:, None])

    return effect


def dust_and_scratches(rgb: Floats, brief: Brief) -> Done:
    """An old film that was shown often: specks of dust, hairs, and scratches from the top to the bottom."""
    rng = brief.chances()
    size = small_size(rgb, FINE_PX)
    light, dark = _worn(size, rng, 1.0), _worn(size, rng, 0.45)

    def effect(part: float) -> Floats:
        amount = np.float32(1.5 * brief.amount * part)

        def work(band: Floats, bright: Floats, black: Floats) -> Floats:
            dusty = band + (np.float32(0.96) - band) * np.minimum(1, bright * amount)[..., None]
            return floats(dusty * (1 - np.minimum(1, black * amount) * np.float32(0.85))[..., None])

        return over(rgb, work, light, dark)

    return effect


def paper_texture(rgb: Floats, brief: Brief) -> Done:
    """Printed on rough paper: fibres and hollows in a light from the upper left."""
    relief = _relief(small_size(rgb, FINE_PX), brief.chances())
    paper = np.array([1.0, 0.985, 0.95], np.float32)

    def effect(part: float) -> Floats:
        amount = np.float32(brief.amount * part)

        def work(band: Floats, its: Floats) -> Floats:
            # ink does not reach white nor black on paper
            printed = band * (1 - 0.10 * amount) + 0.055 * amount
            return floats(printed * (1 + (paper - 1) * amount) * (1 + its * (np.float32(0.34) * amount))[..., None])

        return over(rgb, work, relief)

    return effect


def scan_lines(rgb: Floats, brief: Brief) -> Done:
    """The picture on an old tube: dark gaps between its lines, and lines a little brighter for it."""
    gap_px = max(3, round(side(rgb) / 180))
    rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    beam = (0.5 + 0.5 * np.cos(rows * np.float32(2 * np.pi / gap_px))) ** np.float32(0.8)

    def effect(part: float) -> Floats:
        amount = np.float32(brief.amount * part)

        def work(band: Floats, its: Floats) -> Floats:
            # bright lines are broad ones: they leave less of a gap
            gaps = amount * np.float32(0.95) * (1 - its) * (1 - 0.45 * np.clip(luma(band), 0, 1))
            return band * (1 + 0.28 * amount - gaps)[..., None]

        return banded(work, rgb, floats(beam))

    return effect


def chromatic_aberration(rgb: Floats, brief: Brief) -> Done:
    """A plain lens: red is drawn a little larger than green, blue a little smaller: coloured fringes near the corners."""
    height, width = rgb.shape[:2]
    rows = np.arange(height, dtype=np.float32)[:, None]

    def effect(part: float) -> Floats:
        growth = _FRINGE * brief.amount * part

        def work(band: Floats, its: Floats) -> Floats:
            middle = (width - 1) / 2, (height - 1) / 2 - float(its[0, 0])
            red, green, blue = cv2.split(band)
            return floats(cv2.merge([_scaled(red, middle, 1 + growth), green, _scaled(blue, middle, 1 - growth)]))

        return banded(work, rgb, rows, halo_px=int(np.ceil(_FRINGE * abs(brief.amount) * height / 2)) + 2)

    return effect


def _scaled(plane: cv2.typing.MatLike, middle: tuple[float, float], scale: float) -> Floats:
    """One plane larger or smaller about a place. Linear: a fringe is soft, and its colour has no fine detail to lose."""
    grow = np.array([[scale, 0, middle[0] * (1 - scale)], [0, scale, middle[1] * (1 - scale)]])
    size = (plane.shape[1], plane.shape[0])
    return floats(cv2.warpAffine(plane, grow, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))


def _grains(shape: tuple[int, ...], size_px: float, seed: int) -> cv2.typing.MatLike:
    """Soft noise of deviation 4096, in 16 bits: it needs no more, and takes half the room. As a sum of many it is normal."""
    rng = chances(seed)
    grains = rng.integers(-(1 << 15), 1 << 15, shape, np.int16)
    fine = cv2.GaussianBlur(grains, (0, 0), size_px)
    clumps = cv2.GaussianBlur(grains[::-1], (0, 0), 2.2 * size_px)
    scale = 4096 / (float(fine.std()) + 1e-6)
    return cv2.addWeighted(fine, 0.86 * scale, clumps, 1.1 * scale, 0)


def _worn(size: tuple[int, int], rng: np.random.Generator, share: float) -> Floats:
    """Where there is something on the film, 0..1."""
    drawn = np.zeros((size[1], size[0]), np.uint8)
    short = min(size)
    for _ in range(int(150 * share)):
        _speck(drawn, short * 0.0007 * float(rng.pareto(2.2) + 0.8), rng)
    for _ in range(int(9 * share)):
        _hair(drawn, short * float(rng.uniform(0.03, 0.12)), rng)
    worn = drawn.astype(np.float32) * np.float32(1 / 255)
    for _ in range(int(7 * share)):
        _scratch(worn, rng)
    return floats(cv2.GaussianBlur(worn, (0, 0), max(0.4, short / 2200)))


def _speck(drawn: Bytes8, radius_px: float, rng: np.random.Generator) -> None:
    """A grain of dust: a small crooked blot."""
    height, width = drawn.shape
    angles = np.sort(rng.uniform(0, 2 * np.pi, 7))
    radii = min(radius_px, width / 40) * rng.uniform(0.5, 1.5, 7)
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii[:, None] + rng.uniform(0, (width, height))
    cv2.fillPoly(drawn, [np.round(outline * 16).astype(np.int32)], float(rng.uniform(120, 255)), cv2.LINE_AA, 4)


def _hair(drawn: Bytes8, length_px: float, rng: np.random.Generator) -> None:
    """A thin thread that curls."""
    steps = 24
    bend = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.06) + rng.normal(0, 0.12, steps))
    path = np.cumsum(np.stack([np.cos(bend), np.sin(bend)], axis=1) * (length_px / steps), axis=0)
    path += rng.uniform(0, (drawn.shape[1], drawn.shape[0]))
    shade = float(rng.uniform(110, 210))
    cv2.polylines(drawn, [np.round(path * 16).astype(np.int32)], isClosed=False, color=shade, lineType=cv2.LINE_AA, shift=4)


def _scratch(worn: Floats, rng: np.random.Generator) -> None:
    """A line down the film, which wavers, breaks off and comes again."""
    height, width = worn.shape
    rows = np.arange(height)
    sway = (clouds((1, height), (1, 4), rng, octaves=5)[:, 0] - 0.5) * width * 0.006
    columns = np.clip(float(rng.uniform(0, width)) + sway, 0, width - 1.01)
    there = smoothstep((clouds((1, height), (1, 3), rng)[:, 0] - float(rng.uniform(0.35, 0.6))) / 0.12)
    strength = there * np.float32(rng.uniform(0.25, 0.6))
    left, share = columns.astype(np.int64), (columns % 1).astype(np.float32)
    worn[rows, left] = np.maximum(worn[rows, left], strength * (1 - share))
    right = np.minimum(left + 1, width - 1)
    worn[rows, right] = np.maximum(worn[rows, right], strength * share)


def _relief(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How much light a sheet of rough paper throws back more or less than a smooth one: about -1..1."""
    short = min(size)
    grain = rng.standard_normal((size[1], size[0]), np.float32)
    height = sum(
        (_even(cv2.GaussianBlur(grain, (0, 0), max(0.6, short * wide))) * much for wide, much in _ROUGHNESS), 0 * grain
    )
    fibres = np.zeros((size[1], size[0]), np.uint8)
    for _ in range(int(700 * max(size) / short)):
        _hair(fibres, short * float(rng.uniform(0.015, 0.05)), rng)
    height = height + cv2.GaussianBlur(fibres.astype(np.float32), (0, 0), max(0.5, short / 1500)) * np.float32(1.6 / 255)
    step = np.array([[1, 0, 0], [0, 0, 0], [0, 0, -1]], np.float32)
    slope = _even(floats(cv2.filter2D(height, cv2.CV_32F, step, borderType=cv2.BORDER_REFLECT)))
    return floats(np.tanh(0.36 * slope + 0.10 * (clouds(size, (5, 5), rng) - 0.5)))


_ROUGHNESS = ((0.0009, 0.7), (0.0022, 1.0), (0.006, 0.8))
"""Of paper: how wide its hollows are, of the shorter side, and how deep."""


def _even(plane: cv2.typing.MatLike) -> Floats:
    """Of deviation 1 and mean 0."""
    values = floats(plane)
    return floats((values - values.mean()) / (values.std() + np.float32(1e-6)))


DETAIL: Mapping[str, Operation] = MappingProxyType(
    {
        "film grain": retouching(film_grain),
        "dust and scratches": retouching(dust_and_scratches),
        "paper texture": retouching(paper_texture),
        "scan lines": retouching(scan_lines),
        "chromatic aberration": retouching(chromatic_aberration),
    }
)
"""By the names of the instructions."""
