"""Grading: how light and colours of a picture are changed as a whole, as films, prints and hours of the day do it."""

from dataclasses import dataclass, field

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.curves import ENCODED, LINEAR, looked_up, table
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, banded, blended, floats, grey, luma, side, smoothstep, soft
from streamedit.darkroom.photograph import Floats

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

    def retouch(rgb: Floats, brief: Brief) -> Done:
        curves = _curves(look)
        return lambda part: _grade(rgb, look, curves, brief.amount * part)

    return retouching(retouch)


def _grade(rgb: Floats, look: Look, curves: Floats, amount: float) -> Floats:
    height, width = rgb.shape[:2]
    lights = LINEAR * np.array(look.gain, np.float32)
    x = np.linspace(-1, 1, width, dtype=np.float32) ** 2 / 2
    y = np.linspace(-1, 1, height, dtype=np.float32) ** 2 / 2

    def work(band: Floats, blurred: Floats, glow: Floats, rows: Floats) -> Floats:
        light = _lit(looked_up(band, lights), blurred, glow, floats(rows + x), look)
        developed = looked_up(floats(cv2.transform(looked_up(light, ENCODED), look.mixture)), curves)
        return blended(band, developed, amount)

    return banded(work, rgb, *_blurred(rgb, lights, look), floats(y[:, None]))


def _lit(light: Floats, blurred: Floats, glow: Floats, radius: Floats, look: Look) -> Floats:
    """The light with what blurs, adds to it and takes from it. `radius`: squared, 1 in the corners."""
    width = light.shape[1]
    corner = smoothstep(floats((np.sqrt(radius) - 0.3) / 0.75)) if look.corners or look.falloff else np.zeros_like(radius)
    if look.softness or look.corners:
        light = light + (_wide(blurred, width) - light) * grey(np.minimum(1, look.softness + look.corners * corner))
    if any(look.glow):
        light = floats(cv2.add(light, cv2.multiply(_wide(glow, width), 1 - light)))
    return floats(cv2.multiply(light, grey(1 - look.falloff * corner))) if look.falloff else light


def _blurred(rgb: Floats, lights: Floats, look: Look) -> tuple[Floats, Floats]:
    """The light, blurred, and what glows of it, of the picture's height but not its width: bands stay small until widened."""
    height, width = rgb.shape[:2]
    shrink = max(1.0, side(rgb) * look.reach / 2.5)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small = floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    light = soft(looked_up(small, lights), side(rgb) * look.reach / shrink)
    bright = light * grey(smoothstep((luma(light) - _DIM**2) / 0.6)) * np.array(look.glow, np.float32)
    tall, glow = (cv2.resize(plane, (size[0], height), interpolation=cv2.INTER_CUBIC) for plane in (light, floats(bright)))
    return floats(tall), floats(glow)


def _wide(pixels: Floats, width: int) -> Floats:
    return floats(cv2.resize(pixels, (width, pixels.shape[0]), interpolation=cv2.INTER_CUBIC))


def _curves(look: Look) -> Floats:
    """A table of what each of the channels becomes."""

    def curve(values: Floats) -> Floats:
        x = values[:, None] ** np.array(look.gamma, np.float32)
        for bend in (np.clip(look.contrast, 0, 1), np.clip(np.array(look.contrast) - 1, 0, 1)):
            x = x + (smoothstep(x) - x) * bend.astype(np.float32)
        black, white = np.array(look.black, np.float32), np.array(look.white, np.float32)
        return floats(black + (white - black) * x)

    return table(curve)
