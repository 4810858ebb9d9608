"""From a prompt to instructions: which rows of the repertoire it speaks of, how much of each, and what else it says of them.

All of a prompt is to be understood, not a word here and there: what is not leaves a picture that nobody asked for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from streamedit.darkroom.instructions import Details, Instruction, Scope
from streamedit.darkroom.repertoire.entries import Entry, phrases
from streamedit.darkroom.words.advice import not_understood, nothing_asked
from streamedit.darkroom.words.colour_names import LONG_COLOUR
from streamedit.darkroom.words.mentions import Mention, instructions_of, linked
from streamedit.darkroom.words.phrases import KINDS, Found, found_in, pattern_of
from streamedit.darkroom.words.readers import READERS
from streamedit.darkroom.words.text import Text, Words, read
from streamedit.darkroom.words.vocabulary import (
    BACKGROUND,
    BEHIND,
    COMPLAINT,
    FACTORS,
    FAULTS,
    GENERAL,
    HARD_BREAK,
    KEEPING,
    LESS,
    NAMED_SUBJECT,
    NOT,
    PASSED,
    PERCENT,
    PICTURE_OF,
    SOFT_BREAK,
    SUBJECT,
    VERBS,
)

_PERCENT_AFTER = re.compile(rf"[ :=]*(?:(?:by|to|at|of) )?{PERCENT.pattern}")
_MASKS_NAME = re.compile(r"\b(?:the|this|that|these|those|his|her|their|my|its|your) \w+(?: \w+)?")
_SIGNED = frozenset({"stops"})
_CLAUSE = re.compile(f"{HARD_BREAK.pattern}|{SOFT_BREAK.pattern}")
_OTHER_WISH = re.compile(rf"(?:{_CLAUSE.pattern})(?: |\b(?:and|then|also|please)\b)*(?:{'|'.join(sorted(VERBS))})\b")
_TOKEN = re.compile(r"[\w#'%.:+-]*\w|[;,|\n]")


def parse(prompt: str, *, masked: bool = False) -> tuple[Instruction, ...]:
    """The instructions of a prompt, in its order, each once.

    `masked`: there is a mask, so that names of what is under it need not be known. Raises InvalidRequest
    (`prompt_not_understood`) when something is not understood, or nothing asked for.
    """
    text = read(prompt)
    body = KEEPING.sub(" ; ", text.plain)
    mentions = [_understood(mention, text, masked=masked) for mention in _mentions(body)]
    if not mentions:
        raise not_understood(_unknown(body, GENERAL))
    unknown = [word for mention in mentions for word in (*mention.unknown, *mention.beyond)]
    if unknown:
        near = [mention.entry for mention in mentions if mention.unknown]
        raise not_understood(unknown, [mention.entry for mention in mentions], near)
    instructions = instructions_of(linked(mentions))
    if not instructions:
        raise nothing_asked()
    return tuple(sorted(instructions, key=lambda each: each.name != "all images"))


def _mentions(body: str) -> Sequence[Mention]:
    """The phrases of a text, and between each two of them the words before the last break for the first."""
    found = found_in(body)
    starts = [*(each.start for each in found), len(body)][1:]
    mentions: list[Mention] = []
    before = body[: found[0].start] if found else ""
    for each, following in zip(found, starts, strict=True):
        gap = body[each.end : following]
        after, rest = (gap, "") if following == len(body) else _parted(gap, each)
        mentions.append(Mention(each, before, after))
        before = rest
    return mentions


def _parted(gap: str, first: Found) -> tuple[str, str]:
    """What of the words between two phrases belongs to the first, and what to the second."""
    for pattern in (HARD_BREAK, SOFT_BREAK):
        breaks = list(pattern.finditer(gap))
        if breaks:
            return gap[: breaks[-1].start()], gap[breaks[-1].start() :]
    if match := _PERCENT_AFTER.match(gap):
        return match[0], gap[match.end() :]
    words = Words(gap)
    _details(words, first.entry)
    at = words.left.rfind("|") + 1
    return (gap, words.left[at:]) if at else ("", gap)


def _understood(mention: Mention, text: Text, *, masked: bool) -> Mention:
    """With all that its words say."""
    row = mention.entry
    own, beyond = _parted_wish(mention.after)
    said = PICTURE_OF.sub(" ", "\n".join((mention.before, mention.found.text, own)))
    words = Words(said)
    kind = _kind(words, row)
    details = replace(_details(words, row), kind=kind)
    scope = _scope(words, row, masked=masked)
    before, within, after = words.left.split("\n")
    between = " ".join(word for word in _unmeant(mention.found) if word in within.split())
    near = f"{_last(before)} {between} {_first(after)}"
    percents = PERCENT.findall(near)
    factors = [factor for pattern, factor in FACTORS if pattern.search(near)]
    fault = bool(FAULTS.fullmatch(mention.found.text) and COMPLAINT.search(_last(mention.before)))
    less = bool(LESS.search(near)) != fault
    return replace(
        mention,
        wanted=not (NOT.search(_last(mention.before)) or (fault and not row.goes_both_ways)),
        less=less,
        factor=factors[0] if factors else None,
        percent=float("".join(percents[-1])) if percents else None,
        details=_quoted(_signed(details, row, opposite=less != mention.found.opposite), text),
        scope=scope,
        unknown=tuple(_unfamiliar(row, f"{before} ; {between} ; {after}", masked=masked)),
        beyond=tuple(_unknown(beyond, GENERAL)),
    )


def _parted_wish(after: str) -> tuple[str, str]:
    """The words about an instruction, and those behind them that begin another wish: "..., and add a red hat"."""
    other = _OTHER_WISH.search(after)
    return (after, "") if other is None else (after[: other.start()], after[other.start() :])


def _unmeant(found: Found) -> Iterator[str]:
    """The words in the gaps of a phrase, but for those that ask for the same."""
    rest = found.text.partition(" ")[2]
    meant = " ".join(each.text for each in found_in(rest) if each.entry is found.entry).split()
    return (word for word in found.between.split() if word not in meant)


def _kind(words: Words, row: Entry) -> str | None:
    """Not in the name of a colour: "sky blue" is no sky."""
    aside = words.set_aside(LONG_COLOUR) if row.kinds else ()
    kinds = [kind for kind, phrase in KINDS[row.name] if words.take(pattern_of(phrase))]
    words.put_back(aside)
    return kinds[0] if kinds else None


def _details(words: Words, row: Entry) -> Details:
    taken: dict[str, Any] = {}
    for name, reader in READERS.items():
        if name in phrases(row.reads):
            taken = reader(words) | taken
    return Details(**taken)


def _scope(words: Words, row: Entry, *, masked: bool) -> Scope:
    """A name without more is the name of what is under the mask, where there is one."""
    if not row.scoped:
        return Scope.ALL
    if words.take(BEHIND) or words.take(BACKGROUND):
        return Scope.BACKGROUND
    named = words.take(SUBJECT) or (row.local and not masked and words.take(NAMED_SUBJECT))
    return Scope.SUBJECT if named else Scope.ALL


def _signed(details: Details, row: Entry, *, opposite: bool) -> Details:
    """Numbers that go both ways go the way of the words: "underexpose by two stops"."""
    if not (opposite and details.number and _SIGNED.intersection(phrases(row.reads))):
        return details
    return replace(details, number=-abs(details.number))


def _quoted(details: Details, text: Text) -> Details:
    return details if details.text is None else replace(details, text=text.quotes[int(details.text)])


def _unfamiliar(row: Entry, left: str, *, masked: bool) -> Iterator[str]:
    """The words about an instruction that mean nothing here; what is erased, or masked, may have any name."""
    if row.name == "erase":
        return iter(())
    if masked:
        left = _MASKS_NAME.sub(" ", left)
    return _unknown(left, GENERAL)


def _unknown(left: str, known: frozenset[str]) -> Iterator[str]:
    """Runs of words that nothing is known of."""
    for pattern in (*(pattern for pattern, _ in FACTORS), LESS, PERCENT):
        left = pattern.sub(" ", left)
    words = (word if word[0].isalnum() and word not in PASSED | known else ";" for word in _TOKEN.findall(left))
    for run in " ".join(words).split(";"):
        if run.strip():
            yield run.strip()


def _last(words: str) -> str:
    """The end of some words, from their last break on."""
    return _CLAUSE.split(words)[-1]


def _first(words: str) -> str:
    return _CLAUSE.split(words)[0]
