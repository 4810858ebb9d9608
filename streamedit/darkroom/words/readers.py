"""What is said of an instruction beside its amount: degrees, sizes, colours, places ... each has its own reader."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from streamedit.darkroom.words.colour_names import COLOUR, NAMED, colour_of
from streamedit.darkroom.words.text import Words
from streamedit.darkroom.words.vocabulary import PERCENT

Reader: TypeAlias = Callable[[Words], dict[str, Any]]
"""Takes what it understands out of the words; the fields of `Details` that it found."""

_N = r"(\d{1,5}(?:\.\d+)?)"
_SIDES = {
    "left": "left", "right": "right", "top": "up", "up": "up", "upper": "up", "upward": "up", "upwards": "up", "above": "up",
    "bottom": "down", "down": "down", "lower": "down", "downward": "down", "downwards": "down", "below": "down",
    "horizontal": "horizontal", "horizontally": "horizontal", "vertical": "vertical", "vertically": "vertical",
}  # fmt: skip
_SIDE = re.compile(
    r"\b(?:(?:to|on|at|from|towards?|in) )?(?:the )?(" + "|".join(_SIDES) + r")\b(?: (?:hand|side|edge|corner)\b)*"
)
_UPRIGHT = re.compile(r"\b(top|upper|bottom|lower|above|below)\b")
_ACROSS = re.compile(r"\b(left|right)\b(?: hand)?(?: (?:side|edge|corner)\b)*")
_MIDDLE = re.compile(r"\b(?:in |at |on |to )?(?:the )?(center|centered|middle)\b")
_LEFT = re.compile(r"\b(?:to )?(?:the )?(?:left|counter ?clock ?wise|anti ?clock ?wise|ccw)\b")
_RIGHT = re.compile(r"\b(?:to )?(?:the )?(?:right|clock ?wise|cw)\b")
_TURNS = (
    (re.compile(r"\bupside down\b"), 180.0),
    (re.compile(r"\b(?:a )?quarter(?: turn)?\b"), 90.0),
    (re.compile(r"\bhalf(?: a)? turn\b"), 180.0),
)
_ACROSS_AXIS = re.compile(r"\b(?:horizontal(?:ly)?|left (?:to|and) right|sideways)\b")
_UPRIGHT_AXIS = re.compile(r"\b(?:vertical(?:ly)?|upside down|top (?:to|and) bottom)\b")
_DEGREES = re.compile(rf"([+-]?) ?{_N} ?(?:degrees?|deg)\b|(?<![\w.])([+-]?) ?{_N}(?![\w.%:]| ?%)")
_STOPS = re.compile(rf"([+-]?) ?(?:(half|1/2|1/3|2/3|a|one)(?: a| of a)?|{_N}) ?(?:f ?)?(?:stops?|ev)\b")
_FRACTIONS = {"half": 0.5, "1/2": 0.5, "1/3": 1 / 3, "2/3": 2 / 3, "a": 1.0, "one": 1.0}
_KELVIN = re.compile(r"\b(\d{4,5}) ?k(?:elvin)?\b")
_PIXELS = re.compile(rf"\b(?:(?:by|of|with) )?{_N} ?(?:px|pixels?)\b")
_TIMES = re.compile(rf"\b{_N} ?(?:x|times)\b|\bx ?{_N}\b|\b(twice|double[ds]?|triple[ds]?|quadruple[ds]?|half|halve|quarter)\b")
_TIMES_WORDS = {"tw": 2.0, "do": 2.0, "tr": 3.0, "qu": 4.0, "ha": 0.5}
_COUNT = re.compile(r"\b(\d{1,3})\b(?: (?:levels?|colors?|tones?|steps?)\b)?")
_SIZE = re.compile(
    r"\b(\d{3,5}) ?(?:x|by) ?(\d{3,5})\b(?: ?(?:px|pixels?)\b)?|\b(\d{2,5}) ?(?:x|by) ?(\d{2,5}) ?(?:px|pixels?)\b"
)
_ONE_SIDE = re.compile(
    r"\b(\d{2,5}) ?(?:px|pixels?)? ?(?:in )?(wide|width|across|high|tall|height)\b"
    r"|\b(width|height) (?:of |to )?(\d{2,5})\b(?: ?(?:px|pixels?)\b)?"
)
_BARE_SIZE = re.compile(r"\b(\d{2,5}) ?(?:px|pixels?)\b")
_RATIO = re.compile(rf"\b{_N} ?(?::|x|by|/) ?{_N}\b(?: (?:ratio|aspect))*")
_RATIO_WORDS = (
    (re.compile(r"\b(?:a )?square(?: format)?\b"), 1.0),
    (re.compile(r"\bwide ?screen\b"), 16 / 9),
    (re.compile(r"\b(?:cinemascope|anamorphic)\b"), 2.39),
    (re.compile(r"\bpanoram(?:a|ic)(?: format)?\b"), 3.0),
    (re.compile(r"\b(?:story|stories|vertical video|reel)\b"), 9 / 16),
    (re.compile(r"\bportrait(?: format| orientation)?\b"), 4 / 5),
    (re.compile(r"\blandscape(?: format| orientation)?\b"), 3 / 2),
)
_WIDTHS = (
    (re.compile(r"\b(?:very thin|hairline)\b"), 0.008),
    (re.compile(r"\b(?:thin|narrow|fine|slim|small)\b"), 0.02),
    (re.compile(r"\b(?:thick|wide|broad|big|large|heavy)\b"), 0.09),
)
_SAID = r"(?:saying|that says|says|reading|that reads|label(?:l?ed)?|captioned|with the (?:text|caption|words?|title))"
_QUOTE = re.compile(rf'(?:\b{_SAID} )?"(\d+)"')
_FILTER = re.compile(r"\b(red|orange|yellow|green|blue)\b(?: (?:color )?filter\b)")
_SHADOWS = re.compile(rf"({NAMED})(?: in the)? shadows?\b|\bshadows? (?:are |in |to )?({NAMED})")
_HIGHLIGHTS = re.compile(rf"({NAMED})(?: in the)? highlights?\b|\bhighlights? (?:are |in |to )?({NAMED})")
_TEAL, _ORANGE = colour_of("teal"), colour_of("orange")


_GROUND = re.compile(rf"\b(?:on|with) (?:an? )?({NAMED}) (?:back)?ground\b")
_SAYING = re.compile(rf'\b{_SAID} "\d+"')

PATTERNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {"filter": _FILTER, "count": _COUNT, "ground": _GROUND, "text": _SAYING}
)
"""What belongs to the phrase before it, where its row reads that, though phrases of other rows are in it."""


def _degrees(words: Words) -> dict[str, Any]:
    match = words.take(_DEGREES)
    if match is None:
        return {}
    sign, number = (match[1], match[2]) if match[2] else (match[3], match[4])
    return {"number": float(sign + number)}


def _turn(words: Words) -> dict[str, Any]:
    turned = [degrees for pattern, degrees in _TURNS if words.take(pattern)]
    fields: dict[str, Any] = {"number": turned[0]} if turned else {}
    if words.take(_LEFT):
        return fields | {"side": "left"}
    return fields | ({"side": "right"} if words.take(_RIGHT) else {})


def _axis(words: Words) -> dict[str, Any]:
    if words.take(_UPRIGHT_AXIS):
        return {"side": "vertical"}
    return {"side": "horizontal"} if words.take(_ACROSS_AXIS) else {}


def _side(words: Words) -> dict[str, Any]:
    match = words.take(_SIDE)
    return {"side": _SIDES[match[1]]} if match else {}


def _place(words: Words) -> dict[str, Any]:
    upright, across, middle = words.take(_UPRIGHT), words.take(_ACROSS), words.take(_MIDDLE)
    if not (upright or across or middle):
        return {}
    y = 0 if upright is None else -1 if upright[1] in ("top", "upper", "above") else 1
    x = 0 if across is None else -1 if across[1] == "left" else 1
    return {"place": (x, y)}


def _stops(words: Words) -> dict[str, Any]:
    match = words.take(_STOPS)
    if match is None:
        return {}
    size = _FRACTIONS[match[2]] if match[2] else float(match[3])
    return {"number": -size if match[1] == "-" else size}


def _number(pattern: re.Pattern[str]) -> Reader:
    def reader(words: Words) -> dict[str, Any]:
        match = words.take(pattern)
        return {"number": float(match[1])} if match else {}

    return reader


def _times(words: Words) -> dict[str, Any]:
    match = words.take(_TIMES)
    if match is None:
        return {}
    number = match[1] or match[2]
    return {"number": float(number) if number else _TIMES_WORDS[match[3][:2]]}


def _size(words: Words) -> dict[str, Any]:
    if match := words.take(_SIZE):
        return {"size_px": (int(match[1] or match[3]), int(match[2] or match[4]))}
    if match := words.take(_ONE_SIDE):
        number, name = int(match[1] or match[4]), match[2] or match[3]
        return {"size_px": (0, number) if name in ("high", "tall", "height") else (number, 0)}
    match = words.take(_BARE_SIZE)
    return {"size_px": (int(match[1]), 0)} if match else {}


def _ratio(words: Words) -> dict[str, Any]:
    match = words.take(_RATIO)
    if match and float(match[1]) and float(match[2]):
        return {"ratio": float(match[1]) / float(match[2])}
    named = [ratio for pattern, ratio in _RATIO_WORDS if words.take(pattern)]
    return {"ratio": named[0]} if named else {}


def _percent(words: Words) -> dict[str, Any]:
    match = words.take(PERCENT)
    return {"percent": float(match[2]) / 100} if match else {}


def _width(words: Words) -> dict[str, Any]:
    widths = [share for pattern, share in _WIDTHS if words.take(pattern)]
    return {"percent": widths[0]} if widths else {}


def _colour(words: Words) -> dict[str, Any]:
    colours = tuple(colour_of(match[0]) for match in words.take_all(COLOUR))
    return {"colours": colours} if colours else {}


def _new_colour(words: Words) -> dict[str, Any]:
    """The last one: "the red hat blue"."""
    fields = _colour(words)
    return {"colours": fields["colours"][-1:]} if fields else {}


def _filter(words: Words) -> dict[str, Any]:
    match = words.take(_FILTER)
    return {"colours": (colour_of(match[1]),)} if match else {}


def _ground(words: Words) -> dict[str, Any]:
    match = words.take(_GROUND)
    return {"colours": (colour_of(match[1]),)} if match else {}


def _tones(words: Words) -> dict[str, Any]:
    """The colour of the shadows, and that of the highlights."""
    shadows, highlights = words.take(_SHADOWS), words.take(_HIGHLIGHTS)
    if shadows or highlights:
        dark = colour_of(shadows[1] or shadows[2]) if shadows else _TEAL
        return {"colours": (dark, colour_of(highlights[1] or highlights[2]) if highlights else _ORANGE)}
    return _colour(words)


def _text(words: Words) -> dict[str, Any]:
    """Where it stands among the prompt's quotes, for now."""
    match = words.take(_QUOTE)
    return {"text": match[1]} if match else {}


READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "text": _text,
        "degrees": _degrees,
        "turn": _turn,
        "axis": _axis,
        "stops": _stops,
        "kelvin": _number(_KELVIN),
        "size": _size,
        "times": _times,
        "ratio": _ratio,
        "percent": _percent,
        "pixels": _number(_PIXELS),
        "count": _number(_COUNT),
        "width": _width,
        "filter": _filter,
        "ground": _ground,
        "tones": _tones,
        "new colour": _new_colour,
        "colour": _colour,
        "side": _side,
        "place": _place,
    }
)
"""By the words of the table's `reads`; they read in this order, whatever the order there."""
