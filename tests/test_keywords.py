"""Keywords are found as whole words, whatever their case and width, and nowhere else."""

import time
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from streamedit.keywords import Keywords, tokens_of

LETTERS = st.characters(max_codepoint=0x052F, categories=["Lu", "Ll", "Lo"]).filter(
    lambda letter: letter.upper().casefold() == letter.lower().casefold() == letter.casefold()
)
"""Of Latin, Greek and Cyrillic; not those few that are others in upper case, such as the Turkish dotless i."""
WORDS = st.text(LETTERS, min_size=1, max_size=12)


@given(keyword=WORDS, before=WORDS, behind=WORDS)
def test_a_keyword_inside_of_a_word_is_none(keyword: str, before: str, behind: str) -> None:
    """`cat` is not in `concatenate`, nor at its beginning or its end."""
    keywords = Keywords([keyword])
    for word in (before + keyword, keyword + behind, before + keyword + behind):
        assume(len(tokens_of(word)) == 1)
        assert not keywords.are_in(f"a4 {word}, a4")


@given(
    phrase=st.lists(WORDS, min_size=1, max_size=4), around=st.sampled_from(["{}", "({}!)", "a4 {} a4", "«{}»\n", "a4\t{}'s"])
)
def test_case_and_width_and_space_make_no_difference(phrase: list[str], around: str) -> None:
    """Upper case, full width, composed or not: with whatever stands around it."""
    keywords = Keywords([" ".join(phrase)])
    text = " ".join(phrase)
    for variant in (text, text.upper(), text.lower(), wide(text), "\n ".join(phrase), unicodedata.normalize("NFD", text)):
        assert keywords.are_in(around.format(variant)), variant


@pytest.mark.parametrize(
    ("keyword", "text", "is_in"),
    [
        ("red dragon", "a Red  DRAGON flies", True),
        ("red dragon", "a red, dragon-like thing", False),
        ("red dragon", "red red dragon", True),
        ("dragon", "drag\u00adon and dra\u200bgon", True),
        ("Straße", "STRASSE", True),
        ("c++", "in C++!", True),
        ("c++", "in c", False),
        ("🔞", "party 🔞!", True),
        ("暴力", "含有暴力的内容", True),
        ("暴力", "暴风和力量", False),
        ("ランチ", "ﾗﾝﾁを食べる", True),
        ("हिन्दी", "यह हिन्दी है", True),
        ("हि", "यह हिन्दी है", False),
        ("bomb", "", False),
    ],
)
def test_examples(keyword: str, text: str, is_in: bool) -> None:
    """Phrases, invisible characters, other scripts, signs."""
    assert Keywords(["something else", keyword, "more"]).are_in(text) is is_in


def test_ten_thousand_of_them_cost_no_more_than_one() -> None:
    """The longest prompt is looked through in milliseconds, however many keywords there are."""
    few, many = Keywords(["word"]), Keywords(f"word{number} and {number} more" for number in range(10_000))
    text = "word1 and some more, " * 1600
    assert not many.are_in(text)
    assert took_s(many, text) < 10 * took_s(few, text.replace("word1", "word2"))


def test_it_does_not_show_its_keywords() -> None:
    """They may be as bad as what they are to stop."""
    assert repr(Keywords(["slur", "slur two"])) == "<Keywords 2>"


def wide(text: str) -> str:
    """Latin letters in full width."""
    return "".join(chr(ord(letter) + 0xFEE0) if "!" <= letter <= "~" else letter for letter in text)


def took_s(keywords: Keywords, text: str) -> float:
    """The least of several measurements."""

    def once() -> float:
        began_s = time.perf_counter()
        assert isinstance(keywords.are_in(text), bool)
        return time.perf_counter() - began_s

    return min(once() for _ in range(5))
