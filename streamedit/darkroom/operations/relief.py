"""Light and dark from place to place: highlights, shadows and the detail between them, each beside its surroundings."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.base import on_base
from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.colours import times
from streamedit.darkroom.optics import blended, floats, grey, luma, smoothstep
from streamedit.darkroom.photograph import Floats


def highlights(rgb: Floats, brief: Brief) -> Done:
    """Less: bright regions come down, with all that is in them. More: they come up, and black stays."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        where = smoothstep((base - 0.3) / 0.7)
        if amount < 0:
            return times(band, 1 + np.float32(0.34 * amount) * where)
        return floats(band + (1 - band) * times(band, np.float32(0.5 * amount) * where))

    return on_base(rgb, brief, step)


def shadows(rgb: Floats, brief: Brief) -> Done:
    """More: dark regions come up, with all that is in them. Less: they go down."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        gain = 1 + (1.7 if amount > 0 else 0.8) * amount * cv2.pow(np.clip(1 - base, 0, 1), 3.5)
        return times(band, floats(gain))

    return on_base(rgb, brief, step)


def clarity(rgb: Floats, brief: Brief) -> Done:
    """More: what stands out from its surroundings stands out further, most in the mid-tones. Less: a soft skin of light."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        detail = (luma(band) - base) * (1.4 if amount > 0 else 0.8)
        room = 4 * base * (1 - base) if amount > 0 else np.float32(1)
        return floats(cv2.add(band, grey(amount * detail * room)))

    return on_base(rgb, brief, step)


def hdr(rgb: Floats, brief: Brief) -> Done:
    """Shadows up, highlights down, and the details stronger, without halos: the base is cut at edges, not across them."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        base = np.clip(base, 0.02, 1)
        light = np.maximum(luma(band), 0.004)
        even = 0.12 + 0.73 * base**0.72 - 0.12 * (1 - base) ** 6
        goal = grey(even * (light / base) ** 1.6)
        vivid = goal + (band - grey(light)) * (1.08 * (even / base) ** 0.5)[..., None]
        return blended(band, floats(vivid), amount)

    return on_base(rgb, brief, step)


RELIEF: Mapping[str, Operation] = MappingProxyType(
    {
        "highlights": retouching(highlights),
        "shadows": retouching(shadows),
        "clarity": retouching(clarity),
        "hdr": retouching(hdr),
    }
)
"""By the names of the instructions."""
