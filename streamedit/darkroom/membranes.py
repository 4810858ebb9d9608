"""The smoothest fill of a hole, and copies of a picture with a hole in other sizes."""

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

Holes: TypeAlias = NDArray[np.bool_]
"""Where a picture is not known."""

_CROSS = np.array([[0.05, 0.2, 0.05], [0.2, 0, 0.2], [0.05, 0.2, 0.05]], np.float32)
"""A pixel of a membrane is the mean of its neighbours."""


def membrane(rgb: Floats, hole: Holes) -> Floats:
    """The picture with the smoothest of fills in its hole, as a film of soap in a frame; what is in the hole does not matter.

    Each pixel is the mean of those about it, found from coarse to fine.
    """
    if not hole.any():
        return rgb
    if min(hole.shape) <= 2 or hole.all():
        return floats(np.where(hole[..., None], _mean(rgb, hole), rgb))
    small, small_hole = shrunk(rgb, hole, 2.0, part=0.001)
    made = enlarged(membrane(small, small_hole), hole.shape).reshape(rgb.shape)
    for _ in range(8):
        made = floats(np.where(hole[..., None], made, rgb))
        made = floats(cv2.filter2D(made, -1, _CROSS, borderType=cv2.BORDER_REFLECT)).reshape(rgb.shape)
    return floats(np.where(hole[..., None], made, rgb))


def _mean(rgb: Floats, hole: Holes) -> Floats:
    return floats(rgb[~hole].mean(0) if not hole.all() else np.full(rgb.shape[2], 0.5))


def shrunk(rgb: Floats, hole: Holes, shrink: float, part: float = 0.5) -> tuple[Floats, Holes]:
    """A smaller copy of what is known, and its hole: where less than a part of a pixel is known."""
    if shrink == 1:
        return rgb, hole
    size = max(1, round(hole.shape[1] / shrink)), max(1, round(hole.shape[0] / shrink))
    known = floats(cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA))
    sums = floats(cv2.resize(rgb * ~hole[..., None], size, interpolation=cv2.INTER_AREA))
    sums = sums.reshape(*known.shape, -1)
    return floats(sums / np.maximum(known, np.float32(1e-6))[..., None]), known < part


def enlarged(small: Floats, size: tuple[int, ...]) -> Floats:
    """A small copy at another height and width."""
    return floats(cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))
