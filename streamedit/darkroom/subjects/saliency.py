"""What stands out in a picture: for each pixel of a small copy, how likely it belongs to the subject.

Regions of one colour and one sharpness vote. What holds on to the rim of the picture is background (boundary connectivity),
what differs from that and is near the middle is subject, and neighbours that look alike think alike (Zhu, Liang, Wei, Sun 2014,
"Saliency optimization from robust background detection").
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats

Figures: TypeAlias = np.typing.NDArray[np.float64]
_Labels: TypeAlias = np.typing.NDArray[np.intp]

SIDE_PX = 104
"""The longer side of the small copy."""

_REGIONS = 12
"""Along the longer side."""

_ALIKE = 9.0
"""A difference of colours (CIE Lab) that is none."""

_LIGHT, _SHARP = 0.7, 6.0
"""What differences in lightness, and in the logarithm of sharpness, count beside those in colour."""

_BELOW = 0.5
"""How much less the lower rim speaks for background: subjects leave the picture there."""


@dataclass(frozen=True, slots=True)
class Saliency:
    """`rgb`: the small copy. `sharp`: the logarithm of its detail. `likely`: of the subject, 0..1. `threshold`: what of it
    divides the two best."""

    rgb: Floats
    sharp: Floats
    likely: Floats
    threshold: float


def shrunk(pixels: Floats, side_px: int) -> Floats:
    """A copy whose longer side has so many pixels, or the picture itself where it is no larger; no side below 8."""
    height, width = pixels.shape[:2]
    shrink = max(height, width) / side_px
    if shrink <= 1 and min(height, width) >= 8:
        return pixels
    size = (max(8, round(width / max(1, shrink))), max(8, round(height / max(1, shrink))))
    return floats(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))


def salient(rgb: Floats, side_px: int = SIDE_PX) -> Saliency:
    """What stands out, in a small copy whose longer side has so many pixels."""
    small = np.clip(shrunk(rgb, side_px), 0, 1)
    sharp = _sharpness(rgb, small.shape[:2])
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    features = np.dstack([lab[..., :1] * _LIGHT, lab[..., 1:], sharp * _SHARP]).astype(np.float32)
    regions = _regions(features)
    votes = _votes(features, regions)
    areas = np.bincount(regions.ravel()).astype(float)
    return Saliency(small, sharp, floats(votes[regions]), _divide(votes, areas))


def middle(height: int, width: int) -> Floats:
    """How central each pixel is: 1 in the middle, which lies a little below that of the frame."""
    y, x = places(height, width)
    return floats(np.exp(-(((y - 0.05) / 0.35) ** 2 + (x / 0.28) ** 2) / 2))


def places(height: int, width: int) -> tuple[Floats, Floats]:
    """Where the pixels are: y and x from -0.5 to 0.5."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return (y + 0.5) / height - 0.5, (x + 0.5) / width - 0.5


