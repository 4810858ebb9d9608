"""Decoders of what terminals are sent, written from their specifications alone."""

import base64
import io
import re
from collections.abc import Iterator, Mapping

from PIL import Image

_KITTY = re.compile(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\")
_ITERM2 = re.compile(r"\x1b\]1337;File=([^:]*):([^\a]*)\a")
_SIXEL = re.compile(r"\x1bP(\d*);(\d*);(\d*)q(.*)\x1b\\", re.DOTALL)


def kitty(text: str) -> tuple[Mapping[str, str], Image.Image]:
    """The keys of the first escape, and the picture that all of them carry. Everything has to be part of one transmission."""
    escapes = list(_KITTY.finditer(text))
    assert "".join(escape[0] for escape in escapes) == text
    keys = [dict(pair.split("=", 1) for pair in escape[1].split(",")) for escape in escapes]
    assert [each["m"] for each in keys] == ["1"] * (len(keys) - 1) + ["0"]
    for each in keys[1:]:
        assert each.keys() <= {"m", "q"}
    data = [escape[2] for escape in escapes]
    assert all(0 < len(each) <= 4096 and len(each) % 4 == 0 for each in data)
    return keys[0], Image.open(io.BytesIO(base64.b64decode("".join(data), validate=True)))


def iterm2(text: str) -> tuple[Mapping[str, str], Image.Image]:
    """The arguments and the picture."""
    found = _ITERM2.fullmatch(text)
    assert found
    keys = dict(pair.split("=", 1) for pair in found[1].split(";"))
    content = base64.b64decode(found[2], validate=True)
    assert int(keys["size"]) == len(content)
    return keys, Image.open(io.BytesIO(content))


def sixel(text: str) -> Image.Image:
    """The picture that a terminal draws; what was not drawn is transparent."""
    found = _SIXEL.fullmatch(text)
    assert found
    attributes = re.match(r'"(\d+);(\d+);(\d+);(\d+)', found[4])
    assert attributes and attributes[1] == attributes[2]
    image = Image.new("RGBA", (int(attributes[3]), int(attributes[4])))
    registers: dict[int, tuple[int, int, int]] = {}
    x = top = colour = 0
    for kind, numbers, letter in _commands(found[4][attributes.end() :]):
        if kind == "#":
            colour = numbers[0]
            if len(numbers) > 1:
                assert numbers[1] == 2 and all(0 <= level <= 100 for level in numbers[2:])
                red, green, blue = (round(level * 255 / 100) for level in numbers[2:])
                registers[colour] = (red, green, blue)
        elif kind == "$":
            x = 0
        elif kind == "-":
            x, top = 0, top + 6
        else:
            for place in range(x, x + numbers[0]):
                _draw(image, place, top, ord(letter) - 63, registers[colour])
            x += numbers[0]
    return image


def _commands(text: str) -> Iterator[tuple[str, list[int], str]]:
    """What each command is, its numbers, and the character that it draws so many times."""
    at = 0
    for found in re.finditer(r"(#)([\d;]+)|(\$)|(-)|(?:!(\d+))?([?-~])", text):
        assert found.start() == at, text[at : at + 20]
        at = found.end()
        if found[1]:
            yield "#", [int(number) for number in found[2].split(";")], ""
        elif found[6]:
            yield "", [int(found[5] or 1)], found[6]
        else:
            yield found[0], [], ""
    assert at == len(text)


def _draw(image: Image.Image, x: int, top: int, six: int, colour: tuple[int, int, int]) -> None:
    for place in range(6):
        if six >> place & 1:
            image.putpixel((x, top + place), (*colour, 255))
