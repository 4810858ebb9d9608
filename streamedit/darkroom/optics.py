"""What the operations are made of: bands of rows, mixes, lightness, softness, noise."""

from collections.abc import Callable

import cv2
import numpy as np

from streamedit.darkroom.photograph import Floats, bands

LUMA = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
"""Rec. ITU-R BT.709-6, item 3.2."""


def floats(pixels: cv2.typing.MatLike) -> Floats:
    """OpenCV's arrays by their type; not a copy."""
    return np.asarray(pixels, np.float32)


def banded(work: Callable[..., Floats], *planes: Floats, halo_px: int = 0) -> Floats:
    """`work` done to bands of rows of some planes and put together again: what it needs meanwhile stays small.

    `halo_px`: how many rows beyond its own a band needs to see; they are there but at the rims. What `work` gives has the rows
    of what it was given.
    """
    height, width = planes[0].shape[:2]
    made: Floats | None = None
    for rows in bands(height, width, max(32, 2 * halo_px)):
        low, high = max(0, rows.start - halo_px), min(height, rows.stop + halo_px)
        band = work(*(plane[low:high] for plane in planes))
        if made is None:
            made = np.empty((height, *band.shape[1:]), np.float32)
        made[rows] = band[rows.start - low : rows.stop - low]
    return floats(made if made is not None else planes[0])


def mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """From one picture to another, as far as a plane says for each pixel."""
    return floats(one + (other - one) * share[..., None])


def blended(rgb: Floats, goal: Floats, amount: float) -> Floats:
    """From one picture to another, so far everywhere."""
    return floats(cv2.addWeighted(rgb, 1 - amount, goal, amount, 0))


def luma(rgb: Floats) -> Floats:
    """How light each pixel is."""
    return floats(cv2.transform(rgb, LUMA))


def grey(plane: cv2.typing.MatLike) -> Floats:
    """One plane as a picture without colour."""
    return floats(cv2.merge([plane, plane, plane]))


def side(rgb: Floats) -> int:
    """The shorter side in pixels: lengths in a picture go with it."""
    return int(min(rgb.shape[:2]))


def smoothstep(values: Floats) -> Floats:
    """0 below 0, 1 above 1, an S between."""
    values = np.clip(values, 0, 1)
    return values * values * (3 - 2 * values)


def soft(pixels: Floats, sigma_px: float) -> Floats:
    """Gaussian blur. A wide one is made in a small copy: what it keeps fits there."""
    height, width = pixels.shape[:2]
    shrink = max(1, int(sigma_px / 2.5))
    small = cv2.resize(pixels, (-(-width // shrink), -(-height // shrink)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), max(0.1, sigma_px / shrink))
    return floats(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))


def chances(seed: int) -> np.random.Generator:
    """All that is random, the same for the same seed; it is any integer."""
    return np.random.default_rng(seed % (1 << 64))


def noise(like: Floats, seed: int) -> Floats:
    """Standard normal noise, one plane of the size of a picture."""
    return chances(seed).standard_normal(like.shape[:2], np.float32)


def roughness(rgb: Floats) -> float:
    """The noise that a picture has in its smoother half, as a standard deviation."""
    laplacian = np.abs(floats(cv2.Laplacian(luma(rgb), cv2.CV_32F)))
    # of noise of deviation 1 the Laplacian has deviation sqrt(20), and a median 0.67 times that
    return float(np.median(laplacian)) / 3
