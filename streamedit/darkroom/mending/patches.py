"""Patches of a picture at one resolution, those that are known and those that touch a hole, and a first fill from them.

The first fill grows from the rim inwards, after Newson and others 2014 ("Video inpainting of complex scenes"). Patches are
compared by their main components, so that thousands of them are at a time.
"""

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.mending.membranes import Holes
from streamedit.darkroom.optics import chances, floats
from streamedit.darkroom.photograph import Floats

Indices: TypeAlias = NDArray[np.intp]
"""Of pixels in a picture as one long row."""

REACH = 3
"""Pixels from the centre of a patch to its side."""

_SIDE = 2 * REACH + 1
_STEPS = np.arange(-REACH, REACH + 1)
_COMPONENTS = 24
_SAMPLES = 1000
_PEEL_SOURCES = 5000
_NEAR = 1.5
"""What a source costs for being far away: what is near is likelier to go on under the mask."""

_EXPECTED = 3.0
"""What a source costs for having another colour than the membrane: hard edges out of nothing are rare."""

_LOOSENING = 0.5
"""The membrane has so much less of a say in each finer copy: it knows nothing of texture."""

_TRUST = 1.6
"""So many times less a patch counts for each pixel further in: structure grows from the rim."""

_VARIETY = 0.04
"""How far chance may favour one source above another, as a share of how patches differ."""


@dataclass(frozen=True, slots=True)
class Chance:
    """`seed`: of all that is random; `variety`: how much of it there is, about 1."""

    seed: int
    variety: float


@dataclass(frozen=True, slots=True)
class Field:
    """What is known at one resolution. `rgb`: with a membrane in the hole; `flat`: the same as one long row of pixels.

    `wanted`: the patches that touch the hole, `number` their numbers by pixel, -1 elsewhere, `pixels` the pixels of each;
    `sources`: the patches that do not, `row` their numbers. `known`: the sources as `traits` has them; `asked`: what the
    wanted have beside their pixels; `cost` of each source.
    """

    rgb: Floats
    hole: Holes
    wanted: Indices
    number: Indices
    pixels: NDArray[np.int32]
    sources: Indices
    row: Indices
    basis: Floats
    known: Floats
    asked: Floats
    cost: Floats
    trust: Floats

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.hole.shape[0], self.hole.shape[1]


def components(rgb: Floats, hole: Holes) -> Floats:
    """The main components of a picture's known patches, of a sample of them; they serve its smaller copies as well."""
    sources = _free(_touched(hole))
    sample = sources[np.linspace(0, sources.size - 1, min(_SAMPLES, sources.size)).astype(np.intp)]
    values = rgb.reshape(-1, 3)[sample[:, None] + _around(hole.shape[1])].reshape(sample.size, -1) * _bell()
    values -= values.mean(0, keepdims=True) if sample.size else 0
    _, vectors = np.linalg.eigh(values.T @ values)
    return floats(np.ascontiguousarray(vectors[:, ::-1][:, :_COMPONENTS]) * _bell()[:, None])


def _touched(hole: Holes) -> Holes:
    """The centres of the patches that a hole has a part in."""
    return np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((_SIDE, _SIDE), np.uint8)) > 0)


def _free(touched: Holes) -> Indices:
    """The centres of the patches that lie in the picture and out of the hole."""
    free = np.zeros_like(touched)
    free[REACH:-REACH, REACH:-REACH] = ~touched[REACH:-REACH, REACH:-REACH]
    return np.asarray(np.flatnonzero(free), np.intp)


def field(rgb: Floats, hole: Holes, basis: Floats, chance: Chance, freedom: int) -> Field | None:
    """A picture whose hole holds a membrane, ready to be searched; None where no whole patch of it is known."""
    touched = _touched(hole)
    sources, wanted = _free(touched), np.flatnonzero(touched)
    if not sources.size:
        return None
    places = _places(rgb, hole.shape, freedom)
    count = basis.shape[1]
    known = np.empty((sources.size, count + places.shape[1]), np.float32)
    _compress(rgb, basis, sources, known[:, :count])
    known[:, count:] = places[sources]
    lucky = luck(hole.shape, chance.seed).ravel()[sources]
    cost = lucky * np.float32(_VARIETY * chance.variety * known[:, :count].var(0).sum())
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3).ravel()[wanted]
    trust = np.float32(_TRUST) ** -np.minimum(depth, 40)
    number, row = _numbered(wanted, hole.size), _numbered(sources, hole.size)
    pixels = _pixels(wanted, hole.shape)
    return Field(rgb, hole, wanted, number, pixels, sources, row, basis, known, places[wanted], cost, floats(trust))


