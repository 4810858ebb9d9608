"""Colours by their names."""

import pytest
from PIL import ImageColor

from streamedit.darkroom.instructions import Colour
from streamedit.darkroom.words.colour_names import COLOUR, LONG_COLOUR, colour_of


def _bytes(colour: Colour) -> tuple[int, ...]:
    return tuple(round(channel * 255) for channel in colour)


@pytest.mark.parametrize(
    ("name", "rgb"),
    [
        ("teal", (0, 128, 128)),
        ("white", (255, 255, 255)),
        ("#ff8800", (255, 136, 0)),
        ("#f80", (255, 136, 0)),
        ("sky blue", (135, 206, 235)),
        ("cream", (255, 243, 214)),
    ],
)
def test_names_and_codes(name: str, rgb: tuple[int, ...]) -> None:
    """CSS's names, names that people use beside them, and hexadecimal codes."""
    assert _bytes(colour_of(name)) == rgb


def _luma(name: str) -> float:
    red, green, blue = colour_of(name)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_shades_are_of_the_colour() -> None:
    """Light is lighter, dark is darker, pale has less colour, vivid more; each stays the colour that it is."""
    assert _luma("dark green") < _luma("green") < _luma("light green")
    assert _luma("deep blue") < _luma("blue")
    spread = {name: max(colour_of(name)) - min(colour_of(name)) for name in ("muted red", "red", "vivid red")}
    assert spread["muted red"] < spread["red"] < spread["vivid red"]
    for name in ("light green", "dark green", "pale green", "muted green"):
        red, green, blue = colour_of(name)
        assert green > red
        assert green > blue


@pytest.mark.parametrize("text", ["black and white", "white balance", "blue hour", "golden hour", "snow", "transparent"])
def test_what_only_sounds_like_a_colour_is_none(text: str) -> None:
    """Words that are part of something else."""
    found = COLOUR.match(text)
    assert found is None


def test_long_names_are_told_from_short_ones() -> None:
    """ "Sky blue" is one colour, not a sky."""
    assert LONG_COLOUR.findall("a sky blue wall, a blue sky, light gray") == ["sky blue", "light gray"]


def test_names_are_not_changed_by_who_asked_for_colours_before() -> None:
    """Pillow replaces the codes in its table by numbers when it is asked for them."""
    ImageColor.getrgb("coral")
    assert _bytes(colour_of("coral")) == (255, 127, 80)
