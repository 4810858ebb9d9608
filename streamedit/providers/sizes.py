"""OpenAI's `size`, as providers want it that know only ratios and classes of resolution. Pure."""

import math
import re
from collections.abc import Sequence

from streamedit.errors import InvalidRequest

_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})", re.ASCII)


def parse_size(size: str | None) -> tuple[int, int] | None:
    """Width and height in pixels; None where it is left to the provider. Raises InvalidRequest."""
    if size in (None, "", "auto"):
        return None
    match = _SIZE.fullmatch(str(size))
    if match is None:
        raise InvalidRequest("size must be WIDTHxHEIGHT in pixels, or auto.", param="size", code="invalid_value")
    return int(match[1]), int(match[2])


def nearest_ratio(size_px: tuple[int, int], ratios: Sequence[str]) -> str:
    """That of `ratios` (`WIDTH:HEIGHT`) whose shape is nearest; halving is as far as doubling."""
    width_px, height_px = size_px
    return min(ratios, key=lambda ratio: abs(math.log(width_px / height_px / _value(ratio))))


def side_px(size_px: tuple[int, int]) -> float:
    """The side of the square with as many pixels."""
    return math.sqrt(size_px[0] * size_px[1])


def _value(ratio: str) -> float:
    width, height = ratio.split(":")
    return float(width) / float(height)
