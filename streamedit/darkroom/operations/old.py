"""What the darkroom does to a picture, one function for each instruction.

An operation looks at the picture once and gives its `Effect`: what the picture looks like when the operation has gone a
certain way, 0 (unchanged) to 1 (full), -1 to 1 for brightness, contrast and saturation. So an intermediate state costs
little: what is expensive (finding the subject, inpainting) is done once. Pixels are RGB, float32, 0..1, height x width x 3;
an effect may go beyond 0..1 and leave it to its caller to clip.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.optics import LUMA, floats, grey, luma, noise, roughness, side, smoothstep, soft, subject
from streamedit.darkroom.photograph import Floats

Effect: TypeAlias = Callable[[float], Floats]


@dataclass(frozen=True, slots=True)
class Context:
    """What an operation may know beside the picture.

    `weight`: the mask, 0..1 (1 = edit), height x width. `character`: about 1; how a variation of something that has no
    halves differs: the colour filter of black and white, the width of a pencil, the reach of inpainting.
    """

    seed: int = 0
    weight: Floats | None = None
    character: float = 1.0


Operation: TypeAlias = Callable[[Floats, Context], Effect]

_SEPIA = np.array([[0.303, 0.592, 0.146], [0.251, 0.494, 0.121], [0.185, 0.363, 0.089]], np.float32)
"""The sepia of most editors, less bright and less green: its rows add up to more than 1 and would burn out the highlights."""

_HOLE_SIDE_PX = 200
"""A hole of more than the square of this is filled in a smaller copy."""


def black_and_white(rgb: Floats, context: Context) -> Effect:
    """Rec. 709 luma. A variation is seen through a red or a blue filter, as photographers do."""
    weights = LUMA * np.float32(context.character) ** np.array([4, 0, -4], np.float32)
    return _towards(rgb, grey(cv2.transform(rgb, weights / weights.sum())))


def sepia(rgb: Floats, _: Context) -> Effect:
    """Brown tones, as of an old print."""
    return _towards(rgb, floats(cv2.transform(rgb, _SEPIA)))


def vintage(rgb: Floats, context: Context) -> Effect:
    """An old print: little colour, lifted blacks, yellowed whites, dark corners."""
    faded = cv2.addWeighted(rgb, 0.55, floats(cv2.transform(rgb, _SEPIA)), 0.45, 0)
    gain, lift = np.array([0.82, 0.78, 0.66], np.float32), np.array([0.13, 0.11, 0.11], np.float32)
    return _towards(rgb, vignette(faded * gain + lift, context)(0.35))


def golden_hour(rgb: Floats, _: Context) -> Effect:
    """A low sun: warm white balance, and the lights bleeding into their surroundings."""
    warm = rgb * np.array([1.12, 0.95, 0.72], np.float32)
    lights = np.clip((soft(warm, side(rgb) / 40) - 0.25) * np.array([0.62, 0.38, 0.14], np.float32), 0, 1)
    return _towards(rgb, 1 - (1 - warm) * (1 - lights))


def vignette(rgb: Floats, _: Context) -> Effect:
    """Darkness that grows from two fifths of the way to the corners."""
    height, width = rgb.shape[:2]
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    radius = floats(np.hypot(y[:, None], x[None, :])) / np.float32(1.4142)
    dark = rgb * smoothstep((radius - 0.4) / 0.65)[..., None]
    return lambda amount: floats(cv2.addWeighted(rgb, 1, dark, -0.9 * amount, 0))


def film_grain(rgb: Floats, context: Context) -> Effect:
    """Noise in luminance, of the size of grain rather than of pixels, strongest in the mid-tones."""
    grains = floats(cv2.GaussianBlur(noise(rgb, context.seed), (0, 0), max(0.6, side(rgb) / 1400)))
    light = luma(rgb)
    grain = grey(grains * (0.085 / grains.std()) * (0.3 + 2.8 * light * (1 - light)))
    return lambda amount: floats(cv2.addWeighted(rgb, 1, grain, amount, 0))


def sketch(rgb: Floats, context: Context) -> Effect:
    """Pencil on paper: the picture divided by its own blur leaves lines (colour dodge), its tones a trace of shading."""
    light = np.sqrt(0.04 + 0.96 * luma(rgb))  # lifted: there are no lines to be had from the noise of the shadows
    width_px = max(1.2, side(rgb) / 170) * context.character
    fine, broad = (np.clip(light / soft(light, sigma_px), 0, 1) for sigma_px in (width_px, 4 * width_px))
    pencil = fine**4 * broad * (0.75 + 0.25 * soft(light, width_px))
    return _towards(rgb, pencil[..., None] * np.array([0.99, 0.985, 0.97], np.float32))


def blur_background(rgb: Floats, _: Context) -> Effect:
    """All but the subject out of focus. The subject's colours are kept out of the blur, or it would wear a halo."""
    matte = subject(rgb)
    behind = 1 - matte
    layers = np.dstack([rgb * behind[..., None], behind])

    def effect(amount: float) -> Floats:
        blurred = soft(layers, amount * side(rgb) / 28)
        background = blurred[..., :3] / np.maximum(blurred[..., 3:], 1e-3)
        kept = np.maximum(matte, 1 - np.minimum(1, blurred[..., 3] * 1e3))[..., None]
        return floats(background + (rgb - background) * kept)

    return effect


