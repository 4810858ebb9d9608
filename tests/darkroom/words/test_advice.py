"""What is said of a prompt that is not understood."""

import pytest

from streamedit.darkroom.repertoire import TABLE, entry
from streamedit.darkroom.words.advice import not_understood, nothing_asked


def test_the_words_are_named_once() -> None:
    """Each in quotes, in order."""
    message = not_understood(["red hat", "beach", "red hat"]).detail.message
    assert message.startswith("The darkroom does not understand 'red hat', 'beach':")


def test_what_was_understood_is_named() -> None:
    """So that nobody looks for the mistake there."""
    message = not_understood(["hat"], [entry("vignette"), entry("sepia"), entry("vignette")]).detail.message
    assert "It understood: vignette, sepia." in message


@pytest.mark.parametrize(
    ("word", "example"),
    [
        ("vingette", "a strong vignette"),
        ("sepa", "a sepia tone"),
        ("watercolr", "a watercolour"),
        ("grayscal", "make it black and white"),
    ],
)
def test_misspelt_words_get_what_they_look_like(word: str, example: str) -> None:
    """The nearest comes first."""
    nearest = not_understood([word]).detail.message.partition("The nearest that it can do: ")[2]
    assert nearest.startswith(f"'{example}'")


def test_kinds_are_offered() -> None:
    """Who asked for a beach learns which backgrounds there are."""
    row = entry("replace the background")
    message = not_understood(["beach"], [row], [row]).detail.message
    assert "(also: bright studio, dark studio, studio, gradient, sunset, night sky, sky, image)" in message


@pytest.mark.parametrize(
    "error", [not_understood(["hat"]), not_understood([]), nothing_asked()], ids=["words", "none", "nothing"]
)
def test_all_that_can_be_done_is_listed(error: Exception) -> None:
    """By families, each name of the table."""
    assert all(row.name in str(error) for row in TABLE)
