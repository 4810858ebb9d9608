"""Which known patch each patch about a hole is most like, and what all of them say of the hole.

Search and vote are those of Wexler, Shechtman, Irani 2007 ("Space-time completion of video"), the search along neighbours that
of PatchMatch (Barnes and others 2009).
"""

from dataclasses import dataclass

import numpy as np

from streamedit.darkroom.mending.patches import REACH, Field, Indices
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

_PAIRS = 5_000_000
"""As many pairs of patches are compared each with each; of more, each with those near its neighbours'."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """The source that each wanted patch is most like, and how far from it it is."""

    source: Indices
    distance: Floats


def _asking(at: Field, filled: Floats) -> Floats:
    flat, count = filled.reshape(-1, 3), at.basis.shape[1]
    asking = np.empty((at.wanted.size, count + at.asked.shape[1]), np.float32)
    for i in range(0, len(asking), 4096):
        some = at.pixels[i : i + 4096]
        asking[i : i + 4096, :count] = flat[some].reshape(len(some), -1) @ at.basis
    asking[:, count:] = at.asked
    return asking


def compared(at: Field, filled: Floats) -> Likeness | None:
    """Each wanted patch with each source; None where they are too many."""
    if at.wanted.size * at.sources.size > _PAIRS:
        return None
    asking, fixed = _asking(at, filled), (at.known * at.known).sum(1) + at.cost
    best = np.concatenate([(fixed - 2 * asking[i : i + 256] @ at.known.T).argmin(1) for i in range(0, len(asking), 256)])
    return Likeness(at.sources[best], _apart(at, asking, best))


def _apart(at: Field, asking: Floats, rows: Indices) -> Floats:
    gap = at.known[rows]
    gap -= asking
    return floats(np.einsum("ij,ij->i", gap, gap) + at.cost[rows])


def carried(at: Field, coarse: Field, likeness: Likeness) -> Indices:
    """The sources of a coarser field in a finer one: the same way off. Where that is none, any is a beginning."""
    height, width = at.size
    y, x = np.divmod(at.wanted, width)
    below = (y * coarse.size[0] // height) * coarse.size[1] + x * coarse.size[1] // width
    number = coarse.number[below]
    off_y, off_x = (
        a - b for a, b in zip(np.divmod(likeness.source[number], coarse.size[1]), np.divmod(below, coarse.size[1]), strict=True)
    )
    y = np.clip(np.rint(y + off_y * (height / coarse.size[0])), 0, height - 1).astype(np.intp)
    x = np.clip(np.rint(x + off_x * (width / coarse.size[1])), 0, width - 1).astype(np.intp)
    source = y * width + x
    lost = (number < 0) | (at.row[source] < 0)
    source[lost] = at.sources[np.linspace(0, at.sources.size - 1, int(lost.sum())).astype(np.intp)]
    return np.asarray(source, np.intp)


def searched(at: Field, filled: Floats, source: Indices, rng: np.random.Generator) -> Likeness:
    """Better sources than these, if there are: those of neighbours, one further, and some by chance."""
    asking = _asking(at, filled)
    found = Likeness(source.copy(), _apart(at, asking, at.row[source]))
    (height, width), (y, x) = at.size, np.divmod(at.wanted, at.size[1])
    for step in (4, 1, 2, 1):
        for dy, dx in ((0, step), (0, -step), (step, 0), (-step, 0)):
            inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
            neighbour = np.where(inside, at.number[(at.wanted + dy * width + dx) * inside], -1)
            _improved(at, asking, found, np.where(neighbour >= 0, found.source[neighbour] - dy * width - dx, -1))
    for reach in (max(at.size) // 3, 12, 3, 1):
        sy, sx = (rng.integers(-reach, reach + 1, source.size) + there for there in np.divmod(found.source, width))
        _improved(at, asking, found, np.where((sx >= 0) & (sx < width), sy * width + sx, -1))
    return found


def _improved(at: Field, asking: Floats, found: Likeness, source: Indices) -> None:
    """Takes those of other sources that are more like what is asked for."""
    rows = np.where((source >= 0) & (source < at.row.size), at.row[np.clip(source, 0, at.row.size - 1)], -1)
    tried = np.flatnonzero((rows >= 0) & (source != found.source))
    distance = _apart(at, asking[tried], rows[tried])
    better = distance < found.distance[tried]
    taken = tried[better]
    found.source[taken], found.distance[taken] = source[taken], distance[better]


def voted(at: Field, likeness: Likeness) -> Floats:
    """The picture with its hole as all patches over each pixel say, those most that match well and lie near the rim."""
    height, width = at.size
    pixels = np.flatnonzero(at.hole)
    y, x = np.divmod(pixels, width)
    spread = 2 * float(np.percentile(likeness.distance, 75)) + 1e-5
    weights = np.exp(-likeness.distance / spread) * at.trust + np.float32(1e-12)
    flat = at.rgb.reshape(-1, 3)
    total, weight = np.zeros((pixels.size, 3), np.float32), np.zeros((pixels.size, 1), np.float32)
    for dy in range(-REACH, REACH + 1):
        for dx in range(-REACH, REACH + 1):
            inside = (y - dy >= 0) & (y - dy < height) & (x - dx >= 0) & (x - dx < width)
            numbers = at.number[(pixels - dy * width - dx) * inside]
            share = (weights[numbers] * inside)[:, None]
            total += flat[likeness.source[numbers] + dy * width + dx] * share
            weight += share
    filled = at.rgb.copy()
    filled.reshape(-1, 3)[pixels] = total / weight
    return filled
