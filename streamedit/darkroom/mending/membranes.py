"""The smoothest fill of a hole, and copies of a picture with a hole in other sizes."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

Holes: TypeAlias = NDArray[np.bool_]
"""Where a picture is not known."""

_BAND_PX = 1 << 16

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
    sums = averaged(rgb, lambda rows: (~hole[rows]).astype(np.float32), size)
    known = sums[..., -1]
    return floats(sums[..., :-1] / np.maximum(known, np.float32(1e-6))[..., None]), known < part


def averaged(rgb: Floats, weight: Callable[[slice], Floats], size: tuple[int, int]) -> Floats:
    """A picture times a weight, and the weight, as means over the pixels of a smaller copy; a few of its rows at a time.

    `weight`: that of some rows.
    """
    width, height = size
    made = np.empty((height, width, rgb.shape[2] + 1), np.float32)
    edges = np.linspace(0, rgb.shape[0], height + 1)
    rows = max(1, _BAND_PX * height // rgb[..., 0].size)
    for first in range(0, height, rows):
        bounds = edges[first : first + rows + 1]
        top, bottom = int(bounds[0]), min(rgb.shape[0], int(np.ceil(bounds[-1] - 1e-6)))
        known = weight(slice(top, bottom))[..., None]
        band = floats(np.concatenate([rgb[top:bottom] * known, known], 2))
        narrow = cv2.resize(band, (width, bottom - top), interpolation=cv2.INTER_AREA).reshape(bottom - top, -1)
        row = np.arange(top, bottom)
        shares = np.minimum(row + 1, bounds[1:, None]) - np.maximum(row, bounds[:-1, None])
        shares = floats(np.maximum(shares, 0) / (bounds[1:] - bounds[:-1])[:, None])
        made[first : first + rows] = (shares @ narrow).reshape(-1, width, made.shape[2])
    return made


def enlarged(small: Floats, size: tuple[int, ...]) -> Floats:
    """A small copy at another height and width."""
    return floats(cv2.resize(small, (size[1], size[0]), interpolation=cv2.INTER_LINEAR))
