"""Colours by their names, as people say them: "soft grey", "navy blue", "#ff8800"."""

import re
from collections.abc import Iterator

from PIL import ImageColor

from streamedit.darkroom.instructions import Colour

_OWN = """
    cream fff3d6, peach ffcba4, mint b5ead7, rose e8a0a8, burgundy 6d1a2d, mustard d6a419, terracotta c8643c, sand
    dcc9a3, charcoal 36393d, rust a8452a, sage 9caf88, emerald 1f9d63, ruby b0123b, sapphire 1548a8, amber ffb22e,
    apricot fbb884, lilac c3a5d8, mauve b784a7, ochre c98f2b, copper b87333, bronze a97142, petrol 0f5261, denim 3d5a80,
    blush f2c4c4, taupe 8b7d73, champagne f4e3c5, brick a6402f, wine 6b1d35, jade 2c9c74, golden e6b422, bone e3dac9,
    navy 10234f, navy blue 10234f, sky blue 87ceeb, royal blue 2b50c8, midnight blue 141a4a, baby blue a8d0ee, steel
    blue 4682b4, ice blue d3ecf7, electric blue 1f6bff, forest green 1f6b32, olive green 6b7a2a, lime green 6cc52c, sea
    green 2e8b68, mint green a8e6c4, hot pink ff4fa3, rose gold d9a08c, blood red 8a0d12, off white f6f3ec, brick red
    a6402f, baby pink f6c6d0, salmon pink ff9a8a, wood 7a4f2a, wooden 7a4f2a, aqua 2cc6c6, lime 8fdc2e, azure 2f8fe6,
    green 2e9b3f, red d8202a, blue 2456c8, purple 7a2fa0
"""
"""Names that CSS has not, or gives a colour that no paint has: its full red, green and blue."""

_NO_COLOURS = frozenset({"snow", "linen", "seashell", "transparent", "tan", "peru", "wheat"})
"""Names of CSS that people mean something else by."""


def _own() -> Iterator[tuple[str, Colour]]:
    for pair in " ".join(_OWN.split()).split(", "):
        name, code = pair.rsplit(maxsplit=1)
        yield name, _rgb(f"#{code}")


def _rgb(name: str) -> Colour:
    red, green, blue, *_ = ImageColor.getrgb(name)
    return red / 255, green / 255, blue / 255


_NAMES = {name: _rgb(name) for name in list(ImageColor.colormap) if name not in _NO_COLOURS} | dict(_own())

_SHADES = {
    "light": (0.5, 1.0),
    "soft": (0.45, 0.75),
    "pale": (0.6, 0.85),
    "pastel": (0.5, 0.9),
    "bright": (0.1, 1.25),
    "vivid": (0.0, 1.4),
    "dark": (-0.5, 1.0),
    "deep": (-0.35, 1.15),
    "muted": (0.1, 0.55),
    "dusty": (0.2, 0.55),
    "dull": (0.0, 0.5),
    "medium": (0.0, 1.0),
    "neutral": (0.1, 0.3),
}
"""How much lighter (towards white, or below 0 towards black), and how colourful, a word makes a colour."""

_NOT_BEFORE = {
    "black": "(?! and white| white)",
    "white": "(?! balance)",
    "blue": "(?! hour)",
    "golden": "(?! hour| glow| light)",
    "gold": "(?! hour)",
}
_NOT_BEHIND = {"white": "(?<!black and )(?<!black )"}
_NAME = "|".join(_NOT_BEHIND.get(name, "") + name + _NOT_BEFORE.get(name, "") for name in sorted(_NAMES, key=len, reverse=True))
NAMED = rf"(?:#[0-9a-f]{{6}}\b|#[0-9a-f]{{3}}\b|(?:\b(?:{'|'.join(_SHADES)}) )*\b(?:{_NAME})(?:ish)?\b)"
"""A regular expression for one colour."""

COLOUR = re.compile(NAMED)
LONG_COLOUR = re.compile(
    rf"(?:\b(?:{'|'.join(_SHADES)}) )+\b(?:{_NAME})(?:ish)?\b|\b(?:{'|'.join(name for name in _NAMES if ' ' in name)})\b"
)
"""One of several words."""


def colour_of(text: str) -> Colour:
    """The colour that a text is the name of, as `COLOUR` matches it."""
    if text.startswith("#"):
        return _rgb(text)
    *shades, name = re.findall(rf"\b(?:{'|'.join(_SHADES)})\b(?= )|\S.*$", text)
    colour = _NAMES.get(name) or _NAMES[name.removesuffix("ish")]
    for shade in shades:
        colour = _shaded(colour, *_SHADES[shade])
    return colour


def _shaded(colour: Colour, lighter: float, colourful: float) -> Colour:
    grey = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
    full = (grey + (channel - grey) * colourful for channel in colour)
    red, green, blue = (channel + (1 - channel) * lighter if lighter > 0 else channel * (1 + lighter) for channel in full)
    return _clipped(red), _clipped(green), _clipped(blue)


def _clipped(channel: float) -> float:
    return min(1.0, max(0.0, channel))
