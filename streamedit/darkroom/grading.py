"""Grading: how light and colours of a picture are changed as a whole, as films, prints and hours of the day do it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, banded, floats, grey, side, smoothstep, soft
from streamedit.darkroom.photograph import Floats

_LEVELS = 1 << 16
"""Of a curve: a step of it is a 256th of an 8-bit step, which even a steep curve does not make visible."""

_DIM = 0.35
"""Of the light of a pixel: below it nothing glows."""


def colourful(saturation: float, weights: Floats = LUMA) -> Floats:
    """The mixture of channels that multiplies all distances from grey."""
    return floats(saturation * np.eye(3) + (1 - saturation) * np.repeat(weights / weights.sum(), 3, axis=0))


def filtered(red: float, green: float, blue: float) -> Floats:
    """The mixture of channels that leaves one grey, as seen through a colour filter."""
    return colourful(0, np.array([[red, green, blue]], np.float32))


def leaning(axis: Colour, kept: float, other: float) -> Floats:
    """The mixture of channels that multiplies colours on the axis to and from a hue by `kept`, those across it by `other`."""
    grey = colourful(0)
    hue = np.array(axis) @ (np.eye(3) - grey).T
    onto = np.outer(hue, hue) / (hue @ hue)
    return floats(grey + (kept * onto + other * (np.eye(3) - onto)) @ (np.eye(3) - grey))


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is graded, in this order.

    In linear light: `gain` of each channel; `glow`, how much of the blurred lights is added; `softness` everywhere and
    `corners` there, how much of the picture is blurred; `falloff`, how much of the light the corners lose; `reach`, the
    sigma of all this blur, of the picture's side. Then in the picture's own values: `mixture` of the channels, and a curve
    for each: to the power of `gamma`, bent to an S by `contrast` (2: twice), and spread between `black` and `white`.
    """

    gain: Colour = (1, 1, 1)
    glow: Colour = (0, 0, 0)
    softness: float = 0
    corners: float = 0
    falloff: float = 0
    reach: float = 1 / 40
    mixture: Floats = field(default_factory=lambda: np.eye(3, dtype=np.float32))
    gamma: Colour = (1, 1, 1)
    contrast: Colour = (0, 0, 0)
    black: Colour = (0, 0, 0)
    white: Colour = (1, 1, 1)


def graded(look: Look) -> Operation:
    """A look as an operation: a mixture of the picture as it is and as the look has it."""

    def retouch(rgb: Floats, brief: Brief) -> Callable[[float], Floats]:
        curves = _curves(look)
        return lambda part: _grade(rgb, look, curves, brief.amount * part)

    return retouching(retouch)


def _grade(rgb: Floats, look: Look, curves: Floats, amount: float) -> Floats:
    height, width = rgb.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32) ** 2 / 2
    y = np.linspace(-1, 1, height, dtype=np.float32) ** 2 / 2

    def work(band: Floats, blurred: Floats, rows: Floats) -> Floats:
        corner = smoothstep(floats((np.sqrt(rows + x) - 0.3) / 0.75))
        light = _lit(_linear(band, look), _wide(blurred, width), corner, look)
        developed = cv2.LUT(_indices(cv2.transform(_encoded(light), look.mixture)), curves)
        return floats(cv2.addWeighted(band, 1 - amount, developed, amount, 0))

    return banded(work, rgb, _blurred(rgb, look), floats(y[:, None]))


def _lit(light: Floats, blurred: Floats, corner: Floats, look: Look) -> Floats:
    """The light with what blurs, adds to it and takes from it."""
    if look.softness or look.corners:
        light = light + (blurred - light) * grey(np.minimum(1, look.softness + look.corners * corner))
    if any(look.glow):
        lights = blurred * grey(smoothstep((floats(cv2.transform(blurred, LUMA)) - _DIM**2) / 0.6))
        light = 1 - (1 - light) * (1 - lights * np.array(look.glow, np.float32))
    return light * grey(1 - look.falloff * corner) if look.falloff else light


def _blurred(rgb: Floats, look: Look) -> Floats:
    """The light, blurred, of the picture's height but not its width: bands of it stay small until they are widened."""
    height, width = rgb.shape[:2]
    shrink = max(1.0, side(rgb) * look.reach / 2.5)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    light = soft(_linear(small, look), side(rgb) * look.reach / shrink)
    return floats(cv2.resize(light, (size[0], height), interpolation=cv2.INTER_CUBIC))


def _wide(pixels: Floats, width: int) -> Floats:
    return floats(cv2.resize(pixels, (width, pixels.shape[0]), interpolation=cv2.INTER_CUBIC))


def _indices(values: cv2.typing.MatLike) -> npt.NDArray[np.uint16]:
    return np.asarray(np.clip(values * np.float32(_LEVELS - 1) + np.float32(0.5), 0, _LEVELS - 1), np.uint16)


def _curves(look: Look) -> Floats:
    """A table of what each of the channels becomes."""
    x = np.linspace(0, 1, _LEVELS, dtype=np.float32)[:, None] ** np.array(look.gamma, np.float32)
    for bend in (np.clip(look.contrast, 0, 1), np.clip(np.array(look.contrast) - 1, 0, 1)):
        x = x + (smoothstep(x) - x) * bend.astype(np.float32)
    black, white = np.array(look.black, np.float32), np.array(look.white, np.float32)
    return floats(black + (white - black) * x)[None]


_UNIT = np.linspace(0, 1, _LEVELS, dtype=np.float32)[None, :, None]
_TO_LINEAR = np.where(_UNIT <= 0.04045, _UNIT / 12.92, ((_UNIT + 0.055) / 1.055) ** 2.4).astype(np.float32)
_TO_ENCODED = np.where(_UNIT <= 0.0031308, _UNIT * 12.92, 1.055 * _UNIT ** (1 / 2.4) - 0.055).astype(np.float32)
"""IEC 61966-2-1, as tables."""


def _linear(rgb: Floats, look: Look) -> Floats:
    return floats(cv2.LUT(_indices(rgb), _TO_LINEAR * np.array(look.gain, np.float32)))


def _encoded(light: Floats) -> Floats:
    return floats(cv2.LUT(_indices(light), _TO_ENCODED))
