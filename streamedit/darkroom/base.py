"""The base of a picture: its light without its details, and yet sharp at edges; and what is done to one beside the other."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done
from streamedit.darkroom.copies import small_copy
from streamedit.darkroom.layers import over
from streamedit.darkroom.optics import floats, luma, side
from streamedit.darkroom.photograph import Floats

LocalStep: TypeAlias = Callable[[Floats, Floats, float], Floats]
"""What becomes of a band of the picture at an amount, given also what there is of some plane."""

_SMOOTH = 0.008
"""How much light varies within what counts as one surface (its variance)."""


def on_base(rgb: Floats, brief: Brief, step: LocalStep) -> Done:
    """A step that looks at each pixel and its base, which is cut at edges, not across them: so there are no halos."""
    light = luma(small_copy(rgb))
    planes = floats(cv2.merge(guided(light, light, window_px(light), _SMOOTH)))

    def work(band: Floats, at: Floats, amount: float) -> Floats:
        return step(band, luma(band) * at[..., 0] + at[..., 1], amount)

    return lambda part: over(rgb, lambda band, at: work(band, at, brief.amount * part), planes)


def window_px(small: Floats) -> int:
    """The window of a guided filter that finds the surfaces of a scene in a small copy of it."""
    return 2 * max(1, side(small) // 30) + 1


def guided(guide: Floats, plane: Floats, size_px: int, smooth: float) -> tuple[Floats, Floats]:
    """The guided filter (He, Sun, Tang 2010) as two planes: plane = slope * guide + offset, at any size."""

    def mean(values: Floats) -> Floats:
        return floats(cv2.blur(values, (size_px, size_px)))

    guide_mean, plane_mean = mean(guide), mean(plane)
    spread = np.maximum(0, mean(guide * guide) - guide_mean**2)
    slope = (mean(guide * plane) - guide_mean * plane_mean) / (spread + np.float32(smooth))
    return mean(slope), mean(plane_mean - slope * guide_mean)
