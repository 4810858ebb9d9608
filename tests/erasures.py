"""Holes cut into photographs, the ways to fill them, and how near to what was there each of them comes."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from streamedit.darkroom.mending.healing import healed
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Bytes8, Floats

MASKS_OF_A_KIND = 5

Fill: TypeAlias = Callable[[Floats, Bytes8], Floats]
Draw: TypeAlias = Callable[[Bytes8, np.random.Generator], None]
_MARGIN_PX = 8


def _discs(mask: Bytes8, rng: np.random.Generator) -> None:
    height, width = mask.shape
    for _ in range(3):
        radius = int(min(mask.shape) * rng.uniform(0.04, 0.08))
        centre = int(rng.integers(radius, width - radius)), int(rng.integers(radius, height - radius))
        cv2.circle(mask, centre, radius, (1,), -1)


def _scribbles(mask: Bytes8, rng: np.random.Generator) -> None:
    for _ in range(4):
        angles = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.5, 25))
        start = rng.integers((0, 0), mask.shape[::-1])
        line = start + 8 * np.cumsum(np.stack([np.cos(angles), np.sin(angles)], 1), 0)
        cv2.polylines(mask, [line.astype(np.int32)], False, (1,), int(rng.integers(3, 9)))


def _rectangles(mask: Bytes8, rng: np.random.Generator) -> None:
    for _ in range(3):
        width, height = (int(min(mask.shape) * share) for share in rng.uniform(0.06, 0.18, 2))
        x, y = int(rng.integers(0, mask.shape[1] - width)), int(rng.integers(0, mask.shape[0] - height))
        mask[y : y + height, x : x + width] = 1


def _large(mask: Bytes8, rng: np.random.Generator) -> None:
    """A tenth of the picture."""
    height, width = mask.shape
    radius, stretch = (0.1 * height * width / np.pi) ** 0.5, rng.uniform(0.84, 1.18)
    centre = int(rng.uniform(0.3, 0.7) * width), int(rng.uniform(0.3, 0.7) * height)
    cv2.ellipse(mask, centre, (int(radius * stretch), int(radius / stretch)), 0, 0, 360, (1,), -1)


def _band(mask: Bytes8, rng: np.random.Generator) -> None:
    thickness, across = int(min(mask.shape) * rng.uniform(0.04, 0.07)), mask if rng.integers(2) else mask.T
    start = int(rng.integers(0, across.shape[0] - thickness))
    across[start : start + thickness] = 1


KINDS: Mapping[str, Draw] = MappingProxyType(
    {"discs": _discs, "scribbles": _scribbles, "rectangles": _rectangles, "large": _large, "band": _band}
)


def masks(size: tuple[int, int], kind: str, count: int = MASKS_OF_A_KIND) -> Iterator[Bytes8]:
    """Always the same masks of a kind, 1 where to erase."""
    for number in range(count):
        mask = np.zeros(size, np.uint8)
        KINDS[kind](mask, np.random.default_rng(100 * number + 7))
        yield mask


def darkroom(rgb: Floats, mask: Bytes8) -> Floats:
    """The darkroom's own."""
    return np.clip(healed(rgb, mask > 0)(1.0), 0, 1)


def _opencv(method: int, radius_px: int) -> Fill:
    def fill(rgb: Floats, mask: Bytes8) -> Floats:
        return cv2.inpaint(cv2.convertScaleAbs(rgb, alpha=255), mask, radius_px, method).astype(np.float32) / np.float32(255)

    return fill


METHODS: Mapping[str, Fill] = MappingProxyType(
    {
        "darkroom": darkroom,
        "Telea 3": _opencv(cv2.INPAINT_TELEA, 3),
        "Telea 5": _opencv(cv2.INPAINT_TELEA, 5),
        "Navier-Stokes 3": _opencv(cv2.INPAINT_NS, 3),
    }
)


def noise_ratio(made: Floats, truth: Floats, mask: Bytes8) -> float:
    """Peak signal to noise in the hole, dB."""
    return float(-10 * np.log10(np.mean((made - truth)[mask > 0] ** 2)))


def similarity(made: Floats, truth: Floats, mask: Bytes8) -> float:
    """Structural similarity (Wang and others 2004) of lightness in the box about the hole."""
    left, top, width, height = cv2.boundingRect(mask)
    box = (
        slice(max(0, top - _MARGIN_PX), top + height + _MARGIN_PX),
        slice(max(0, left - _MARGIN_PX), left + width + _MARGIN_PX),
    )
    a, b = (luma(pixels)[box].astype(np.float64) for pixels in (made, truth))
    mean_a, mean_b = _window(a), _window(b)
    squares = mean_a**2 + mean_b**2
    covariance, variances = _window(a * b) - mean_a * mean_b, _window(a * a + b * b) - squares
    light = (2 * mean_a * mean_b + 0.01**2) / (squares + 0.01**2)
    return float(np.mean(light * (2 * covariance + 0.03**2) / (variances + 0.03**2)))


def _window(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), np.float64)


def figures(fill: Fill, rgb: Floats, kind: str, count: int = MASKS_OF_A_KIND) -> tuple[float, float]:
    """Noise ratio and similarity of a way to fill holes, means of some masks of a kind. It sees nothing of what was there."""
    pairs = []
    for mask in masks((rgb.shape[0], rgb.shape[1]), kind, count):
        cut = np.where(mask[..., None] > 0, np.array([1, 0, 1], np.float32), rgb)
        made = fill(cut, mask)
        pairs.append((noise_ratio(made, rgb, mask), similarity(made, rgb, mask)))
    ratio, alike = np.mean(pairs, 0)
    return float(ratio), float(alike)
