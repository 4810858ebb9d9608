"""The phrases of the repertoire as patterns, and where a text has them."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import Entry, phrases
from streamedit.darkroom.words.colour_names import COLOUR, NAMED
from streamedit.darkroom.words.readers import PATTERNS
from streamedit.darkroom.words.text import plain
from streamedit.darkroom.words.vocabulary import HARD_BREAK

_BETWEEN = r"(?P<_{}>(?:(?!(?:and|or|with|then|but)\b)[\w%]+ ){{0,4}})"
_WORD = re.compile(r"[#\w]+")
_VOWELS = frozenset("aeiou")
_ANY_COLOUR = "<color>"


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase of a row in a text, from `start` to `end`. `between`: the words that stood in its gaps. `text`: all of it."""

    entry: Entry
    opposite: bool
    start: int
    end: int
    text: str
    between: str


@dataclass(frozen=True, slots=True)
class _Phrase:
    """`literals`: how many of its words are no gaps. `ends`: the forms that its last word may have."""

    entry: Entry
    opposite: bool
    text: str
    literals: int
    ends: frozenset[str]


def found_in(text: str) -> Sequence[Found]:
    """The phrases in a plain text, in order; where several begin, the longest counts.

    What is a colour, or a kind of the phrase before it, is no phrase of its own: "a bright studio", "dark red".
    """
    found: list[Found] = []
    said = _said(text)
    end = 0
    for word in _WORD.finditer(text):
        if word.start() < end:
            continue
        detail = _detail_end(text, word.start(), found[-1] if found else None)
        best = _longest(text, word, said)
        if best is not None and best.end > detail:
            found.append(best)
        end = max(detail, best.end if best else 0)
    return found


def _detail_end(text: str, start: int, before: Found | None) -> int:
    """Where a colour ends that begins here, or what only the row before reads. A name that is also a phrase is the phrase."""
    colour = COLOUR.match(text, start)
    ends = [colour.end() - 1 if colour else 0]
    if before is not None and not HARD_BREAK.search(text, before.end, start):
        patterns = [pattern_of(phrase) for _, phrase in KINDS[before.entry.name]]
        patterns += [PATTERNS[name] for name in phrases(before.entry.reads) if name in PATTERNS]
        ends += [match.end() for pattern in patterns if (match := pattern.match(text, start))]
    return max(ends)


@cache
def pattern_of(phrase: str) -> re.Pattern[str]:
    """A plain phrase of the table as a regular expression: compiled when it is first asked for, as most never are."""
    words = phrase.split()
    pieces = (_BETWEEN.format(at) if word == ".." else _piece(word) + " " for at, word in enumerate(words))
    return re.compile(rf"(?<!\w){''.join(pieces).removesuffix(' ')}(?!\w)")


def row_of(word: str) -> Entry | None:
    """The row that a word asks for by itself."""
    return next((phrase.entry for phrase in _BY_FIRST_WORD.get(word, ()) if " " not in phrase.text), None)


def _longest(text: str, word: re.Match[str], said: Set[str]) -> Found | None:
    candidates = _BY_FIRST_WORD.get(word[0], ())
    if COLOUR.match(text, word.start()):
        candidates = (*candidates, *_BY_FIRST_WORD[_ANY_COLOUR])
    # a pattern costs much to compile, and most of the candidates end in words that are not there
    tried = (phrase for phrase in candidates if not phrase.ends.isdisjoint(said))
    matches = ((phrase, match) for phrase in tried if (match := pattern_of(phrase.text).match(text, word.start())))
    best = max(matches, key=lambda each: (each[1].end(), each[0].literals), default=None)
    if best is None:
        return None
    phrase, match = best
    between = " ".join(group for group in match.groups() if group)
    return Found(phrase.entry, phrase.opposite, match.start(), match.end(), match[0], between)


def _piece(word: str) -> str:
    return NAMED if word == _ANY_COLOUR else f"(?:{'|'.join(_alternatives(word))})"


@cache
def _alternatives(word: str) -> Sequence[str]:
    """All that may stand for one word of a phrase."""
    return (word,) if word == _ANY_COLOUR else tuple(form for each in word.split("|") for form in _forms(each))


def _forms(word: str) -> Sequence[str]:
    """The usual forms of a word, longest first."""
    if len(word) < 3 or not word.isalpha():
        return [word]
    endings = {"", "s", "es", "d", "r", "ing", "y"} if word.endswith("e") else {"", "s", "es", "ed", "ing", "y", "er"}
    stem = word.removesuffix("e")
    if word.endswith("y"):
        endings |= {"ier", "iest", "ily"}
    forms = {
        stem + ending
        if ending in ("ing", "y")
        else word[:-1] + ending
        if ending.startswith("i") and word.endswith("y")
        else word + ending
        for ending in endings
    }
    if word[-1] not in _VOWELS and word[-2] in _VOWELS:
        forms |= {word + word[-1] + ending for ending in ("ed", "ing", "y", "er")}
    return sorted(forms, key=len, reverse=True)


def _said(text: str) -> Set[str]:
    """The words of a text, and whether a colour is among them."""
    return {*re.findall(r"\w+", text), *([_ANY_COLOUR] if COLOUR.search(text) else ())}


def _indexed() -> Mapping[str, Sequence[_Phrase]]:
    table: dict[str, list[_Phrase]] = {}
    for row in TABLE:
        for text, opposite in (
            *((text, False) for text in phrases(row.asks)),
            *((text, True) for text in phrases(row.opposite)),
        ):
            words = plain(text).split()
            ends = frozenset(_alternatives(words[-1]))
            phrase = _Phrase(row, opposite, " ".join(words), sum(word != ".." for word in words), ends)
            for word in set(_alternatives(words[0])):
                table.setdefault(word, []).append(phrase)
    return table


_BY_FIRST_WORD = _indexed()

KINDS: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType(
    {row.name: [(kind, plain(phrase)) for kind, texts in row.kinds.items() for phrase in phrases(texts)] for row in TABLE}
)
"""The kinds of each row, and the phrases that name them."""
