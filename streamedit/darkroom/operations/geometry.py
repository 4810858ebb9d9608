"""What changes the frame of a picture: cut, turned, straightened, scaled."""

from collections.abc import Mapping
from math import atan, cos, radians, sin, tan
from types import MappingProxyType

import cv2
import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect, Operation
from streamedit.darkroom.operations.cropping import LEAST_PX, crop, placed
from streamedit.darkroom.operations.tilt import tilt
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.planes import checked_area, checked_size, moved, resampled, whole
from streamedit.darkroom.resampling import enlarged, scaled, scaled_plane
from streamedit.errors import InvalidRequest

_UPSCALED_SIDE_PX = 8192
_OPPOSITE = {"up": "down", "down": "up", "left": "right", "right": "left"}
_QUARTERS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


def rotate(canvas: Canvas, brief: Brief) -> Effect:
    """Turned clockwise, or counter-clockwise to the left; cropped to the largest rectangle without empty corners."""
    degrees = 90.0 if brief.details.number is None else brief.details.number
    return whole(_turned(canvas, -degrees if brief.details.side == "left" else degrees))


def straighten(canvas: Canvas, brief: Brief) -> Effect:
    """The horizon level and walls upright: turned as told, or against the tilt of the lines in the picture."""
    if brief.details.number is not None:
        return rotate(canvas, brief)
    degrees = -tilt(canvas.rgb)
    return whole(canvas if abs(degrees) < 0.15 else _turned(canvas, degrees))


def flip(canvas: Canvas, brief: Brief) -> Effect:
    """Mirrored, or upside down."""
    axis = 0 if brief.details.side in ("vertical", "up", "down") else 1
    return whole(moved(canvas, lambda plane: cv2.flip(plane, axis)))


def perspective(canvas: Canvas, brief: Brief) -> Effect:
    """Seen as if the camera had been tilted less: what leans back at the top (or at the side that was said) comes forward."""
    height, width = canvas.rgb.shape[:2]
    side = brief.details.side if brief.details.side in _OPPOSITE else "up"

    def effect(part: float) -> Canvas:
        amount = brief.amount * part
        if abs(amount) < 1e-3:
            return canvas
        corners = _leaning((width, height), side, amount)
        frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        # corners are those of pixels, whose centres lie half a pixel inside
        matrix = cv2.getPerspectiveTransform(frame - 0.5, corners - np.float32(0.5))

        def drawn(plane: Floats, kernel: int) -> Floats:
            flags = kernel | cv2.WARP_INVERSE_MAP
            return floats(cv2.warpPerspective(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT))

        return resampled(canvas, lambda rgb: drawn(rgb, cv2.INTER_CUBIC), lambda plane: drawn(plane, cv2.INTER_LINEAR))

    return effect


def resize(canvas: Canvas, brief: Brief) -> Effect:
    """The whole picture in another size."""
    height, width = canvas.rgb.shape[:2]
    details = brief.details
    if details.size_px is not None and any(details.size_px):
        wide, high = details.size_px
        size = wide or max(1, round(width * high / height)), high or max(1, round(height * wide / width))
    else:
        factor = details.percent or details.number or 1.0
        size = round(width * factor), round(height * factor)
    size = checked_size(*size)
    return whole(resampled(canvas, lambda rgb: scaled(rgb, size), lambda plane: scaled_plane(plane, size)))


def upscale(canvas: Canvas, brief: Brief) -> Effect:
    """Larger, with edges as sharp as they were."""
    height, width = canvas.rgb.shape[:2]
    factor = 2.0 if brief.details.number is None else brief.details.number
    size = round(width * factor), round(height * factor)
    if not 1.1 <= factor <= 4 or max(size) > _UPSCALED_SIDE_PX:
        message = f"Upscale by 1.1 to 4 times, to at most {_UPSCALED_SIDE_PX} pixels a side; this would be {size[0]}x{size[1]}."
        raise InvalidRequest(message, param="prompt", code="invalid_size")
    checked_area(*size)
    return whole(resampled(canvas, lambda rgb: enlarged(rgb, size), lambda plane: scaled_plane(plane, size)))


def zoom(canvas: Canvas, brief: Brief) -> Effect:
    """Nearer: a part of the picture in the size of the whole."""
    height, width = canvas.rgb.shape[:2]
    factor = 1.5 if brief.details.number is None else brief.details.number
    if not 1 <= factor <= 20:
        message = f"Zoom in by 1 to 20 times, not {factor:g}; to see more, use 'expand'."
        raise InvalidRequest(message, param="prompt", code="invalid_size")
    factor = min(factor, min(width, height) / LEAST_PX)
    left, top, wide, high = placed((width, height), (width / factor, height / factor), brief.details.place)
    cut = moved(canvas, lambda plane: plane[top : top + high, left : left + wide])
    return whole(resampled(cut, lambda rgb: scaled(rgb, (width, height)), lambda plane: scaled_plane(plane, (width, height))))


