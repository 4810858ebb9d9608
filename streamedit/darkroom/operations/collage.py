"""Several pictures in one."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log, sqrt
from typing import TypeAlias

import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas, Effect
from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.optics import floats, grey
from streamedit.darkroom.photograph import SIDE_PX, Floats
from streamedit.darkroom.planes import in_depth, whole
from streamedit.darkroom.resampling import scaled
from streamedit.errors import InvalidRequest

Rows: TypeAlias = list[list[float]]
"""The ratios, width to height, of the cells of each row."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right and bottom."""

_SLIMMEST, _WIDEST = 0.45, 2.4
_GAP = 0.02


def collage(canvas: Canvas, brief: Brief) -> Effect:
    """The picture and the further ones in rows of one width, hardly cropped; or side by side, stacked, in a grid."""
    count = 1 + len(brief.others)
    if count == 1:
        raise InvalidRequest("A collage needs two pictures or more, sent as image[].", param="image", code="image_required")
    if count > 16:
        raise InvalidRequest("A collage has at most 16 pictures.", param="image", code="too_many_images")
    ground, kind = brief.colour((1.0, 1.0, 1.0)), brief.details.kind

    def drawn(first: Floats, others: Sequence[Floats], ground: Colour) -> Floats:
        return arranged([first, *others], _GAP, ground, kind)

    made = Canvas(drawn(_opaque(canvas, ground), brief.others, ground))
    if canvas.weight is not None:
        bright = [np.ones_like(other) for other in brief.others]
        weight = drawn(grey(canvas.weight), bright, (1.0, 1.0, 1.0))[..., 0]
        made = replace(made, weight=floats(np.clip(weight, 0, 1)))
    if canvas.original is not None:
        made = replace(made, original=in_depth(canvas.original, lambda first: drawn(first, brief.others, ground)))
    return whole(made)


def all_images(canvas: Canvas, brief: Brief) -> Effect:
    """All pictures of the request in one, so that what follows is done to all of them; one alone stays as it is."""
    return collage(canvas, brief) if brief.others else whole(canvas)


def arranged(pictures: Sequence[Floats], gap: float, ground: Colour, kind: str | None) -> Floats:
    """Pictures in rows on a ground; `gap`: between them and around them, as a share of the width where there is one
    column; less where there are more.

    `kind`: "side by side" (one row), "stacked" (one column), "grid" (cells of one size), or None: as many rows as make it most
    like the first picture in shape.
    """
    rows = _rows([_ratio(picture) for picture in pictures], kind)
    gap /= sqrt(_columns(rows))
    width, height = _size(pictures[0], rows, gap)
    made = np.empty((height, width, 3), np.float32)
    made[:] = ground
    for picture, (left, top, right, bottom) in zip(pictures, _boxes(rows, width, height, gap), strict=True):
        made[top:bottom, left:right] = _fitted(picture, (right - left, bottom - top))
    return made


def _rows(ratios: list[float], kind: str | None) -> Rows:
    count = len(ratios)
    if kind == "side by side":
        return [ratios]
    if kind == "stacked":
        return [[ratio] for ratio in ratios]
    if kind == "grid":
        return _grid(ratios)
    goal = float(np.clip(ratios[0], 0.75, 1.5))
    return min((_split(ratios, number) for number in range(1, count + 1)), key=lambda rows: abs(log(_overall(rows) / goal)))


def _grid(ratios: list[float]) -> Rows:
    """Rows of equal height whose cells are equally wide: the last may have fewer, wider ones."""
    across = ceil(sqrt(len(ratios)))
    rows = [ratios[first : first + across] for first in range(0, len(ratios), across)]
    wide = across * float(np.median(ratios))
    return [[wide / len(row)] * len(row) for row in rows]


def _split(ratios: list[float], number: int) -> Rows:
    """In so many rows, in their order, which come near to one height."""
    rows: Rows = [[] for _ in range(number)]
    share, before = sum(ratios) / number, 0.0
    for ratio in ratios:
        rows[min(number - 1, int((before + ratio / 2) / share))].append(ratio)
        before += ratio
    return [row for row in rows if row]


def _overall(rows: Rows) -> float:
    """Width to height of rows of one width, without gaps."""
    return 1 / sum(1 / sum(row) for row in rows)


def _columns(rows: Rows) -> float:
    return sum(map(len, rows)) / len(rows)


def _size(first: Floats, rows: Rows, gap: float) -> tuple[int, int]:
    """As wide as the first picture for each column, up to twice; smaller where a side would be too long."""
    width = first.shape[1] * min(2.0, _columns(rows))
    tall = _height(rows, 1.0, gap)
    width = min(width, SIDE_PX[-1], SIDE_PX[-1] / tall)
    width = max(width, 16, 16 / tall)
    return int(width), int(width * tall)


def _height(rows: Rows, width: float, gap: float) -> float:
    gap *= width
    return sum((width - gap * (len(row) + 1)) / sum(row) + gap for row in rows) + gap


def _boxes(rows: Rows, width: int, height: int, gap: float) -> list[Box]:
    """Where each picture goes, in whole pixels, the rims of all rows in line."""
    space, boxes, top = gap * width, [], gap * width
    for row in rows:
        unit = (width - space * (len(row) + 1)) / sum(row)
        left = space
        for ratio in row:
            box = round(left), round(top), round(left + ratio * unit), round(top + unit)
            boxes.append(_within(box, width, height))
            left += ratio * unit + space
        top += unit + space
    return boxes


def _within(box: Box, width: int, height: int) -> Box:
    left, top = min(box[0], width - 1), min(box[1], height - 1)
    return left, top, min(width, max(left + 1, box[2])), min(height, max(top + 1, box[3]))


def _ratio(picture: Floats) -> float:
    height, width = picture.shape[:2]
    return float(np.clip(width / height, _SLIMMEST, _WIDEST))


def _fitted(picture: Floats, size: tuple[int, int]) -> Floats:
    """What of a picture has the ratio of a size, in that size; less is cut off above, where heads are."""
    height, width = picture.shape[:2]
    ratio = size[0] / size[1]
    wide, high = max(1, round(min(width, height * ratio))), max(1, round(min(height, width / ratio)))
    left, top = (width - wide) // 2, (height - high) // 4
    return scaled(picture[top : top + high, left : left + wide], size)


def _opaque(canvas: Canvas, ground: Colour) -> Floats:
    if canvas.alpha is None:
        return canvas.rgb
    behind = np.array(ground, np.float32)
    return floats(behind + (canvas.rgb - behind) * canvas.alpha[..., None])
