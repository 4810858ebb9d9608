"""Light that falls on a picture, or does not: corners, a lamp, a glow, the sun, and what a lens and a film make of it."""

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Done, Operation, retouching
from streamedit.darkroom.copies import small_light, small_size
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.layers import SMOOTH_PX, clouds, grid, over, put, shone, spot, tint
from streamedit.darkroom.linear_light import near_encoded, near_linear, shouldered
from streamedit.darkroom.operations.glitter import bokeh_lights, sparkles
from streamedit.darkroom.operations.weather import mist, rain, rainbow, snow
from streamedit.darkroom.optics import floats, luma, smoothstep, soft
from streamedit.darkroom.photograph import Floats

_BLOOM = ((0.012, 0.38), (0.035, 0.34), (0.09, 0.24))
"""How far the lights bleed, of the shorter side, and how much."""

_POLAR = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
"""What is outside is dark: otherwise OpenCV leaves there what was in the memory."""

_FLARE_PX = 640
"""The longer side of the layer of a lens flare: its ghosts have edges, but soft ones."""

_BURST = np.square(np.array([[1.0, 0.87, 0.68], [1.0, 0.72, 0.46], [0.75, 0.85, 1.0]], np.float32))
"""The colours, as light, of the sun's heart, the veil around it and the streak through it."""

_ORANGE: Colour = (1.0, 0.50, 0.12)
_SUN: Colour = (1.0, 0.78, 0.50)
_LAMP: Colour = (1.0, 0.9798, 0.9381)
_BLACK: Colour = (0.0, 0.0, 0.0)
_WHITE: Colour = (1.0, 1.0, 1.0)


def vignette(rgb: Floats, brief: Brief) -> Done:
    """Darkness that grows from the middle to the corners; below 0 it is white, and of another colour where one is named."""
    x, y = grid(rgb, SMOOTH_PX)
    reach = np.hypot(x / x.max(), y / y.max()) / np.float32(1.4142)
    fall = smoothstep((reach - 0.3) / 0.85)
    colour = np.array(brief.colour(_WHITE if brief.amount < 0 else _BLACK), np.float32)

    def effect(part: float) -> Floats:
        depth = np.float32(abs(brief.amount) * part)
        return over(rgb, lambda band, its: band + (colour - band) * (np.maximum(its, 0) * depth)[..., None], fall)

    return effect


def spotlight(rgb: Floats, brief: Brief) -> Done:
    """The light of one lamp on one place, and dusk around it."""
    x, y = grid(rgb, SMOOTH_PX)
    across, down = spot(rgb, _scaled(brief.details.place or (0, 0), 0.5))
    pool = 1 - smoothstep((np.hypot(x - across, (y - down) / np.float32(1.1)) - 0.3) / 0.75)
    lamp = tint(brief.colour(_LAMP))
    gain = pool[..., None] * (lamp * np.float32(1.45)) + np.float32(0.05) * (1 - pool[..., None])

    def effect(part: float) -> Floats:
        amount = np.float32(brief.amount * part)
        return over(rgb, lambda band, its: near_encoded(shouldered(near_linear(band), 1 + (its - 1) * amount)), gain)

    return effect


def glow(rgb: Floats, brief: Brief) -> Done:
    """The lights bleed softly into what is around them, as through a diffusion filter."""
    light = small_light(rgb, SMOOTH_PX)
    tone = near_encoded(luma(light))
    # lights are what is brighter than the rest: a white wall does not glow
    least, most = 0.2 + 0.45 * float(tone.mean()), float(np.quantile(tone, 0.995))
    bright = light * smoothstep((tone - least) / max(0.2, most - least))[..., None]
    short = min(bright.shape[:2])
    bloom = sum((soft(bright, short * reach) * weight for reach, weight in _BLOOM), np.zeros_like(bright))
    return lambda part: shone(rgb, bloom, brief.amount * part)


