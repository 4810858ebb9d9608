"""Light as of a studio: lamps of their own over a picture, and the curves that go with them."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from streamedit.darkroom.base import LocalStep
from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.copies import small_copy
from streamedit.darkroom.curves import curved, looked_up, table
from streamedit.darkroom.illuminants import balance, light_of
from streamedit.darkroom.layers import over
from streamedit.darkroom.linear_light import shouldered
from streamedit.darkroom.optics import blended, floats, grey, luma
from streamedit.darkroom.photograph import Floats


def professional_lighting(rgb: Floats, brief: Brief) -> Done:
    """A portrait's studio: a soft key light from the upper left, open mid-tones, a darker background, less of a cast."""
    small = small_copy(rgb)
    key, around = _pool(small, (0.44, 0.36), 0.34), _pool(small, (0.5, 0.52), 0.58)
    lamp = (0.42 + 0.6 * around) * (1 + 0.24 * key)
    red, green, blue = (channel**-0.25 for channel in light_of(small))
    balanced, studio = table(balance((red, green, blue))), table(_studio)

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        return blended(band, _lit(looked_up(looked_up(band, studio), balanced), at), amount)

    return _under(rgb, brief, lamp, step)


def high_key(rgb: Floats, brief: Brief) -> Done:
    """Nearly all of it light and soft, the surroundings nearly white; only the darkest gives hold."""
    open_ = table(lambda values: floats(0.03 + 0.95 * values**0.48))
    lamp = 1.04 + 0.18 * (1 - _pool(small_copy(rgb), (0.5, 0.5), 0.55))

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        pale = blended(band, grey(luma(band)), 0.18)
        return blended(band, _lit(looked_up(pale, open_), at), amount)

    return _under(rgb, brief, lamp, step)


def low_key(rgb: Floats, brief: Brief) -> Done:
    """Nearly all of it dark: one light on the middle, and what surrounds it sinks into black."""
    lamp = 0.12 + 0.98 * _pool(small_copy(rgb), (0.48, 0.42), 0.44)

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        return _lit(curved(band, lambda values: values ** np.float32(1 + 0.5 * amount)), floats(at ** (1.2 * amount)))

    return _under(rgb, brief, lamp, step)


LIGHTING: Mapping[str, Operation] = MappingProxyType(
    {
        "professional lighting": retouching(professional_lighting),
        "high key": retouching(high_key),
        "low key": retouching(low_key),
    }
)
"""By the names of the instructions."""


def _studio(values: Floats) -> Floats:
    """Open mid-tones, then a gentle S."""
    lifted = values**0.88
    return floats(lifted - 0.035 * np.sin(2 * np.pi * lifted))


def _under(rgb: Floats, brief: Brief, lamp: Floats, step: LocalStep) -> Done:
    """A step done to bands of the picture, each with the same band of a small lamp."""
    return lambda part: over(rgb, lambda band, at: step(band, at, brief.amount * part), lamp)


def _lit(rgb: Floats, gain: Floats) -> Floats:
    """Under a lamp; what is nearly white comes nearer to it, and does not burn out."""
    return shouldered(rgb, grey(gain), 2)


def _pool(small: Floats, centre: tuple[float, float], radius: float) -> Floats:
    """A pool of light: 1 at its centre (x and y of the picture), falling off softly to 0."""
    height, width = small.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    squares = ((x / width - centre[0]) / radius) ** 2 + ((y / height - centre[1]) / (1.15 * radius)) ** 2
    return floats(np.exp(-(squares**1.2)))
