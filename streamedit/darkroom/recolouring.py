"""One thing's colour for another: hue and strength of colour new, light and texture kept; in OKLab (Ottosson 2020)."""

from collections.abc import Callable

import cv2
import numpy as np

from streamedit.darkroom.colours import TO_CONES, TO_LAB, light_of
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.linear_light import GAMMA
from streamedit.darkroom.optics import banded, floats
from streamedit.darkroom.photograph import Floats

_TOWARDS = 0.8
"""How far the mean lightness goes to the new colour's: all the way would leave no texture in black and white."""


def recoloured(rgb: Floats, area: Floats, colour: Colour) -> Callable[[Floats], Floats]:
    """What gives pixels of this picture the colour. `area`: how much each pixel counts in what is light and dark there."""
    small, weight = (cv2.resize(plane, (96, 96), interpolation=cv2.INTER_AREA) for plane in (rgb, area))
    old, goal = _oklab(floats(small)), _oklab(np.array([[colour]], np.float32))[0, 0]
    weights = np.maximum(floats(weight), 1e-6)
    light = float(np.clip(np.average(old[..., 0], weights=weights), 0.05, 0.95))
    chroma = float(np.average(np.hypot(old[..., 1], old[..., 2]), weights=weights)) + 0.02
    wanted = float(np.clip(light + _TOWARDS * (goal[0] - light), 0.05, 0.96))
    bend = float(np.clip(np.log(wanted) / np.log(light), 0.12, 6))

    def part(rgb: Floats) -> Floats:
        lab = _oklab(rgb)
        lightness = floats(cv2.pow(np.clip(lab[..., 0], 0, 1), bend))
        strength = 0.8 + 0.2 * np.minimum(1.5, np.hypot(lab[..., 1], lab[..., 2]) / chroma)
        strength *= np.minimum(1, (1.02 - lightness) / (1.02 - min(0.97, goal[0])))  # what glints is white
        strength *= np.minimum(1, (lightness + 0.02) / (goal[0] + 0.02)) ** 0.7
        return _rgb(np.dstack([lightness, strength * goal[1], strength * goal[2]]).astype(np.float32))

    return lambda rgb: banded(part, rgb)


def _oklab(rgb: Floats) -> Floats:
    light = cv2.pow(np.clip(rgb, 0, 1), GAMMA)
    return floats(cv2.transform(cv2.pow(cv2.transform(light, TO_CONES), 1 / 3), TO_LAB))


def _rgb(lab: Floats) -> Floats:
    return floats(cv2.pow(np.clip(light_of(lab), 0, 1), 1 / GAMMA))
