"""A part of a picture."""

import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.planes import moved, whole
from streamedit.darkroom.subjects.matting import subject
from streamedit.errors import InvalidRequest

LEAST_PX = 16
"""Of each side."""

_ROOM = 0.06
"""Around a subject, as a share of the picture's sides."""


def crop(canvas: Canvas, brief: Brief) -> Effect:
    """A part of the picture: around its subject, of a ratio, of a size, or without so much of its sides; else its middle."""
    left, top, width, height = _part(canvas, brief.details)
    return whole(moved(canvas, lambda plane: plane[top : top + height, left : left + width]))


def placed(size: tuple[int, int], part: tuple[float, float], place: tuple[int, int] | None) -> tuple[int, int, int, int]:
    """Left, top, width and height of a part in whole pixels, at a place of the whole."""
    x, y = place or (0, 0)
    width, height = (max(min(LEAST_PX, most), min(most, round(least))) for most, least in zip(size, part, strict=True))
    return round((size[0] - width) * (x + 1) / 2), round((size[1] - height) * (y + 1) / 2), width, height


def _part(canvas: Canvas, details: Details) -> tuple[int, int, int, int]:
    """Left, top, width and height of what a crop leaves."""
    height, width = canvas.rgb.shape[:2]
    if details.size_px is not None:
        wide, high = details.size_px[0] or width, details.size_px[1] or height
        if wide > width or high > height:
            message = f"The picture has {width}x{height} pixels: a part of {wide}x{high} is larger."
            raise InvalidRequest(message, param="prompt", code="crop_too_large")
        if min(wide, high) < LEAST_PX:
            message = f"A side of a picture has {LEAST_PX} pixels or more."
            raise InvalidRequest(message, param="prompt", code="invalid_size")
        return placed((width, height), (wide, high), details.place)
    if details.kind == "subject":
        return _around_subject(canvas, details.ratio)
    if details.ratio:
        return placed((width, height), (min(width, height * details.ratio), min(height, width / details.ratio)), details.place)
    off = 0.1 if details.percent is None else details.percent
    return _off_sides(width, height, off, details)


def _off_sides(width: int, height: int, off: float, details: Details) -> tuple[int, int, int, int]:
    """Without so much of each side, or of the one that was said."""
    if not 0 <= off < (1 if details.side else 0.5):
        raise InvalidRequest("That would leave nothing of the picture.", param="prompt", code="crop_too_large")
    away: dict[str, tuple[float, float, tuple[int, int]]] = {
        "left": (1 - off, 1, (1, 0)),
        "right": (1 - off, 1, (-1, 0)),
        "up": (1, 1 - off, (0, 1)),
        "down": (1, 1 - off, (0, -1)),
        "horizontal": (1 - 2 * off, 1, (0, 0)),
        "vertical": (1, 1 - 2 * off, (0, 0)),
    }
    wide, high, place = away.get(details.side or "", (1 - 2 * off, 1 - 2 * off, details.place or (0, 0)))
    return placed((width, height), (width * max(wide, 0.01), height * max(high, 0.01)), place)


def _around_subject(canvas: Canvas, ratio: float | None) -> tuple[int, int, int, int]:
    """The subject with some room; in a ratio, the smallest such part that shows it, or as much of it as there is."""
    height, width = canvas.rgb.shape[:2]
    matte = subject(canvas.rgb, canvas.alpha)
    left, right = _extent(matte.max(axis=0), _ROOM)
    top, bottom = _extent(matte.max(axis=1), _ROOM)
    wide, high = right - left, bottom - top
    if ratio:
        wide, high = max(wide, high * ratio), max(high, wide / ratio)
        scale = min(1.0, width / wide, height / high)
        wide, high = wide * scale, high * scale
    wide_px, high_px = (max(min(LEAST_PX, most), min(most, round(part))) for most, part in ((width, wide), (height, high)))
    return _about((left + right) / 2, wide_px, width), _about((top + bottom) / 2, high_px, height), wide_px, high_px


def _extent(seen: Floats, room: float) -> tuple[float, float]:
    """From where to where something is seen, with room; everywhere when nothing is."""
    at = np.flatnonzero(seen > 0.5)
    if not at.size:
        return 0, len(seen)
    return max(0, at[0] - room * len(seen)), min(len(seen), at[-1] + 1 + room * len(seen))


def _about(middle: float, part: int, most: int) -> int:
    """Where a part begins whose middle is there, as far as the whole lets it."""
    return min(most - part, max(0, round(middle - part / 2)))