def _sharpness(rgb: Floats, size: tuple[int, ...]) -> Floats:
    """The detail on the nearest edges: what is smooth between sharp edges is not out of focus."""
    light = luma(shrunk(rgb, 640))
    detail = np.abs(light - floats(cv2.GaussianBlur(light, (0, 0), 1.2)))
    detail = cv2.GaussianBlur(cv2.resize(detail, (size[1], size[0]), interpolation=cv2.INTER_AREA), (0, 0), 1)
    detail = cv2.dilate(detail, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    return floats(np.log(cv2.GaussianBlur(detail, (0, 0), 7 / 3) + 3e-3))


def _regions(features: Floats) -> _Labels:
    """Superpixels: k-means of colour and place, each pixel among the nine nearest of a grid (Achanta 2012, SLIC)."""
    height, width = features.shape[:2]
    step = max(height, width) / _REGIONS
    rows, columns = max(2, round(height / step)), max(2, round(width / step))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    points = np.dstack([features, y * (10 / step), x * (10 / step)]).reshape(height * width, -1)
    row, column = (y * rows / height).astype(int).ravel(), (x * columns / width).astype(int).ravel()
    around = [
        np.clip(row + down, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    nine = np.stack(around)
    labels = row * columns + column
    for _ in range(6):
        centres = _means(points, labels, rows * columns).astype(np.float32)
        distances = np.stack([((points - centres[some]) ** 2).sum(axis=1) for some in nine])
        labels = nine[distances.argmin(axis=0), np.arange(height * width)]
    return np.unique(labels, return_inverse=True)[1].reshape(height, width)


def _means(points: Floats, labels: _Labels, count: int) -> Figures:
    sizes = np.maximum(1, np.bincount(labels, minlength=count))
    return np.stack([np.bincount(labels, plane, count) / sizes for plane in points.T], axis=1)


def _votes(features: Floats, regions: _Labels) -> Figures:
    """Of each region: the solution of w_fg (s - 1)^2 + w_bg s^2 + sum of w_ij (s_i - s_j)^2 = min."""
    (height, width), count = regions.shape, int(regions.max()) + 1
    labels = regions.ravel()
    means = _means(features.reshape(labels.size, -1), labels, count)
    differences = np.sqrt(((means[:, None] - means[None]) ** 2).sum(axis=2))
    touching = _touching(regions, count)
    areas = np.bincount(labels).astype(float)
    rims = np.bincount(labels, _rim(height, width).ravel(), count).astype(float)
    behind = _behind(differences, touching, areas, rims)
    at = _means(np.dstack([*places(height, width), middle(height, width)]).reshape(labels.size, -1), labels, count)
    apart = np.exp(-((at[:, None, :2] - at[None, :, :2]) ** 2).sum(axis=2) / (2 * 0.4**2)) * areas
    unlike = ((differences * apart) @ behind) / (apart @ behind + 1e-6)
    ahead = np.minimum(1, unlike / (np.quantile(unlike, 0.95) + 1e-6)) * at[:, 2]
    ahead /= ahead.max() + 1e-6
    against = 0.75 * behind * (1 - 0.7 * at[:, 2])
    ties = np.where(touching, np.exp(-(differences**2) / (2 * _ALIKE**2)) + 0.01, 0)
    np.fill_diagonal(ties, 0)
    laplacian = np.diag(ties.sum(axis=1) + ahead + against + 1e-3) - ties
    return np.asarray(np.linalg.solve(laplacian, ahead))


def _behind(differences: Figures, touching: Any, areas: Figures, rims: Figures) -> Figures:
    """Boundary connectivity: how much of the rim a region holds, with all that it leads to in small steps of colour."""
    ways = np.where(touching, differences, np.inf)
    for via in range(len(ways)):
        ways = np.minimum(ways, ways[:, via : via + 1] + ways[via : via + 1])
    kin = np.exp(-(ways**2) / (2 * _ALIKE**2))
    return np.asarray(1 - np.exp(-((kin @ rims) ** 2) / (kin @ areas) / 2))


def _touching(regions: _Labels, count: int) -> Any:
    pairs = np.eye(count, dtype=bool)
    pairs[regions[1:].ravel(), regions[:-1].ravel()] = True
    pairs[regions[:, 1:].ravel(), regions[:, :-1].ravel()] = True
    return pairs | pairs.T


def _rim(height: int, width: int) -> Figures:
    """The frame: 1 above, less and less down the sides."""
    rim = np.zeros((height, width))
    rim[0], rim[-1] = 1, _BELOW
    down = np.clip(1 - np.linspace(-1, 1, height) * (1 - _BELOW), _BELOW, 1)
    rim[:, 0] += down
    rim[:, -1] += down
    return rim


def _divide(votes: Figures, areas: Figures) -> float:
    """Otsu's threshold: the two sides as different as can be."""

    def between(threshold: float) -> float:
        upper = votes > threshold
        share = areas[upper].sum() / areas.sum()
        if share <= 0 or share >= 1:
            return 0
        apart = np.average(votes[upper], weights=areas[upper]) - np.average(votes[~upper], weights=areas[~upper])
        return float(share * (1 - share) * apart**2)

    return float(max(np.linspace(0.1, 0.9, 33), key=between))
