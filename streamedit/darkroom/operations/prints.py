"""Prints and signals: a picture in few tones, in dots or blocks, as loud poster, stamped metal, neon or broken video."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np
import numpy.typing as npt

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import banded, floats, grey, luma, side, smoothstep, soft
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.strokes import along, at_once, evened, flattened, flow, stretched

_NEWSPRINT: Colour = (0.965, 0.95, 0.915)
_PRINTERS_BLACK: Colour = (0.09, 0.085, 0.09)

_LOUD: tuple[tuple[Colour, ...], ...] = (
    ((0.16, 0.06, 0.36), (0.93, 0.1, 0.5), (1.0, 0.55, 0.12), (1.0, 0.93, 0.35)),
    ((0.05, 0.12, 0.4), (0.0, 0.55, 0.75), (0.98, 0.35, 0.5), (1.0, 0.9, 0.55)),
    ((0.3, 0.02, 0.2), (0.9, 0.15, 0.15), (0.1, 0.75, 0.7), (0.98, 0.95, 0.6)),
    ((0.08, 0.2, 0.15), (0.45, 0.1, 0.65), (1.0, 0.42, 0.7), (0.75, 1.0, 0.4)),
)
"""Inks of screen prints, dark to light."""


_ELECTRIC = np.array([0.2, 0.55, 1], np.float32)


def posterise(rgb: Floats, brief: Brief) -> Floats:
    """Few tones (`number`, else five) with clear rims between them; hues stay, as only the light is counted."""
    levels = int(np.clip(round(brief.details.number or 5), 2, 64))
    flat = flattened(rgb, side(rgb) / 400)
    light = luma(flat)
    toned = (_stepped(light * levels) / (levels - 1)).clip(0, 1)
    gain = (toned + np.float32(0.02)) / (light + np.float32(0.02))
    del light, toned
    return banded(lambda band, more: floats(np.clip(band * more[..., None], 0, 1)), flat, gain)


def pop_art(rgb: Floats, brief: Brief) -> Floats:
    """A screen print in four loud colours, dark to light; `colours` of one's own, or those of the seed."""
    inks = np.array(_inks(brief), np.float32)
    light = luma(flattened(flattened(rgb, side(rgb) / 300 * brief.character), side(rgb) / 300))
    tones = _stepped(_ranked(evened(light, 0.3)) * len(inks))
    return banded(lambda band: _between(inks, band), tones)


def _between(inks: Floats, tones: Floats) -> Floats:
    """0 is the first ink, 1 the second and so on, with mixtures between."""
    below = np.clip(np.floor(tones), 0, len(inks) - 2).astype(np.intp)
    share = (tones - below)[..., None]
    return floats(inks[below] * (1 - share) + inks[below + 1] * share)


def _inks(brief: Brief) -> tuple[Colour, ...]:
    said = tuple(sorted(brief.details.colours, key=lambda colour: float(np.dot(colour, (0.21, 0.72, 0.07)))))
    return said if len(said) > 1 else _LOUD[brief.seed % len(_LOUD)]


