"""Where the subject of a picture is: a matte, 0..1, from a coarse guess to an outline with hair."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.cutting import cut
from streamedit.darkroom.subjects.outlines import foreground, outlined
from streamedit.darkroom.subjects.saliency import salient

__all__ = ["Stages", "foreground", "stages", "subject"]

Stages: TypeAlias = Callable[[float], Floats]
"""The matte when so much of the work is done: asked for growing parts, above 0, to 1."""

_STAGES = 3
_OTHER_SIDES_PX = (84,)
"""The longer sides of further small copies: a subject found in copies of several sizes is no chance of one of them."""

_OPAQUE = 0.999


def subject(rgb: Floats, alpha: Floats | None = None) -> Floats:
    """How much each pixel belongs to the subject, 0..1. Of a picture that was cut out before, what is left is the subject."""
    return stages(rgb, alpha)(1.0)


def stages(rgb: Floats, alpha: Floats | None = None) -> Stages:
    """The matte by and by: what stands out, the subject cut out coarsely, its outline at full resolution."""
    if alpha is not None and alpha.min() < _OPAQUE:
        given = alpha.copy()
        return lambda _: given
    coming, done, matte = _by_and_by(rgb), 0, rgb[..., 0]

    def so_far(part: float) -> Floats:
        nonlocal done, matte
        while done < min(_STAGES, np.ceil(part * _STAGES)):
            matte, done = next(coming), done + 1
        return matte

    return so_far


def _by_and_by(rgb: Floats) -> Iterator[Floats]:
    height, width = rgb.shape[:2]
    seen = salient(rgb)
    yield floats(cv2.resize(np.clip(seen.likely / (1.3 * seen.threshold), 0, 1), (width, height)))
    coarse = cut([seen, *(salient(rgb, side_px) for side_px in _OTHER_SIDES_PX)])
    yield floats(cv2.resize(coarse, (width, height)))
    yield outlined(rgb, coarse)
