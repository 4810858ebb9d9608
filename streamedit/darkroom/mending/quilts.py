"""Real texture for a hole: squares of it, laid from the rim inwards, each from where it fits what lies there already.

Image quilting is that of Efros and Freeman 2001. What to look for where nothing lies yet, membranes say: how strong texture is,
and along which way it runs, go on from the rim as smoothly as colours do.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from streamedit.darkroom.mending.membranes import Holes, membrane
from streamedit.darkroom.mending.patches import Chance, Field, Indices, luck
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats

_CELL_PX = 8
"""The side of a square."""

_REACH = 8
"""So far from its centre a square is compared with what lies there."""

_STEPS = np.arange(-_REACH, _REACH + 1)
_MOST_SOURCES = 6000
_CANDIDATES = 32
_SPREAD_PX = 4.0
"""How far about a pixel its traits are taken."""

_EDGE_PX = 4
"""So near to a hole traits are not known: some of their pixels are in it."""

_FAIR_PX = 10.0
"""And the strength of texture by the rim is a harmonic mean, of squares, of so far about: an edge is strong, but no texture."""

_TRAITS = 0.5
"""What a source costs for other traits than asked for, beside how it fits."""

_USED = 0.3
"""What it costs for having been taken before: the eye finds what repeats."""

_LUCKY = 0.05
"""And how far chance may favour one."""


@dataclass(slots=True)
class _Quilt:
    """What lies where. `plane`: the texture of the picture, `made`: with what was laid, where `there` is 1; all with a margin.

    `off`: the way from a laid pixel to its source, `has`: whether there is one; `used`: how often a source was taken; `free`:
    where all of a square is known; `power`: the mean square of `plane`.
    """

    plane: Floats
    made: Floats
    there: Floats
    off: Indices
    has: Holes
    used: Floats
    free: Holes
    power: float


def quilted(at: Field, filled: Floats, texture: Floats, likely: Floats, chance: Chance) -> Indices:
    """Which known pixel each pixel of the hole has its texture from; -1 where from none. `likely`: as of `likely_strength`."""
    quilt = _quilt(at, luma(texture))
    cells, sources = _cells(at.hole), np.flatnonzero(quilt.free)
    if sources.size:
        traits = _traits(at, filled, texture, likely)
        cost = luck(at.size, chance.seed) * np.float32(_LUCKY * chance.variety)
        for cell, best in zip(cells, _best(traits, cost, sources, cells), strict=True):
            _lay(quilt, cell, best, traits, cost)
    y, x = np.indices(at.size)
    return np.asarray(np.where(quilt.has, (y + quilt.off[..., 0]) * at.size[1] + x + quilt.off[..., 1], -1), np.intp)


def _quilt(at: Field, plane: Floats) -> _Quilt:
    known = (~at.hole).astype(np.uint8)
    whole = cv2.erode(known, np.ones((_STEPS.size, _STEPS.size), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=(0,))
    padded, there = np.pad(plane, _REACH), np.pad(known.astype(np.float32), _REACH)
    blank = np.zeros(at.size, np.float32)
    power, off = float((plane**2).mean()) + 1e-7, np.zeros((*at.size, 2), np.intp)
    return _Quilt(padded, padded * there, there, off, blank > 0, blank, np.asarray(whole > 0), power)


def _cells(hole: Holes) -> list[tuple[slice, slice]]:
    """The squares that have a part in the hole, from the rim inwards."""
    depth = cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_L2, 3)
    left, top, width, height = cv2.boundingRect(hole.astype(np.uint8))
    cells = [
        (slice(y, min(y + _CELL_PX, top + height)), slice(x, min(x + _CELL_PX, left + width)))
        for y in range(top, top + height, _CELL_PX)
        for x in range(left, left + width, _CELL_PX)
    ]
    return sorted((cell for cell in cells if hole[cell].any()), key=lambda cell: float(depth[cell].max()))


def _centre(cell: tuple[slice, slice]) -> tuple[int, int]:
    return (cell[0].start + cell[0].stop) // 2, (cell[1].start + cell[1].stop) // 2


def _best(traits: Floats, cost: Floats, sources: Indices, cells: list[tuple[slice, slice]]) -> Indices:
    """For each cell the sources whose traits are most like those that are asked for."""
    few = sources[np.linspace(0, sources.size - 1, min(_MOST_SOURCES, sources.size)).astype(np.intp)]
    known = traits.reshape(-1, traits.shape[2])[few]
    asked = traits[tuple(np.array([_centre(cell) for cell in cells]).T)]
    fixed = (known * known).sum(1) + cost.ravel()[few]
    count = min(_CANDIDATES, few.size - 1)
    return np.stack([few[np.argpartition(fixed - 2 * known @ each, count)[: count + 1]] for each in asked])


def _lay(quilt: _Quilt, cell: tuple[slice, slice], best: Indices, traits: Floats, cost: Floats) -> None:
    """A square from the best of some sources and of those that what lies about it goes on to."""
    centre = np.array(_centre(cell))
    about = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in cell)
    ways = np.unique(quilt.off[about][quilt.has[about]], axis=0)
    tried = np.concatenate([np.stack(np.divmod(best, quilt.has.shape[1]), 1), centre + ways])
    tried = tried[((tried >= 0) & (tried < quilt.has.shape)).all(1)]
    tried = tried[quilt.free[tried[:, 0], tried[:, 1]]]
    y, x = tried.T
    gap = traits[y, x] - traits[centre[0], centre[1]]
    unlike = _TRAITS * ((gap * gap).sum(1) + cost[y, x]) + _USED * quilt.used[y, x]
    pick = tried[int((unlike + _misfit(quilt, centre, tried) / quilt.power).argmin())]
    quilt.used[max(0, pick[0] - 5) : pick[0] + 6, max(0, pick[1] - 5) : pick[1] + 6] += 1
    quilt.off[cell], quilt.has[cell] = pick - centre, True
    to, come = (
        tuple(slice(side.start + move, side.stop + move) for side, move in zip(cell, way, strict=True))
        for way in ((_REACH, _REACH), pick - centre + _REACH)
    )
    quilt.made[to] += (1 - quilt.there[to]) * quilt.plane[come]
    quilt.there[to] = 1


def _misfit(quilt: _Quilt, centre: Indices, tried: Indices) -> Floats:
    """How far sources are from what lies about a centre."""
    width = quilt.plane.shape[1]
    around = (_STEPS[:, None] * width + _STEPS).ravel() + _REACH * (width + 1)
    here = centre[0] * width + centre[1] + around
    there = quilt.there.ravel()[here]
    gap = quilt.plane.ravel()[(tried @ np.array([width, 1]))[:, None] + around] - quilt.made.ravel()[here]
    return floats((gap * gap) @ there / max(1.0, float(there.sum())))


def strength(texture: Floats) -> Floats:
    """How strong texture is about each pixel; what is rare, as an edge, counts less than what is all over."""
    return floats(cv2.GaussianBlur(np.sqrt(np.abs(luma(texture))), (0, 0), 2.5) ** 2)


def likely_strength(at: Field, texture: Floats) -> Floats:
    """How strong texture is to be in the hole, from how strong it is at the rim."""
    unsure = _unsure(at.hole)
    inverse = _mean_known((strength(texture)[..., None] + np.float32(1e-3)) ** -2, unsure, _FAIR_PX)
    at_rim = floats(np.maximum(inverse, np.float32(1e-3)) ** -0.5 - np.float32(1e-3))
    return np.maximum(membrane(at_rim, unsure)[..., 0], 0)


def _unsure(hole: Holes) -> Holes:
    size = 2 * _EDGE_PX + 1
    return np.asarray(cv2.dilate(hole.astype(np.uint8), np.ones((size, size), np.uint8)) > 0)


def _mean_known(planes: Floats, unsure: Holes, spread_px: float) -> Floats:
    known = (~unsure).astype(np.float32)
    sums = floats(cv2.GaussianBlur(planes * known[..., None], (0, 0), spread_px)).reshape(planes.shape)
    return floats(sums / np.maximum(cv2.GaussianBlur(known, (0, 0), spread_px), np.float32(1e-3))[..., None])


def _traits(at: Field, filled: Floats, texture: Floats, likely: Floats) -> Floats:
    """What is compared beside texture itself: its strength and way, the colour, the place; all about as heavy."""
    unsure, plane = _unsure(at.hole), luma(texture)
    right, down = cv2.Sobel(plane, cv2.CV_32F, 1, 0), cv2.Sobel(plane, cv2.CV_32F, 0, 1)
    way = cv2.merge([right * right - down * down, 2 * right * down]) / (np.hypot(right, down) + np.float32(1e-4))[..., None]
    way = membrane(_mean_known(floats(way), unsure, _SPREAD_PX), unsure)
    strong = np.where(unsure, likely, cv2.GaussianBlur(strength(texture), (0, 0), 2))
    colour = cv2.GaussianBlur(filled, (0, 0), _SPREAD_PX)
    apart, pale = strong[~at.hole].std() + 1e-4, colour[~at.hole].std() + 1e-3
    y, x = np.indices(at.size, np.float32) / max(at.size)
    return floats(np.dstack([1.5 * colour / pale, 0.5 * way / apart, strong / apart, y, x]))