def light_leak(rgb: Floats, brief: Brief) -> Done:
    """Light that got into the camera from one side: white-hot at the rim, then orange, and red where it ends."""
    rng = brief.chances()
    turns = _TURNS.get(brief.details.side or "", (0, 2)[int(rng.integers(2))])
    width, height = small_size(rgb, SMOOTH_PX)
    leak = np.rot90(_leak((height, width) if turns % 2 else (width, height), rng), turns)
    colour = np.array(brief.colour(_ORANGE), np.float32)

    def effect(part: float) -> Floats:
        # what a colour has less of takes more light to show: so its edge is pure and its heart is white
        shown = np.minimum(leak[..., None] * np.float32(1.6 * brief.amount * part), 1)
        light = np.power(shown, 1 + 3.2 * (1 - colour)) * (0.35 + 0.65 * colour)
        return shone(rgb, floats(np.ascontiguousarray(light)), 1.0)

    return effect


def sun_rays(rgb: Floats, brief: Brief) -> Done:
    """Shafts of sunlight from an upper corner, which the bright parts of the picture feed and the dark ones stop."""
    rng = brief.chances()
    place = _sun_place(brief, rng)
    light = small_light(rgb, SMOOTH_PX)
    height, width = light.shape[:2]
    centre = ((place[0] * 1.05 + 1) / 2 * width, (place[1] * 1.1 + 1) / 2 * height)
    reach = float(np.hypot(max(centre[0], width - centre[0]), max(centre[1], height - centre[1])))
    size = (256, 1024)  # distances across, directions down
    fed = floats(cv2.warpPolar(soft(luma(light), 2), size, centre, reach, _POLAR))
    polar = _shafts(size, rng) * _along(0.30 + 0.70 * fed) * _faded(size[0]) + _halo(size[0])
    rays = cv2.warpPolar(floats(polar), (width, height), centre, reach, _POLAR | cv2.WARP_INVERSE_MAP)
    warm = tint(brief.colour(_SUN))
    return lambda part: shone(rgb, floats(rays)[..., None] * warm, brief.amount * part)


def lens_flare(rgb: Floats, brief: Brief) -> Done:
    """A sun that shines into the lens: its burst, a streak, and the ghosts of the glass on the line through the middle."""
    rng = brief.chances()
    x, y = grid(rgb, _FLARE_PX)
    across, down = spot(rgb, _scaled(_sun_place(brief, rng), 0.8))
    light, scale = _burst(x - across, y - down, rng), min(x.shape[1], y.shape[0]) / 2
    for _ in range(9):
        along, size = float(rng.uniform(-0.4, 1.9)), float(rng.uniform(0.03, 0.2))
        ghost = _ghost(size * scale, tint(_hues(float(rng.uniform())))) * float(rng.uniform(0.1, 0.4))
        put(light, ghost, (light.shape[1] / 2 + across * (1 - along) * scale, light.shape[0] / 2 + down * (1 - along) * scale))
    return lambda part: shone(rgb, light, brief.amount * part)


_TURNS = MappingProxyType({"left": 0, "down": 1, "right": 2, "up": 3})
"""Quarter turns to the left which bring the left side there."""


def _scaled(place: tuple[float, float], factor: float) -> tuple[float, float]:
    return place[0] * factor, place[1] * factor


