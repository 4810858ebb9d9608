"""From a photograph and a prompt's instructions to the finished picture, by way of its intermediate states."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import DTypeLike

from streamedit.darkroom.canvas import Brief, Canvas, Effect
from streamedit.darkroom.instructions import Instruction, Scope
from streamedit.darkroom.memory import tidied_for
from streamedit.darkroom.operations import OPERATIONS
from streamedit.darkroom.optics import mixed
from streamedit.darkroom.photograph import Floats, Photograph, bands, composite, floats_of, pixels_of
from streamedit.darkroom.repertoire import FAMILIES, entry
from streamedit.darkroom.subjects import matting

_CHARACTERS = (1.0, 0.65, 1.4, 0.8, 1.2, 0.55, 1.45, 0.9, 1.1, 0.5)
"""What sets one variation off from another: it multiplies amounts. The first is the picture as asked for."""

_MEDIUM = 0.5
"""An amount that is multiplied by the character itself; a smaller one by more, or nobody would see it, a larger one by less."""

_PRINTS = (("contrast", 0.35), ("brightness", 0.2), ("contrast", -0.3), ("brightness", -0.2), ("shadows", 0.45))
"""How else variations differ: as prints of one negative do. What has a character of its own needs none of it."""


_OF_THE_BACKGROUND = frozenset(row.name for row in FAMILIES["background"])


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to do, in order; `seed`, `character` and `others` as in `canvas.Brief`."""

    instructions: Sequence[Instruction]
    seed: int = 0
    character: float = 1.0
    others: tuple[Floats, ...] = ()


def variation(recipe: Recipe, number: int) -> Recipe:
    """The same wish, done visibly differently; number 0 is the recipe as it is."""
    if number == 0:
        return recipe
    character = _CHARACTERS[number % len(_CHARACTERS)]
    instructions = [_scaled(instruction, character) for instruction in recipe.instructions]
    if not any(entry(instruction.name).characterful for instruction in instructions):
        name, amount = _PRINTS[(number - 1) % len(_PRINTS)]
        instructions.append(Instruction(name, amount / (1 + (number - 1) // len(_PRINTS))))
    return replace(recipe, instructions=tuple(instructions), seed=recipe.seed + 1_000_003 * number, character=character)


def develop(
    photograph: Photograph, weight: Floats | None, recipe: Recipe, partials: int, pause: Callable[[], None] = lambda: None
) -> Iterator[Photograph]:
    """`partials` true states on the way, evenly spread over the work, then the finished picture.

    `weight`: the mask, 0..1, height x width; None for everything. Where it is 0 the pixels are those of `photograph`, and the
    colour profile is its own. `pause` is called between steps of the work, and may raise to end it. Raises InvalidRequest for
    what an instruction lacks, when its turn has come.
    """
    depth, icc = photograph.rgb.dtype, photograph.icc
    states = _states(_canvas(photograph, weight), recipe, partials, pause)
    # what the states no longer need is not kept for them here: floats take four times the room of 8 bits
    del photograph, weight
    # no loop: its variable would hold the last state while the file of it is written
    yield from map(partial(_finished, depth=depth, icc=icc), states)


def _canvas(photograph: Photograph, weight: Floats | None) -> Canvas:
    alpha = None if photograph.alpha is None else floats_of(photograph.alpha)
    return Canvas(floats_of(photograph.rgb), alpha, weight, None if weight is None else photograph.rgb)


def _states(canvas: Canvas, recipe: Recipe, partials: int, pause: Callable[[], None]) -> Iterator[Canvas]:
    """The canvas after 1/(partials + 1), 2/(partials + 1) ... of all the work."""
    instructions = _in_order(recipe.instructions)
    works = [entry(instruction.name).work_ms for instruction in instructions]
    due = [sum(works) * stage / (partials + 1) for stage in range(1, partials + 1)]
    done, subject = 0.0, None
    for at, (instruction, work) in enumerate(zip(instructions, works, strict=True)):
        pause()
        if subject is None and any(later.scope is not Scope.ALL for later in instructions[at:]):
            subject = matting.subject(canvas.rgb, canvas.alpha)
        tidied_for(canvas.rgb.nbytes)
        effect = _effect(canvas, instruction, recipe, subject)
        for stage in (stage for stage in due if done < stage < done + work):
            yield effect((stage - done) / work)
            pause()
        tidied_for(canvas.rgb.nbytes)
        canvas = effect(1.0)
        del effect  # it holds the canvas before this one
        done += work
        if not entry(instruction.name).scoped:
            subject = None  # it may have moved
        if done in due:
            yield canvas
    last = [canvas]
    del canvas
    yield last.pop()  # not kept while its file is written


def _in_order(instructions: Sequence[Instruction]) -> Sequence[Instruction]:
    """As they were asked for, but that the background comes first: the subject is found best in the photograph as it came."""
    return sorted(instructions, key=lambda each: (each.name != "all images", each.name not in _OF_THE_BACKGROUND))


def _effect(canvas: Canvas, instruction: Instruction, recipe: Recipe, subject: Floats | None) -> Effect:
    where = None if instruction.scope is Scope.ALL else subject
    brief = Brief(instruction.amount, instruction.details, recipe.seed, recipe.character, recipe.others, spare=where is None)
    effect = OPERATIONS[instruction.name](canvas, brief)

    def clipped(part: float) -> Canvas:
        done = effect(part)
        # in place: it is the effect's own array, or a part of the canvas, which is clipped
        np.clip(done.rgb, 0, 1, out=done.rgb)
        return done

    if where is None:
        return clipped
    return _within(canvas, where, clipped, outside=instruction.scope is Scope.BACKGROUND)


def _within(canvas: Canvas, subject: Floats, effect: Effect, *, outside: bool) -> Effect:
    """An effect on the subject alone, or on all else; what it does to the frame stays undone."""

    def within(part: float) -> Canvas:
        rgb = effect(part).rgb
        for rows in bands(*subject.shape):
            where = 1 - subject[rows] if outside else subject[rows]
            rgb[rows] = mixed(canvas.rgb[rows], rgb[rows], where)
        return replace(canvas, rgb=rgb)

    return within


def _scaled(instruction: Instruction, character: float) -> Instruction:
    if not entry(instruction.name).adjustable:
        return instruction
    size = max(abs(instruction.amount), _MEDIUM / 2)
    factor = character ** max(0.7, _MEDIUM / size)
    # an amount that cannot grow shrinks instead: cut off at 1, two variations would be the same
    return replace(instruction, amount=instruction.amount * (factor if abs(instruction.amount) * factor <= 1 else 1 / factor))


def _finished(state: Canvas, depth: DTypeLike, icc: bytes | None) -> Photograph:
    rgb = pixels_of(state.rgb, depth) if state.original is None else composite(state.original, state.rgb, state.weight)
    return Photograph(rgb, None if state.alpha is None else pixels_of(state.alpha, depth), icc)
