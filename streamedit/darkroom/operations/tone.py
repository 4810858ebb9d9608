"""Light and dark of a picture as a whole: curves, exposure, white balance; and the table of all that is of light and dark."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.copies import small_copy
from streamedit.darkroom.curves import Curve, curved, in_light, part_of
from streamedit.darkroom.illuminants import balance, light_of, white
from streamedit.darkroom.linear_light import gained
from streamedit.darkroom.operations.haze import dehaze
from streamedit.darkroom.operations.lighting import LIGHTING
from streamedit.darkroom.operations.relief import RELIEF
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats

_WHITE_BALANCE_USUAL = 0.8
"""The amount that plain words give."""

_LEVELS = (0, 0.01, 0.99, 1)
"""Where the picture's black, dark end, light end and white go: nothing is cut off."""


def brightness(rgb: Floats, brief: Brief) -> Done:
    """A gamma curve: black and white stay where they are."""
    return lambda part: curved(rgb, lambda values: values ** np.float32(2.0 ** (-1.5 * brief.amount * part)))


def exposure(rgb: Floats, brief: Brief) -> Done:
    """More or less light, in stops; highlights go over a shoulder as of film."""
    stops = _stops(brief)
    return lambda part: curved(rgb, in_light(lambda light: gained(light, 2.0 ** (stops * part))))


def contrast(rgb: Floats, brief: Brief) -> Done:
    """More: an S about the picture's own middle, which bends before it burns. Less: towards the mean grey."""
    mean = float(luma(small_copy(rgb)).mean())
    return lambda part: curved(rgb, _contrast_curve(mean, brief.amount * part))


def tone_curve(rgb: Floats, brief: Brief) -> Done:
    """More: an S that keeps black and white. Less: matte, with lifted blacks and quiet whites, as of a faded print."""
    return lambda part: curved(rgb, _print_curve(brief.amount * part))


def auto_levels(rgb: Floats, brief: Brief) -> Done:
    """The darkest becomes dark, the lightest light, the middle comes nearer to the middle; a cast of colour stays."""
    low, middle, high = np.percentile(small_copy(rgb), (0.5, 50, 99.5))
    knots = np.array([0, min(max(low, 0.005), 0.35), max(min(high, 0.995), 0.45), 1])
    middle = float(np.interp(middle, knots, _LEVELS))
    gamma = min(1.25, max(0.75, np.log(0.45) / np.log(min(max(middle, 0.05), 0.95)))) ** 0.6

    def curve(values: Floats) -> Floats:
        return floats(np.interp(values, knots, _LEVELS) ** gamma)

    return lambda part: curved(rgb, part_of(curve, brief.amount * part))


def white_balance(rgb: Floats, brief: Brief) -> Done:
    """The cast of the light taken out, as found in the picture; or, at a number of kelvin, a camera's setting.

    As with a camera: 6500 changes nothing, 3200 (for lamps) makes the picture bluer, 9000 (for shade) more orange.
    """
    kelvin = brief.details.number
    red, green, blue = light_of(small_copy(rgb)) if kelvin is None else white(kelvin)
    # a setting is a setting: what plain words ask for is all of it
    amount = brief.amount if kelvin is None else min(1.0, brief.amount / _WHITE_BALANCE_USUAL)
    return lambda part: curved(rgb, balance((red ** (-amount * part), green ** (-amount * part), blue ** (-amount * part))))


TONE: Mapping[str, Operation] = MappingProxyType(
    {
        "brightness": retouching(brightness),
        "exposure": retouching(exposure),
        "contrast": retouching(contrast),
        "tone curve": retouching(tone_curve),
        "auto levels": retouching(auto_levels),
        "white balance": retouching(white_balance),
        "dehaze": retouching(dehaze),
        **RELIEF,
        **LIGHTING,
    }
)
"""By the names of the instructions."""


def _stops(brief: Brief) -> float:
    number = brief.details.number
    if number is None:
        return 1.5 * brief.amount
    return min(8.0, max(-8.0, -abs(number) if brief.amount < 0 else number))


def _contrast_curve(mean: float, amount: float) -> Curve:
    if amount < 0:
        return lambda values: values + (mean - values) * np.float32(-0.85 * amount)
    middle, steep = min(0.6, max(0.35, mean)), 1 + amount

    def curve(values: Floats) -> Floats:
        dark = middle * (np.minimum(values, middle) / middle) ** steep
        return floats(dark + (1 - middle) * (1 - (np.minimum(1, (1 - values) / (1 - middle))) ** steep))

    return curve


def _print_curve(amount: float) -> Curve:
    if amount < 0:
        return part_of(lambda values: 0.13 + 0.8 * (values - 0.03 * np.sin(2 * np.pi * values)), -amount)
    return lambda values: values - np.float32(0.125 * amount) * np.sin(2 * np.pi * values)
