"""Weather before a picture: mist, snow, rain, a rainbow."""

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done
from streamedit.darkroom.copies import small_light, small_size
from streamedit.darkroom.layers import FINE_PX, SMOOTH_PX, clouds, grid, over, shone, tint, veil, veiled
from streamedit.darkroom.linear_light import near_encoded
from streamedit.darkroom.optics import floats, grey, luma, smoothstep
from streamedit.darkroom.photograph import Bytes8, Floats
from streamedit.darkroom.subjects.matting import subject

_SUBJECT_PX = 256

_SNOW = ((1000, 0.0012, 0.0005, 0.6), (260, 0.0032, 0.0014, 0.9), (60, 0.0085, 0.0045, 0.75), (12, 0.020, 0.012, 0.5))
"""Four depths of flakes: how many, their radius and their softness (of the shorter side), and how much they hide."""

_RAIN = ((700, 0.05, 0.0006, 0.22), (300, 0.10, 0.0009, 0.32), (60, 0.20, 0.0022, 0.50))
"""Three depths of drops: how many, the length and width of their streaks, and how much they hide."""

_DROPS = np.array([0.80, 0.86, 0.95], np.float32)
_SKY = np.array([0.84, 0.90, 0.95], np.float32)

_SPECTRUM = np.array(
    [(0, 0, 0), (5, 1, 7), (3, 2, 10), (1, 6, 10), (1, 9, 3), (10, 9, 1), (10, 5, 1), (9, 1, 1), (0, 0, 0)], np.float32
) / np.float32(10)
"""Of a primary bow, from the inside out."""


def mist(rgb: Floats, brief: Brief) -> Done:
    """Soft fog that drifts before the picture, thicker below and behind the subject."""
    rng = brief.chances()
    size = small_size(rgb, SMOOTH_PX)
    drift = clouds(size, (2, 4), rng, octaves=5)
    near = floats(cv2.resize(subject(near_encoded(small_light(rgb, _SUBJECT_PX))), size))
    down = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    cover = (0.25 + 0.75 * smoothstep(down / 0.95)) * (0.35 + 1.1 * drift) * (1 - 0.45 * cv2.GaussianBlur(near, (0, 0), 6))
    colour = tint(brief.details.colours[0]) if brief.details.colours else _air(rgb)
    return lambda part: veiled(rgb, colour, floats(cover), 1.05 * brief.amount * part)


def snow(rgb: Floats, brief: Brief) -> Done:
    """Falling snow: fine flakes far away, a few large soft ones near, in a little white air."""
    rng = brief.chances()
    width, height = small_size(rgb, FINE_PX)
    short, many = min(width, height), max(width, height) / min(width, height)
    cover = np.full((height, width), 0.025, np.float32)
    for count, radius, softness, hides in _SNOW:
        flakes = np.zeros((height, width), np.uint8)
        for _ in range(int(count * min(many, 4))):
            _flake(flakes, radius * short * float(rng.uniform(0.6, 1.5)), rng)
        _cover(cover, flakes, softness * short, hides)
    return lambda part: veiled(rgb, np.array([0.93, 0.96, 1.0], np.float32), cover, 1.25 * brief.amount * part)


def rain(rgb: Floats, brief: Brief) -> Done:
    """Fine slanted streaks in a cooler, duller light."""
    rng = brief.chances()
    width, height = small_size(rgb, FINE_PX)
    short, many = min(width, height), max(width, height) / min(width, height)
    slant = float(rng.uniform(0.10, 0.24)) * (-1, 1)[int(rng.integers(2))]
    cover = np.zeros((height, width), np.float32)
    for count, length, breadth, hides in _RAIN:
        drops = np.zeros((height, width), np.uint8)
        for _ in range(int(count * min(many, 4))):
            _drop(drops, length * short * float(rng.uniform(0.6, 1.4)), slant + float(rng.normal(0, 0.012)), rng)
        _cover(cover, drops, breadth * short, hides)

    def effect(part: float) -> Floats:
        amount = brief.amount * part
        return over(rgb, lambda band, its: veil(_dull(band, amount), its, _DROPS, 1.4 * amount), cover)

    return effect


def rainbow(rgb: Floats, brief: Brief) -> Done:
    """A bow of light from one side of the picture to the other, red outside."""
    x, y = grid(rgb, 3 * SMOOTH_PX // 2)
    reach = 1.2 * float(x.max())
    far = 1 + (np.hypot(x, y + np.float32(0.85 - reach)) - reach) / 0.26
    bow = np.stack(
        [np.interp(far, np.linspace(0, 1, len(_SPECTRUM)), _SPECTRUM[:, channel]).astype(np.float32) for channel in range(3)],
        axis=-1,
    )
    fade = smoothstep((1.0 - y) / 1.1)[..., None] * np.float32(0.45)
    return lambda part: shone(rgb, floats(np.square(bow) * fade), brief.amount * part)


def _air(rgb: Floats) -> Floats:
    """The light of the lighter half of the picture, paler: so fog belongs to its scene."""
    small = small_light(rgb, 64).reshape(-1, 3)
    bright = small[luma(small[None])[0] >= np.median(luma(small[None])[0])].mean(axis=0)
    white = bright / max(float(bright.max()), 1e-3)
    return floats(0.66 * (0.8 + 0.2 * white))


def _flake(flakes: Bytes8, radius_px: float, rng: np.random.Generator) -> None:
    """One flake, drawn between the pixels; one smaller than a pixel is fainter instead."""
    height, width = flakes.shape
    at = int(rng.uniform(0, width) * 16), int(rng.uniform(0, height) * 16)
    shade = 255 * min(1.0, (radius_px / 0.8) ** 2) * float(rng.uniform(0.5, 1))
    cv2.circle(flakes, at, max(12, int(radius_px * 16)), shade, cv2.FILLED, cv2.LINE_AA, 4)


def _drop(drops: Bytes8, length_px: float, slant: float, rng: np.random.Generator) -> None:
    height, width = drops.shape
    x, y = rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1) * height
    begin, end = (int(x * 16), int(y * 16)), (int((x + slant * length_px) * 16), int((y + length_px) * 16))
    cv2.line(drops, begin, end, float(rng.uniform(70, 255)) * min(1.0, height / 900 + 0.2), 1, cv2.LINE_AA, 4)


def _cover(cover: Floats, drawn: Bytes8, softness_px: float, hides: float) -> None:
    """What was drawn, softened, laid over what hides the picture already. Softened lines keep their strength."""
    drawn_soft = floats(cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), max(0.35, softness_px))) * np.float32(hides / 255)
    cover += drawn_soft * (1 - cover)


def _dull(rgb: Floats, amount: float) -> Floats:
    """The picture under a covered sky."""
    greyer = floats(cv2.addWeighted(rgb, 1 - 0.4 * amount, grey(luma(rgb)), 0.4 * amount, 0))
    return greyer * (1 + (_SKY - 1) * np.float32(amount))
