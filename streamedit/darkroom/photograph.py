"""A photograph in memory: its pixels in whole numbers and in floats, its size, and what a mask lets through."""

import re
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import DTypeLike, NDArray

from streamedit.errors import InvalidRequest

Bytes8: TypeAlias = NDArray[np.uint8]
Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Floats: TypeAlias = NDArray[np.float32]

MAX_PIXELS = 25_000_000
SIDE_PX = range(16, 4097)
"""The sides that an output may be asked to have."""

_BAND_PX = 1 << 17
"""Of a band: 1.5 MB of RGB as floats."""


@dataclass(frozen=True, slots=True)
class Photograph:
    """Decoded pixels: `rgb` height x width x 3, `alpha` height x width or None, `icc` the colour profile of `rgb`.

    Both planes have the same depth, 8 or 16 bits.
    """

    rgb: Pixels
    alpha: Pixels | None = None
    icc: bytes | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


def full(pixels: Pixels) -> int:
    """What white is in pixels of this depth: 255 or 65535."""
    return int(np.iinfo(pixels.dtype).max)


def as_pixels(plane: cv2.typing.MatLike) -> Pixels:
    """OpenCV's arrays by their type; not a copy."""
    return np.asarray(plane, np.uint8) if plane.dtype == np.uint8 else np.asarray(plane, np.uint16)


def floats_of(pixels: Pixels) -> Floats:
    """Pixels of either depth as 0..1."""
    return pixels * np.float32(1 / full(pixels))


def pixels_of(plane: Floats, dtype: DTypeLike) -> Pixels:
    """0..1 as the nearest pixels of a depth, uint8 or uint16; what lies beyond is cut off."""
    white, depth = (255, cv2.CV_8U) if dtype == np.uint8 else (65535, cv2.CV_16U)
    # of what scales in OpenCV this alone rounds to either depth, and writes without a float of the same size between
    return as_pixels(cv2.addWeighted(plane, white, plane, 0, 0, dtype=depth))


def composite(original: Pixels, state: Floats, weight: Floats | None) -> Pixels:
    """`state` as pixels where the weight is 1, exactly the original where it is 0, and a mix between; None is 1 everywhere."""
    if weight is None:
        return pixels_of(state, original.dtype)
    mixed = np.empty_like(original)
    for rows in bands(*original.shape[:2]):
        mixed[rows] = _mixed(original[rows], state[rows], weight[rows, :, None])
    return mixed


def bands(height: int, width: int, least: int = 1) -> list[slice]:
    """The rows of a picture by and by, at least so many at a time: what is made of a few stays small, and in the cache."""
    rows = max(least, _BAND_PX // max(1, width))
    return [slice(top, min(height, top + rows)) for top in range(0, height, rows)]


def transparency(alpha: Pixels) -> Floats:
    """1 where nothing is seen, 0 where it is opaque."""
    return floats_of(full(alpha) - alpha)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in pixels; None for the size of the input. Raises InvalidRequest."""
    if text in (None, "", "auto"):
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(text), re.ASCII)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if size[0] not in SIDE_PX or size[1] not in SIDE_PX:
        message = (
            f"size is 'auto' or 'WIDTHxHEIGHT' with sides of {SIDE_PX.start} to {SIDE_PX.stop - 1} pixels, such as '1024x1024'."
        )
        raise InvalidRequest(message, param="size", code="invalid_size")
    return size


def _mixed(original: Pixels, state: Floats, weight: Floats) -> Pixels:
    finished = pixels_of(state, original.dtype)
    mixed = original + (finished.astype(np.float32) - original) * weight
    return np.where(weight > 0, (mixed + np.float32(0.5)).astype(original.dtype), original)
