"""The colour of a light: of lamps and skies by their kelvin, of a picture by what is in it; and a balance of the channels."""

import cv2
import numpy as np

from streamedit.darkroom.colours import extremes, luma_of, times
from streamedit.darkroom.curves import LINEAR, Curve, in_light, looked_up
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.linear_light import gained
from streamedit.darkroom.optics import floats, soft
from streamedit.darkroom.photograph import Floats

_XYZ_TO_LINEAR = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
"""IEC 61966-2-1, equation (7)."""


def balance(gains: Colour) -> Curve:
    """Each channel's light with its own gain; what is grey keeps its lightness."""
    even = np.asarray(gains) / luma_of(gains)
    return in_light(lambda light: np.stack([gained(light, float(gain)) for gain in even], axis=1))


def white(kelvin: float) -> Colour:
    """The light of a black body beside that of 6500 K, in linear sRGB (Kim et al. 2002, cubics of the Planckian locus)."""
    ours, usual = _planck(kelvin), _planck(6500)
    red, green, blue = (ours / usual).tolist()
    return red, green, blue


def light_of(rgb: Floats) -> Colour:
    """The colour of the light of a picture: of its brightest greys, its edges (van de Weijer 2007) and its lights."""
    light = looked_up(rgb, LINEAR)
    edges = np.abs(np.diff(soft(light, 1.5), axis=0))
    greys = times(light, _brightest_greys(light))
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
