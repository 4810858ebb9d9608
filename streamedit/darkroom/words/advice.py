"""What is said of a prompt that is not understood: which words, what was, and the nearest things that can be done."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache

from streamedit.darkroom.repertoire import FAMILIES, TABLE
from streamedit.darkroom.repertoire.entries import Entry, phrases
from streamedit.darkroom.words.phrases import row_of
from streamedit.darkroom.words.text import plain
from streamedit.errors import InvalidRequest

_NEAREST = 4
_USUAL = ("golden hour", "black and white", "blur the background", "painting")


def not_understood(words: Iterable[str], beside: Sequence[Entry] = (), near: Sequence[Entry] = ()) -> InvalidRequest:
    """For words that mean nothing to the darkroom.

    `beside`: the rows that the rest of the prompt spoke of; `near`: those of them that the words were said of.
    """
    named = list(dict.fromkeys(words))
    if not named:
        return nothing_asked()
    unknown = ", ".join(f"'{each}'" for each in named)
    understood = f" It understood: {_names(beside)}." if beside else ""
    return _refusal(
        f"The darkroom does not understand {unknown}: it edits what is there, and draws nothing new.{understood}"
        f" The nearest that it can do: {'; '.join(_nearest(named, near))}."
    )


def nothing_asked() -> InvalidRequest:
    """For a prompt that asks for nothing."""
    return _refusal(
        f"The prompt asks for nothing that the darkroom can do. Ask for instance for: {'; '.join(_nearest([], ()))}."
    )


def _refusal(message: str) -> InvalidRequest:
    known = "; ".join(f"{family}: {_names(rows)}" for family, rows in FAMILIES.items())
    return InvalidRequest(f"{message} All that it can do: {known}.", param="prompt", code="prompt_not_understood")


def _names(rows: Iterable[Entry]) -> str:
    return ", ".join(dict.fromkeys(row.name for row in rows))


def _nearest(named: Sequence[str], near: Sequence[Entry]) -> Sequence[str]:
    rows = [*_alike(named), *near]
    rows += [row for row in TABLE if row.name in _USUAL]
    return [_told(row) for row in {row.name: row for row in rows}.values()][:_NEAREST]


def _alike(named: Sequence[str]) -> Iterator[Entry]:
    """Rows that have a word much like one that is not known: misspelt, or of the same root."""
    for word in (word for each in named for word in each.split()):
        for match in get_close_matches(word, _lone_words(), n=2, cutoff=0.8):
            yield _lone_words()[match]


def _told(row: Entry) -> str:
    kinds = f" (also: {', '.join(row.kinds)})" if row.kinds else ""
    return f"'{row.example}'{kinds}"


@cache
def _lone_words() -> Mapping[str, Entry]:
    """Words that alone ask for a row, and the row."""
    table: dict[str, Entry] = {}
    for row in TABLE:
        for phrase in (row.name, *phrases(row.asks), *phrases(row.opposite)):
            words = plain(phrase).replace("|", " ").split()
            for word in words if len(words) < 4 else ():
                table.setdefault(word, row)
    return {word: row for word, row in table.items() if len(word) > 3 and row_of(word) is row}
