"""Frames that look like things: wood and mat, instant film, a strip of film."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.operations.typesetting import REGULAR, required_text, typeset
from streamedit.darkroom.optics import chances, floats, smoothstep
from streamedit.darkroom.photograph import Floats, bands
from streamedit.darkroom.planes import Margins, checked_area, grown, padded, whole

_WALNUT: Colour = (0.21, 0.135, 0.09)
_MAT: Colour = (0.955, 0.95, 0.93)
_PAPER: Colour = (0.965, 0.96, 0.945)
_INK: Colour = (0.16, 0.17, 0.24)
_LIT = (1.0, -0.5, -1.0, 0.5)
"""How much light falls on the top, the right, the bottom and the left of a frame."""

_Paint: TypeAlias = Callable[[Floats, Floats, float], Floats]

_FILM: Colour = (0.045, 0.04, 0.04)


def frame(canvas: Canvas, brief: Brief) -> Effect:
    """Behind a mat with a cut edge, in a wooden frame with light from above.

    The first colour is that of the wood, the second that of the mat.
    """
    short = min(canvas.rgb.shape[:2])
    share = 0.13 if brief.details.percent is None else brief.details.percent
    width = max(4, round(min(1.0, share) * short))
    wood, mat = (*brief.details.colours, *(_WALNUT, _MAT)[len(brief.details.colours) :])[:2]
    margins = _checked(canvas, (width,) * 4)

    def paint(rim: Floats, along: Floats, lit: float) -> Floats:
        """`rim`: 0 at the outer edge, 1 at the picture; `lit`: 1 where light falls on, -1 where it does not."""
        moulding = np.clip(rim / 0.4, 0, 1) * np.float32(np.pi)
        height, slope = np.sin(moulding), np.cos(moulding)
        grained = 1 + 0.10 * along + 0.16 * height + 0.30 * slope * lit
        wooden = grained[..., None] * np.array(wood, np.float32) + (0.05 * height * max(0.0, lit))[..., None]
        shadow = 1 - 0.35 * (1 - smoothstep((rim - 0.4) / 0.14)) * min(1.0, 0.55 + 0.45 * lit)
        cut = smoothstep((rim - 0.955) / 0.01) * (-0.11 if lit > 0 else 0.05)
        card = (shadow * (1 + cut))[..., None] * np.array(mat, np.float32)
        return floats(wooden + (card - wooden) * smoothstep((rim - 0.395) / 0.012)[..., None])

    return whole(_mounted(canvas, margins, brief.seed, paint))


def instant_frame(canvas: Canvas, brief: Brief) -> Effect:
    """A print of an instant camera: white paper, broad below, where the text is written if there is any."""
    height, width = canvas.rgb.shape[:2]
    thin, broad = max(2, round(0.065 * min(height, width))), max(4, round(0.24 * min(height, width)))
    margins = _checked(canvas, (thin, broad, thin, thin))
    paper = brief.colour(_PAPER)
    print_ = padded(canvas, margins, paper)
    rgb = print_.rgb
    _sink(rgb, margins)
    if brief.details.text is not None:
        text = required_text(brief.details.text, "instant frame")
        letters = typeset(text, 0.4 * broad, (0.9 * width, 0.8 * broad), REGULAR, "italic")
        top = height + thin + (broad - letters.shape[0]) // 2
        left = (rgb.shape[1] - letters.shape[1]) // 2
        ink = np.array(_INK, np.float32)
        where = rgb[top : top + letters.shape[0], max(0, left) : max(0, left) + letters.shape[1]]
        where += (ink - where) * (0.9 * letters[: where.shape[0], : where.shape[1], None])
    return whole(print_)


def film_strip(canvas: Canvas, brief: Brief) -> Effect:
    """Between the perforated rims of a film."""
    height, width = canvas.rgb.shape[:2]
    rim, gap = max(4, round(0.17 * height)), max(2, round(0.03 * height))
    strip = padded(canvas, _checked(canvas, (rim, rim, gap, gap)), brief.colour(_FILM))
    holes = _holes(width + 2 * gap, rim)[..., None]
    for edge in (slice(0, rim), slice(height + rim, None)):
        strip.rgb[edge] += (np.float32(0.97) - strip.rgb[edge]) * holes
    return whole(strip)


def _checked(canvas: Canvas, margins: Margins) -> Margins:
    height, width = canvas.rgb.shape[:2]
    checked_area(width + margins[2] + margins[3], height + margins[0] + margins[1])
    return margins


def _mounted(canvas: Canvas, margins: Margins, seed: int, paint: _Paint) -> Canvas:
    """The canvas with its margins, all of one width, painted as the sides of a frame, which meet in mitres."""

    def picture(rgb: Floats) -> Floats:
        large = floats(cv2.copyMakeBorder(rgb, *margins, cv2.BORDER_REPLICATE))
        for turns, lit in enumerate(_LIT):
            _paint_side(np.rot90(large, turns)[: margins[0]], lit, seed + turns, paint)
        return large

    return grown(canvas, margins, picture)


def _paint_side(side: Floats, lit: float, seed: int, paint: _Paint) -> None:
    """One side of a frame, turned up, in place; but for the corners, which its neighbours share."""
    rim, length = side.shape[:2]
    depth = np.arange(rim, dtype=np.float32)[:, None]
    x = np.arange(length)[None]
    own, grain = np.minimum(x, length - 1 - x) >= depth, _grain(rim, length, seed)
    for part in bands(length, rim):
        streaks, where = grain[:, part], own[:, part]
        painted = paint(np.broadcast_to((depth + np.float32(0.5)) / rim, streaks.shape), streaks, lit)
        side[:, part][where] = painted[where]


def _grain(rim: int, length: int, seed: int) -> Floats:
    """Streaks along a side, of deviation 1."""
    rough = chances(seed).standard_normal((rim, length), np.float32)
    streaks = floats(cv2.GaussianBlur(rough, (0, 0), max(0.5, 0.5 * rim), sigmaY=max(0.3, 0.012 * rim)))
    return streaks / np.float32(max(1e-6, float(streaks.std())))


def _sink(rgb: Floats, margins: Margins) -> None:
    """A thin shade on the paper around the picture, as it lies a little deeper; in place."""
    top, bottom, left, right = margins
    height, width = rgb.shape[:2]
    # the blur of a rectangle is the product of those of its sides
    x, y = _inside(width, left, right, top / 14), _inside(height, top, bottom, top / 14)
    frame = (slice(0, top), slice(height - bottom, height), slice(top, height - bottom), slice(top, height - bottom))
    beside = (slice(0, width), slice(0, width), slice(0, left), slice(width - right, width))
    for rows, columns in zip(frame, beside, strict=True):
        rgb[rows, columns] *= (1 - 0.22 * y[rows, None] * x[None, columns])[..., None]


def _inside(length: int, before: int, after: int, sigma_px: float) -> Floats:
    """1 within the picture, 0 beyond it, along one axis, with soft ends."""
    line = np.zeros((1, length), np.float32)
    line[:, before : length - after] = 1
    return floats(cv2.GaussianBlur(line, (0, 0), max(0.6, sigma_px))[0])


def _holes(width: int, rim: int) -> Floats:
    """Coverage of a row of perforations with round corners."""
    pitch = width / max(1, int(width / (0.62 * rim)))
    x = (np.arange(width, dtype=np.float32) + 0.5) % pitch - pitch / 2
    y = np.arange(rim, dtype=np.float32) + 0.5 - rim / 2
    corner = 0.08 * rim
    beyond = np.hypot(np.maximum(0, np.abs(x) - 0.10 * rim)[None], np.maximum(0, np.abs(y) - 0.15 * rim)[:, None])
    return floats(np.clip(corner + 0.5 - beyond, 0, 1).astype(np.float32))
