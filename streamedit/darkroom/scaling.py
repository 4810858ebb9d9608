"""The sizes that requests ask for: photographs in whole numbers, scaled and cropped about the centre, in light, in bands.

A picture at work is scaled by `resampling`: this one rings nowhere, that one is sharper.
"""

from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from typing import TypeAlias

import cv2
import numpy as np
from PIL import Image, ImageOps

from streamedit.darkroom.linear_light import encoded, linear
from streamedit.darkroom.photograph import Floats, Photograph, Pixels, as_pixels, bands, floats_of, full, pixels_of

_Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""

_LEAST_ALPHA = np.float32(1e-6)


@dataclass(frozen=True, slots=True)
class _Frame:
    """What is shown of an original: its `left` and `top` corner, and how many of its pixels go into one, each way."""

    left: float
    top: float
    scale: float
    size_px: tuple[int, int]
    """Of the result."""

    @property
    def shrinks(self) -> bool:
        return self.scale > 1

    @property
    def block(self) -> int:
        """The side of the blocks that are averaged at first."""
        return max(1, int(self.scale))

    def shown(self, rows: slice) -> _Box:
        """Where in the original some rows of the result are."""
        right = self.left + self.scale * self.size_px[0]
        return self.left, self.top + rows.start * self.scale, right, self.top + rows.stop * self.scale

    def around(self, low: float, high: float) -> slice:
        """Between two coordinates of the original, with what the filters see beyond; it begins with a block."""
        reach = ceil(self.scale) + 2
        first = max(0, int(low) - reach)
        return slice(first - first % self.block, int(high) + reach)


def fit(photograph: Photograph, size_px: tuple[int, int]) -> Photograph:
    """The picture scaled and cropped about its centre to exactly this size.

    Smaller: light is averaged, not its codes, so that fine patterns keep their brightness, by a filter that cannot ring.
    Larger: codes are interpolated, since what rings in light shows on the dark side of every edge. Colours are weighted with
    how opaque they are: what nobody saw does not come out at the rims.
    """
    if size_px == photograph.size_px:
        return photograph
    frame = _frame(photograph.size_px, size_px)
    width, height = size_px
    fitted = np.empty((height, width, 3 if photograph.alpha is None else 4), photograph.rgb.dtype)
    for rows in bands(height, max(width, int(photograph.size_px[0] * frame.scale))):
        fitted[rows] = pixels_of(_band(photograph, frame, rows), fitted.dtype)
    if photograph.alpha is None:
        return replace(photograph, rgb=fitted)
    return replace(photograph, rgb=np.ascontiguousarray(fitted[..., :3]), alpha=np.ascontiguousarray(fitted[..., 3]))


def shrunk(photograph: Photograph, most_px: int) -> Photograph:
    """The picture with about so many pixels, if it has more."""
    width, height = photograph.size_px
    scale = (most_px / (width * height)) ** 0.5
    return fit(photograph, (max(1, round(width * scale)), max(1, round(height * scale)))) if scale < 1 else photograph


def fit_weight(mask: Floats, size_px: tuple[int, int]) -> Floats:
    """The mask, brought to the same size in the same way."""
    if size_px == mask.shape[::-1]:
        return mask
    return np.asarray(ImageOps.fit(Image.fromarray(mask), size_px, Image.Resampling.BILINEAR), np.float32)


def _frame(from_px: tuple[int, int], size_px: tuple[int, int]) -> _Frame:
    scale = min(from_px[0] / size_px[0], from_px[1] / size_px[1])
    left, top = ((have - scale * want) / 2 for have, want in zip(from_px, size_px, strict=True))
    return _Frame(left, top, scale, size_px)


def _band(photograph: Photograph, frame: _Frame, band: slice) -> Floats:
    """Some rows of the result, with their alpha if there is one; 0..1 and a little beyond where it was enlarged."""
    left, top, right, bottom = frame.shown(band)
    rows, columns = frame.around(top, bottom), frame.around(left, right)
    x, y, block = columns.start, rows.start, frame.block
    box = ((left - x) / block, (top - y) / block, (right - x) / block, (bottom - y) / block)
    size = (frame.size_px[0], band.stop - band.start)
    planes = [_resized(plane, size, box, frame) for plane in _blocks(photograph, rows, columns, frame)]
    return _codes(np.asarray(cv2.merge(planes), np.float32), frame)


def _blocks(photograph: Photograph, rows: slice, columns: slice, frame: _Frame) -> list[Floats]:
    """A part of the original as planes, each block of pixels made one: the resampling that follows is exact, but slow."""
    to_floats = _light if frame.shrinks else floats_of
    values = to_floats(_whole_blocks(photograph.rgb[rows, columns], frame.block))
    if photograph.alpha is None:
        return _split(_averaged(values, frame.block))
    alpha = floats_of(_whole_blocks(photograph.alpha[rows, columns], frame.block))
    values *= alpha[..., None]
    return [*_split(_averaged(values, frame.block)), _averaged(alpha, frame.block)]


def _whole_blocks(pixels: Pixels, block: int) -> Pixels:
    """With the outermost pixels repeated at the right and at the bottom until there are no parts of blocks."""
    height, width = pixels.shape[:2]
    below, beside = -height % block, -width % block
    if not below and not beside:
        return pixels
    return as_pixels(cv2.copyMakeBorder(pixels, 0, below, 0, beside, cv2.BORDER_REPLICATE))


def _averaged(values: Floats, block: int) -> Floats:
    if block == 1:
        return values
    height, width = values.shape[:2]
    return np.asarray(cv2.resize(values, (width // block, height // block), interpolation=cv2.INTER_AREA), np.float32)


def _split(values: Floats) -> list[Floats]:
    return [np.asarray(plane, np.float32) for plane in cv2.split(values)]


def _resized(plane: Floats, size_px: tuple[int, int], box: _Box, frame: _Frame) -> Floats:
    resample = Image.Resampling.HAMMING if frame.shrinks else Image.Resampling.BICUBIC
    height, width = plane.shape
    # rounding may have put the box a hair outside
    inside = (max(0.0, box[0]), max(0.0, box[1]), min(float(width), box[2]), min(float(height), box[3]))
    return np.asarray(Image.fromarray(plane).resize(size_px, resample, inside), np.float32)


def _codes(values: Floats, frame: _Frame) -> Floats:
    if values.shape[2] == 4:
        values[..., :3] /= np.maximum(values[..., 3:], _LEAST_ALPHA)
    if frame.shrinks:
        values[..., :3] = encoded(values[..., :3])
    return values


def _light(pixels: Pixels) -> Floats:
    """How much light pixels stand for, 0..1."""
    return np.asarray(cv2.LUT(pixels, _lights(full(pixels))), np.float32)


@cache
def _lights(white: int) -> Floats:
    """Of every pixel value."""
    return linear(np.arange(white + 1, dtype=np.float32) / np.float32(white))
