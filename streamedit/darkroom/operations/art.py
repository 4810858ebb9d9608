"""Art: a picture as a drawing in pencil, ink or charcoal, or as a cartoon."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Operation
from streamedit.darkroom.operations.paintings import PAINTINGS
from streamedit.darkroom.optics import banded, floats, grey, luma, side, smoothstep, soft
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.strokes import along, at_once, edges, evened, flattened, flow, hatching, inked, stretched, tooth

_PAPER = np.array([0.985, 0.978, 0.962], np.float32)


def sketch(rgb: Floats, brief: Brief) -> Floats:
    """Pencil on paper: fine lines, tones hatched from the lower left to the upper right, the dark ones twice."""
    light = evened(luma(rgb), 0.35)
    lines = _pencil_lines(light, brief)
    shade = 1 - _even_tones(light)
    strokes = _hatched(rgb, brief)
    shade = np.maximum(0, shade - np.float32(0.07))
    tones = shade * (0.6 + 0.2 * strokes) + smoothstep((shade - 0.6) / 0.4) * 0.25
    graphite = 1 - (1 - np.clip(tones, 0, 0.9)) * lines
    del light, lines, shade, strokes, tones
    grain = tooth(rgb, brief.seed + 5, _unit(rgb) * 0.7)
    return banded(_on_paper, floats(graphite), grain)


def _on_paper(graphite: Floats, grain: Floats) -> Floats:
    return floats(_PAPER * (1 - np.float32(0.86) * np.clip(graphite * (1 + 0.1 * grain), 0, 1)[..., None]))


def coloured_pencil(rgb: Floats, brief: Brief) -> Floats:
    """Wax pencils: strokes of pure colours through which the paper shows, and darker outlines."""
    lines = _pencil_lines(luma(rgb), brief)
    cover = floats(cv2.scaleAdd(_hatched(rgb, brief), 0.24, 0.1 * tooth(rgb, brief.seed + 5, _unit(rgb) * 0.7)))
    return banded(_waxed, flattened(rgb, _unit(rgb) * 3), cover, lines)


def _waxed(flat: Floats, cover: Floats, lines: Floats) -> Floats:
    """Wax on paper, more and less of it."""
    light = grey(luma(flat))
    pure = np.clip(light + (flat - light) * np.float32(1.3), 0.03, 1)
    load = np.clip((cover + np.float32(0.78)) * np.float32(0.85), 0.1, 1.2)
    wax = floats(cv2.exp(cv2.log(pure) * load[..., None]))
    return floats(_PAPER * (1 - (1 - wax * (0.25 + 0.75 * lines)[..., None]) * np.float32(0.94)))


def ink_drawing(rgb: Floats, brief: Brief) -> Floats:
    """Black ink on paper: lines, and what is dark filled (XDoG, Winnemoeller 2012)."""
    light = evened(stretched(luma(rgb)))
    sigma_px = max(0.5, side(rgb) / 620 * brief.character)
    ink = inked(edges(light, flow(light, 3 * sigma_px), sigma_px, 22), 0.3 + 0.12 * brief.character, 12)
    return banded(lambda band: floats(np.float32(0.06) + band[..., None] * (_PAPER - np.float32(0.06))), ink)


def charcoal(rgb: Floats, brief: Brief) -> Floats:
    """Charcoal on toned paper: soft, broad strokes that catch on the paper's tooth, smudged shadows."""
    unit = _unit(rgb) * brief.character
    light = evened(stretched(luma(rgb)), 0.3)
    way = flow(light, 5 * unit)
    lines = inked(edges(soft(light, unit), way, 2.2 * unit, 9), 0.45, 3)
    shade = 1 - np.clip(soft(light, 1.5 * unit), 0, 1)
    smudged = soft(shade, 4 * unit)
    load = np.clip(0.6 * shade * smudged + 0.2 * smudged + 0.45 * (1 - lines) * (0.4 + shade), 0, 0.97)
    strokes = hatching(rgb, brief.seed + 1, 22 * unit, 0.8)
    rough = 0.8 * tooth(rgb, brief.seed, 1.1 * unit) + 0.6 * strokes
    dust = np.clip(load + 0.2 * np.sqrt(load) * (1 - 0.75 * load) * rough, 0, 1)
    return floats(np.array([0.925, 0.9, 0.86], np.float32) * (1 - 0.9 * dust[..., None]))


def cartoon(rgb: Floats, brief: Brief) -> Floats:
    """Flat tones in clear colours, and dark outlines (after Winnemoeller, Olsen, Gooch 2006)."""
    light, sigma_px = luma(rgb), max(0.5, side(rgb) / 560 * brief.character)
    for _ in range(2):
        rgb = flattened(rgb, _unit(rgb) * 3)
    lines = inked(edges(light, flow(luma(rgb), 3 * sigma_px), sigma_px, 24) - light * 0.9, -0.1, 5)
    return banded(_cel, rgb, lines)


def _cel(flat: Floats, lines: Floats) -> Floats:
    """Seven tones, stronger colours, outlines."""
    light, steps = luma(flat), np.float32(7)
    nearest = np.floor(light * steps) + np.float32(0.5)
    toned = (nearest + np.tanh((light * steps - nearest) * 2) * np.float32(0.35)) / steps
    vivid = grey(light) + (flat - grey(light)) * np.float32(1.4)
    vivid *= ((toned + np.float32(0.03)) / (light + np.float32(0.03)))[..., None]
    return floats(np.clip(vivid, 0, 1) * (0.08 + 0.92 * lines[..., None]))


def _unit(rgb: Floats) -> float:
    """A pixel of a picture of 1000."""
    return side(rgb) / 1000


def _even_tones(light: Floats) -> Floats:
    """The tones of a drawing: mostly paper, and not much black."""
    tones = np.clip(stretched(light), 0, 1)
    return floats(tones ** np.float32(0.7))


def _pencil_lines(light: Floats, brief: Brief) -> Floats:
    sigma_px = max(0.6, side(light) / 900 * brief.character)
    way = flow(light, 3 * sigma_px)
    fine, broad = soft(light, sigma_px), soft(light, 3 * sigma_px)
    # Weber: the shadows' lines are as strong as those of the lights, but for their noise
    relief = along(floats((broad - fine) / (broad + np.float32(0.12))), way, 3 * sigma_px)
    return floats(np.exp(-np.maximum(0, relief - np.float32(0.012)) * np.float32(15)))


def _hatched(rgb: Floats, brief: Brief) -> Floats:
    length_px = max(3.0, side(rgb) / 32) * brief.character
    first, second = (hatching(rgb, brief.seed + n, length_px, angle) for n, angle in ((1, 0.85), (2, 0.55)))
    return first * np.float32(0.8) + second * np.float32(0.6)


ART: Mapping[str, Operation] = MappingProxyType(
    {
        "sketch": at_once(sketch),
        "coloured pencil": at_once(coloured_pencil),
        "ink drawing": at_once(ink_drawing),
        "charcoal": at_once(charcoal),
        "cartoon": at_once(cartoon),
        **PAINTINGS,
    }
)
"""By the names of the grammar's table."""
