"""Light and dark: curves, exposure, white balance, local contrast, haze, and light as of a studio."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Operation, retouching
from streamedit.darkroom.colours import (
    Curve,
    balance,
    curved,
    extremes,
    gained,
    in_light,
    light_of,
    looked_up,
    scaled,
    small_copy,
    table,
    white,
)
from streamedit.darkroom.optics import banded, floats, grey, luma, noise, smoothstep, soft
from streamedit.darkroom.photograph import Floats

Done: TypeAlias = Callable[[float], Floats]

Local: TypeAlias = Callable[[Floats, Floats], Floats]
"""What becomes of a band, given that band and its rows of some maps."""

_WHITE_BALANCE_USUAL = 0.8
"""The amount that plain words give."""

_LEVELS = (0, 0.01, 0.99, 1)
"""Where the picture's black, dark end, light end and white go: nothing is cut off."""

_MIST = np.array([0.83, 0.85, 0.87], np.float32)


def brightness(rgb: Floats, brief: Brief) -> Done:
    """A gamma curve: black and white stay where they are."""
    return lambda part: curved(rgb, lambda values: values ** np.float32(2.0 ** (-1.5 * brief.amount * part)))


def exposure(rgb: Floats, brief: Brief) -> Done:
    """More or less light, in stops; highlights go over a shoulder as of film."""
    stops = _stops(brief)
    return lambda part: curved(rgb, in_light(lambda light: gained(light, 2.0 ** (stops * part))))


def contrast(rgb: Floats, brief: Brief) -> Done:
    """More: an S about the picture's own middle, which bends before it burns. Less: towards the mean grey."""
    mean = float(luma(small_copy(rgb)).mean())
    return lambda part: curved(rgb, _contrast_curve(mean, brief.amount * part))


def tone_curve(rgb: Floats, brief: Brief) -> Done:
    """More: an S that keeps black and white. Less: matte, with lifted blacks and quiet whites, as of a faded print."""
    return lambda part: curved(rgb, _print_curve(brief.amount * part))


def auto_levels(rgb: Floats, brief: Brief) -> Done:
    """The darkest becomes dark, the lightest light, the middle comes nearer to the middle; a cast of colour stays."""
    low, middle, high = np.percentile(small_copy(rgb), (0.5, 50, 99.5))
    knots = np.array([0, min(max(low, 0.005), 0.35), max(min(high, 0.995), 0.45), 1])
    middle = float(np.interp(middle, knots, _LEVELS))
    gamma = min(1.25, max(0.75, np.log(0.45) / np.log(min(max(middle, 0.05), 0.95)))) ** 0.6

    def curve(values: Floats) -> Floats:
        return floats(np.interp(values, knots, _LEVELS) ** gamma)

    return lambda part: curved(rgb, _part_of(curve, brief.amount * part))


def white_balance(rgb: Floats, brief: Brief) -> Done:
    """The cast of the light taken out, as found in the picture; or, at a number of kelvin, a camera's setting.

    As with a camera: 6500 changes nothing, 3200 (for lamps) makes the picture bluer, 9000 (for shade) more orange.
    """
    kelvin = brief.details.number
    red, green, blue = light_of(small_copy(rgb)) if kelvin is None else white(kelvin)
    # a setting is a setting: what plain words ask for is all of it
    amount = brief.amount if kelvin is None else min(1.0, brief.amount / _WHITE_BALANCE_USUAL)
    return lambda part: curved(rgb, balance((red ** (-amount * part), green ** (-amount * part), blue ** (-amount * part))))


def highlights(rgb: Floats, brief: Brief) -> Done:
    """Less: bright regions come down, with all that is in them. More: they come up, and black stays."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        where = smoothstep((base - 0.3) / 0.7)
        if amount < 0:
            return scaled(band, 1 + np.float32(0.34 * amount) * where)
        return floats(band + (1 - band) * scaled(band, np.float32(0.5 * amount) * where))

    return lambda part: _on_base(rgb, lambda band, base: step(band, base, brief.amount * part))


def shadows(rgb: Floats, brief: Brief) -> Done:
    """More: dark regions come up, with all that is in them. Less: they go down."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        gain = 1 + (1.7 if amount > 0 else 0.8) * amount * cv2.pow(np.clip(1 - base, 0, 1), 3.5)
        return scaled(band, floats(gain))

    return lambda part: _on_base(rgb, lambda band, base: step(band, base, brief.amount * part))


