"""Text as a plane of coverage.

The fonts are OpenCV's own: they are there on every machine, and have far more than Latin letters.
"""

import unicodedata

import cv2
import numpy as np

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

REGULAR, BOLD = 500, 800
_LINE = 1.3
_FROM_RIGHT = frozenset({"R", "AL", "AN"})
_MISSING = "?"
"""What OpenCV draws for a character that it does not have."""


def required_text(text: str | None, instruction: str) -> str:
    """The text in one spelling of its characters, if there is any and all of it can be written."""
    # a selector of emoji or a joiner has no shape of its own
    shown = "".join(c for c in unicodedata.normalize("NFC", text or "") if c == "\n" or not _shapeless(c)).strip()
    if not shown:
        message = f"Put the text in quotes: {instruction} 'Kyoto 2026'."
        raise InvalidRequest(message, param="prompt", code="text_required")
    unknown = sorted({c for c in shown if not c.isspace() and not _writable(c)})
    if unknown:
        message = f"There is no type for {', '.join(repr(c) for c in unknown[:8])}."
        raise InvalidRequest(message, param="prompt", code="text_cannot_be_written")
    return shown


def typeset(text: str, size_px: float, room: tuple[float, float], weight: int = REGULAR, face: str = "sans") -> Floats:
    """Coverage, 0..1, cut to the ink: centred lines, wrapped at words to the room; smaller where it is too high."""
    while True:
        size = max(5, round(size_px))
        lines = [line for part in text.splitlines() for line in _wrapped(part.split(), size, room[0], weight)]
        if size == 5 or len(lines) * size * _LINE <= room[1]:
            break
        size_px = 0.9 * size - 0.5
    return _cut(
        np.vstack([_line(line, size, weight, face, max(_width(each, size, weight) for each in lines)) for line in lines])
    )


def _wrapped(words: list[str], size: int, width_px: float, weight: int) -> list[str]:
    """Words in lines; a word that is longer than a line is broken where it has to be."""
    lines = [""]
    for word in words:
        joined = f"{lines[-1]} {word}".strip()
        if _width(joined, size, weight) <= width_px:
            lines[-1] = joined
            continue
        lines.extend(_broken(word, size, width_px, weight))
    return [line for line in lines if line]


def _broken(word: str, size: int, width_px: float, weight: int) -> list[str]:
    pieces = [""]
    for character in word:
        if pieces[-1] and _width(pieces[-1] + character, size, weight) > width_px:
            pieces.append("")
        pieces[-1] += character
    return pieces


def _width(text: str, size: int, weight: int) -> int:
    return int(cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("sans"), size, weight)[2])


def _line(text: str, size: int, weight: int, face: str, room_px: int) -> Floats:
    """One line in the middle of its room, with space for what leans over the ends."""
    image = np.zeros((round(size * _LINE), room_px + 2 * size, 1), np.uint8)
    left = size + (room_px - _width(text, size, weight)) // 2
    cv2.putText(image, text, (left, size), (255, 255, 255), cv2.FontFace(face), size, weight)
    return floats(image[..., 0]) * np.float32(1 / 255)


def _cut(coverage: Floats) -> Floats:
    left, top, width, height = cv2.boundingRect((coverage > 0).astype(np.uint8))
    return coverage[top : top + height, left : left + width] if width else coverage


def _shapeless(character: str) -> bool:
    return unicodedata.category(character) in ("Cf", "Cc") or "\ufe00" <= character <= "\ufe0f"


def _writable(character: str) -> bool:
    """Whether there is a glyph. Scripts from the right, and marks to be put over others, need shaping: there is none."""
    if unicodedata.bidirectional(character) in _FROM_RIGHT or unicodedata.category(character).startswith("M"):
        return False
    return character == _MISSING or not np.array_equal(_glyph(character), _glyph(_MISSING))


def _glyph(character: str) -> Floats:
    return _line(character, 24, REGULAR, "sans", 48)
