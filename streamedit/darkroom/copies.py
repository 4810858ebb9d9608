"""Smaller copies of a picture: for what is looked for in it as a whole, and for what is soft or wide."""

import cv2
import numpy as np

from streamedit.darkroom.linear_light import near_linear
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

_SMALL_PX = 384
_LEAST_PX = 8


def small_size(rgb: Floats, longer_px: int, least_px: int = 1) -> tuple[int, int]:
    """Width and height of a copy whose longer side is no more than that, and whose shorter one no less."""
    height, width = rgb.shape[:2]
    shrink = max(1.0, max(height, width) / longer_px)
    return max(least_px, round(width / shrink)), max(least_px, round(height / shrink))


def small_copy(rgb: Floats) -> Floats:
    """What is looked for in a picture as a whole, or is wide (a lamp, haze), needs no more pixels than this has."""
    return floats(cv2.resize(rgb, small_size(rgb, _SMALL_PX, _LEAST_PX), interpolation=cv2.INTER_AREA))


def small_light(rgb: Floats, longer_px: int) -> Floats:
    """A copy of at most such a longer side, as light (`near_linear`)."""
    return _resized(rgb, small_size(rgb, longer_px))


def shrunk_light(rgb: Floats, times: int) -> Floats:
    """The picture so many times smaller, as light (`near_linear`)."""
    return _resized(rgb, (-(-rgb.shape[1] // times), -(-rgb.shape[0] // times)))


def _resized(rgb: Floats, size: tuple[int, int]) -> Floats:
    """Made in pieces: the light of the whole picture would take as much room again as it does."""
    width, height = size
    if (height, width) == rgb.shape[:2]:
        return near_linear(rgb)
    pieces = []
    for row in range(0, height, 64):
        last = min(row + 64, height)
        top, bottom = (round(place * rgb.shape[0] / height) for place in (row, last))
        pieces.append(floats(cv2.resize(near_linear(rgb[top:bottom]), (width, last - row), interpolation=cv2.INTER_AREA)))
    return np.concatenate(pieces)
