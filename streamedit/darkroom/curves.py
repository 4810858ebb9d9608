"""Curves: what each value of a picture becomes, by tables of 16 bits."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.linear_light import encoded, linear
from streamedit.darkroom.optics import banded, floats
from streamedit.darkroom.photograph import Floats

Curve: TypeAlias = Callable[[Floats], Floats]
"""What values 0..1 become: as many values, or three columns, one for each channel."""

_STEPS = np.linspace(0, 1, 1 << 16, dtype=np.float32)
"""Curves are looked up in 16 bits: far finer than what is seen, or sent."""


def table(curve: Curve) -> Floats:
    """A curve to be looked up: for those that are used more than once."""
    return floats(curve(_STEPS)).reshape(1, len(_STEPS), -1)


LINEAR, ENCODED = table(linear), table(encoded)
"""To light and back, as tables."""


def looked_up(pixels: Floats, values: Floats) -> Floats:
    """As `curved`, by a `table`."""
    planes = values.shape[2] if pixels.ndim == 2 else 1

    def look_up(band: Floats) -> Floats:
        steps = cv2.addWeighted(band, 65535, band, 0, 0, dtype=cv2.CV_16U)
        return floats(cv2.LUT(steps if planes == 1 else cv2.merge([steps] * planes), values))

    return banded(look_up, pixels)


def curved(pixels: Floats, curve: Curve) -> Floats:
    """Each value by a curve; a plane and a curve of three columns make a picture. What is beyond 0..1 counts as 0 or 1."""
    return looked_up(pixels, table(curve))


def in_light(change: Curve) -> Curve:
    """A curve of light as one of encoded values."""
    return lambda values: encoded(change(linear(values)))


def part_of(curve: Curve, amount: float) -> Curve:
    """So much of the way from a straight line to a curve."""
    return lambda values: floats(values + (curve(values) - values) * amount)
