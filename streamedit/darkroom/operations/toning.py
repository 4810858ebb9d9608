"""Toning: a picture's light in other colours, in few of them, or in none."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching, stepwise
from streamedit.darkroom.colours import fitted, luma_of, times
from streamedit.darkroom.curves import Curve, looked_up, table
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, blended, floats, grey, luma, smoothstep
from streamedit.darkroom.photograph import Floats

_SEPIA = np.array([[0.303, 0.592, 0.146], [0.251, 0.494, 0.121], [0.185, 0.363, 0.089]], np.float32)
"""The sepia of most editors, less bright and less green: its rows add up to more than 1 and would burn out the highlights."""

_MAGENTA: Colour = (1.0, 0.0, 1.0)
_TEAL: Colour = (0.0, 0.45, 0.5)
_ORANGE: Colour = (1.0, 0.62, 0.25)
_NAVY: Colour = (0.05, 0.07, 0.26)
_CREAM: Colour = (1.0, 0.91, 0.74)


def tint(rgb: Floats, brief: Brief) -> Done:
    """A veil of one colour (magenta, if none is told) that leaves light and dark as they are."""
    colour = brief.colour(_MAGENTA)

    def veil(light: Floats) -> Floats:
        return _ramp(light, colour) - light[:, None]

    return _veiled(rgb, brief, veil, 0.6)


def split_toning(rgb: Floats, brief: Brief) -> Done:
    """One colour in the shadows, another in the highlights (teal and orange, if none are told); light and dark stay."""
    dark, light_one = brief.colour(_TEAL), brief.colour(_ORANGE, 1)

    def veil(light: Floats) -> Floats:
        high = smoothstep((light - 0.2) / 0.6)[:, None]
        return floats((_ramp(light, dark) - light[:, None]) * (1 - high) + (_ramp(light, light_one) - light[:, None]) * high)

    return _veiled(rgb, brief, veil, 0.55)


def duotone(rgb: Floats, brief: Brief) -> Done:
    """Two inks, the darker in the shadows (navy and cream, if none are told). One goes from black to paper."""
    told = brief.details.colours
    if len(told) == 1:
        return _inked(rgb, brief, lambda light: _ramp(floats(0.03 + 0.94 * light), told[0]))
    dark, light_one = sorted(told[:2] or (_NAVY, _CREAM), key=luma_of)
    return _inked(rgb, brief, lambda light: floats(np.outer(1 - light, dark) + np.outer(light, light_one)))


def negative(rgb: Floats, brief: Brief) -> Done:
    """Light is dark and dark is light, each colour its opposite."""

    def step(band: Floats, amount: float) -> Floats:
        # the lights turn first, the shadows last: all at a time would be plain grey half way
        turned = smoothstep((luma(band) - 1 + 1.35 * amount) / np.float32(0.35))
        return floats(cv2.add(band, times(1 - 2 * band, turned)))

    return stepwise(rgb, brief, step)


def solarise(rgb: Floats, brief: Brief) -> Done:
    """A print lit while it was developed (the Sabattier effect): the highlights turn dark, the mid-tones are lightest."""
    solar = table(_solar)

    def step(band: Floats, amount: float) -> Floats:
        light = luma(band)
        turned = floats(grey(looked_up(light, solar) - light) + band)
        return fitted(blended(band, blended(turned, looked_up(band, solar), 0.35), amount))

    return stepwise(rgb, brief, step)


def black_and_white(rgb: Floats, brief: Brief) -> Done:
    """Rec. 709 luma; or through a filter of the colour told, as photographers do. A variation has a red or a blue filter."""
    weights = LUMA * np.float32(brief.character) ** np.array([4, 0, -4], np.float32)
    if brief.details.colours:
        weights = weights * (np.array([brief.details.colours[0]], np.float32) + 0.06)
    weights = weights / weights.sum()
    return stepwise(rgb, brief, lambda band, amount: blended(band, grey(cv2.transform(band, weights)), amount))


def sepia(rgb: Floats, brief: Brief) -> Done:
    """Brown tones, as of an old print."""
    return stepwise(rgb, brief, lambda band, amount: blended(band, floats(cv2.transform(band, _SEPIA)), amount))


TONING: Mapping[str, Operation] = MappingProxyType(
    {
        "tint": retouching(tint),
        "split toning": retouching(split_toning),
        "duotone": retouching(duotone),
        "negative": retouching(negative),
        "solarise": retouching(solarise),
        "black and white": retouching(black_and_white),
        "sepia": retouching(sepia),
    }
)
"""By the names of the instructions."""


def _ramp(light: Floats, colour: Colour) -> Floats:
    """Black over a colour to white, each as light as it says."""
    inner = min(0.98, max(0.02, luma_of(colour)))
    chroma = np.array(colour) - luma_of(colour)
    room = np.minimum(light / inner, (1 - light) / (1 - inner))
    return floats(light[:, None] + np.outer(room, chroma))


def _solar(values: Floats) -> Floats:
    return floats(0.92 * np.abs(np.sin(np.pi * values**0.85)) ** 1.3)


def _inked(rgb: Floats, brief: Brief, ink: Curve) -> Done:
    def curve(light: Floats) -> Floats:
        # a little more contrast: two inks have less of it than black and white
        return ink(floats(light - 0.075 * np.sin(2 * np.pi * light)))

    inks = table(curve)
    return stepwise(rgb, brief, lambda band, amount: blended(band, looked_up(luma(band), inks), amount))


def _veiled(rgb: Floats, brief: Brief, veil: Curve, strength: float) -> Done:
    """Colour laid over a picture, by its light."""
    veils = table(veil)

    def step(band: Floats, amount: float) -> Floats:
        return fitted(floats(cv2.scaleAdd(looked_up(luma(band), veils), strength * amount, band)))

    return stepwise(rgb, brief, step)
