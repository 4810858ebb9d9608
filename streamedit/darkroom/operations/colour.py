"""Colours: more or less of them, warmer, turned, one alone; and the table of all that is of colour."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching, stepwise
from streamedit.darkroom.colours import extremes, fitted, from_oklab, luma_of, oklab, times
from streamedit.darkroom.curves import curved
from streamedit.darkroom.illuminants import balance, white
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.operations.reference import match_the_reference
from streamedit.darkroom.operations.toning import TONING
from streamedit.darkroom.optics import banded, floats, grey, luma, smoothstep
from streamedit.darkroom.photograph import Floats

_RED: Colour = (1.0, 0.0, 0.0)
_SKIN: Colour = (0.82, 0.58, 0.46)

_NEAR, _FAR = np.deg2rad(11), np.deg2rad(25)
"""Of hues in OKLab: what is the same colour, and what is another. Red and orange are 27 degrees apart."""

_MIRED = 110.0
"""How far all of the warmth goes, on the scale of photographers' filters (a million by kelvin): to lamps, or to a blue sky."""


def saturation(rgb: Floats, brief: Brief) -> Done:
    """-1 is grey. More of it goes first to what has little: full colours would only clip."""

    def step(band: Floats, amount: float) -> Floats:
        chroma = band - grey(luma(band))
        if amount < 0:
            return floats(cv2.addWeighted(band, 1, chroma, amount, 0))
        return fitted(floats(cv2.add(band, times(chroma, amount * (1.65 - _spread(band))))))

    return stepwise(rgb, brief, step)


def vibrance(rgb: Floats, brief: Brief) -> Done:
    """More or less colour where there is little; skin, and what is vivid already, are nearly left alone."""

    def step(band: Floats, amount: float) -> Floats:
        chroma = band - grey(luma(band))
        spread = _spread(band)
        # greys stay grey: what colour they have is noise
        pale = (1 - spread) ** 2 * smoothstep(spread / 0.12) * (1 - 0.75 * smoothstep((_likeness(chroma, _SKIN) - 0.9) / 0.08))
        return fitted(floats(cv2.add(band, times(chroma, floats((2.0 if amount > 0 else 1.0) * amount * pale)))))

    return stepwise(rgb, brief, step)


def warmth(rgb: Floats, brief: Brief) -> Done:
    """More: as if lit by a lamp. Less: as if lit by a blue sky. What is grey keeps its lightness."""
    return lambda part: curved(rgb, balance(white(1e6 / (1e6 / 6500 + _MIRED * brief.amount * part))))


def hue(rgb: Floats, brief: Brief) -> Done:
    """All colours turned by so many degrees (40, if none are told), as light as before."""
    degrees = 40 * brief.amount if brief.details.number is None else brief.details.number

    def step(band: Floats, part: float) -> Floats:
        cos, sin = np.cos(np.deg2rad(degrees * part)), np.sin(np.deg2rad(degrees * part))
        turn = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]], np.float32)
        return from_oklab(floats(cv2.transform(oklab(band), turn)))

    return lambda part: banded(lambda band: step(band, part), rgb)


def selective_colour(rgb: Floats, brief: Brief) -> Done:
    """One colour stays (red, if none is told), all else is grey. Skin is not red: it has not half of its colour."""
    asked = oklab(np.array([[brief.colour(_RED)]], np.float32))[0, 0, 1:]
    vivid = float(np.hypot(*asked))

    def step(band: Floats, amount: float) -> Floats:
        _, red, yellow = cv2.split(oklab(band))
        chroma = floats(cv2.magnitude(red, yellow))
        turned = np.arccos(np.clip((red * asked[0] + yellow * asked[1]) / np.maximum(chroma * vivid, 1e-6), -1, 1))
        enough = smoothstep((chroma / max(vivid, 0.04) - 0.34) / np.float32(0.2))
        near = smoothstep(floats((_FAR - turned) / (_FAR - _NEAR))) * enough
        return floats(cv2.add(band, times(floats(grey(luma(band)) - band), floats(amount * (1 - near)))))

    return stepwise(rgb, brief, step)


COLOUR: Mapping[str, Operation] = MappingProxyType(
    {
        "saturation": retouching(saturation),
        "vibrance": retouching(vibrance),
        "warmth": retouching(warmth),
        "hue": retouching(hue),
        "selective colour": retouching(selective_colour),
        "match the reference": retouching(match_the_reference),
        **TONING,
    }
)
"""By the names of the instructions."""


def _spread(rgb: Floats) -> Floats:
    """How vivid each pixel is: its greatest channel less its least."""
    most, least = extremes(rgb)
    return most - least


def _likeness(chroma: Floats, colour: Colour) -> Floats:
    """1 where a picture without its luma has the hue of a colour, 0 a quarter of the circle from there."""
    hue_of = np.array(colour, np.float32) - luma_of(colour)
    length = np.sqrt(floats(cv2.transform(chroma * chroma, np.ones((1, 3), np.float32))))
    return floats(cv2.transform(chroma, hue_of[None] / np.linalg.norm(hue_of)) / np.maximum(length, 1e-4))
