"""Pictures at work in other sizes: in floats, as sharp as can be. What a request asks for in the end is `scaling`."""

from math import ceil, gcd

import cv2
import numpy as np
from PIL import Image

from streamedit.darkroom.linear_light import GAMMA
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats

_BAND_PX = 1 << 16
_HALO_PX = 8


def scaled(rgb: Floats, size: tuple[int, int]) -> Floats:
    """A picture in another size: reduced in linear light, or fine bright detail would darken, by a filter that cannot ring.

    Enlarged by Lanczos as it is encoded: there linear light would only draw dark rings around what is bright.
    """
    height, width = rgb.shape[:2]
    if size[0] * size[1] >= width * height:
        return floats(cv2.resize(rgb, size, interpolation=cv2.INTER_LANCZOS4))
    made = np.empty((size[1], size[0], 3), np.float32)
    for channel in range(3):
        plane = floats(cv2.extractChannel(rgb, channel))
        light = Image.fromarray(floats(cv2.pow(np.maximum(plane, 0, out=plane), GAMMA, dst=plane)))
        drawn = floats(np.asarray(light.resize(size, Image.Resampling.HAMMING, reducing_gap=3)))
        cv2.insertChannel(cv2.pow(drawn, 1 / GAMMA), made, channel)
    return made


def scaled_plane(plane: Floats, size: tuple[int, int]) -> Floats:
    """Opacity or mask in another size."""
    kernel = cv2.INTER_AREA if size[0] * size[1] < plane.size else cv2.INTER_LINEAR
    return floats(cv2.resize(plane, size, interpolation=kernel))


def enlarged(rgb: Floats, size: tuple[int, int]) -> Floats:
    """The picture in a larger size, sharper than by Lanczos and without its halos.

    Made in bands of rows, where both sizes have such in common.
    """
    height, width = rgb.shape[:2]
    unit = height // gcd(height, size[1])
    times = size[1] / height
    rows, halo = (unit * ceil(least / unit) for least in (max(32, _BAND_PX // width), _HALO_PX))
    made = np.empty((size[1], size[0], 3), np.float32)
    for top in range(0, height, rows):
        low, high, bottom = max(0, top - halo), min(height, top + rows + halo), min(height, top + rows)
        band = _band(rgb[low:high], (size[0], round((high - low) * times)))
        first, last, begin = round(top * times), round(bottom * times), round(low * times)
        made[first:last] = band[first - begin : last - begin]
    return made


def _band(rgb: Floats, size: tuple[int, int]) -> Floats:
    """Smoothed along its edges, so that slopes have no steps; then made to give the picture when it is reduced again."""
    large = _smoothed(floats(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC)), rgb)
    _project_back(large, rgb)
    sigma_px = 0.55 * size[1] / rgb.shape[0]
    large = floats(cv2.addWeighted(large, 1.5, cv2.GaussianBlur(large, (0, 0), sigma_px), -0.5, 0))
    _project_back(large, rgb)
    return _bounded(large, rgb)


def _project_back(large: Floats, rgb: Floats) -> None:
    """Iterative back-projection (Irani, Peleg 1991), one round, in place."""
    height, width = rgb.shape[:2]
    lost = cv2.subtract(rgb, cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA))
    cv2.add(large, cv2.resize(lost, (large.shape[1], large.shape[0]), interpolation=cv2.INTER_CUBIC), dst=large)


def _bounded(large: Floats, rgb: Floats) -> Floats:
    """No pixel lighter or darker than those around it were: halos are."""
    kernel = np.ones((3, 3), np.uint8)
    size = large.shape[1], large.shape[0]
    low, high = (cv2.resize(shape(rgb, kernel), size, interpolation=cv2.INTER_LINEAR) for shape in (cv2.erode, cv2.dilate))
    return floats(cv2.min(cv2.max(large, low), high))


def _smoothed(large: Floats, rgb: Floats) -> Floats:
    """A blur along the edges alone, by the structure tensor (Foerstner, Guelch 1987); nothing where there are none."""
    size = large.shape[1], large.shape[0]
    step_x, step_y = (cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in _tangents(rgb))
    reach = 0.5 * size[1] / rgb.shape[0]
    x, y = np.arange(size[0], dtype=np.float32)[None], np.arange(size[1], dtype=np.float32)[:, None]
    ahead, behind = (
        cv2.remap(large, x + way * step_x, y + way * step_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        for way in (reach, -reach)
    )
    return floats(cv2.addWeighted(large, 0.4, cv2.add(ahead, behind), 0.3, 0))


def _tangents(rgb: Floats) -> tuple[Floats, Floats]:
    """The direction of the edges as x and y, as long as they are clear, 0..1; x is never negative."""
    light = luma(rgb)
    across, down = cv2.Scharr(light, cv2.CV_32F, 1, 0), cv2.Scharr(light, cv2.CV_32F, 0, 1)
    xx, yy, xy = (floats(cv2.GaussianBlur(plane, (0, 0), 1.2)) for plane in (across * across, down * down, across * down))
    length, angle = cv2.cartToPolar(yy - xx, -2 * xy)
    clear = floats(length / (xx + yy + np.float32(1e-3)))
    x, y = cv2.polarToCart(clear, angle * 0.5)
    return floats(x), floats(y)
