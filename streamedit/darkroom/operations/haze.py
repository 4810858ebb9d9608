"""Haze: taken away from a picture, or laid over it."""

import cv2
import numpy as np

from streamedit.darkroom.base import guided, window_px
from streamedit.darkroom.canvas import Brief, Done
from streamedit.darkroom.colours import extremes
from streamedit.darkroom.copies import small_copy
from streamedit.darkroom.layers import over
from streamedit.darkroom.optics import floats, grey, luma, noise, soft
from streamedit.darkroom.photograph import Floats

_MIST = np.array([0.83, 0.85, 0.87], np.float32)


def dehaze(rgb: Floats, brief: Brief) -> Done:
    """More: haze taken away by the dark channel prior (He, Sun, Tang 2009). Less: mist, thicker the farther and the higher."""
    if brief.amount < 0:
        return lambda part: _misty(rgb, -brief.amount * part, brief.seed)
    small = small_copy(rgb)
    air = _air(small)
    maps = floats(cv2.merge(guided(luma(small), _dark(small / air), window_px(small), 1e-3)))

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        haze = np.clip(luma(band) * at[..., 0] + at[..., 1], 0, 1)
        clear = np.maximum(1 - 0.9 * amount * haze, 0.35)[..., None]
        light = grey(luma(band))
        # colours by less than the light: of a pale wall they would be noise and blotches
        return floats((light - air) / clear + air + (band - light) / np.sqrt(clear))

    return lambda part: over(rgb, lambda band, at: step(band, at, brief.amount * part), maps)


def _dark(rgb: Floats) -> Floats:
    """The dark channel: the least of all channels and neighbours. Where there is no haze something is always dark."""
    size = 2 * max(1, min(rgb.shape[:2]) // 40) + 1
    return floats(cv2.erode(extremes(rgb)[1], np.ones((size, size), np.uint8)))


def _air(small: Floats) -> Floats:
    """The colour of the haze: that of the haziest thousandth, and never dark."""
    dark = _dark(small)
    return floats(np.clip(small[dark >= np.quantile(dark, 0.999)].mean(axis=0), 0.55, 1))


def _misty(rgb: Floats, amount: float, seed: int) -> Floats:
    small = small_copy(rgb)
    height, width = small.shape[:2]
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None]
    wisps = soft(noise(small, seed), min(height, width) / 9)
    depth = (
        0.25
        + 0.75 * up
        + 0.35 * wisps / max(float(np.abs(wisps).max()), 1e-6)
        + 0.3 * soft(luma(small), min(height, width) / 30)
    )
    clear = np.exp(-1.5 * np.float32(amount) * np.maximum(depth, 0.1))
    return over(rgb, lambda band, at: floats(_MIST + (band - _MIST) * at[..., None]), clear)