def _numbered(pixels: Indices, count: int) -> Indices:
    numbers = np.full(count, -1, np.intp)
    numbers[pixels] = np.arange(pixels.size)
    return numbers


def _pixels(centres: Indices, size: tuple[int, int]) -> NDArray[np.int32]:
    """The pixels of patches, mirrored where they leave the picture."""
    y, x = np.divmod(centres, size[1])
    rows, columns = (_mirrored(at[:, None] + _STEPS, n).astype(np.int32) for at, n in ((y, size[0]), (x, size[1])))
    return np.asarray((rows[:, :, None] * size[1] + columns[:, None, :]).reshape(centres.size, -1), np.int32)


def _mirrored(at: Indices, count: int) -> Indices:
    at = np.abs(at)
    return np.asarray(np.where(at >= count, 2 * count - 2 - at, at), np.intp)


def _around(width: int) -> Indices:
    return np.asarray((_STEPS[:, None] * width + _STEPS).ravel(), np.intp)


def _bell() -> Floats:
    """How much each value of a patch counts: its middle most."""
    squares = _STEPS[:, None] ** 2 + _STEPS**2
    return floats(np.repeat(np.exp(-squares.ravel() / 25), 3))


def _compress(rgb: Floats, basis: Floats, sources: Indices, into: Floats) -> None:
    """The components of patches, some thousands at a time."""
    flat, around = rgb.reshape(-1, 3), _around(rgb.shape[1])
    for i in range(0, sources.size, 4096):
        some = sources[i : i + 4096]
        into[i : i + 4096] = flat[some[:, None] + around].reshape(some.size, -1) @ basis


def _places(rgb: Floats, size: tuple[int, int], freedom: int) -> Floats:
    """What a patch has beside its pixels: its place and the colour about it, as heavy as they are to count."""
    y, x = np.indices(size, np.float32) * np.float32(_NEAR * 2 * REACH / max(size))
    colour = cv2.blur(rgb, (_SIDE, _SIDE)) * np.float32(_EXPECTED * _LOOSENING**freedom)
    return floats(np.dstack([y, x, colour]).reshape(-1, 5))


def luck(size: tuple[int, ...], seed: int) -> Floats:
    """A smooth field of chance over a picture, 0..1, the same at any resolution."""
    coarse = chances(seed).random((8, 8), np.float32)
    return floats(np.clip(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_CUBIC), 0, 1))


def peeled(at: Field) -> Floats:
    """A first fill, grown from the rim inwards: each pixel from the source most like what is there by then."""
    filled, todo = at.rgb.copy(), at.hole.copy()
    sources = at.sources[np.linspace(0, at.sources.size - 1, min(_PEEL_SOURCES, at.sources.size)).astype(np.intp)]
    flat, width = at.rgb.reshape(-1, 3), at.size[1]
    values = flat[sources[:, None] + _around(width)].reshape(sources.size, -1)
    near, cost = at.known[at.row[sources], -5:], at.cost[at.row[sources]]
    fixed = (near * near).sum(1) + cost
    while todo.any():
        ring = todo & (cv2.erode(todo.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0)
        pixels = np.flatnonzero(ring)
        numbers = at.number[pixels]
        there = np.repeat(~todo.ravel()[at.pixels[numbers]], 3, 1) * _bell() ** 2
        patches = filled.reshape(-1, 3)[at.pixels[numbers]].reshape(pixels.size, -1)
        apart = there @ (values * values).T - 2 * (there * patches) @ values.T
        apart *= ((_bell() ** 2).sum() / there.sum(1))[:, None]
        apart += fixed - 2 * at.asked[numbers] @ near.T
        filled.reshape(-1, 3)[pixels] = _shared(flat, pixels, sources[apart.argmin(1)], ring)
        todo &= ~ring
    return filled


def _shared(flat: Floats, pixels: Indices, best: Indices, ring: Holes) -> Floats:
    """The colours that sources say of pixels, each of its own and, less, of its neighbours in the ring."""
    height, width = ring.shape
    number = _numbered(pixels, ring.size)
    y, x = np.divmod(pixels, width)
    total, weight = 4 * flat[best], np.full((pixels.size, 1), 4, np.float32)
    for dy, dx in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)):
        inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
        neighbour = np.where(inside, number[(pixels + dy * width + dx) * inside], -1)
        use = neighbour >= 0
        total[use] += flat[best[neighbour[use]] - dy * width - dx]
        weight[use] += 1
    return floats(total / weight)
