"""What is put around a picture, or cut off its corners: more of it, plain colour, borders, shadows, further pictures."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect, Operation
from streamedit.darkroom.instructions import Colour, Details
from streamedit.darkroom.operations.collage import all_images, arranged, collage
from streamedit.darkroom.operations.expanding import expanded
from streamedit.darkroom.operations.mounts import film_strip, frame, instant_frame
from streamedit.darkroom.optics import floats, side, soft
from streamedit.darkroom.photograph import SIDE_PX, Floats, bands
from streamedit.darkroom.planes import Margins, checked_area, grown, padded, whole
from streamedit.errors import InvalidRequest

__all__ = ["FRAMING", "arranged"]

_WHITE: Colour = (1.0, 1.0, 1.0)
_BLACK: Colour = (0.0, 0.0, 0.0)
_CINEMA = 2.39
"""Width to height of a wide screen (SMPTE ST 195 since 1993, rounded)."""

_LEAST_SEEN = 1.35
"""Of a picture that is not wide the bars cover no more than a quarter, so that heads stay on."""


def expand(canvas: Canvas, brief: Brief) -> Effect:
    """More picture: its own mirror image, which gets softer the farther it goes."""
    margins = _margins(canvas.rgb, brief.details)
    return whole(grown(canvas, margins, lambda rgb: expanded(rgb, margins, brief.seed)))


def pad(canvas: Canvas, brief: Brief) -> Effect:
    """More canvas, in a plain colour; white unless one was said."""
    return whole(padded(canvas, _margins(canvas.rgb, brief.details), brief.colour(_WHITE)))


def border(canvas: Canvas, brief: Brief) -> Effect:
    """A plain border around the picture."""
    return whole(padded(canvas, (_width_px(canvas.rgb, brief.details, 0.04),) * 4, brief.colour(_WHITE)))


def rounded_corners(canvas: Canvas, brief: Brief) -> Effect:
    """Corners cut round: transparent beyond the curve."""
    height, width = canvas.rgb.shape[:2]
    radius = min(_width_px(canvas.rgb, brief.details, 0.06), min(height, width) / 2)
    x, y = (
        np.maximum(0, np.abs(np.arange(length, dtype=np.float32) + 0.5 - length / 2) - (length / 2 - radius))
        for length in (width, height)
    )
    round_off = floats(np.clip(radius + 0.5 - np.hypot(x[None], y[:, None]), 0, 1))
    return whole(replace(canvas, alpha=round_off if canvas.alpha is None else canvas.alpha * round_off))


def drop_shadow(canvas: Canvas, brief: Brief) -> Effect:
    """The picture a little above its ground, of which there is more now: transparent where it was so, else of a colour."""
    if brief.amount == 0:
        return whole(canvas)
    margin = max(2, round(0.09 * side(canvas.rgb)))
    margins = (margin,) * 4
    alpha = np.ones(canvas.rgb.shape[:2], np.float32) if canvas.alpha is None else canvas.alpha
    shape = floats(cv2.copyMakeBorder(alpha, *margins, cv2.BORDER_CONSTANT, value=0))
    down = np.array([[1, 0, 0], [0, 1, margin * 0.22]])
    shadow = np.clip(floats(cv2.warpAffine(soft(shape, margin / 4), down, shape.shape[::-1])), 0, 1)
    ground = brief.colour(_WHITE)

    def effect(part: float) -> Canvas:
        strength = np.float32(0.55 * brief.amount * part)
        if canvas.alpha is not None and not brief.details.colours:
            return _over_nothing(padded(canvas, margins, _BLACK), shape, shadow, strength)
        return _over_ground(padded(canvas, margins, ground), shape, shadow, strength, ground)

    return effect


def letterbox(canvas: Canvas, brief: Brief) -> Effect:
    """Black bars over the picture, at the top and the bottom or at the sides, which leave the shape of a cinema's screen."""
    height, width = canvas.rgb.shape[:2]
    ratio = brief.details.ratio or min(_CINEMA, _LEAST_SEEN * width / height)
    high, wide = max(0, round((height - width / ratio) / 2)), max(0, round((width - height * ratio) / 2))
    rgb = np.empty_like(canvas.rgb)
    rgb[:] = brief.colour(_BLACK)
    rgb[high : height - high, wide : width - wide] = canvas.rgb[high : height - high, wide : width - wide]
    return whole(replace(canvas, rgb=rgb))