def trim(canvas: Canvas, _: Brief) -> Effect:
    """Without the plain or transparent borders that it may have."""
    planes = canvas.rgb if canvas.alpha is None else np.dstack([canvas.rgb * canvas.alpha[..., None], canvas.alpha])
    height, width = planes.shape[:2]
    top, bottom = _plain_rows(planes), _plain_rows(planes[::-1])
    if top + bottom + LEAST_PX > height:
        return whole(canvas)
    middle = np.swapaxes(planes[top : height - bottom], 0, 1)
    left, right = _plain_rows(middle), _plain_rows(middle[::-1])
    if left + right + LEAST_PX > width:
        return whole(canvas)
    return whole(moved(canvas, lambda plane: plane[top : height - bottom, left : width - right]))


GEOMETRY: Mapping[str, Operation] = MappingProxyType(
    {
        "crop": crop,
        "rotate": rotate,
        "straighten": straighten,
        "flip": flip,
        "perspective": perspective,
        "resize": resize,
        "upscale": upscale,
        "zoom": zoom,
        "trim": trim,
    }
)


def _turned(canvas: Canvas, degrees: float) -> Canvas:
    """The canvas, turned clockwise."""
    degrees %= 360
    if degrees == 0:
        return canvas
    if degrees in _QUARTERS:
        return moved(canvas, lambda plane: cv2.rotate(plane, _QUARTERS[int(degrees)]))
    height, width = canvas.rgb.shape[:2]
    size = _largest_upright(width, height, radians(degrees))
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2

    def drawn(plane: Floats, kernel: int) -> Floats:
        return floats(cv2.warpAffine(plane, matrix, size, flags=kernel, borderMode=cv2.BORDER_REFLECT))

    return resampled(canvas, lambda rgb: drawn(rgb, cv2.INTER_CUBIC), lambda plane: drawn(plane, cv2.INTER_LINEAR))


def _largest_upright(width: int, height: int, angle: float) -> tuple[int, int]:
    """Width and height of the largest upright rectangle within a turned one.

    Two of its corners lie on the long sides when the turned one is slim; else all four lie on its sides.
    """
    sine, cosine = abs(sin(angle)), abs(cos(angle))
    long, short = max(width, height), min(width, height)
    if short <= 2 * sine * cosine * long or abs(sine - cosine) < 1e-9:
        half = short / 2
        wide, high = (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
    else:
        double = cosine * cosine - sine * sine
        wide, high = (width * cosine - height * sine) / double, (height * cosine - width * sine) / double
    return max(LEAST_PX, int(wide)), max(LEAST_PX, int(high))


def _leaning(size: tuple[int, int], side: str, amount: float) -> Floats:
    """The corners of what is to fill the frame, from the top left clockwise, when a side of the picture comes forward."""
    width, height = size
    if amount < 0:
        side, amount = _OPPOSITE[side], -amount
    upright = side in ("up", "down")
    corners = _keystone(width, height, amount) if upright else _keystone(height, width, amount)[[0, 3, 2, 1], ::-1]
    if side == "down":
        return floats(np.array([0, height]) + corners[[3, 2, 1, 0]] * (1, -1))
    if side == "right":
        return floats(np.array([width, 0]) + corners[[1, 0, 3, 2]] * (-1, 1))
    return floats(corners)


def _keystone(width: int, height: int, amount: float) -> Floats:
    """What a camera that looks up by so much of 30 degrees sees where a level one would see the frame: the largest part of it
    with the ratio of the frame and without empty corners, from the top on.
    """
    up, focal = radians(30) * amount, 1.1 * max(width, height)
    rise = atan(height / 2 / focal)
    highest, lowest = focal * tan(-up - rise), focal * tan(rise - up)
    scale = min((cos(up) - highest * sin(up) / focal) / (1 + height * sin(up) / focal), (lowest - highest) / height)
    x = scale * width * np.array([-0.5, 0.5, 0.5, -0.5])
    y = highest + scale * height * np.array([0, 0, 1, 1])
    depth = focal * cos(up) - y * sin(up)
    seen = np.stack([focal * x / depth, focal * (y * cos(up) + focal * sin(up)) / depth], axis=1)
    return floats(seen + np.array([width / 2, height / 2]))


def _plain_rows(planes: Floats) -> int:
    """How many rows from the top have the colour of the first."""
    colour = np.median(planes[0], axis=0)
    for top in range(0, len(planes), 32):
        away = np.abs(planes[top : top + 32] - colour).max(axis=2)
        plain = (away.mean(axis=1) < 0.015) & (np.quantile(away, 0.99, axis=1) < 0.06)
        if not plain.all():
            return top + int(plain.argmin())
    return len(planes)
