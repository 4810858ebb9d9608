"""What makes a picture clearer, or cleaner: sharpening, deconvolution, less noise, smooth skin."""

import cv2
import numpy as np

from streamedit.darkroom.base import guided
from streamedit.darkroom.canvas import Brief, Done
from streamedit.darkroom.copies import shrunk_light, small_light
from streamedit.darkroom.layers import over
from streamedit.darkroom.linear_light import near_encoded
from streamedit.darkroom.optics import banded, floats, luma, roughness, side, smoothstep
from streamedit.darkroom.photograph import Floats

_ROUNDS = 24
"""Of a deconvolution done with amount 1."""

_SKIN_PX = 800
"""The longer side of the copy in which skin is looked for."""

_SURFACE = 0.009
"""How much the light of skin varies (its variance)."""

_SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16

_KEPT = (0.8908, 0.2007, 0.0856, 0.0413)
"""What of the deviation of white noise each scale of the wavelets has (Starck, Murtagh 1994)."""

_YCC = np.array([[0.299, 0.587, 0.114], [0.5, -0.4187, -0.0813], [-0.1687, -0.3313, 0.5]], np.float32)
"""ITU-T T.871: luma, red and blue difference."""

_RGB = np.linalg.inv(_YCC).astype(np.float32)


def sharpen(rgb: Floats, brief: Brief) -> Done:
    """Crisper edges, in lightness alone, without halos and without sharper noise; the number is the radius in pixels."""
    said = brief.details.number
    sigma_px = min(50.0, max(0.3, said)) if said is not None else max(0.8, side(rgb) / 900)
    least = np.float32(2.5 * roughness(rgb) + 0.002)

    def effect(part: float) -> Floats:
        gain = np.float32(3.0 * brief.amount * part)

        def work(band: Floats) -> Floats:
            light = luma(band)
            detail = light - floats(cv2.GaussianBlur(light, (0, 0), sigma_px))
            sure = smoothstep(np.abs(detail) / least)
            return _relit(band, light, _within(light, light + gain * sure * detail, sigma_px) - light)

        return banded(work, rgb, halo_px=int(3 * sigma_px) + 2)

    return effect


def deblur(rgb: Floats, brief: Brief) -> Done:
    """Takes back a slight blur (Richardson 1972, Lucy 1974) round by round, without its rings; the number is its radius."""
    said = brief.details.number
    sigma_px = min(20.0, max(0.4, said)) if said is not None else max(0.9, side(rgb) / 750)
    noise = roughness(rgb) + 1e-3
    # a wide blur left nothing so fine that a smaller copy would not hold it
    shrink = max(1, int(sigma_px / 1.5))

    def effect(part: float) -> Floats:
        rounds = _ROUNDS * brief.amount * part

        def change(light: Floats) -> Floats:
            return _within(light, _deconvolved(light, sigma_px / shrink, rounds, noise), 2 * sigma_px / shrink) - light

        def work(band: Floats) -> Floats:
            return _relit(band, luma(band), change(luma(band)))

        if shrink == 1:
            return banded(work, rgb, halo_px=int(8 * sigma_px) + 2)
        return over(rgb, lambda band, its: _relit(band, luma(band), its), change(luma(near_encoded(shrunk_light(rgb, shrink)))))

    return effect


def denoise(rgb: Floats, brief: Brief) -> Done:
    """Less noise, most of all less coloured noise: each scale of wavelets is shrunk where it holds no more than noise would."""
    noise = max(0.006, roughness(rgb))

    def effect(part: float) -> Floats:
        amount = brief.amount * part

        def work(band: Floats) -> Floats:
            planes = [floats(plane) for plane in cv2.split(cv2.transform(band, _YCC))]
            planes[0] = _calmed(planes[0], 1.5 * noise * amount, _KEPT)
            planes[1:] = [_calmed_small(plane, 2.2 * noise * amount) for plane in planes[1:]]
            return floats(cv2.transform(cv2.merge(planes), _RGB))

        return banded(work, rgb, halo_px=32) if amount > 0 else rgb.copy()

    return effect


def smooth_skin(rgb: Floats, brief: Brief) -> Done:
    """Blotches and lines of skin fade, its pores stay faintly; what has not the colour of skin, and hair, stays as it is."""
    small = near_encoded(small_light(rgb, _SKIN_PX))
    light, sigma_px = luma(small), max(1.5, side(small) / 110)
    calm = floats(cv2.GaussianBlur(light, (0, 0), max(0.8, sigma_px / 4)))
    plan = np.dstack([*guided(light, light, 2 * round(sigma_px * 1.5) + 1, _SURFACE), calm, _skin(small, light, sigma_px)])

    def effect(part: float) -> Floats:
        amount = np.float32(brief.amount * part)

        def work(band: Floats, its: Floats) -> Floats:
            light = luma(band)
            slope, offset, calm, skin = (floats(plane) for plane in cv2.split(its))
            smooth, pores = slope * light + offset, light - calm
            return _relit(band, light, (smooth + 0.3 * pores - light) * skin * amount)

        return over(rgb, work, plan)

    return effect


