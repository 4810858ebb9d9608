"""Prompts as plain text."""

import re

import pytest

from streamedit.darkroom.words.text import Text, Words, plain, read


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ("Golden-hour GLOW", "golden hour glow"),
        ("grey colours, centred", "gray colors, centerd"),
        ("line one\nthe next", "line one ; the next"),
        ("crop to 16:9", "crop to 16:9"),
        ("brightness \u221220 %", "brightness -20 %"),
        ("rotate 90\u00b0", "rotate 90 degrees"),
        ("three levels, forty-five degrees", "3 levels, 45 degrees"),
        ("the dog's fur, don't", "the dog fur, dont"),
        ("B&W", "b and w"),
        ("800\u00d7600", "800x600"),
    ],
)
def test_one_spelling(prompt: str, text: str) -> None:
    """Small letters, American spelling, digits, no hyphens between letters, no apostrophes."""
    assert plain(prompt) == text


@pytest.mark.parametrize(
    ("prompt", "quotes"),
    [
        ("caption 'Kyoto 2026'", ("Kyoto 2026",)),
        ('write "It\'s fine"', ("It's fine",)),
        ("write 'It's fine'", ("It's fine",)),
        ("\u201cGr\u00fc\u00dfe\u201d and \u00aboui\u00bb", ("Gr\u00fc\u00dfe", "oui")),
        ("don't touch the dog's fur", ()),
        ("'one' then 'two'", ("one", "two")),
    ],
)
def test_quotes_are_set_aside_as_they_were_written(prompt: str, quotes: tuple[str, ...]) -> None:
    """Their case and their signs are kept; an apostrophe is no quote."""
    assert read(prompt).quotes == quotes


def test_a_quote_stands_as_its_number() -> None:
    """What is in quotes is never taken for an instruction."""
    assert read("caption 'sepia', blur it") == Text('caption "0" , blur it', ("sepia",))


def test_the_subject_in_colour_is_the_rest_in_grey() -> None:
    """Said from the other side."""
    assert read("only the subject in colour").plain == "everything but the subject in black and white"


def test_words_set_aside_come_back() -> None:
    """Hidden for a while, each in its place."""
    words = Words("sky blue to navy blue sky")
    hidden = words.set_aside(re.compile(r"\w+ blue"))
    assert "blue" not in words.left
    words.put_back(hidden)
    assert words.left == "sky blue to navy blue sky"
