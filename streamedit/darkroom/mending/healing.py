"""What could be under a hole of a picture, made up from what is around it: knows pixels and holes, and no instruction.

A membrane says what is likely on the average, patches of the surroundings bring structure and texture, from coarse to fine. A
large hole is filled in a small copy; its detail comes from where the small copy's pixels came from, at full resolution.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from streamedit.darkroom.memory import tidied_for
from streamedit.darkroom.mending.fills import Fill, painted, textured
from streamedit.darkroom.mending.matching import Likeness, carried, compared, searched, voted
from streamedit.darkroom.mending.membranes import Holes, enlarged, membrane, shrunk
from streamedit.darkroom.mending.patches import REACH, Chance, Field, Indices, components, field, peeled
from streamedit.darkroom.optics import chances, floats
from streamedit.darkroom.photograph import Bytes8, Floats

_HOLE_PX = 27_000
"""A hole of more pixels is filled in a smaller copy ..."""

_WINDOW_PX = 270_000
"""... and also one with more about it."""

_CORE_PX = 5.0
"""The coarsest copy is the one in which a hole goes no deeper than this."""

_THIN_PX = 1.2
"""What goes no deeper in the copy has no room for patches there."""

_ROUNDS = (4, 3, 2, 2)
"""Of search and vote, from the coarsest copy on; the last holds for all finer ones."""

_TOO_LARGE = 0.6
"""Of a picture: with more of it gone the rest says too little for patches."""

_CAUTION = 0.3
"""How much of the membrane is in a fill by its rim: the patches' guess may be wrong where the membrane's mean is not."""

_DOUBT = 0.65
"""And how much far from it."""

_SURE_PX = 25
"""How far from the rim caution becomes doubt, in the copy."""

_APART_PX = 9
"""Holes nearer to each other are filled as one."""

_OVERVIEW_PX = 500_000
"""Which holes lie apart, and how deep they are, is seen in a mask of about so many pixels."""

_MOST_REGIONS = 24
"""More are put together with their neighbours: each costs something, however small it is."""


def healed(rgb: Floats, hole: Holes, seed: int = 0, variety: float = 1.0, *, spare: bool = False) -> Callable[[float], Floats]:
    """The picture with its hole filled to the finest detail at 1, coarser before. Pixels outside of the hole stay.

    There must be some. Asked for growing parts, each costs what is new in it. `spare`: at 1 the picture itself is filled.
    """
    chance = Chance(seed, variety)
    works = [_Work(window, own, _fills(rgb[window], hole[window], chance), Fill(rgb[window])) for window, own in _regions(hole)]

    def state(part: float) -> Floats:
        made = rgb if spare and part == 1 else rgb.copy()
        for work in works:
            work.paint(part, rgb[work.window], hole[work.window], made[work.window])
        return made

    return state


@dataclass(slots=True)
class _Work:
    """A hole that is being filled: its window, what of the window is to be filled, the fills to come, and the last fill.

    `pixels`: what it was filled with in the end: they are less than all that they were made from.
    """

    window: tuple[slice, slice]
    own: Holes
    fills: Iterator[tuple[float, Fill]]
    fill: Fill
    done: float = 0.0
    pixels: Floats | None = None

    def paint(self, part: float, rgb: Floats, hole: Holes, into: Floats) -> None:
        """Fills the hole so far in a window of a picture."""
        while self.done < part:
            self.done, self.fill = next(self.fills)
        if self.pixels is not None:
            into[self.own] = self.pixels
            return
        if self.done == 1:
            self.fills = iter(())  # with all that the last fill was made from
            tidied_for(rgb.nbytes)
        painted(self.fill, rgb, hole, self.own, into)
        if self.done == 1 and self.fill.texture is not None:
            self.pixels, self.fill = floats(into[self.own]), Fill(rgb)


def _regions(hole: Holes) -> Iterator[tuple[tuple[slice, slice], Holes]]:
    """The holes that lie apart, each with a window of what is about it, as wide as the hole is deep."""
    if not hole.any():
        return
    overview, shrink = _overview(hole)
    depth = shrink * cv2.distanceTransform(np.pad(overview, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    count, labels = _labels(overview)
    for label in range(1, count):
        own = ((labels == label) & (overview > 0)).astype(np.uint8)
        about = int(2 * depth[own > 0].max()) + 24
        left, top, width, height = (shrink * length for length in cv2.boundingRect(own))
        rows = slice(max(0, top - about), min(hole.shape[0], top + height + about))
        columns = slice(max(0, left - about), min(hole.shape[1], left + width + about))
        there = np.ix_(*(np.arange(side.start, side.stop) // shrink for side in (rows, columns)))
        yield (rows, columns), np.asarray((own > 0)[there] & hole[rows, columns])


def _overview(hole: Holes) -> tuple[Bytes8, int]:
    """A mask so many times smaller, in which no speck is lost."""
    shrink = int(np.ceil((hole.size / _OVERVIEW_PX) ** 0.5)) if hole.size > 2 * _OVERVIEW_PX else 1
    grown = cv2.dilate(hole.view(np.uint8), np.ones((shrink, shrink), np.uint8), anchor=(0, 0))
    return np.ascontiguousarray(grown[::shrink, ::shrink], np.uint8), shrink


def _labels(hole: Bytes8) -> tuple[int, cv2.typing.MatLike]:
    """How many numbers there are, 0 included, and each pixel's; what lies near has the same."""
    near_px = _APART_PX
    while near_px < max(hole.shape):
        count, labels = cv2.connectedComponents(cv2.dilate(hole, np.ones((near_px, near_px), np.uint8)))
        if count <= _MOST_REGIONS + 1:
            return count, labels
        near_px = 4 * near_px + 1
    return 2, np.ones_like(hole)