def erase(rgb: Floats, context: Context) -> Effect:
    """What is under the mask, made up from what is around it (Telea 2004)."""
    if context.weight is None or not context.weight.any():
        return lambda _: rgb
    hole = cv2.dilate((context.weight >= 0.5).astype(np.uint8), np.ones((7, 7), np.uint8)) * (context.weight > 0)
    painted = _inpainted(rgb, hole.astype(np.float32), 4 * context.character)
    # as rough as the rest: what is smoother than a photograph looks like a patch
    painted += grey(noise(rgb, context.seed) * np.float32(min(0.02, roughness(rgb))))
    return _towards(rgb, np.where(hole[..., None] > 0, painted, rgb))


def brightness(rgb: Floats, _: Context) -> Effect:
    """A gamma curve: black and white stay where they are."""
    return lambda amount: floats(cv2.pow(rgb, 2.0 ** (-1.5 * amount)))


def contrast(rgb: Floats, _: Context) -> Effect:
    """More: an S curve, which bends before it burns. Less: towards the mean grey."""
    curve = smoothstep(smoothstep(rgb))
    flat = np.full_like(rgb, luma(rgb).mean())
    more, less = _towards(rgb, curve), _towards(rgb, flat)
    return lambda amount: more(amount) if amount >= 0 else less(-0.85 * amount)


def saturation(rgb: Floats, _: Context) -> Effect:
    """-1 is grey. More of it goes first to what has little: full colours would only clip."""
    chroma = rgb - grey(luma(rgb))
    red, green, blue = cv2.split(rgb)
    spread = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    vivid = chroma * (1.8 - spread)[..., None]
    return lambda amount: floats(cv2.addWeighted(rgb, 1, vivid if amount >= 0 else chroma, amount, 0))


OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "black and white": black_and_white,
        "sepia": sepia,
        "vintage": vintage,
        "golden hour": golden_hour,
        "vignette": vignette,
        "film grain": film_grain,
        "sketch": sketch,
        "blur the background": blur_background,
        "erase": erase,
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
    }
)
"""By the names of the grammar's table."""


def _towards(rgb: Floats, goal: Floats) -> Effect:
    return lambda amount: floats(cv2.addWeighted(rgb, 1 - amount, goal, amount, 0))


def _inpainted(rgb: Floats, hole: Floats, radius_px: float) -> Floats:
    """The picture with its hole filled. A large hole is filled in a small copy: inpainting is slow, and smooth inside."""
    height, width = hole.shape
    shrink = max(1.0, float(hole.sum()) ** 0.5 / _HOLE_SIDE_PX)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    small, gap = (cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in (rgb, hole))
    filled = cv2.inpaint(cv2.convertScaleAbs(small, alpha=255), (gap > 0).astype(np.uint8), radius_px, cv2.INPAINT_TELEA)
    return floats(cv2.resize(filled, (width, height), interpolation=cv2.INTER_CUBIC)) * np.float32(1 / 255)
