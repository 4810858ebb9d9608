"""The outline of a subject that was cut out coarsely: hair and fur soft and true, and without the old background's colours."""

from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.memory import tidied_for
from streamedit.darkroom.optics import floats, soft
from streamedit.darkroom.photograph import Floats, bands
from streamedit.darkroom.subjects.saliency import shrunk

_Places: TypeAlias = np.typing.NDArray[np.intp]

_SIDE_PX = 512
"""The longer side of the copy in which colours are measured."""

_RIM_ROWS = 256
"""So many rows' pixels of a rim are looked at at a time: their places alone take more room than they do."""


def outlined(rgb: Floats, coarse: Floats) -> Floats:
    """A small cut as a matte of the whole picture, its rim put on the picture's edges.

    Two opinions, both measured in a small copy and spoken at full resolution: the guided filter (He, Sun, Tang 2010), and how
    far a pixel's colour has come from the background's to the subject's near it. The second counts where these differ.
    """
    height, width = rgb.shape[:2]
    small = shrunk(rgb, _SIDE_PX)
    reach = max(2, round(1.1 * max(small.shape[:2]) / max(coarse.shape)))
    rough = _smooth_rim(coarse, small.shape[1], small.shape[0])
    sure, never = _shrunken(rough > 0.5, reach), _shrunken(rough <= 0.5, reach)
    (inner, inner_spread), (outer, outer_spread) = (_near(small, where, 1.5 * reach) for where in (sure, never))
    between = floats(cv2.blur(rough, (2 * reach + 1, 2 * reach + 1)))
    layers = np.dstack([*_guided(small, rough, reach), inner, outer, inner_spread + outer_spread, between])
    matte, open_ = (floats(cv2.resize(plane, (width, height))) for plane in (sure, 1 - sure - never))
    for rows in bands(height, width, least=_RIM_ROWS):
        y, x = np.nonzero(open_[rows])
        rim = y + rows.start, x
        matte[rim] = _opinions(rgb[rim], _at(layers, rim, height, width))
    return matte


def foreground(rgb: Floats, matte: Floats, *, spare: bool = False) -> Floats:
    """The subject's own colours where its outline is soft: without what of the old background shines through hair.

    Blur-fusion (Forte 2021, "Approximate fast foreground colour estimation"), its blurs in a small copy: they are smooth.
    `spare`: the picture itself is changed.
    """
    small, share = shrunk(rgb, _SIDE_PX), shrunk(matte, _SIDE_PX)
    wide = max(3.0, max(share.shape) / 8)
    inner, outer = _fused(small, share, small, small, wide)
    inner, outer = _fused(small, share, inner, outer, max(1.0, wide / 15))
    height, width = matte.shape
    colours = np.dstack([inner, outer])
    tidied_for(rgb.nbytes)
    own = rgb if spare else rgb.copy()
    for rows in bands(height, width, least=_RIM_ROWS):
        y, x = np.nonzero((matte[rows] > 0) & (matte[rows] < 1))
        rim = y + rows.start, x
        near, part, seen = _at(colours, rim, height, width), matte[rim][:, None], rgb[rim]
        own[rim] = np.clip(near[:, :3] + part * (seen - part * near[:, :3] - (1 - part) * near[:, 3:]), 0, 1)
    return own


def _opinions(rgb: Floats, at: Floats) -> Floats:
    """Of single pixels: both opinions on how much they are the subject's, and not against where they are in the rim."""
    inner, outer, spread, between = at[:, 4:7], at[:, 7:10], at[:, 10], at[:, 11]
    guided = (rgb * at[:, :3]).sum(axis=1) + at[:, 3]
    span = inner - outer
    length = (span * span).sum(axis=1)
    along = ((rgb - outer) * span).sum(axis=1) / (length + np.float32(1e-4))
    trust = length / (length + 4 * np.maximum(spread, 0) + np.float32(0.02))
    matte = (guided + (along - guided) * trust - 0.1) / 0.8
    return floats(np.clip(matte, np.clip(2.5 * between - 1.2, 0, 1), np.clip(2.5 * between - 0.1, 0, 1)))