def _relit(band: Floats, light: Floats, change: Floats) -> Floats:
    """Another lightness and the same colours: what is not nearly black is made so many times lighter."""
    times = change / (light + np.float32(0.15))
    return floats(band + (band * np.float32(0.8) + light[..., None] * np.float32(0.2) + np.float32(0.15)) * times[..., None])


def _within(light: Floats, wished: Floats, reach_px: float) -> Floats:
    """No lighter and no darker than what is near, but a little: so there are no halos."""
    size = 2 * max(1, round(reach_px)) + 1
    window = np.ones((size, size), np.uint8)
    low, high = floats(cv2.erode(light, window)), floats(cv2.dilate(light, window))
    slack = 0.12 * (high - low)
    return np.clip(wished, low - slack, high + slack)


def _deconvolved(light: Floats, sigma_px: float, rounds: float, noise: float) -> Floats:
    seen = light + np.float32(0.02)  # of nothing there is no ratio
    guess = seen
    for done in range(int(np.ceil(rounds))):
        off = seen - floats(cv2.GaussianBlur(guess, (0, 0), sigma_px))
        sure = off * off / (off * off + np.float32(noise**2))  # what is within the noise is left alone
        ratio = 1 + off * sure / np.maximum(seen - off, np.float32(0.01))
        grown = guess * floats(cv2.GaussianBlur(ratio, (0, 0), sigma_px))
        guess = guess + (grown - guess) * np.float32(min(1.0, rounds - done))
    return guess - np.float32(0.02)


def _calmed(plane: Floats, noise: float, kept: tuple[float, ...]) -> Floats:
    """One plane without noise of that deviation: a Wiener filter of each scale of an undecimated wavelet transform."""
    calm, rest = np.zeros_like(plane), plane
    for scale, share in enumerate(kept):
        smooth = _spline(rest, 1 << scale)
        detail = rest - smooth
        power = floats(cv2.blur(detail * detail, (5 + 2 * scale,) * 2))
        power += np.float32(1e-9)
        left = np.divide(np.float32(-((1.6 * noise * share) ** 2)), power, out=power)
        left += 1
        detail *= np.maximum(0, left, out=left)
        calm += detail
        rest = smooth
    calm += rest
    return calm


def _calmed_small(plane: Floats, noise: float) -> Floats:
    """Coloured noise is coarse, and the eye sees no fine colour: its change is made in half the size."""
    small = floats(cv2.resize(plane, (-(-plane.shape[1] // 2), -(-plane.shape[0] // 2)), interpolation=cv2.INTER_AREA))
    change = _calmed(small, noise / 2, _KEPT) - small
    fine = _calmed(plane, noise, _KEPT[:1])
    return fine + floats(cv2.resize(change, (plane.shape[1], plane.shape[0]), interpolation=cv2.INTER_LINEAR))


def _spline(plane: Floats, gap: int) -> Floats:
    """B3 spline with holes: "a trous"."""
    kernel = np.zeros(4 * gap + 1, np.float32)
    kernel[::gap] = _SPLINE
    return floats(cv2.sepFilter2D(plane, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_REFLECT))


def _skin(band: Floats, light: Floats, sigma_px: float) -> Floats:
    """How much each pixel is skin, 0..1: by its colour (Chai, Ngan 1999), lightness and calm."""
    _, red, blue = cv2.split(cv2.transform(band, _YCC))
    tone = smoothstep((floats(red) - 0.015) / 0.035) * smoothstep((0.19 - floats(red)) / 0.04)
    tone *= (
        smoothstep((-0.005 - floats(blue)) / 0.03) * smoothstep((floats(blue) + 0.20) / 0.04) * smoothstep((light - 0.22) / 0.2)
    )
    tone = floats(cv2.GaussianBlur(tone, (0, 0), sigma_px / 2))
    fine = np.abs(light - floats(cv2.GaussianBlur(light, (0, 0), max(1.0, sigma_px / 3))))
    busy = floats(cv2.GaussianBlur(fine, (0, 0), sigma_px))
    return smoothstep((tone - 0.3) / 0.5) * (1 - smoothstep((busy - 0.018) / 0.02))
