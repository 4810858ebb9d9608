"""Colour as numbers: OKLab, and what fits into sRGB."""

import cv2
import numpy as np

from streamedit.darkroom.curves import ENCODED, LINEAR, looked_up
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, floats, grey, luma
from streamedit.darkroom.photograph import Floats

TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
"""Linear sRGB to the cones of OKLab: B. Ottosson, "A perceptual color space for image processing", 2020."""

TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
"""The cube roots of the cones to lightness, green to red, blue to yellow (same source)."""

_FROM_CONES, _FROM_LAB = (np.linalg.inv(matrix).astype(np.float32) for matrix in (TO_CONES, TO_LAB))


def oklab(rgb: Floats) -> Floats:
    """Lightness 0..1, green to red, blue to yellow, as they are seen (Ottosson 2020)."""
    light = looked_up(rgb, LINEAR)
    return floats(cv2.transform(np.cbrt(cv2.transform(light, TO_CONES)), TO_LAB))


def from_oklab(lab: Floats) -> Floats:
    """A picture; colours that sRGB has not are given the chroma that it has."""
    return looked_up(fitted(light_of(lab)), ENCODED)


def light_of(lab: Floats) -> Floats:
    """Linear light, from OKLab: what sRGB has not is beyond 0..1."""
    cones = floats(cv2.transform(lab, _FROM_LAB))
    return floats(cv2.transform(cones * cones * cones, _FROM_CONES))


def fitted(rgb: Floats) -> Floats:
    """What is beyond 0..1 gets so much less colour as it needs to be inside; its lightness stays."""
    light = np.clip(luma(rgb), 0, 1)
    most, least = extremes(rgb)
    above, below, tiny = most - light, light - least, np.float32(1e-6)
    share = np.minimum(1, np.minimum((1 - light + tiny) / np.maximum(above, tiny), (light + tiny) / np.maximum(below, tiny)))
    return floats(cv2.add(times(rgb, floats(share)), grey(light * (1 - share))))


def extremes(rgb: Floats) -> tuple[Floats, Floats]:
    """Each pixel's greatest channel, and its least."""
    red, green, blue = cv2.split(rgb)
    return floats(cv2.max(cv2.max(red, green), blue)), floats(cv2.min(cv2.min(red, green), blue))


def times(rgb: Floats, gain: Floats) -> Floats:
    """A picture times a plane."""
    return floats(cv2.multiply(rgb, grey(gain)))


def luma_of(colour: Colour) -> float:
    """How light a colour is."""
    return float(LUMA[0] @ np.asarray(colour))
