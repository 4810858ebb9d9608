"""Instructions that mend a picture: what is taken out of it, and what then shows."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect, Operation
from streamedit.darkroom.mending.healing import healed
from streamedit.darkroom.mending.membranes import Holes
from streamedit.errors import InvalidRequest


def erase(canvas: Canvas, brief: Brief) -> Effect:
    """What is under the mask is gone, and what is around it goes on there; without a mask, what is transparent is filled.

    It comes from coarse to fine. Another seed, or character, makes up something else.
    """
    hole = _hole(canvas)
    if hole.all():
        message = "The mask covers the whole image: there is nothing left to fill it from. Leave some of it unmasked."
        raise InvalidRequest(message, param="mask", code="mask_covers_everything")
    alpha = None if canvas.weight is None else canvas.alpha
    # other characters are for variations: chance has more of a say in them
    state = healed(canvas.rgb, hole, brief.seed, variety=1 + 30 * abs(brief.character - 1), spare=brief.spare)
    return lambda part: replace(canvas, rgb=state(part), alpha=alpha)


def _hole(canvas: Canvas) -> Holes:
    if canvas.weight is not None:
        return np.asarray(canvas.weight > 0)
    if canvas.alpha is None or not (canvas.alpha < 0.5).any():
        message = "To erase, the darkroom needs a mask, or an image that is transparent where to erase."
        raise InvalidRequest(message, param="mask", code="mask_required")
    return np.asarray(canvas.alpha < 0.5)


HEALING: Mapping[str, Operation] = MappingProxyType({"erase": erase})
"""By the names of the grammar's table."""