FRAMING: Mapping[str, Operation] = MappingProxyType(
    {
        "expand": expand,
        "pad": pad,
        "border": border,
        "frame": frame,
        "instant frame": instant_frame,
        "film strip": film_strip,
        "rounded corners": rounded_corners,
        "drop shadow": drop_shadow,
        "letterbox": letterbox,
        "collage": collage,
        "all images": all_images,
    }
)


def _over_nothing(larger: Canvas, shape: Floats, shadow: Floats, strength: np.float32) -> Canvas:
    """A shape and its shadow, with nothing behind."""
    opacity = np.empty_like(shape)
    for rows in bands(*shape.shape):
        opacity[rows] = shape[rows] + strength * shadow[rows] * (1 - shape[rows])
        larger.rgb[rows] *= (shape[rows] / np.maximum(opacity[rows], 1e-4))[..., None]
    return replace(larger, alpha=opacity)


def _over_ground(larger: Canvas, shape: Floats, shadow: Floats, strength: np.float32, ground: Colour) -> Canvas:
    """A shape, and its shadow on an opaque ground."""
    for rows in bands(*shape.shape):
        lit = np.array(ground, np.float32) * (1 - strength * shadow[rows][..., None])
        larger.rgb[rows] = lit + (larger.rgb[rows] - lit) * shape[rows][..., None]
    return replace(larger, alpha=None if larger.alpha is None else np.ones_like(shape))


def _width_px(rgb: Floats, details: Details, usual: float) -> int:
    """A width in pixels, or as a share of the shorter side, which it cannot exceed."""
    share = usual if details.percent is None else details.percent
    return int(np.clip(round(share * side(rgb) if details.number is None else details.number), 1, side(rgb)))


def _margins(rgb: Floats, details: Details) -> Margins:
    """How much is added at the top, bottom, left and right."""
    height, width = rgb.shape[:2]
    if details.size_px is not None or details.ratio:
        more = _to_size(width, height, details.size_px or (0, 0), details.ratio)
    else:
        share = 0.25 if details.percent is None else details.percent
        x, y = (round(share * length if details.number is None else details.number) for length in (width, height))
        more = 2 * max(0, x), 2 * max(0, y)
        more = {"left": (x, 0), "right": (x, 0), "horizontal": (2 * x, 0)}.get(details.side or "", more)
        more = {"up": (0, y), "down": (0, y), "vertical": (0, 2 * y)}.get(details.side or "", more)
    left, right = _shared(more[0], ("left", "right"), details.side)
    top, bottom = _shared(more[1], ("up", "down"), details.side)
    _check_grown(width + left + right, height + top + bottom)
    return top, bottom, left, right


def _to_size(width: int, height: int, size: tuple[int, int], ratio: float | None) -> tuple[int, int]:
    """How much is lacking in width and height."""
    if ratio:
        return max(0, round(height * ratio) - width), max(0, round(width / ratio) - height)
    wide, high = size[0] or width, size[1] or height
    if wide < width or high < height:
        message = f"The picture has {width}x{height} pixels: it cannot grow to {wide}x{high}."
        raise InvalidRequest(message, param="prompt", code="invalid_size")
    return wide - width, high - height


def _shared(more: int, ends: tuple[str, str], side: str | None) -> tuple[int, int]:
    """So much on both ends together, or on the one that was said."""
    more = max(0, more)
    if side in ends:
        return (more, 0) if side == ends[0] else (0, more)
    return more // 2, more - more // 2


def _check_grown(width: int, height: int) -> None:
    checked_area(width, height)
    if max(width, height) > 2 * SIDE_PX[-1]:
        message = f"The picture would be {width}x{height}; there may be {2 * SIDE_PX[-1]} pixels a side."
        raise InvalidRequest(message, param="prompt", code="invalid_size")
