"""Light: pixels as how much light they stand for, and the way back.

Lights add up, blur and are averaged as light, not as the codes of a file. There are two ways there. `linear` and `encoded` are
the curve of sRGB itself (IEC 61966-2-1): for exposures, the colours of lights, OKLab and sizes, where a number is promised;
large pictures go through tables of it (`curves`). `near_linear` and `near_encoded` are a square and its root, a tenth of the
time: for veils, glows and blurs, which are gone there and back within one step, so that what it is off by cancels out.
"""

import cv2
import numpy as np

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

GAMMA = 2.2
"""The one power that is nearest to the curve of sRGB: for averages of planes, one at a time."""


def linear(encoded: Floats) -> Floats:
    """Light, from values encoded as in sRGB (IEC 61966-2-1, 5.2)."""
    return floats(np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4))


def encoded(light: Floats) -> Floats:
    """Values as in sRGB, from light (IEC 61966-2-1, 5.3)."""
    return floats(np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055))


def near_linear(rgb: Floats) -> Floats:
    """Light, near enough: the square of encoded values."""
    return floats(cv2.multiply(rgb, rgb))


def near_encoded(light: Floats) -> Floats:
    """The way back from `near_linear`."""
    return floats(cv2.sqrt(np.maximum(light, 0)))


def shouldered(light: Floats, gain: Floats | np.float32, bend: float = 1.0) -> Floats:
    """So many times the light, over a shoulder as of film: what would go beyond white nears it, and does not burn out.

    `bend`: the more, the nearer to white the shoulder begins.
    """
    return floats(light * gain / (1 + np.maximum(gain - 1, 0) * light**bend))


def gained(light: Floats, gain: float) -> Floats:
    """`shouldered` with the latest shoulder there is for a gain: a steeper one than gain / (gain - 1) would turn back."""
    return shouldered(light, np.float32(gain), 1 + 0.8 / max(gain - 1, 0.2))
