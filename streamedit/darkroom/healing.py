"""What could be under a hole of a picture, made up from what is around it: knows pixels and holes, and no instruction.

A membrane says what is likely on the average, patches of the surroundings bring structure and texture, from coarse to fine. A
large hole is filled in a small copy; its detail comes from where the small copy's pixels came from, at full resolution.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from streamedit.darkroom.matching import Likeness, carried, compared, searched, voted
from streamedit.darkroom.membranes import Holes, enlarged, membrane, shrunk
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.patches import REACH, Chance, Field, Indices, components, field, peeled
from streamedit.darkroom.photograph import Bytes8, Floats

_HOLE_PX = 27_000
"""A hole of more pixels is filled in a smaller copy ..."""

_WINDOW_PX = 270_000
"""... and also one with more about it."""

_CORE_PX = 5.0
"""The coarsest copy is the one in which a hole goes no deeper than this."""

_THIN_PX = 1.2
"""What goes no deeper in the copy has no room for patches there."""

_ROUNDS = (5, 4, 3, 2)
"""Of search and vote, from the coarsest copy on; the last holds for all finer ones."""

_TOO_LARGE = 0.6
"""Of a picture: with more of it gone the rest says too little for patches."""

_CAUTION = 0.3
"""How much of the membrane is in a fill by its rim: the patches' guess may be wrong where the membrane's mean is not."""

_DOUBT = 0.65
"""And how much far from it."""

_SURE_PX = 25
"""How far from the rim caution becomes doubt, in the copy."""

_GRAIN = 0.02
"""The strongest grain that is made up."""

_GRAIN_SHARE = 0.25
"""Of what grain is missing, so much is made up: with all of it a fill is no better to look at, and further from the truth."""

_TEXTURE_PX = 2
"""What is finer than this is texture."""

_BOOST = 0.8
"""Texture is made no more than 1 + this times stronger ..."""

_FAINT = 0.03
"""... and less where it is fainter than this."""

_APART_PX = 9
"""Holes nearer to each other are filled as one."""

_MOST_REGIONS = 24
"""More are put together with their neighbours: each costs something, however small it is."""


def healed(rgb: Floats, hole: Holes, seed: int = 0, variety: float = 1.0) -> Callable[[float], Floats]:
    """The picture with its hole filled to the finest detail at 1, coarser before. Pixels outside of the hole stay.

    There must be some. Asked for growing parts, each costs what is new in it.
    """
    chance = Chance(seed, variety)
    works = [_Work(window, own, _fills(rgb[window], hole[window], chance), rgb[window]) for window, own in _regions(hole)]

    def state(part: float) -> Floats:
        made = rgb.copy()
        for work in works:
            work.advance(part)
            made[work.window][work.own] = work.filled[work.own]
        return made

    return state


@dataclass(slots=True)
class _Work:
    """A hole that is being filled: its window, what of the window is to be filled, and the fills to come."""

    window: tuple[slice, slice]
    own: Holes
    fills: Iterator[tuple[float, Floats]]
    filled: Floats
    done: float = 0.0

    def advance(self, part: float) -> None:
        while self.done < part:
            self.done, self.filled = next(self.fills)


def _regions(hole: Holes) -> Iterator[tuple[tuple[slice, slice], Holes]]:
    """The holes that lie apart, each with a window of what is about it, as wide as the hole is deep."""
    if not hole.any():
        return
    x, y, width, height = cv2.boundingRect(hole.astype(np.uint8))
    inner = hole[y : y + height, x : x + width].astype(np.uint8)
    depth = cv2.distanceTransform(np.pad(inner, 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    count, labels = _labels(inner)
    for label in range(1, count):
        own = (labels == label) & (inner > 0)
        about = int(2 * depth[own].max()) + 24
        left, top, wide, high = cv2.boundingRect(own.astype(np.uint8))
        rows = slice(max(0, y + top - about), min(hole.shape[0], y + top + high + about))
        columns = slice(max(0, x + left - about), min(hole.shape[1], x + left + wide + about))
        there = np.zeros_like(hole[rows, columns])
        there[y + top - rows.start :, x + left - columns.start :][:high, :wide] = own[top : top + high, left : left + wide]
        yield (rows, columns), there


def _labels(hole: Bytes8) -> tuple[int, cv2.typing.MatLike]:
    """How many numbers there are, 0 included, and each pixel's; what lies near has the same."""
    near_px = _APART_PX
    while near_px < max(hole.shape):
        count, labels = cv2.connectedComponents(cv2.dilate(hole, np.ones((near_px, near_px), np.uint8)))
        if count <= _MOST_REGIONS + 1:
            return count, labels
        near_px = 4 * near_px + 1
    return 2, np.ones_like(hole)


