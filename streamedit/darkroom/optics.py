"""What the operations are made of: light, softness, noise, and where the subject of a picture is."""

from collections.abc import Callable

import cv2
import numpy as np

from streamedit.darkroom.photograph import Bytes8, Floats

LUMA = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
"""Rec. ITU-R BT.709-6, item 3.2."""

_BAND_PX = 1 << 17
"""Of a band: 1.5 MB of RGB."""

_SUBJECT_SIDE_PX = 160
"""The subject is looked for in a copy with this longer side: its outline needs no more, and GrabCut is slow."""


def floats(pixels: cv2.typing.MatLike) -> Floats:
    """OpenCV's arrays by their type; not a copy."""
    return np.asarray(pixels, np.float32)


def banded(work: Callable[..., Floats], *planes: Floats, halo_px: int = 0) -> Floats:
    """`work` done to bands of rows of some planes and put together again: what it needs meanwhile stays small.

    `halo_px`: how many rows beyond its own a band needs to see; they are there but at the rims. What `work` gives has the rows
    of what it was given.
    """
    height, width = planes[0].shape[:2]
    rows = max(32, _BAND_PX // width, 2 * halo_px)
    made: Floats | None = None
    for top in range(0, height, rows):
        low, high = max(0, top - halo_px), min(height, top + rows + halo_px)
        band = work(*(plane[low:high] for plane in planes))
        if made is None:
            made = np.empty((height, *band.shape[1:]), np.float32)
        bottom = min(height, top + rows)
        made[top:bottom] = band[top - low : bottom - low]
    return floats(made if made is not None else planes[0])


def mixed(one: Floats, other: Floats, share: Floats) -> Floats:
    """From one picture to another, as far as a plane says for each pixel."""
    return floats(one + (other - one) * share[..., None])


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


def noise(like: Floats, seed: int) -> Floats:
    """Standard normal noise, one plane of the size of a picture; the seed is any integer."""
    return np.random.default_rng(seed % (1 << 64)).standard_normal(like.shape[:2], np.float32)


def roughness(rgb: Floats) -> float:
    """The noise that a picture has in its smoother half, as a standard deviation."""
    laplacian = np.abs(floats(cv2.Laplacian(luma(rgb), cv2.CV_32F)))
    # of noise of deviation 1 the Laplacian has deviation sqrt(20), and a median 0.67 times that
    return float(np.median(laplacian)) / 3


def subject(rgb: Floats) -> Floats:
    """How much each pixel belongs to the subject, 0..1: GrabCut in a small copy, its outline put on the edges of the large."""
    height, width = rgb.shape[:2]
    shrink = max(height, width) / _SUBJECT_SIDE_PX
    size = (max(8, round(width / shrink)), max(8, round(height / shrink)))
    small = floats(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    light = luma(rgb)
    detail = np.abs(floats(cv2.Laplacian(light, cv2.CV_32F)))
    labels = _where_likely(soft(floats(cv2.resize(detail, size, interpolation=cv2.INTER_AREA)), 3))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)  # of this thread: GrabCut begins with random clusters
    # two rounds: in more of them it forgets where it began, and heads get lost
    cv2.grabCut(cv2.convertScaleAbs(small, alpha=255), labels, (0, 0, 1, 1), *models, 2, cv2.GC_INIT_WITH_MASK)
    matte = floats(cv2.medianBlur(labels & 1, 5))  # both labels of a subject are odd
    slope, offset = (cv2.resize(plane, (width, height)) for plane in _guided(luma(small), matte))
    return floats(np.clip((light * slope + offset - 0.15) / 0.7, 0, 1))


def _where_likely(detail: Floats) -> Bytes8:
    """GrabCut's labels to begin with: the middle is the subject, the rim is not, unless it is in focus; it may leave below."""
    height, width = detail.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.52, x / width - 0.5
    rim = (y < -0.46) | ((np.abs(x) > 0.44) & (y < 0.15))
    labels = np.where((y / 0.46) ** 2 + (x / 0.40) ** 2 < 1, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[rim & (detail <= detail.mean() / 2)] = cv2.GC_BGD
    labels[y * y + x * x < 0.01] = cv2.GC_FGD
    return labels


def _guided(guide: Floats, matte: Floats) -> tuple[Floats, Floats]:
    """The guided filter (He, Sun, Tang 2010) as its two planes: matte = slope * guide + offset, at any resolution."""

    def mean(plane: Floats) -> Floats:
        return floats(cv2.blur(plane, (5, 5)))

    guide_mean, matte_mean = mean(guide), mean(matte)
    covariance = mean(guide * matte) - guide_mean * matte_mean
    slope = covariance / (mean(guide * guide) - guide_mean**2 + np.float32(1e-3))
    return mean(slope), mean(matte_mean - slope * guide_mean)
