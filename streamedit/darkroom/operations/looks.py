"""Looks: gradings as of films, prints and hours of the day."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from streamedit.darkroom.canvas import Operation
from streamedit.darkroom.grading import Look, colourful, filtered, graded, leaning
from streamedit.darkroom.optics import floats

_LOOKS = {
    # an old print: little colour, brown shadows, yellowed whites
    "vintage": Look(
        falloff=0.35,
        mixture=colourful(0.62),
        gamma=(0.92, 1, 1.08),
        contrast=(0.5, 0.35, 0.1),
        black=(0.11, 0.075, 0.085),
        white=(0.98, 0.92, 0.74),
    ),
    # a low sun: warm light, and the lights bleed into what is around them
    "golden hour": Look(
        gain=(1.22, 0.96, 0.6),
        glow=(0.6, 0.34, 0.1),
        reach=1 / 22,
        mixture=colourful(1.12),
        gamma=(0.96, 1, 1.04),
        contrast=(0.2, 0.25, 0.2),
        black=(0.03, 0.012, 0.02),
    ),
    # teal shadows and orange skin; the highlights bend, the blacks are a little faded
    "cinematic": Look(
        falloff=0.15,
        mixture=leaning((1, 0.5, 0.12), 1.08, 0.55),
        gamma=(1.14, 1.02, 0.95),
        contrast=(0.95, 0.55, 0.2),
        black=(0.005, 0.045, 0.08),
        white=(0.98, 0.95, 0.88),
    ),
    # hard black and white through an orange filter, lit like a stage
    "noir": Look(
        falloff=0.75,
        mixture=filtered(0.5, 0.45, 0.05),
        gamma=(1.12, 1.12, 1.12),
        contrast=(1.5, 1.5, 1.5),
    ),
    # a rich reversal film: deep, clean, saturated
    "slide film": Look(
        mixture=colourful(1.26),
        gamma=(1.04, 1.04, 1.02),
        contrast=(0.6, 0.55, 0.5),
        white=(1, 0.995, 0.985),
    ),
    # pastel: lifted blacks, low contrast, rosy lights over greenish shadows
    "faded film": Look(
        mixture=colourful(0.68),
        gamma=(0.9, 0.9, 0.92),
        black=(0.15, 0.17, 0.19),
        white=(0.96, 0.92, 0.885),
    ),
    # reversal film in the chemistry of negatives: green lights, blue shadows
    "cross process": Look(
        mixture=colourful(1.15),
        gamma=(1.06, 0.92, 1),
        contrast=(1.1, 0.85, 0),
        black=(0, 0.01, 0.16),
        white=(1, 1, 0.74),
    ),
    # silver left in the film: hard, and half the colour
    "bleach bypass": Look(
        mixture=colourful(0.32),
        gamma=(1, 0.98, 0.98),
        contrast=(1.15, 1.1, 1.05),
        white=(0.97, 0.98, 0.96),
    ),
    # a sun print in Prussian blue
    "cyanotype": Look(
        mixture=filtered(0.2, 0.5, 0.3),
        gamma=(1.5, 1, 0.62),
        contrast=(0.35, 0.35, 0.2),
        black=(0.02, 0.1, 0.24),
        white=(0.95, 0.965, 0.94),
    ),
    # day for night: little light, blue, and reds that the eye no longer sees (Purkinje)
    "moonlight": Look(
        gain=(0.17, 0.24, 0.4),
        glow=(0.1, 0.14, 0.2),
        falloff=0.35,
        mixture=colourful(0.22, np.array([[0.1, 0.6, 0.3]], np.float32)) * np.array([[0.74], [0.96], [1.32]], np.float32),
        contrast=(0.2, 0.2, 0.1),
        black=(0.0, 0.012, 0.04),
    ),
    # an instant camera's: creamy lights, cyan shadows, a soft lens
    "instant film": Look(
        glow=(0.1, 0.09, 0.07),
        corners=0.35,
        falloff=0.25,
        reach=1 / 120,
        mixture=colourful(0.86),
        gamma=(0.92, 0.93, 0.98),
        contrast=(0.6, 0.35, 0.15),
        black=(0.06, 0.085, 0.11),
        white=(0.995, 0.965, 0.86),
    ),
    # a plastic lens: dark, soft corners around loud colours
    "toy camera": Look(
        gain=(1.15, 1.12, 1.05),
        corners=1,
        falloff=1,
        reach=1 / 90,
        mixture=colourful(1.25),
        gamma=(0.98, 0.98, 1.02),
        contrast=(0.75, 0.65, 0.35),
        black=(0, 0.01, 0.05),
        white=(1, 0.98, 0.9),
    ),
    # infrared film: leaves glow, the sky is dark, hardly a colour
    "infrared": Look(
        glow=(0.5, 0.47, 0.45),
        reach=1 / 50,
        mixture=filtered(0.55, 1.35, -0.9) + floats(0.18 * np.array([[0.3, 0.4, -0.7], [0, 0, 0], [-0.3, -0.2, 0.5]])),
        gamma=(0.98, 1, 0.98),
        contrast=(0.7, 0.7, 0.65),
        black=(0.02, 0.015, 0.03),
        white=(1, 0.97, 0.97),
    ),
    # before the sun is up: cool, airy, a light mist
    "cool morning": Look(
        gain=(0.86, 1.08, 1.42),
        glow=(0.2, 0.27, 0.34),
        reach=1 / 14,
        mixture=colourful(0.74),
        gamma=(0.94, 0.87, 0.8),
        black=(0.07, 0.1, 0.125),
        white=(0.97, 0.985, 1),
    ),
    # Michael Orton's sandwich of a sharp slide and a soft, bright one
    "dreamy": Look(
        glow=(0.52, 0.46, 0.48),
        softness=0.45,
        reach=1 / 55,
        mixture=colourful(1.22),
        gamma=(0.98, 1, 0.97),
        contrast=(0.35, 0.35, 0.3),
        black=(0.03, 0.015, 0.04),
    ),
}

LOOKS: Mapping[str, Operation] = MappingProxyType({name: graded(look) for name, look in _LOOKS.items()})
"""By the names of the grammar's table."""