def _fills(rgb: Floats, hole: Holes, chance: Chance) -> Iterator[tuple[float, Floats]]:
    """A window's fills from the coarsest to the finest, and how much of the work each of them is."""
    shrinks = _shrinks(hole)
    copies = _copies(rgb, hole, shrinks)
    basis = components(*copies[-1]) if copies else floats(np.empty(0))
    before: tuple[Field, Likeness] | None = None
    filled: Floats | None = None
    for number, (small, small_hole) in enumerate(copies):
        at = field(membrane(small, small_hole), small_hole, basis, chance, number)
        if at is None:
            continue
        rng = np.random.default_rng((chance.seed + number) % (1 << 64))
        filled, likeness = _matched(at, _begun(at, filled), before, _ROUNDS[min(number, len(_ROUNDS) - 1)], rng)
        before, filled = (at, likeness), _cautious(at, filled)
        if number + 1 < len(copies):
            yield (number + 1) / len(copies), enlarged(filled, hole.shape)
    yield 1.0, _rough(_finished(rgb, hole, before, filled), hole, chance.seed)


def _shrinks(hole: Holes) -> list[float]:
    """How many times smaller than the one before each copy is, from the finest on; none where there is no use in patches."""
    depth = float(cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).max())
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


def _finished(rgb: Floats, hole: Holes, before: tuple[Field, Likeness] | None, filled: Floats | None) -> Floats:
    if before is None or filled is None:
        return membrane(rgb, hole)
    at, likeness = before
    filled = _textured(at, filled)
    return filled if at.size == hole.shape else _detailed(rgb, hole, at, likeness, filled)


def _beginning(at: Field, before: tuple[Field, Likeness] | None) -> Indices:
    if before is not None:
        return carried(at, *before)
    return at.sources[np.linspace(0, at.sources.size - 1, at.wanted.size).astype(np.intp)]


def _cautious(at: Field, filled: Floats) -> Floats:
    """A fill with some of the membrane in it, more of it where the rim, and all certainty, is far."""
    depth = floats(cv2.distanceTransform(at.hole.astype(np.uint8), cv2.DIST_L2, 3))
    share = _CAUTION + (_DOUBT - _CAUTION) * (1 - np.exp(depth * np.float32(-1 / _SURE_PX)))
    return floats(filled + (at.rgb - filled) * share[..., None])


def _textured(at: Field, filled: Floats) -> Floats:
    """A fill with its texture made as strong as it is likely to be there: many votes, and caution, have weakened it."""
    unsure = cv2.dilate(at.hole.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    likely = membrane(_strength(at.rgb)[1], unsure)
    texture, strength = _strength(filled)
    missing = np.clip(likely / np.maximum(strength, np.float32(1e-3)) - 1, 0, _BOOST)
    # what is nearly smooth is better a little smoother than wrong
    visible = likely**2 / (likely**2 + np.float32(_FAINT**2))
    return floats(filled + texture * missing * visible * at.hole[..., None])


def _strength(rgb: Floats) -> tuple[Floats, Floats]:
    """The texture of a picture, and how strong it is about each pixel."""
    texture = floats(cv2.addWeighted(rgb, 1, cv2.GaussianBlur(rgb, (0, 0), _TEXTURE_PX), -1, 0))
    return texture, floats(cv2.GaussianBlur(np.abs(luma(texture)), (0, 0), 2 * _TEXTURE_PX))[..., None]


def _detailed(rgb: Floats, hole: Holes, at: Field, likeness: Likeness, filled: Floats) -> Floats:
    """A small fill at full resolution: enlarged, and with the detail of where its pixels came from.

    Several neighbours say what detail; where they do not agree it fades, which is better than a wrong one.
    """
    (rows, columns), (height, width) = hole.shape, at.size
    y, x = np.nonzero(hole)
    cell_y, cell_x = y * height // rows, x * width // columns
    smooth, detail = enlarged(at.rgb, hole.shape), np.zeros((y.size, 3), np.float32)
    for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        near_y, near_x = np.clip(cell_y + dy, 0, height - 1), np.clip(cell_x + dx, 0, width - 1)
        number = at.number[near_y * width + near_x]
        source = likeness.source[number]
        from_y = np.clip(y + np.rint((source // width - near_y) * (rows / height)).astype(np.intp), 0, rows - 1)
        from_x = np.clip(x + np.rint((source % width - near_x) * (columns / width)).astype(np.intp), 0, columns - 1)
        detail += (rgb[from_y, from_x] - smooth[from_y, from_x]) * (~hole[from_y, from_x] & (number >= 0))[:, None]
    made = rgb.copy()
    made[y, x] = enlarged(filled, hole.shape)[y, x] + detail / 5
    return made


def _rough(filled: Floats, hole: Holes, seed: int) -> Floats:
    """As rough as the rest: what is smoother than a photograph looks like a patch."""
    left, top, width, height = cv2.boundingRect(hole.astype(np.uint8))
    about = tuple(slice(max(0, start - 32), start + length + 32) for start, length in ((top, height), (left, width)))
    near = hole[about]
    laplacian = np.abs(floats(cv2.Laplacian(luma(np.ascontiguousarray(filled[about])), cv2.CV_32F)))
    if near.all():
        return filled
    # a third of the median is the deviation of the noise, as in optics.roughness
    inside, outside = (float(np.median(laplacian[where])) / 3 for where in (near, ~near))
    missing = max(0.0, min(_GRAIN, outside) ** 2 - inside**2) ** 0.5
    grain = np.random.default_rng(seed % (1 << 64)).standard_normal((int(hole.sum()), 1), np.float32)
    made = filled.copy()
    made[hole] += grain * np.float32(missing * _GRAIN_SHARE)
    return made
