"""What a background is replaced by: colours, gradients, a studio, skies, another picture. RGB, float32, 0..1."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief
from streamedit.darkroom.colours import luma_of
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import chances, floats, mixed, smoothstep
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

Size: TypeAlias = tuple[int, int]
"""Height and width."""

Backdrop: TypeAlias = Callable[[Size, Brief], Floats]

_STOPS_SUNSET = {
    0.0: (0.07, 0.10, 0.27),
    0.35: (0.30, 0.22, 0.42),
    0.62: (0.80, 0.38, 0.32),
    0.82: (0.97, 0.60, 0.26),
    1.0: (1.0, 0.84, 0.48),
}
_STOPS_NIGHT = {0.0: (0.008, 0.012, 0.045), 0.6: (0.025, 0.045, 0.12), 1.0: (0.07, 0.10, 0.20)}
_STOPS_SKY = {0.0: (0.20, 0.42, 0.76), 0.6: (0.50, 0.70, 0.92), 1.0: (0.82, 0.90, 0.97)}


def plain(size: Size, brief: Brief) -> Floats:
    """One colour, exactly."""
    return np.full((*size, 3), brief.colour((1.0, 1.0, 1.0)), np.float32)


def gradient(size: Size, brief: Brief) -> Floats:
    """From one colour to another; to a lighter or darker of its own kind, where only one is named."""
    named = brief.colour((0.35, 0.5, 0.75))
    first, dark = np.array(named, np.float32), luma_of(named) < 0.5
    second = np.array(brief.details.colours[1]) if len(brief.details.colours) > 1 else _lighter(first) if dark else first * 0.45
    return mixed(first, floats(second), smoothstep(_way(size, brief.details.side)))


def studio(size: Size, brief: Brief) -> Floats:
    """A seamless paper backdrop of middle grey, lit from behind the subject, and the floor that it rolls down to."""
    return _studio(size, brief.colour((0.62, 0.63, 0.645)), 0.34)


def bright_studio(size: Size, brief: Brief) -> Floats:
    """A white studio, as for goods in a shop."""
    return _studio(size, brief.colour((0.965, 0.965, 0.97)), 0.07)


def dark_studio(size: Size, brief: Brief) -> Floats:
    """Charcoal, with a pool of light behind the subject."""
    return _studio(size, brief.colour((0.20, 0.205, 0.22)), 0.72)


def sunset(size: Size, brief: Brief) -> Floats:
    """From a deep blue over orange to the yellow of the horizon, with bands of lit cloud."""
    sky = _between(size, _STOPS_SUNSET)
    down = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    bands = _clouds(size, brief.seed, 6.0) * smoothstep((down - 0.15) * 3) * smoothstep((1.05 - down) * 5)
    lit = np.array([1.0, 0.55, 0.38], np.float32) + down[..., None] * np.array([0, 0.28, 0.25], np.float32)
    return mixed(sky, lit, 0.55 * bands)


def night_sky(size: Size, brief: Brief) -> Floats:
    """Deep blue, stars of all sizes, and the breath of a milky way."""
    haze = _clouds(size, brief.seed, 1.0)
    down = np.linspace(0, 1, size[0], dtype=np.float32)[:, None]
    haze *= np.exp(-(((_way(size, "right") - 0.25 - 0.5 * down) / 0.22) ** 2)) * np.float32(0.35)
    return mixed(_between(size, _STOPS_NIGHT), np.array([0.36, 0.38, 0.55], np.float32), haze) + _stars(size, brief.seed)


def sky(size: Size, brief: Brief) -> Floats:
    """A fair day: blue above, lighter below, soft clouds."""
    clouds = smoothstep((_clouds(size, brief.seed, 2.2) - 0.25) / 0.6)
    return mixed(_between(size, _STOPS_SKY), np.array([0.985, 0.985, 0.99], np.float32), 0.85 * clouds)


def picture(size: Size, brief: Brief) -> Floats:
    """The second image, as large as is needed to cover all."""
    if not brief.others:
        raise InvalidRequest("A background from an image needs a second image.", param="image", code="image_required")
    other, (height, width) = brief.others[0], size
    scale = max(height / other.shape[0], width / other.shape[1])
    rows, columns = min(other.shape[0], max(1, round(height / scale))), min(other.shape[1], max(1, round(width / scale)))
    top, left = (other.shape[0] - rows) // 2, (other.shape[1] - columns) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.clip(cv2.resize(other[top : top + rows, left : left + columns], (width, height), interpolation=how), 0, 1)


BACKDROPS: Mapping[str, Backdrop] = MappingProxyType(
    {
        "colour": plain,
        "gradient": gradient,
        "studio": studio,
        "bright studio": bright_studio,
        "white": bright_studio,
        "dark studio": dark_studio,
        "sunset": sunset,
        "night sky": night_sky,
        "sky": sky,
        "image": picture,
    }
)
"""By `Details.kind`."""


def _lighter(colour: Floats) -> Floats:
    return 1 - (1 - colour) * np.float32(0.4)


def _way(size: Size, side: str | None) -> Floats:
    """0 where a gradient begins, 1 where it ends."""
    height, width = size
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None] + np.zeros((1, width), np.float32)
    right = np.linspace(0, 1, width, dtype=np.float32)[None] + np.zeros((height, 1), np.float32)
    ways = {"up": 1 - down, "left": 1 - right, "right": right, "horizontal": right}
    return ways.get(side or "down", down)


def _between(size: Size, stops: Mapping[float, Colour]) -> Floats:
    """A sky, from above to below through its colours."""
    down = np.linspace(0, 1, size[0])
    planes = [np.interp(down, list(stops), [colour[i] for colour in stops.values()]) for i in range(3)]
    column = cv2.GaussianBlur(np.stack(planes, axis=1).astype(np.float32)[:, None], (0, 0), max(0.5, size[0] / 25))
    return np.broadcast_to(floats(column).reshape(-1, 1, 3), (*size, 3)).copy()


def _studio(size: Size, colour: Colour, falloff: float) -> Floats:
    """`falloff`: how much darker the corners are than where the light falls."""
    height, width = size
    y, x = np.linspace(0, 1, height, dtype=np.float32)[:, None], np.linspace(-1, 1, width, dtype=np.float32)[None]
    wall = np.exp(-((x / 0.95) ** 2 + ((y - 0.42) / 0.62) ** 2))
    floor = smoothstep((y - 0.74) / 0.16) * np.exp(-((x / 1.3) ** 2))
    light = 1 - falloff + falloff * np.maximum(wall, 0) + 0.22 * falloff * floor
    return floats(light[..., None] * np.array(colour, np.float32))


def _clouds(size: Size, seed: int, flat: float) -> Floats:
    """Noise of many sizes, 0..1; `flat`: how many times as wide as high."""
    height, width = size
    rng, total = chances(seed), np.zeros(size, np.float32)
    for octave in range(5):
        across = 3 * 2**octave
        down = max(2, round(across * flat * height / width))
        grains = rng.standard_normal((min(down, 400) + 3, across + 3), np.float32)
        inner = cv2.GaussianBlur(grains, (0, 0), 0.6)
        total += cv2.resize(inner, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.58**octave)
    return smoothstep(floats(0.5 + 0.28 * (total - total.mean()) / max(1e-6, float(total.std()))))


def _stars(size: Size, seed: int) -> Floats:
    """Many faint ones, few bright; of the size of the picture, not of its pixels."""
    height, width = size
    rng, light = chances(seed), np.zeros((height, width, 3), np.float32)
    count, unit = 420, max(0.35, min(size) / 900)
    places, power, warmth = rng.random((count, 2)), rng.random(count) ** 5, rng.random(count) - 0.5
    for (down, right), bright, warm in zip(places, power, warmth, strict=True):
        colour = (0.35 + 0.65 * bright) * np.array([1 + 0.2 * warm, 1.0, 1 - 0.25 * warm])
        centre = (int(right * width * 16), int(down * height * 16))
        cv2.circle(light, centre, int((0.45 + 1.5 * bright) * unit * 16), colour.tolist(), -1, cv2.LINE_AA, 4)
    glow = cv2.GaussianBlur(light, (0, 0), max(0.4, 0.6 * unit))
    return floats(glow + 0.5 * cv2.GaussianBlur(glow, (0, 0), 3 * unit))
