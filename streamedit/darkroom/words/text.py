"""Prompts as plain text: one spelling, their quotes aside, read bit by bit."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from streamedit.darkroom.words.vocabulary import IN_COLOUR

_QUOTES = re.compile(
    r'"([^"\n]*)"|\u201c([^\u201d\n]*)\u201d|\u00ab([^\u00bb\n]*)\u00bb|\u2018([^\u2019\n]*)\u2019'
    r"|(?<![\w'])'((?:[^'\n]|(?<=\w)'(?=\w))*)'(?!\w)"
)
"""A single quote between letters is an apostrophe."""

_NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=2
    )
} | {
    "fifteen": "15",
    "twenty": "20",
    "thirty": "30",
    "forty": "40",
    "forty five": "45",
    "fifty": "50",
    "sixty": "60",
    "ninety": "90",
}
_NUMBER = re.compile(r"\b(?:" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")\b")
_SPELLINGS = (
    ("colour", "color"),
    ("grey", "gray"),
    ("centre", "center"),
    ("&", " and "),
    ("\u00d7", "x"),
    ("\u2212", "-"),
    ("\u00b0", " degrees "),
)


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt as it is read, and its quotes as they were written; the n-th of them stands as `"n"` in `plain`."""

    plain: str
    quotes: tuple[str, ...]


def read(prompt: str) -> Text:
    """The prompt with its quotes set aside."""
    quotes: list[str] = []

    def aside(match: re.Match[str]) -> str:
        quotes.append(next((group for group in match.groups() if group is not None), ""))
        return f' "{len(quotes) - 1}" '

    text = IN_COLOUR.sub(r"everything but \1 in black and white", plain(_QUOTES.sub(aside, prompt)))
    return Text(text, tuple(quotes))


def plain(text: str) -> str:
    """Small letters, one spelling, numbers as digits, spaces for hyphens and slashes between letters, `;` for ends of lines."""
    text = re.sub(r"[\r\n]+", " ; ", text.casefold())
    text = re.sub(r"['\u2019]s\b", "", text)
    text = re.sub(r"['\u2018\u2019`]", "", text)
    for word, spelling in _SPELLINGS:
        text = text.replace(word, spelling)
    text = re.sub(r"(?<=[a-z0-9])[-\u2010-\u2014/_](?=[a-z])", " ", text)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\b(image|photo|picture) (?:no |number |# ?)?2\b", r"2nd \1", text)
    return _NUMBER.sub(lambda match: _NUMBERS[match[0]], text)


class Words:
    """Text that is read bit by bit: what was taken of it is gone."""

    def __init__(self, text: str) -> None:
        self.left = text

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """The first place where the pattern is found, taken out."""
        match = pattern.search(self.left)
        if match is not None:
            self.left = self.left[: match.start()] + " | " + self.left[match.end() :]
        return match

    def set_aside(self, pattern: re.Pattern[str]) -> Sequence[str]:
        """Hides all places for a while; what is to be given to `put_back`."""
        hidden = [match[0] for match in pattern.finditer(self.left)]
        self.left = pattern.sub("\0", self.left)
        return hidden

    def put_back(self, hidden: Sequence[str]) -> None:
        for text in hidden:
            self.left = self.left.replace("\0", text, 1)

    def take_all(self, pattern: re.Pattern[str]) -> list[re.Match[str]]:
        """All places, in order."""
        matches = list(pattern.finditer(self.left))
        self.left = pattern.sub(" | ", self.left)
        return matches