def _leak(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """How much light leaks in at the left, 0..1: a wide soft wedge, a narrow hot one, and a faint streak further in."""
    width, height = size
    far = np.linspace(0, 1, width, dtype=np.float32)[None, :]
    wave = clouds((1, height), (1, 3), rng, octaves=3)
    reach, tilt = 0.10 + 0.42 * wave, float(rng.uniform(-0.12, 0.12))
    far = far + tilt * np.linspace(-1, 1, height, dtype=np.float32)[:, None] * far
    wide, hot = np.exp(-((far / reach) ** 1.6)), np.exp(-far / (0.25 * reach))
    streak = np.exp(-(((far - float(rng.uniform(0.3, 0.55))) / 0.07) ** 2)) * clouds((1, height), (1, 2), rng) * np.float32(0.4)
    smoke = 0.65 + 0.7 * (clouds(size, (3, 4), rng) - 0.5)
    return floats(np.clip((0.75 * wide + 0.4 * hot + streak) * smoke, 0, 1))


def _sun_place(brief: Brief, rng: np.random.Generator) -> tuple[float, float]:
    """The corner, or the side, that was named; else one of the upper corners."""
    chosen = (-1.0, 1.0)[int(rng.integers(2))]
    if brief.details.place is not None and brief.details.place != (0, 0):
        return brief.details.place
    sides = {"left": (-1.0, -1.0), "right": (1.0, -1.0), "up": (0.0, -1.0), "down": (0.0, 1.0)}
    return sides.get(brief.details.side or "", (chosen, -1.0))


def _shafts(size: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Rays in all directions, as rows: broad and narrow ones, the same all along."""
    columns, rows = size
    rays = clouds((1, rows), (1, 24), rng, octaves=4)
    drift = clouds((columns, rows), (2, 40), rng, octaves=2)
    return smoothstep(floats((0.75 * rays + 0.25 * drift - 0.40) / 0.32))


def _along(fed: Floats) -> Floats:
    """Light on its way outward (Mitchell, "Volumetric light scattering as a post-process", 2007): it fades, and is fed."""
    lit = fed.copy()
    for column in range(1, lit.shape[1]):
        lit[:, column] = 0.97 * lit[:, column - 1] + 0.03 * fed[:, column]
    return lit


def _faded(count: int) -> Floats:
    far = np.linspace(0, 1, count, dtype=np.float32)
    return floats((2.6 * np.exp(-2.5 * far) * smoothstep((1.05 - far) / 0.5))[None, :])


def _halo(count: int) -> Floats:
    """The sun's own glow, just outside of the frame."""
    return floats(1.1 * np.exp(-np.linspace(0, 9, count, dtype=np.float32)) ** 1.2)[None, :]


def _burst(x: Floats, y: Floats, rng: np.random.Generator) -> Floats:
    """The sun itself: a heart, a wide glow, thin rays and an anamorphic streak."""
    far, angle = np.hypot(x, y), np.arctan2(y, x)
    rays = np.mean([0.5 + 0.5 * np.cos(angle * count + float(rng.uniform(0, 6.3))) for count in (7, 12, 19)], axis=0)
    heart = 2.4 * np.exp(-((far / 0.09) ** 2)) + 1.1 * np.exp(-far / 0.14) * (0.25 + 1.6 * rays**3)
    streak = 0.45 * np.exp(-np.abs(y) / 0.010) * np.exp(-np.abs(x) / 0.55)
    veil = 0.34 * np.exp(-far / 0.5)
    lights = np.stack([heart, veil, streak], axis=-1).astype(np.float32)
    return floats(cv2.transform(lights, _BURST.T))


def _ghost(radius_px: float, hue: Floats) -> Floats:
    """One reflection between the glasses: a faint disc with a brighter rim, and its colours not quite of one size."""
    reach = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32) / np.float32(max(radius_px, 1))
    sizes = np.hypot(x, y)[..., None] * np.array([1.0, 1.04, 1.08], np.float32)
    return floats(smoothstep((1 - sizes) / 0.12) * (0.45 + 0.75 * np.minimum(sizes, 1) ** 4) * hue)


def _hues(turn: float) -> Colour:
    """The colours that coatings of glass leave: amber over green to violet."""
    stops = np.array([[1.0, 0.62, 0.25], [0.95, 0.85, 0.45], [0.35, 0.85, 0.60], [0.35, 0.60, 1.0], [0.75, 0.40, 0.95]])
    red, green, blue = (float(np.interp(turn * 4, range(5), stops[:, channel])) for channel in range(3))
    return red, green, blue


LIGHT: Mapping[str, Operation] = MappingProxyType(
    {
        "vignette": retouching(vignette),
        "glow": retouching(glow),
        "sparkles": retouching(sparkles),
        "light leak": retouching(light_leak),
        "sun rays": retouching(sun_rays),
        "lens flare": retouching(lens_flare),
        "bokeh lights": retouching(bokeh_lights),
        "mist": retouching(mist),
        "snow": retouching(snow),
        "rain": retouching(rain),
        "spotlight": retouching(spotlight),
        "rainbow": retouching(rainbow),
    }
)
"""By the names of the instructions."""
