"""Colour as numbers: linear light, curves, the colour of a light, OKLab, and what fits into sRGB."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import LUMA, banded, floats, grey, luma, soft
from streamedit.darkroom.photograph import Floats

Curve: TypeAlias = Callable[[Floats], Floats]
"""What values 0..1 become: as many values, or three columns, one for each channel."""

_STEPS = np.linspace(0, 1, 1 << 16, dtype=np.float32)
"""Curves are looked up in 16 bits: far finer than what is seen, or sent."""

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
"""Linear sRGB to the cones of OKLab: B. Ottosson, "A perceptual color space for image processing", 2020."""

_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)
"""The cube roots of the cones to lightness, green to red, blue to yellow (same source)."""

_FROM_CONES, _FROM_LAB = (np.linalg.inv(matrix).astype(np.float32) for matrix in (_TO_CONES, _TO_LAB))

_XYZ_TO_LINEAR = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1, equation (7)."""

_SMALL_PX = 384
"""The longer side of a small copy."""


def linear(encoded: Floats) -> Floats:
    """Light, from values encoded as in sRGB (IEC 61966-2-1)."""
    return floats(np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4))


def encoded(light: Floats) -> Floats:
    """Values as in sRGB, from light (IEC 61966-2-1)."""
    return floats(np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055))


def table(curve: Curve) -> Floats:
    """A curve to be looked up: for those that are used more than once."""
    return floats(curve(_STEPS)).reshape(1, len(_STEPS), -1)


def curved(pixels: Floats, curve: Curve) -> Floats:
    """Each value by a curve; a plane and a curve of three columns make a picture. What is beyond 0..1 counts as 0 or 1."""
    return looked_up(pixels, table(curve))


def looked_up(pixels: Floats, values: Floats) -> Floats:
    """As `curved`, by a `table`."""
    planes = values.shape[2] if pixels.ndim == 2 else 1

    def look_up(band: Floats) -> Floats:
        steps = cv2.addWeighted(band, 65535, band, 0, 0, dtype=cv2.CV_16U)
        return floats(cv2.LUT(steps if planes == 1 else cv2.merge([steps] * planes), values))

    return banded(look_up, pixels)


def in_light(change: Curve) -> Curve:
    """A curve of light as one of encoded values."""
    return lambda values: encoded(change(linear(values)))


def gained(light: Floats, gain: float) -> Floats:
    """So many times the light. Above 1 a shoulder as of film: what is nearly white comes nearer to it, and does not burn."""
    if gain <= 1:
        return light * np.float32(gain)
    bend = min(5.0, 1 + 0.8 / (gain - 1))  # steeper than gain / (gain - 1) it would turn back
    return floats(light * gain / (1 + (gain - 1) * light**bend))


def balance(gains: Colour) -> Curve:
    """Each channel's light with its own gain; what is grey keeps its lightness."""
    even = np.asarray(gains) / float(LUMA[0] @ np.asarray(gains))
    return in_light(lambda light: np.stack([gained(light, float(gain)) for gain in even], axis=1))


def white(kelvin: float) -> Colour:
    """The light of a black body beside that of 6500 K, in linear sRGB (Kim et al. 2002, cubics of the Planckian locus)."""
    ours, usual = _planck(kelvin), _planck(6500)
    red, green, blue = (ours / usual).tolist()
    return red, green, blue


def oklab(rgb: Floats) -> Floats:
    """Lightness 0..1, green to red, blue to yellow, as they are seen (Ottosson 2020)."""
    light = looked_up(rgb, _LINEAR)
    return floats(cv2.transform(np.cbrt(cv2.transform(light, _TO_CONES)), _TO_LAB))


def from_oklab(lab: Floats) -> Floats:
    """A picture; colours that sRGB has not are given the chroma that it has."""
    cones = floats(cv2.transform(lab, _FROM_LAB))
    return looked_up(fitted(floats(cv2.transform(cones * cones * cones, _FROM_CONES))), _ENCODED)


def fitted(rgb: Floats) -> Floats:
    """What is beyond 0..1 gets so much less colour as it needs to be inside; its lightness stays."""
    light = np.clip(luma(rgb), 0, 1)
    most, least = extremes(rgb)
    above, below, tiny = most - light, light - least, np.float32(1e-6)
    share = np.minimum(1, np.minimum((1 - light + tiny) / np.maximum(above, tiny), (light + tiny) / np.maximum(below, tiny)))
    return floats(cv2.add(scaled(rgb, floats(share)), grey(light * (1 - share))))


def extremes(rgb: Floats) -> tuple[Floats, Floats]:
    """Each pixel's greatest channel, and its least."""
    red, green, blue = cv2.split(rgb)
    return floats(cv2.max(cv2.max(red, green), blue)), floats(cv2.min(cv2.min(red, green), blue))


def scaled(rgb: Floats, gain: Floats) -> Floats:
    """A picture times a plane."""
    return floats(cv2.multiply(rgb, grey(gain)))


def small_copy(rgb: Floats) -> Floats:
    """What is looked for in a picture as a whole, or is wide (a lamp, haze), needs no more pixels than this has."""
    height, width = rgb.shape[:2]
    shrink = max(1.0, max(height, width) / _SMALL_PX)
    size = max(8, round(width / shrink)), max(8, round(height / shrink))
    return floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def light_of(rgb: Floats) -> Colour:
    """The colour of the light of a picture: of its brightest greys, its edges (van de Weijer 2007) and its lights."""
    light = looked_up(rgb, _LINEAR)
    edges = np.abs(np.diff(soft(light, 1.5), axis=0))
    greys = scaled(light, _brightest_greys(light))
    found = [_sixth(edges), _sixth(light), greys.mean(axis=(0, 1)), greys.mean(axis=(0, 1))]
    cast = np.mean([np.log(one + 1e-6) - np.log(one + 1e-6).mean() for one in found], axis=0)
    # lamps and skies differ from blue to orange; green and magenta are mostly the things themselves
    lamps = np.log(white(4000))
    lamps -= lamps.mean()
    cast = 0.4 * cast + 0.6 * lamps * (cast @ lamps) / (lamps @ lamps)
    red, green, blue = np.exp(np.clip(cast, -0.9, 0.9)).tolist()
    return red, green, blue


def _brightest_greys(light: Floats) -> Floats:
    """How much each pixel is bright and without colour; what is burnt out says nothing."""
    most, least = extremes(light)
    greyness = 1 - (most - least) / (most + np.float32(0.01))
    return floats((greyness * most) ** 2 * np.sqrt(np.clip(1.02 - most, 0, 1)))


def _sixth(light: Floats) -> Floats:
    """A mean that listens to the strong (shades of grey, Finlayson, Trezzi 2004)."""
    return floats(cv2.pow(light, 6).mean(axis=(0, 1)) ** (1 / 6))


def _planck(kelvin: float) -> Floats:
    t = 1e3 / min(25_000.0, max(1_667.0, kelvin))
    x = ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.179910
    if kelvin > 4000:
        x = ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.240390
    cubic = (-1.1063814, -1.34811020, 2.18555832, -0.20219683)
    if kelvin > 2222:
        cubic = (-0.9549476, -1.37418593, 2.09137015, -0.16748867)
    if kelvin > 4000:
        cubic = (3.0817580, -5.87338670, 3.75112997, -0.37001483)
    y = float(np.polyval(cubic, x))
    return floats(np.maximum(_XYZ_TO_LINEAR @ [x / y, 1, (1 - x - y) / y], 0.02))


_LINEAR, _ENCODED = table(linear), table(encoded)
