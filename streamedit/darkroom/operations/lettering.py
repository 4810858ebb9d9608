"""Words on a picture: captions, titles, labels, watermarks."""

from collections.abc import Callable, Mapping
from math import hypot
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.operations.typesetting import BOLD, REGULAR, required_text, typeset
from streamedit.darkroom.optics import LUMA, banded, floats, side
from streamedit.darkroom.photograph import Floats, bands

_WHITE = (1.0, 1.0, 1.0)
_SLOPE_DEGREES = 30


def caption(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """Text at the bottom, or where it was wished, with a soft shadow: it reads on anything. A title is larger and bold."""
    text = required_text(brief.details.text, "caption")
    title = brief.details.kind == "title"
    letters = _letters(rgb, brief, text, BOLD if title else REGULAR)
    colour = brief.colour(_WHITE)
    return lambda _: _written(rgb.copy(), letters, brief.details.place or (0, 1), colour, 1.0)


def label(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """Text on a plate of colour, black on white if no colours were said (the plate's first, the text's second)."""
    text = required_text(brief.details.text, "label")
    colours = (*brief.details.colours, *(() if brief.details.colours else (_WHITE,)))
    plate, ink = colours[0], colours[1] if len(colours) > 1 else _contrast(colours[0])
    letters = _letters(rgb, brief, text, REGULAR)
    around = max(2, round(0.35 * _size_px(rgb, brief)))
    letters = floats(cv2.copyMakeBorder(letters, *(around,) * 4, cv2.BORDER_CONSTANT, value=0))
    top, left = _corner(rgb, letters, brief.details.place or (0, 1))

    def effect(_: float) -> Floats:
        done = rgb.copy()
        done[_overlap(done, letters, top, left)[1]] = plate
        _blend(done, letters, (top, left), ink, 1.0)
        return done

    return effect


def watermark(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
    """Faint text: aslant all over the picture, or once at a place."""
    text = required_text(brief.details.text, "watermark")
    colour = brief.colour(_WHITE)
    once = brief.details.kind == "single" or brief.details.place is not None
    if once:
        letters, place = _letters(rgb, brief, text, REGULAR), brief.details.place or (1, 1)
        return lambda part: _written(rgb.copy(), letters, place, colour, brief.amount * part)
    letters = _aslant(rgb, brief, text)

    def effect(part: float) -> Floats:
        made = rgb if brief.spare and part == 1 else rgb.copy()
        return _written(made, letters, (0, 0), colour, brief.amount * part)

    return effect


LETTERING: Mapping[str, Operation] = MappingProxyType(
    {"caption": retouching(caption), "label": retouching(label), "watermark": retouching(watermark)}
)


def _size_px(rgb: Floats, brief: Brief) -> float:
    """The size of the type: as was said, else by the picture; in a narrow one the width counts."""
    height, width = rgb.shape[:2]
    if brief.details.number is not None:
        return float(np.clip(brief.details.number, 5, height))
    if brief.details.percent is not None:
        return float(np.clip(brief.details.percent, 0.01, 1) * height)
    usual: float = min(0.06 * height, 0.09 * width)
    return max(5.0, usual * (1.8 if brief.details.kind == "title" else 1.0))


def _letters(rgb: Floats, brief: Brief, text: str, weight: int) -> Floats:
    height, width = rgb.shape[:2]
    return typeset(text, _size_px(rgb, brief), (0.9 * width, 0.9 * height), weight)


def _aslant(rgb: Floats, brief: Brief, text: str) -> Floats:
    """The text again and again, every other row shifted, turned about the middle of the picture."""
    height, width = rgb.shape[:2]
    letters = typeset(" ".join(text.split()), _size_px(rgb, brief), (0.7 * width, 0.5 * height), BOLD)
    gap = max(4, round(1.6 * _size_px(rgb, brief)))
    tile = np.pad(letters, ((gap, gap), (gap, gap)))
    reach = int(hypot(height, width)) + 1
    pair = np.vstack([tile, np.roll(tile, tile.shape[1] // 2, axis=1)])
    # a sheet of pairs, which covers the picture however it is turned; it goes on without end, so one of them is enough
    across, down = pair.shape[1] * (reach // pair.shape[1] + 2), pair.shape[0] * (reach // pair.shape[0] + 1)
    matrix = cv2.getRotationMatrix2D((across / 2, down / 2), _SLOPE_DEGREES, 1)
    matrix[:, 2] += (width - across) / 2, (height - down) / 2
    return floats(cv2.warpAffine(pair, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def _written(made: Floats, letters: Floats, place: tuple[int, int], colour: Colour, opacity: float) -> Floats:
    """The picture itself, with letters on a soft shadow of the contrary lightness."""
    size = max(1.0, min(side(made) / 100, letters.shape[0] / 6))
    around = int(4 * size) + 1
    wide = floats(cv2.copyMakeBorder(letters, *(around,) * 4, cv2.BORDER_CONSTANT, value=0))

    def shade(letters: Floats) -> Floats:
        near, far = (cv2.GaussianBlur(letters, (0, 0), reach * size) for reach in (0.25, 1.0))
        # beside the letters alone: through faint ones it would show
        return floats(np.minimum(1, 0.5 * near + 0.9 * far) * (1 - letters * (1 - opacity)))

    shadow = banded(shade, wide, halo_px=around)
    del wide
    top, left = _corner(made, letters, place)
    drop = round(0.2 * size)
    _blend(made, shadow, (top - around + drop, left - around + drop), _contrast(colour), 0.75 * opacity)
    _blend(made, letters, (top, left), colour, opacity)
    return made


def _corner(rgb: Floats, letters: Floats, place: tuple[int, int]) -> tuple[int, int]:
    """Top and left of letters at a place, away from the rim."""
    rim = 0 if letters.shape == rgb.shape[:2] else 0.05 * side(rgb)
    y, x = (
        (most - own) * (at + 1) / 2 - at * min(rim, max(0, (most - own) / 2))
        for most, own, at in zip(rgb.shape, letters.shape, place[::-1], strict=False)
    )
    return round(y), round(x)


def _contrast(colour: Colour) -> Colour:
    return (0.0, 0.0, 0.0) if float(LUMA[0] @ np.array(colour)) > 0.4 else _WHITE


def _blend(made: Floats, coverage: Floats, corner: tuple[int, int], colour: Colour, opacity: float) -> None:
    """A colour laid over the picture, in place, as far as the two overlap."""
    own, where = _overlap(made, coverage, *corner)
    picture, cover = made[where], coverage[own]
    for rows in bands(*picture.shape[:2]):
        picture[rows] += (np.array(colour, np.float32) - picture[rows]) * (cover[rows] * np.float32(opacity))[..., None]


def _overlap(made: Floats, coverage: Floats, top: int, left: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Which part of the coverage lies in the picture, and where in it."""
    height, width = made.shape[:2]
    first, last = max(0, -top), min(coverage.shape[0], height - top)
    begin, end = max(0, -left), min(coverage.shape[1], width - left)
    return (slice(first, last), slice(begin, end)), (slice(top + first, top + last), slice(left + begin, left + end))