def _smooth_rim(coarse: Floats, width: int, height: int) -> Floats:
    """Enlarged without steps."""
    larger = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 0.8), (width, height), interpolation=cv2.INTER_CUBIC)
    return floats(np.clip(3 * larger - 1, 0, 1))


def _guided(guide: Floats, matte: Floats, reach: int) -> tuple[Floats, Floats]:
    """The guided filter as its planes: matte = slopes . colour + offset, at any resolution."""

    def mean(plane: Floats) -> Floats:
        return floats(cv2.blur(plane, (2 * reach + 1, 2 * reach + 1)))

    colour, level = mean(guide), mean(matte)
    towards = mean(guide * matte[..., None]) - colour * level[..., None]
    slopes = _solved([mean(guide * guide[..., i : i + 1]) - colour * colour[..., i : i + 1] for i in range(3)], towards)
    return mean(slopes), mean(level - (slopes * colour).sum(axis=2))


def _solved(columns: list[Floats], right: Floats) -> Floats:
    """Cramer's rule, for each pixel: its columns, a little raised on the diagonal, times the solution are the right side."""
    first, second, third = (column + 1e-4 * unit for column, unit in zip(columns, np.eye(3, dtype=np.float32), strict=True))
    across = np.cross(second, third)
    whole = (first * across).sum(axis=2)
    parts = (
        (right * across).sum(axis=2),
        (first * np.cross(right, third)).sum(axis=2),
        (first * np.cross(second, right)).sum(axis=2),
    )
    return floats(np.dstack(parts) / np.maximum(whole, 1e-13)[..., None])


def _fused(rgb: Floats, matte: Floats, inner: Floats, outer: Floats, sigma_px: float) -> tuple[Floats, Floats]:
    """One round of blur-fusion: both sides' colours near each pixel, the inner mended by what the pixel itself shows."""
    share = matte[..., None]
    inner, outer = _averaged(inner, matte, sigma_px), _averaged(outer, 1 - matte, sigma_px)
    return floats(np.clip(inner + share * (rgb - share * inner - (1 - share) * outer), 0, 1)), outer


def _averaged(rgb: Floats, weight: Floats, sigma_px: float) -> Floats:
    """The weighted colours near each pixel; its own where there is no weight far and wide."""
    least = np.float32(1e-5)
    weighted = soft(np.dstack([rgb * weight[..., None], weight]), sigma_px)
    return floats((weighted[..., :3] + least * rgb) / (np.maximum(weighted[..., 3:], 0) + least))


def _near(rgb: Floats, where: Floats, sigma_px: float) -> tuple[Floats, Floats]:
    """The colours of one part of the picture, carried beyond its rim, and how much they differ there (their variance)."""
    mean = _averaged(rgb, where, sigma_px)
    return mean, floats(np.maximum(0, _averaged(rgb * rgb, where, sigma_px) - mean * mean).sum(axis=2))


def _shrunken(inside: np.typing.NDArray[np.bool_], reach: int) -> Floats:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return floats(cv2.erode(inside.astype(np.uint8), kernel))


def _at(small: Floats, pixels: tuple[_Places, ...], height: int, width: int) -> Floats:
    """What a small copy's enlargement would have at some pixels."""
    count = len(pixels[0])
    rows = max(1, -(-count // 1024))  # OpenCV takes a picture of places, and none of great length
    y, x = (np.zeros((rows, 1024), np.float32) for _ in pixels)
    y.flat[:count] = (pixels[0] + 0.5) * (small.shape[0] / height) - 0.5
    x.flat[:count] = (pixels[1] + 0.5) * (small.shape[1] / width) - 0.5
    groups = [np.ascontiguousarray(small[..., first : first + 4]) for first in range(0, small.shape[2], 4)]
    parts = [cv2.remap(some, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for some in groups]
    return floats(np.dstack(parts).reshape(rows * 1024, -1)[:count])
