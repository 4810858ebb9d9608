"""Sixel graphics: bands of six rows, each of its colours as a line of characters, each character six pixels under each other.

Source: VT330/VT340 Programmer Reference Manual, volume 2, chapter 14.
"""

import re
from collections.abc import Iterator, Sequence

from PIL import Image

_COLOURS = 255
"""Terminals have 256 registers."""

_BAND_ROWS = 6
_RUN = re.compile(rb"(.)\1{3,}")
"""A shorter one takes fewer characters as it is."""


def encoded(image: Image.Image) -> str:
    """Shows a picture at the cursor, a pixel for a pixel; the cursor ends somewhere below it."""
    indexed = image.quantize(_COLOURS)
    width, height = indexed.size
    pixels = indexed.tobytes()
    rows = [pixels[at : at + width] for at in range(0, width * height, width)]
    bands = "-".join(_band(rows[top : top + _BAND_ROWS]) for top in range(0, height, _BAND_ROWS))
    # Pixels are square, and what is not drawn keeps its ground.
    return f'\x1bP0;1;0q"1;1;{width};{height}{"".join(_registers(indexed))}{bands}\x1b\\'


def _registers(indexed: Image.Image) -> Iterator[str]:
    """The colours, in percent."""
    palette = indexed.getpalette() or []
    for number in sorted(set(indexed.tobytes())):
        red, green, blue = (round(level * 100 / 255) for level in palette[3 * number : 3 * number + 3])
        yield f"#{number};2;{red};{green};{blue}"


def _band(rows: Sequence[bytes]) -> str:
    """Its colours over each other, each a line of where it is."""
    lines: dict[int, bytearray] = {}
    for place, row in enumerate(rows):
        for x, colour in enumerate(row):
            if colour not in lines:
                lines[colour] = bytearray(b"?" * len(row))
            lines[colour][x] += 1 << place
    return "$".join(f"#{colour}{_shortened(bytes(line))}" for colour, line in lines.items())


def _shortened(line: bytes) -> str:
    """With runs told by their length, and nothing behind the last pixel."""
    return _RUN.sub(lambda run: b"!%d%c" % (len(run[0]), run[0][0]), line.rstrip(b"?")).decode()
