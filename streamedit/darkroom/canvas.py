"""What operations work on, and what they are told: a picture while it is developed, and the brief of one instruction."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from streamedit.darkroom.instructions import NOTHING, Colour, Details
from streamedit.darkroom.optics import banded, chances
from streamedit.darkroom.photograph import Floats, Pixels


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture at work. All planes have the same height and width; whoever changes the frame changes all of them.

    `rgb`: its present state, float32, 0..1, height x width x 3. `alpha`: opacity, 0..1, height x width; None for opaque.
    `weight`: the mask, 0..1, 1 = edit; None for everything. `original`: what `rgb` was at first, uint8 or uint16, which shows
    in the end where the mask is 0; None where there is no mask.
    """

    rgb: Floats
    alpha: Floats | None = None
    weight: Floats | None = None
    original: Pixels | None = None


@dataclass(frozen=True, slots=True)
class Brief:
    """What an operation is told beside the picture.

    `amount` and `details`: as in `Instruction`. `seed`: of all that is random. `character`: about 1; how a variation of what
    has no halves differs (the colour filter of black and white, the width of a pencil). `others`: the request's further
    images, RGB, float32, 0..1, each of its own size. `spare`: whether nobody looks at the canvas any more when all is done: an
    effect may then, at 1, paint into its pixels instead of a copy.
    """

    amount: float = 1.0
    details: Details = NOTHING
    seed: int = 0
    character: float = 1.0
    others: tuple[Floats, ...] = ()
    spare: bool = False

    def chances(self) -> np.random.Generator:
        """All that is random, from its beginning."""
        return chances(self.seed)

    def colour(self, usual: Colour, number: int = 0) -> Colour:
        """The colour that was named, the first or a later one; the usual one where there is none."""
        return self.details.colours[number] if len(self.details.colours) > number else usual


Effect: TypeAlias = Callable[[float], Canvas]
"""The canvas when so much of the instruction is done: above 0, to 1. It is asked for growing parts, the last of them 1."""

Operation: TypeAlias = Callable[[Canvas, Brief], Effect]

Done: TypeAlias = Callable[[float], Floats]
"""As `Effect`, of the pixels alone."""

Retouch: TypeAlias = Callable[[Floats, Brief], Done]
"""An operation that knows and changes the pixels alone."""

Step: TypeAlias = Callable[[Floats, float], Floats]
"""What becomes of a band of the picture at an amount."""


def retouching(retouch: Retouch) -> Operation:
    """An operation on pixels as one on canvases."""

    def operation(canvas: Canvas, brief: Brief) -> Effect:
        done = retouch(canvas.rgb, brief)
        return lambda part: replace(canvas, rgb=done(part))

    return operation


def stepwise(rgb: Floats, brief: Brief, step: Step) -> Done:
    """A step that looks at each pixel alone, as far as it is done by now."""
    return lambda part: banded(lambda band: step(band, brief.amount * part), rgb)
