"""The phrases of the repertoire, and where a text has them."""

from itertools import product

import pytest

from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import Entry, phrases
from streamedit.darkroom.words.phrases import found_in, pattern_of, row_of
from streamedit.darkroom.words.text import read


def _spoken(row: Entry) -> list[str]:
    """Every phrase of a row, with each of its alternatives."""
    cells = (*phrases(row.asks), *phrases(row.opposite))
    filled = (cell.replace("..", "the").replace("<colour>", "teal") for cell in cells)
    return [" ".join(words) for text in filled for words in product(*(word.split("|") for word in text.split()))]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_every_phrase_asks_for_its_row(row: Entry) -> None:
    """No phrase of one row is taken for another's."""
    for text in _spoken(row):
        assert [found.entry.name for found in found_in(read(text).plain)] == [row.name], text


@pytest.mark.parametrize("word", ["sharpen", "sharpens", "sharpened", "sharpening"])
def test_a_word_stands_for_its_forms(word: str) -> None:
    """The usual endings."""
    assert pattern_of("sharpen").fullmatch(word)


@pytest.mark.parametrize(
    ("phrase", "form"), [("crop", "cropped"), ("erase", "erasing"), ("moody", "moodier"), ("blur", "blurry")]
)
def test_spelling_of_forms(phrase: str, form: str) -> None:
    """Doubled letters, dropped ones, y that becomes i."""
    assert pattern_of(phrase).fullmatch(form)


def test_gaps_hold_four_words_of_one_clause() -> None:
    """`..` reaches over adjectives, not into the next wish."""
    pattern = pattern_of("blur .. background")
    assert pattern.match("blur the very busy old background")
    assert not pattern.match("blur a b c d e background")
    assert not pattern.match("blur it and darken the background")
    assert not pattern.match("blur it, darken the background")


def test_the_longest_phrase_counts() -> None:
    """A film frame is no picture frame, and a golden hour no gold."""
    assert [found.entry.name for found in found_in("a film frame")] == ["film strip"]
    assert [found.entry.name for found in found_in("golden hour glow")] == ["golden hour"]


def test_colours_and_kinds_are_no_phrases() -> None:
    """ "Bright" of a bright studio and "dark" of dark red ask for nothing by themselves."""
    assert [found.entry.name for found in found_in("replace the background with a bright studio")] == ["replace the background"]
    assert [found.entry.name for found in found_in("a dark red border")] == ["border"]


def test_a_word_alone_asks_for_what_it_asks_for_in_a_text() -> None:
    """`row_of` needs no pattern to say the same."""
    words = {word for row in TABLE for text in _spoken(row) for word in read(text).plain.split()}
    assert {word for word in words if row_of(word)} >= {"vignette", "sepia", "sharpen"}
    for word in words:
        assert [found.entry for found in found_in(word)] == [row for row in [row_of(word)] if row], word


def test_a_text_has_few_patterns_compiled() -> None:
    """Those that may be in it: all of them would take a quarter of a second."""
    pattern_of.cache_clear()
    assert len(found_in("make it black and white, with a strong vignette")) == 2
    assert 2 <= pattern_of.cache_info().misses < 10
