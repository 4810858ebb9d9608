"""What a hole is filled with, kept small, and painted into a picture of any size band by band."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from streamedit.darkroom.mending.membranes import Holes
from streamedit.darkroom.mending.patches import Chance, Field, Indices
from streamedit.darkroom.mending.quilts import likely_strength, quilted, strength
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

_BAND_PX = 1 << 15
_TEXTURE_PX = 1.8
"""What is finer than this is texture."""

_FAINT = 0.02
"""Texture fainter than this is not made up: nobody misses it, and wrong specks on what is smooth are seen."""

_MOST_GAIN = 1.2
"""Texture is made no more than so many times stronger."""


@dataclass(frozen=True, slots=True)
class Fill:
    """`base`: the colours of a copy of a window; `texture`: what comes to them."""

    base: Floats
    texture: "Texture | None" = None


@dataclass(frozen=True, slots=True)
class Texture:
    """`source`: the pixel of the copy that each of its pixels has texture from, -1 for none; `gain`: how much of it.

    `rgb`: the copy itself; `smooth`: without its texture.
    """

    source: Indices
    gain: Floats
    rgb: Floats
    smooth: Floats


def textured(at: Field, filled: Floats, chance: Chance) -> Fill:
    """A fill that gets what its texture lacks of that of its surroundings: many votes, and caution, have weakened it."""
    smooth = floats(cv2.GaussianBlur(at.rgb, (0, 0), _TEXTURE_PX))
    texture = at.rgb - smooth
    likely = likely_strength(at, texture)
    source = quilted(at, filled, texture, likely, chance)
    taken = np.where((source >= 0)[..., None], texture.reshape(-1, 3)[source], texture)
    has = strength(filled - floats(cv2.GaussianBlur(filled, (0, 0), _TEXTURE_PX)))
    missing = np.sqrt(np.clip(1 - (has / np.maximum(likely, np.float32(1e-4))) ** 2, 0, 1))
    visible = likely**4 / (likely**4 + np.float32(_FAINT**4))
    gain = missing * visible * np.clip(likely / np.maximum(strength(taken), np.float32(1e-4)), 0, _MOST_GAIN)
    return Fill(filled, Texture(source.ravel(), floats(gain), at.rgb, smooth))


def painted(fill: Fill, rgb: Floats, hole: Holes, own: Holes, into: Floats) -> None:
    """Puts a fill into the part `own` of a window of a picture; texture comes from where `rgb` has no `hole`."""
    for top, bottom in _bands(rgb.shape):
        y, x = np.nonzero(own[top:bottom])
        if y.size:
            band = _rows(fill.base, (rgb.shape[0], rgb.shape[1]), top, bottom)[y, x]
            into[y + top, x] = band if fill.texture is None else band + _detail(fill.texture, rgb, hole, y + top, x)


def _bands(size: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    rows = max(1, _BAND_PX // size[1])
    for top in range(0, size[0], rows):
        yield top, min(size[0], top + rows)


def _rows(small: Floats, size: tuple[int, int], top: int, bottom: int) -> Floats:
    """Some rows of a copy that is enlarged, as if all of it were."""
    if small.shape[:2] == size:
        return small[top:bottom]
    at = np.clip((np.arange(top, bottom) + 0.5) * (small.shape[0] / size[0]) - 0.5, 0, small.shape[0] - 1)
    first = at.astype(np.intp)
    last = int(min(small.shape[0], first[-1] + 2))
    wide = cv2.resize(small[first[0] : last], (size[1], last - int(first[0])), interpolation=cv2.INTER_LINEAR)
    below = np.minimum(first + 1, last - 1)
    share = floats(at - first)[:, None, None]
    return floats(wide[first - first[0]] * (1 - share) + wide[below - first[0]] * share)


def _detail(texture: Texture, rgb: Floats, hole: Holes, y: Indices, x: Indices) -> Floats:
    """What comes to the base of some pixels: texture as much of it as is wanted, all of what a smaller copy does not show."""
    (rows, columns), (height, width) = hole.shape, texture.gain.shape
    near_y, near_x = y * height // rows, x * width // columns
    source, gain = texture.source[near_y * width + near_x], texture.gain[near_y, near_x][:, None]
    from_y = np.clip(y + np.rint((source // width - near_y) * (rows / height)).astype(np.intp), 0, rows - 1)
    from_x = np.clip(x + np.rint((source % width - near_x) * (columns / width)).astype(np.intp), 0, columns - 1)
    if hole.shape == texture.gain.shape:
        detail = (texture.rgb - texture.smooth)[from_y, from_x] * gain
    else:
        coarse, smooth = (_points(plane, from_y, from_x, hole.shape) for plane in (texture.rgb, texture.smooth))
        detail = rgb[from_y, from_x] - coarse + (coarse - smooth) * gain
    return floats(detail * (~hole[from_y, from_x] & (source >= 0))[:, None])


def _points(small: Floats, y: Indices, x: Indices, size: tuple[int, ...]) -> Floats:
    """Pixels of a copy that is enlarged."""
    (top, down), (left, right) = (
        np.divmod(np.clip((at + 0.5) * (small.shape[axis] / size[axis]) - 0.5, 0, small.shape[axis] - 1.001), 1)
        for axis, at in ((0, y), (1, x))
    )
    first, flat = (top * small.shape[1] + left).astype(np.intp), small.reshape(-1, 3)
    down, right = floats(down)[:, None], floats(right)[:, None]
    above = flat[first] * (1 - right) + flat[first + 1] * right
    under = flat[first + small.shape[1]] * (1 - right) + flat[first + small.shape[1] + 1] * right
    return floats(above * (1 - down) + under * down)
