"""One thing to do to a picture, as words gave it: its name, how far, and what else was said of it."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

Colour: TypeAlias = tuple[float, float, float]
"""Red, green and blue, 0..1, as in sRGB."""


class Scope(Enum):
    """Where an instruction is done, of the masked part of the picture."""

    ALL = "all"
    SUBJECT = "subject"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Details:
    """What was said of an instruction beside its amount; each is None, or empty, where nothing was.

    `colours`: in the order of the prompt. `number`: in the unit of the instruction's row (degrees, pixels, stops, times,
    kelvin ...). `percent`: a share of something, 0..1 for 0..100 %, where it is no amount (a width of a border). `text`: what
    stood in quotes. `place`: x and y from (-1, -1), the top left, over (0, 0), the centre, to (1, 1), the bottom right.
    `side`: "left", "right", "up", "down", "horizontal" or "vertical". `ratio`: width to height. `size_px`: width and height;
    0 where only the other was said. `kind`: which of an instruction's own kinds ("studio", "gradient").
    """

    colours: tuple[Colour, ...] = ()
    number: float | None = None
    percent: float | None = None
    text: str | None = None
    place: tuple[int, int] | None = None
    side: str | None = None
    ratio: float | None = None
    size_px: tuple[int, int] | None = None
    kind: str | None = None


NOTHING = Details()


@dataclass(frozen=True, slots=True)
class Instruction:
    """One thing to do. `amount`: how far, 0..1; -1..1 where the instruction also goes the other way (darker)."""

    name: str
    amount: float = 1.0
    details: Details = NOTHING
    scope: Scope = Scope.ALL
