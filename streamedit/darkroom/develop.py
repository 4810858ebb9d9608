"""From a photograph and a prompt's instructions to the finished picture, by way of its intermediate states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from streamedit.darkroom.grammar import Instruction, entry
from streamedit.darkroom.operations import OPERATIONS, Context
from streamedit.darkroom.photograph import Floats, Photograph, composite, floats_of

_CHARACTERS = (1.0, 0.8, 1.25, 0.9, 1.15, 0.7, 1.35, 0.6, 1.45, 0.5)
"""What sets one variation off from another: it multiplies amounts. The first is the picture as asked for."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do, in order; `seed` and `character` as in `operations.Context`."""

    instructions: Sequence[Instruction]
    seed: int = 0
    character: float = 1.0


def variation(recipe: Recipe, number: int) -> Recipe:
    """The same wish, done visibly differently; number 0 is the recipe as it is."""
    character = _CHARACTERS[number % len(_CHARACTERS)]
    return Recipe(
        tuple(_scaled(instruction, character) for instruction in recipe.instructions),
        seed=recipe.seed + 1_000_003 * number,
        character=character,
    )


def develop(photograph: Photograph, weight: Floats | None, recipe: Recipe, partials: int) -> Iterator[Photograph]:
    """`partials` true states on the way, evenly spread over the work, then the finished picture.

    `weight`: the mask, 0..1, height x width; None for everything. Where it is 0 the pixels are those of `photograph`. Alpha
    and colour profile are kept.
    """
    for state in _states(floats_of(photograph.rgb), weight, recipe, partials + 1):
        yield replace(photograph, rgb=composite(photograph.rgb, state, weight))


def _states(state: Floats, weight: Floats | None, recipe: Recipe, stages: int) -> Iterator[Floats]:
    """The picture after 1/stages, 2/stages ... of all the work: so many instructions done, and a part of the next."""
    total = len(recipe.instructions)
    due = [divmod(total * stage, stages) for stage in range(1, stages + 1)]
    context = Context(recipe.seed, weight, recipe.character)
    for done, instruction in enumerate(recipe.instructions):
        effect = OPERATIONS[instruction.name](state, context)
        for part in (part for at, part in due if at == done and part):
            yield _clipped(effect(instruction.amount * part / stages))
        state = _clipped(effect(instruction.amount))
        if (done + 1, 0) in due:
            yield state


def _scaled(instruction: Instruction, character: float) -> Instruction:
    if not entry(instruction.name).adjustable:
        return instruction
    # an amount that cannot grow shrinks instead: cut off at 1, two variations would be the same
    factor = character if abs(instruction.amount) * character <= 1 else 2 - character
    return replace(instruction, amount=instruction.amount * factor)


def _clipped(pixels: Floats) -> Floats:
    return np.clip(pixels, 0, 1)
