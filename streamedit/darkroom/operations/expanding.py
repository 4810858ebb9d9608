"""More picture beyond its rims, made of what is there."""

import cv2
import numpy as np

from streamedit.darkroom.optics import chances, floats, mixed, roughness, side, smoothstep
from streamedit.darkroom.photograph import Floats, bands
from streamedit.darkroom.planes import Margins

_REACH = 0.18
"""From how far inside the picture something is mirrored at most, in shorter sides of it."""

_SOFT, _SOFTEST = 0.01, 0.05
"""The blur on the way and at the far end, in shorter sides of the picture."""

_FAR = 0.4
"""Where that end is."""


def expanded(rgb: Floats, margins: Margins, seed: int) -> Floats:
    """The mirrored picture around the picture: softer and wider away from the seam, as rough as the rest."""
    large = _mirrored(rgb, margins)
    height, width = large.shape[:2]
    soft, softest = (_small(large, reach * side(rgb)) for reach in (_SOFT, _SOFTEST))
    far_px = np.float32(_FAR * side(rgb))
    rough = np.float32(min(0.03, roughness(rgb)))
    top, bottom, left, right = margins
    across, down = np.abs(_beyond(width, left, right)), np.abs(_beyond(height, top, bottom))

    rng = chances(seed)
    for rows in bands(height, width):
        away = floats(np.hypot(across[None], down[rows, None])) / far_px
        melted = mixed(large[rows], _rows(soft, (width, height), rows), smoothstep(away * 4))
        melted = mixed(melted, _rows(softest, (width, height), rows), smoothstep(away))
        large[rows] = melted + (rng.standard_normal(away.shape, np.float32) * (rough * smoothstep(away * 4)))[..., None]
    return large


def _mirrored(rgb: Floats, margins: Margins) -> Floats:
    """The picture and its mirror image, stretched the more the farther it goes: what is well inside does not come again."""
    top, bottom, left, right = margins
    across, down = _beyond(rgb.shape[1] + left + right, left, right), _beyond(rgb.shape[0] + top + bottom, top, bottom)
    x, y = (_source(beyond, before, side(rgb)) for beyond, before in ((across, left), (down, top)))

    large = np.empty((len(y), len(x), 3), np.float32)
    for rows in bands(len(y), len(x)):
        at_x, at_y = (np.ascontiguousarray(at) for at in np.broadcast_arrays(x[None], y[rows, None]))
        large[rows] = cv2.remap(rgb, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return large


def _source(beyond: Floats, before: int, side_px: int) -> Floats:
    """Where along an axis each pixel comes from."""
    reach = _REACH * side_px
    at = np.arange(len(beyond), dtype=np.float32) - before
    # as steep as a mirror at the seam, level far from it
    bent = np.sign(beyond) * reach * (1 - np.exp((1 - np.abs(beyond)) / reach))
    return floats(np.where(beyond == 0, at, at - beyond - bent))


def _beyond(length: int, before: int, after: int) -> Floats:
    """How far each pixel lies beyond the picture along one axis: 0 within it, less than that before it."""
    at = np.arange(length, dtype=np.float32)
    return floats(np.minimum(0, at - before) + np.maximum(0, at - (length - after - 1)))


def _small(large: Floats, sigma_px: float) -> Floats:
    """The blurred picture, no larger than what a blur leaves of it needs."""
    shrink = max(1, int(sigma_px / 2))
    size = -(-large.shape[1] // shrink), -(-large.shape[0] // shrink)
    small = cv2.resize(large, size, interpolation=cv2.INTER_AREA)
    return floats(cv2.GaussianBlur(small, (0, 0), max(0.3, sigma_px / shrink)))


def _rows(small: Floats, size: tuple[int, int], rows: slice) -> Floats:
    """Some rows of the small picture in the scale of the large, whose size that is."""
    wide, high = small.shape[1] / size[0], small.shape[0] / size[1]
    matrix = np.array([[wide, 0, wide / 2 - 0.5], [0, high, (rows.start + 0.5) * high - 0.5]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    part = size[0], rows.stop - rows.start
    return floats(cv2.warpAffine(small, matrix, part, flags=flags, borderMode=cv2.BORDER_REPLICATE))
