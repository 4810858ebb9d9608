"""Words and phrases that a text must not have, found whatever their case and width. Pure.

What is looked for are whole words, however many there are of them: the time depends on the text alone. Of scripts that put no
spaces between words each character counts as one.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, kana and Han."""

_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff"
"""Accents, points and vowel signs that are no letters to `re`, though they stand inside of words."""

_TOKEN = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]++|[{_MARKS}])++|[^\w\s]")

_INVISIBLE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), 0x2060, 0xFEFF])
"""Nobody sees them, so they split no word."""


def tokens_of(text: str) -> tuple[str, ...]:
    """Its words and other visible characters, as they are compared (NFKC, case folded)."""
    folded = unicodedata.normalize("NFKC", text.translate(_INVISIBLE)).casefold()
    return tuple(_TOKEN.findall(unicodedata.normalize("NFKC", folded)))


class Keywords:
    """Any number of words and phrases."""

    def __init__(self, keywords: Iterable[str]) -> None:
        self._phrases = {tokens_of(keyword) for keyword in keywords} - {()}
        self._lengths = _lengths_by_first(self._phrases)

    def __repr__(self) -> str:
        return f"<Keywords {len(self._phrases)}>"

    def are_in(self, text: str) -> bool:
        """Whether one of them stands in a text."""
        tokens = tokens_of(text) if self._phrases else ()
        return any(
            tokens[at : at + length] in self._phrases
            for at, token in enumerate(tokens)
            for length in self._lengths.get(token, ())
        )


def _lengths_by_first(phrases: Iterable[Sequence[str]]) -> dict[str, set[int]]:
    """How many tokens the phrases have that begin with a token."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for phrase in phrases:
        lengths[phrase[0]].add(len(phrase))
    return dict(lengths)