def clarity(rgb: Floats, brief: Brief) -> Done:
    """More: what stands out from its surroundings stands out further, most in the mid-tones. Less: a soft skin of light."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        detail = (luma(band) - base) * (1.4 if amount > 0 else 0.8)
        room = 4 * base * (1 - base) if amount > 0 else np.float32(1)
        return floats(cv2.add(band, grey(amount * detail * room)))

    return lambda part: _on_base(rgb, lambda band, base: step(band, base, brief.amount * part))


def dehaze(rgb: Floats, brief: Brief) -> Done:
    """More: haze taken away by the dark channel prior (He, Sun, Tang 2009). Less: mist, thicker the farther and the higher."""
    if brief.amount < 0:
        return lambda part: _misty(rgb, -brief.amount * part, brief.seed)
    small = small_copy(rgb)
    air = _air(small)
    slope, offset = _guided(luma(small), _dark(small / air), 1e-3)
    maps = np.dstack([slope, offset])

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        haze = np.clip(luma(band) * at[..., 0] + at[..., 1], 0, 1)
        clear = np.maximum(1 - 0.9 * amount * haze, 0.35)[..., None]
        light = grey(luma(band))
        # colours by less than the light: of a pale wall they would be noise and blotches
        return floats((light - air) / clear + air + (band - light) / np.sqrt(clear))

    return lambda part: _locally(rgb, maps, lambda band, at: step(band, at, brief.amount * part))


def hdr(rgb: Floats, brief: Brief) -> Done:
    """Shadows up, highlights down, and the details stronger, without halos: the base is cut at edges, not across them."""

    def step(band: Floats, base: Floats, amount: float) -> Floats:
        base = np.clip(base, 0.02, 1)
        light = np.maximum(luma(band), 0.004)
        even = 0.12 + 0.73 * base**0.72 - 0.12 * (1 - base) ** 6
        goal = grey(even * (light / base) ** 1.6)
        vivid = goal + (band - grey(light)) * (1.08 * (even / base) ** 0.5)[..., None]
        return floats(cv2.addWeighted(band, 1 - amount, floats(vivid), amount, 0))

    return lambda part: _on_base(rgb, lambda band, base: step(band, base, brief.amount * part))


def professional_lighting(rgb: Floats, brief: Brief) -> Done:
    """A portrait's studio: a soft key light from the upper left, open mid-tones, a darker background, less of a cast."""
    small = small_copy(rgb)
    key, around = _pool(small, (0.44, 0.36), 0.34), _pool(small, (0.5, 0.52), 0.58)
    lamp = (0.42 + 0.6 * around) * (1 + 0.24 * key)
    red, green, blue = (channel**-0.25 for channel in light_of(small))
    balanced, studio = table(balance((red, green, blue))), table(_studio)

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        lit = _lit(looked_up(looked_up(band, studio), balanced), at[..., 0])
        return floats(cv2.addWeighted(band, 1 - amount, lit, amount, 0))

    return lambda part: _locally(rgb, lamp[..., None], lambda band, at: step(band, at, brief.amount * part))


def high_key(rgb: Floats, brief: Brief) -> Done:
    """Nearly all of it light and soft, the surroundings nearly white; only the darkest gives hold."""
    open_ = table(lambda values: floats(0.03 + 0.95 * values**0.48))
    lamp = 1.04 + 0.18 * (1 - _pool(small_copy(rgb), (0.5, 0.5), 0.55))

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        pale = cv2.addWeighted(band, 0.82, grey(luma(band)), 0.18, 0)
        lit = _lit(looked_up(floats(pale), open_), at[..., 0])
        return floats(cv2.addWeighted(band, 1 - amount, lit, amount, 0))

    return lambda part: _locally(rgb, lamp[..., None], lambda band, at: step(band, at, brief.amount * part))


def low_key(rgb: Floats, brief: Brief) -> Done:
    """Nearly all of it dark: one light on the middle, and what surrounds it sinks into black."""
    lamp = 0.12 + 0.98 * _pool(small_copy(rgb), (0.48, 0.42), 0.44)

    def step(band: Floats, at: Floats, amount: float) -> Floats:
        return _lit(curved(band, lambda values: values ** np.float32(1 + 0.5 * amount)), floats(at[..., 0] ** (1.2 * amount)))

    return lambda part: _locally(rgb, lamp[..., None], lambda band, at: step(band, at, brief.amount * part))


