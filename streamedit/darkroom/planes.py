"""The planes of a canvas, moved together: picture, opacity, mask and what the picture was at first."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Canvas, Effect
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import banded, floats
from streamedit.darkroom.photograph import MAX_PIXELS, SIDE_PX, Floats, Pixels, as_pixels, floats_of, pixels_of
from streamedit.errors import InvalidRequest

Plain: TypeAlias = Callable[[cv2.typing.MatLike], cv2.typing.MatLike]
"""A change of frame that knows no colours: the same for a plane and for a picture, in any depth."""

Drawn: TypeAlias = Callable[[Floats], Floats]

Margins: TypeAlias = tuple[int, int, int, int]
"""Pixels that are added at the top, at the bottom, at the left and at the right."""


def whole(canvas: Canvas) -> Effect:
    """What cannot be done by halves."""
    return lambda _: canvas


def moved(canvas: Canvas, move: Plain) -> Canvas:
    """Every plane moved without new values: cut, turned or mirrored."""
    return Canvas(
        rgb=floats(np.ascontiguousarray(move(canvas.rgb))),
        alpha=None if canvas.alpha is None else floats(np.ascontiguousarray(move(canvas.alpha))),
        weight=None if canvas.weight is None else floats(np.ascontiguousarray(move(canvas.weight))),
        original=None if canvas.original is None else as_pixels(np.ascontiguousarray(move(canvas.original))),
    )


def resampled(canvas: Canvas, picture: Drawn, plane: Drawn) -> Canvas:
    """Every plane drawn anew: pictures by `picture`; opacity and mask by `plane`, which makes nothing beyond 0..1."""
    rgb = canvas.rgb if canvas.alpha is None else _bled(canvas.rgb, canvas.alpha)
    return Canvas(
        rgb=picture(rgb),
        alpha=None if canvas.alpha is None else plane(canvas.alpha),
        weight=None if canvas.weight is None else plane(canvas.weight),
        original=None if canvas.original is None else in_depth(canvas.original, picture),
    )


def in_depth(pixels: Pixels, draw: Drawn) -> Pixels:
    """`draw` done to a picture of 8 or 16 bits."""
    return pixels_of(draw(floats_of(pixels)), pixels.dtype)


def grown(canvas: Canvas, margins: Margins, picture: Drawn) -> Canvas:
    """A larger frame, whose new part is opaque and within the mask; `picture` makes the larger picture of the smaller."""
    return Canvas(
        rgb=picture(canvas.rgb),
        alpha=None if canvas.alpha is None else _surrounded(canvas.alpha, margins),
        weight=None if canvas.weight is None else _surrounded(canvas.weight, margins),
        original=None if canvas.original is None else in_depth(canvas.original, picture),
    )


def padded(canvas: Canvas, margins: Margins, colour: Colour) -> Canvas:
    """The canvas with a plain colour around it."""
    return grown(
        canvas, margins, lambda rgb: floats(cv2.copyMakeBorder(rgb, *margins, cv2.BORDER_CONSTANT, value=(*colour, 0)))
    )


def checked_size(width: int, height: int, code: str = "invalid_size") -> tuple[int, int]:
    """The size, if a picture may have it."""
    if width not in SIDE_PX or height not in SIDE_PX:
        limits = f"{SIDE_PX[0]} to {SIDE_PX[-1]}"
        raise InvalidRequest(f"The picture would be {width}x{height}; sides are {limits} pixels.", param="prompt", code=code)
    return width, height


def checked_area(width: int, height: int) -> None:
    """That a picture of such a size is not too large."""
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        message = f"The picture would be {width}x{height}; there may be {limit} million pixels."
        raise InvalidRequest(message, param="prompt", code="invalid_size")


def _surrounded(plane: Floats, margins: Margins) -> Floats:
    return floats(cv2.copyMakeBorder(plane, *margins, cv2.BORDER_CONSTANT, value=(1, 1, 1, 1)))


def _bled(rgb: Floats, alpha: Floats) -> Floats:
    """What is transparent, in the colours beside it: or its own, often black, would be drawn into the outline."""

    def band(rgb: Floats, alpha: Floats) -> Floats:
        near = cv2.GaussianBlur(alpha, (0, 0), 2)
        colours = cv2.GaussianBlur(rgb * alpha[..., None], (0, 0), 2) / np.maximum(near, 1e-4)[..., None]
        return floats(np.where(((alpha < 0.01) & (near > 1e-4))[..., None], colours, rgb))

    return banded(band, rgb, alpha, halo_px=8)