def _fills(rgb: Floats, hole: Holes, chance: Chance) -> Iterator[tuple[float, Fill]]:
    """A window's fills from the coarsest to the finest, and how much of the work each of them is."""
    copies = _copies(rgb, hole, _shrinks(hole))
    basis = components(*copies[-1]) if copies else floats(np.empty(0))
    before: tuple[Field, Likeness] | None = None
    filled: Floats | None = None
    for number, (small, small_hole) in enumerate(copies):
        at = field(membrane(small, small_hole), small_hole, basis, chance, number)
        if at is None:
            continue
        rng = chances(chance.seed + number)
        filled, likeness = _matched(at, _begun(at, filled), before, _ROUNDS[min(number, len(_ROUNDS) - 1)], rng)
        before, filled = (at, likeness), _cautious(at, filled)
        if number + 1 < len(copies):
            yield (number + 1) / len(copies), Fill(filled)
    yield 1.0, _plain(rgb, hole) if before is None or filled is None else textured(before[0], filled, chance)


def _plain(rgb: Floats, hole: Holes) -> Fill:
    """A membrane: where there is no use in patches."""
    return Fill(membrane(*shrunk(rgb, hole, max(1.0, (hole.size / _OVERVIEW_PX) ** 0.5), part=0.001)))


def _shrinks(hole: Holes) -> list[float]:
    """How many times smaller than the one before each copy is, from the finest on; none where there is no use in patches."""
    overview, shrink = _overview(hole)
    depth = shrink * float(cv2.distanceTransform(overview, cv2.DIST_L2, 3).max())
    finest = max(1.0, (hole.sum() / _HOLE_PX) ** 0.5, (hole.size / _WINDOW_PX) ** 0.5)
    if hole.mean() > _TOO_LARGE or (finest > 1 and depth / finest < _THIN_PX):
        return []
    # the patches of a copy must find room beside its hole
    coarser = min(np.log2(depth / finest / _CORE_PX), np.log2(min(hole.shape) / finest / (6 * REACH)))
    return [finest, *[2.0] * max(0, int(np.ceil(coarser)))]


def _copies(rgb: Floats, hole: Holes, shrinks: list[float]) -> list[tuple[Floats, Holes]]:
    """The picture and its hole in smaller copies, from the coarsest on."""
    copies: list[tuple[Floats, Holes]] = []
    for shrink in shrinks:
        rgb, hole = shrunk(rgb, hole, shrink)
        copies.insert(0, (rgb, hole))
    return copies


def _begun(at: Field, coarser: Floats | None) -> Floats:
    if coarser is None:
        return peeled(at)
    return floats(np.where(at.hole[..., None], enlarged(coarser, at.size), at.rgb))


def _matched(
    at: Field, filled: Floats, before: tuple[Field, Likeness] | None, rounds: int, rng: np.random.Generator
) -> tuple[Floats, Likeness]:
    """Search and vote in turns."""
    likeness = compared(at, filled) or searched(at, filled, _beginning(at, before), rng)
    for _ in range(rounds - 1):
        filled = voted(at, likeness)
        likeness = searched(at, filled, likeness.source, rng)
    return voted(at, likeness), likeness


def _beginning(at: Field, before: tuple[Field, Likeness] | None) -> Indices:
    if before is not None:
        return carried(at, *before)
    return at.sources[np.linspace(0, at.sources.size - 1, at.wanted.size).astype(np.intp)]


def _cautious(at: Field, filled: Floats) -> Floats:
    """A fill with some of the membrane in it, more of it where the rim, and all certainty, is far."""
    depth = floats(cv2.distanceTransform(at.hole.astype(np.uint8), cv2.DIST_L2, 3))
    share = _CAUTION + (_DOUBT - _CAUTION) * (1 - np.exp(depth * np.float32(-1 / _SURE_PX)))
    return floats(filled + (at.rgb - filled) * share[..., None])