TONE: Mapping[str, Operation] = MappingProxyType(
    {
        "brightness": retouching(brightness),
        "exposure": retouching(exposure),
        "contrast": retouching(contrast),
        "highlights": retouching(highlights),
        "shadows": retouching(shadows),
        "tone curve": retouching(tone_curve),
        "auto levels": retouching(auto_levels),
        "white balance": retouching(white_balance),
        "clarity": retouching(clarity),
        "dehaze": retouching(dehaze),
        "hdr": retouching(hdr),
        "professional lighting": retouching(professional_lighting),
        "high key": retouching(high_key),
        "low key": retouching(low_key),
    }
)
"""By the names of the grammar's table."""


def _stops(brief: Brief) -> float:
    number = brief.details.number
    if number is None:
        return 1.5 * brief.amount
    return min(8.0, max(-8.0, -abs(number) if brief.amount < 0 else number))


def _contrast_curve(mean: float, amount: float) -> Curve:
    if amount < 0:
        return lambda values: values + (mean - values) * np.float32(-0.85 * amount)
    middle, steep = min(0.6, max(0.35, mean)), 1 + amount

    def curve(values: Floats) -> Floats:
        dark = middle * (np.minimum(values, middle) / middle) ** steep
        return floats(dark + (1 - middle) * (1 - (np.minimum(1, (1 - values) / (1 - middle))) ** steep))

    return curve


def _print_curve(amount: float) -> Curve:
    if amount < 0:
        return _part_of(lambda values: 0.13 + 0.8 * (values - 0.03 * np.sin(2 * np.pi * values)), -amount)
    return lambda values: values - np.float32(0.125 * amount) * np.sin(2 * np.pi * values)


def _studio(values: Floats) -> Floats:
    """Open mid-tones, then a gentle S."""
    lifted = values**0.88
    return floats(lifted - 0.035 * np.sin(2 * np.pi * lifted))


def _part_of(curve: Curve, amount: float) -> Curve:
    return lambda values: floats(values + (curve(values) - values) * amount)


def _lit(rgb: Floats, gain: Floats) -> Floats:
    """Under a lamp; what is nearly white comes nearer to it, and does not burn out."""
    more = scaled(floats(cv2.multiply(rgb, rgb)), np.maximum(gain - 1, 0))
    return floats(cv2.divide(scaled(rgb, gain), 1 + more))


def _locally(rgb: Floats, maps: Floats, work: Local) -> Floats:
    """`work` done to bands, each with its rows of small maps at the picture's own size."""
    height, width = rgb.shape[:2]
    wide = floats(cv2.resize(maps, (width, maps.shape[0]))).reshape(maps.shape[0], width, -1)
    at = (np.arange(height, dtype=np.float32)[:, None] + 0.5) * np.float32(len(wide) / height) - 0.5

    def one(band: Floats, rows: Floats) -> Floats:
        rows = np.clip(rows, 0, len(wide) - 1)
        above = rows[:, 0].astype(int)
        below = np.minimum(above + 1, len(wide) - 1)
        return work(band, floats(wide[above] + (wide[below] - wide[above]) * (rows - above[:, None])[..., None]))

    return banded(one, rgb, at)


def _on_base(rgb: Floats, work: Local) -> Floats:
    """`work` done to bands, each with its base: the light without its details, edges kept (guided filter, He et al. 2010)."""
    light = luma(small_copy(rgb))
    slope, offset = _guided(light, light, 0.008)
    return _locally(rgb, np.dstack([slope, offset]), lambda band, at: work(band, luma(band) * at[..., 0] + at[..., 1]))


def _guided(guide: Floats, plane: Floats, smooth: float) -> tuple[Floats, Floats]:
    """The guided filter as two planes: plane = slope * guide + offset, at any size."""
    size = 2 * max(1, min(guide.shape) // 30) + 1

    def mean(values: Floats) -> Floats:
        return floats(cv2.blur(values, (size, size)))

    guide_mean, plane_mean = mean(guide), mean(plane)
    slope = (mean(guide * plane) - guide_mean * plane_mean) / (mean(guide * guide) - guide_mean**2 + np.float32(smooth))
    return mean(slope), mean(plane_mean - slope * guide_mean)


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

    def step(band: Floats, at: Floats) -> Floats:
        return floats(_MIST + (band - _MIST) * at)

    return _locally(rgb, clear[..., None], step)


def _pool(small: Floats, centre: tuple[float, float], radius: float) -> Floats:
    """A pool of light: 1 at its centre (x and y of the picture), falling off softly to 0."""
    height, width = small.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    squares = ((x / width - centre[0]) / radius) ** 2 + ((y / height - centre[1]) / (1.15 * radius)) ** 2
    return floats(np.exp(-(squares**1.2)))