def _ranked(light: Floats) -> Floats:
    """Halfway to how many pixels are darker: each ink gets its part of the picture."""
    sample = np.sort(light[:: max(1, light.shape[0] // 200), :: max(1, light.shape[1] // 200)], axis=None)
    values = np.linspace(0, 1, 1 << 16)
    ranks = 0.4 * values + 0.6 * np.interp(values, sample, np.linspace(0, 1, sample.size))
    indices = np.clip(light * np.float32(values.size - 1), 0, values.size - 1).astype(np.uint16)
    return floats(cv2.LUT(indices, ranks.astype(np.float32)[None]))


def _stepped(values: Floats) -> Floats:
    """Stairs, 0, 1, 2 and so on, each of width 1; a step is as wide as a pixel, which leaves no jagged rims."""
    slope = np.abs(cv2.Sobel(values, cv2.CV_32F, 1, 0)) + np.abs(cv2.Sobel(values, cv2.CV_32F, 0, 1))
    width = np.clip(slope / 8, 0.02, 1)
    nearest = np.round(values)
    return floats(nearest - 1 + smoothstep(floats((values - nearest) / width + 0.5)))


def pixelate(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """Blocks of one colour, the mean of their light: `number` pixels wide, else by the amount, half of it a 40th of a side."""
    block = round(brief.details.number or 1 + (side(rgb) / 40 - 1) * (2 * brief.amount) ** 2)
    block = min(max(1, block), max(rgb.shape[:2]))
    blocks = np.stack([_means(rgb[top : top + block], block) for top in range(0, rgb.shape[0], block)])

    def effect(part: float) -> Floats:
        rows = blocks.repeat(block, axis=0)[: rgb.shape[0]]
        return banded(lambda band, row: _blocked(band, row, block, part), rgb, rows)

    return effect


def _means(rows: Floats, block: int) -> Floats:
    width = rows.shape[1]
    starts = np.arange(0, width, block)
    light = floats(cv2.reduce(rows * rows, 0, cv2.REDUCE_AVG))[0]
    counts = np.diff(np.append(starts, width))[:, None]
    return floats(np.sqrt(np.add.reduceat(light, starts, axis=0) / counts))


def _blocked(band: Floats, rows: Floats, block: int, part: float) -> Floats:
    wide = rows.repeat(block, axis=1)[:, : band.shape[1]]
    return floats(cv2.addWeighted(band, 1 - part, wide, part, 0))


def halftone(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """A newspaper's dots at 45 degrees, larger where it is darker. `colours`: of the ink, and of the paper."""
    ink, paper = (*brief.details.colours, *(_PRINTERS_BLACK, _NEWSPRINT)[len(brief.details.colours) :])[:2]
    pitch_px = max(3.0, side(rgb) / 90 * brief.character)
    light = np.clip(0.5 * luma(rgb) + 0.5 * stretched(soft(luma(rgb), pitch_px / 5)), 0, 1)
    x = np.arange(rgb.shape[1], dtype=np.float32)[None]
    y = np.arange(rgb.shape[0], dtype=np.float32)[:, None]
    turn = np.float32(np.pi * 2**0.5 / pitch_px)

    def work(share: float, band: Floats, lights: Floats, rows: Floats) -> Floats:
        # the mean of two waves across each other: its levels are the rims of dots, squares at half, and holes
        screen = floats((2 + np.cos((x + rows) * turn) + np.cos((x - rows) * turn)) / 4)
        covered = np.clip((screen - _level(lights)) * np.float32(pitch_px / 2.2) + 0.5, 0, 1)[..., None]
        dots = np.array(paper, np.float32) + covered * (np.array(ink, np.float32) - np.array(paper, np.float32))
        return floats(cv2.addWeighted(band, 1 - share, floats(dots), share, 0))

    return lambda part: banded(partial(work, brief.amount * part), rgb, floats(light), floats(y))


def _waves() -> npt.NDArray[np.float64]:
    turn = np.cos(np.linspace(0, 2 * np.pi, 256, endpoint=False))
    return np.sort((2 + turn[:, None] + turn[None]) / 4, axis=None)[::64]


_SCREEN = _waves()
"""The heights of a screen in order: where a share of it lies above a level."""


def _level(light: Floats) -> Floats:
    """Above which level the screen is ink, for a tone: between the light's share of paper and the eye's."""
    paper = np.clip(light, 0, 1) ** np.float32(1.2)
    return floats(np.interp(paper, np.linspace(0, 1, _SCREEN.size), _SCREEN))


def emboss(rgb: Floats, brief: Brief) -> Floats:
    """Stamped into grey metal, with light from the upper left; a trace of colour stays."""
    sigma_px = max(0.6, side(rgb) / 600 * brief.character)
    light = soft(stretched(luma(rgb)), sigma_px)
    slope = floats(cv2.Sobel(light, cv2.CV_32F, 1, 0) + cv2.Sobel(light, cv2.CV_32F, 0, 1)) * np.float32(sigma_px / 3.2)
    stamped = 0.52 + 0.46 * np.tanh(2.6 * slope) + 0.1 * (soft(light, 12 * sigma_px) - 0.5)
    del light, slope
    return banded(lambda band, metal: grey(metal) + (band - grey(luma(band))) * np.float32(0.16), rgb, floats(stamped))


def neon(rgb: Floats, brief: Brief) -> Floats:
    """Glowing tubes along the outlines, on black; in the picture's own hues, or in the colour that was said."""
    sigma_px = max(0.8, side(rgb) / 420 * brief.character)
    calm = flattened(rgb, sigma_px)
    light = stretched(evened(luma(calm), 0.3))
    x, y = (cv2.Sobel(soft(light, sigma_px / 2), cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    lines = along(floats(cv2.magnitude(x, y)), flow(light, 3 * sigma_px), 4 * sigma_px) * np.float32(sigma_px)
    tubes = smoothstep((lines - 0.12) / 0.7)[..., None]
    colour = np.array(brief.details.colours[0], np.float32) if brief.details.colours else _pure(calm, 4 * sigma_px)
    lit = floats(tubes * colour)
    del calm, light, x, y, lines, colour
    glow = soft(lit, 3 * sigma_px)
    cv2.addWeighted(glow, 0.8, soft(lit, 12 * sigma_px), 0.9, 0, dst=glow)
    return banded(_shining, lit, glow, tubes)


def _shining(lit: Floats, glow: Floats, tubes: Floats) -> Floats:
    """Tubes with a white core, and their glow; as light adds up."""
    core = np.maximum(0, tubes - 0.55) * 1.2
    return floats(np.sqrt(np.clip(lit * lit + core * core + 0.6 * glow * glow + 0.02 * glow, 0, 1)))


def _pure(picture: Floats, shrink: float) -> Floats:
    """The hues of a picture at their fullest; what has none is electric blue."""
    height, width = picture.shape[:2]
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    rgb = floats(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    low = rgb.min(axis=2, keepdims=True)
    spread = rgb.max(axis=2, keepdims=True) - low
    full = (rgb - low) / np.maximum(spread, np.float32(1e-4))
    hues = _ELECTRIC + (full - _ELECTRIC) * smoothstep(spread * 6)
    return floats(cv2.resize(hues, (width, height)))


def glitch(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """Broken video: slices slip sideways and their colours come apart, one slice after another."""
    random = brief.chances()
    height, width = rgb.shape[:2]
    cuts = np.unique(np.concatenate([[0, height], random.integers(0, height, 26)]))
    order = random.permutation(len(cuts) - 1)
    reach_px = width * 0.09 * brief.amount * brief.character
    slips = np.round(random.normal(0, 1, len(order)) ** 3 * reach_px / 2.5).clip(-width / 3, width / 3).astype(int)
    apart = np.round((0.11 + random.exponential(0.12, len(order))) * reach_px).astype(int)

    def effect(part: float) -> Floats:
        made = rgb.copy()
        for index in order[: round(len(order) * part)].tolist():
            rows = slice(cuts[index], cuts[index + 1])
            for channel in range(3):
                slip = int(slips[index] + (channel - 1) * apart[index])
                made[rows, :, channel] = np.roll(rgb[rows, :, channel], slip, axis=1)
        return made

    return effect


PRINTS: Mapping[str, Operation] = MappingProxyType(
    {
        "posterise": at_once(posterise),
        "pixelate": retouching(pixelate),
        "halftone": retouching(halftone),
        "pop art": at_once(pop_art),
        "emboss": at_once(emboss),
        "neon": at_once(neon),
        "glitch": retouching(glitch),
    }
)
"""By the names of the grammar's table."""
