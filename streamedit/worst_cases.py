"""How many tokens one image of a request can take at most: what its price is multiplied by before anybody knows better. Pure.

The bounds are data beside it, each with its source and date; what a request leaves open is taken to be the most expensive.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from typing import TypeVar

from streamedit.edits import EditRequest
from streamedit.events import Usage

_Choice = TypeVar("_Choice")

PARTIAL_IMAGE_TOKENS = 100
"""Source: OpenAI's image generation guide, "Partial images cost"."""

_SIZE = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", re.ASCII)
_LARGEST = (2880, 2880)
"""Of gpt-image-2's sizes, which have 8,294,400 pixels at most, the one with the most tokens: squares have more than others."""

_OFFSET_PX = 2_000_000
_TOKEN_PX = 4_000_000

_MAX_FRAMES = 16
"""Of an animation. Source: OpenAI's API reference, `frame_count`."""

_NAMES = 1024
"""Of so many models the bounds are remembered."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most that models of a pattern take. `text_in`: beside the prompt; `image_in`: for each input image.

    An image has `image_out` tokens; or by quality and size; or by quality those of a grid with so many tokens on its long axis.
    """

    model: str
    text_in: int
    image_in: int
    text_out: int
    image_out: int = 0
    sized: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    axis: Mapping[str, int] = field(default_factory=dict)

    def image_out_of(self, quality: str | None, size: str | None) -> int:
        """The tokens of one image; where it could have several qualities or sizes, the most of them."""
        if self.axis:
            return max(_grid_tokens(axis, size) for axis in _could_be(self.axis, quality))
        if self.sized:
            return max(max(_could_be(sizes, size)) for sizes in _could_be(self.sized, quality))
        return self.image_out


def usage_at_most(model: str, request: EditRequest) -> Usage:
    """The usage of one image, when everything comes to its most. `model`: by the name that its maker gave it."""
    bound = _bound_of(model)
    # A token stands for a byte at least.
    text = bound.text_in + sum(map(_size_bytes, (request.prompt, *(told for _, told in request.extra))))
    image = bound.image_in * sum(1 for _ in request.files())
    options = request.options
    # A stream has been seen to cost a partial image more than were asked for.
    partial = PARTIAL_IMAGE_TOKENS * (request.partial_images + 1)
    image_out = bound.image_out_of(options.quality, options.size) * _frames(request) + partial
    return Usage(
        input_tokens=text + image,
        output_tokens=image_out + bound.text_out,
        total_tokens=text + image + image_out + bound.text_out,
        input_image_tokens=image,
        output_text_tokens=bound.text_out,
    )


def _size_bytes(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))


def _could_be(choices: Mapping[str, _Choice], asked: str | None) -> Sequence[_Choice]:
    """The one that was asked for; all of them when that was none."""
    return (choices[asked],) if asked is not None and asked in choices else tuple(choices.values())


def _grid_tokens(axis: int, size: str | None) -> int:
    """The tokens of a gpt-image-2 image. Source: see its bound."""
    match = _SIZE.fullmatch(size or "")
    width, height = (int(match[1]), int(match[2])) if match else _LARGEST
    long, short = max(width, height), min(width, height)
    short_axis = (2 * axis * short + long) // (2 * long)
    return -(-axis * short_axis * (_OFFSET_PX + width * height) // _TOKEN_PX)


def _frames(request: EditRequest) -> int:
    """How many images an animation is made of; 1 for one that is none."""
    told = next((text for name, text in request.extra if name == "frame_count"), None)
    if told is None:
        return _MAX_FRAMES if request.options.output_format == "gif" else 1
    known = told.isascii() and told.isdecimal() and 1 <= int(told[:9]) <= _MAX_FRAMES
    return int(told) if known else _MAX_FRAMES


@lru_cache(_NAMES)
def _bound_of(model: str) -> Bound:
    name = model.lower()
    return next(bound for bound in _BOUNDS if fnmatchcase(name, bound.model))


def _shipped() -> Sequence[Bound]:
    rows = json.loads((resources.files("streamedit") / "worst_cases.json").read_text(encoding="utf-8"))
    return [Bound(**{name: value for name, value in row.items() if name not in ("source", "date")}) for row in rows]


_BOUNDS = _shipped()
