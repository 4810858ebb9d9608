"""From a prompt to instructions: which rows of the repertoire it speaks of, how much of each, and what else it says of them.

All of a prompt is to be understood, not a word here and there: what is not leaves a picture that nobody asked for.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from streamedit.darkroom.advice import not_understood, nothing_asked
from streamedit.darkroom.colour_names import LONG_COLOUR
from streamedit.darkroom.instructions import NOTHING, Details, Instruction, Scope
from streamedit.darkroom.phrases import KINDS, Found, found_in
from streamedit.darkroom.readers import READERS, Words
from streamedit.darkroom.repertoire.entries import Entry, phrases
from streamedit.darkroom.text import Text, read
from streamedit.darkroom.vocabulary import (
    ARTICLES,
    BACKGROUND,
    BEHIND,
    COMPLAINT,
    FACTORS,
    FAULTS,
    GENERAL,
    HARD_BREAK,
    KEEPING,
    LESS,
    LINK,
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
_DETAILS = tuple(each.name for each in fields(Details))


@dataclass(frozen=True, slots=True)
class _Mention:
    """One place where the prompt speaks of an instruction.

    `before` and `after`: the words that belong to it. `unknown`: those of them that are not understood; `beyond`: those of
    another wish behind it.
    """

    found: Found
    before: str
    after: str
    wanted: bool = True
    less: bool = False
    factor: float | None = None
    percent: float | None = None
    details: Details = NOTHING
    scope: Scope = Scope.ALL
    unknown: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()

    @property
    def entry(self) -> Entry:
        return self.found.entry

    @property
    def vague(self) -> bool:
        return self.factor is None and self.percent is None and not self.less

    @property
    def amount(self) -> float:
        if not self.entry.adjustable:
            return self.entry.usual
        both = self.entry.goes_both_ways
        less = self.less or (self.percent or 0) < 0
        factor = self.factor or (0.5 if less and not both else 1.0)
        size = self.entry.usual * factor if self.percent is None else abs(self.percent) / 100
        return min(1.0, size) * (-1 if both and less != self.found.opposite else 1)


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
    instructions = _instructions(_linked(mentions))
    if not instructions:
        raise nothing_asked()
    return tuple(sorted(instructions, key=lambda each: each.name != "all images"))


def _mentions(body: str) -> Sequence[_Mention]:
    """The phrases of a text, and between each two of them the words before the last break for the first."""
    found = found_in(body)
    starts = [*(each.start for each in found), len(body)][1:]
    mentions: list[_Mention] = []
    before = body[: found[0].start] if found else ""
    for each, following in zip(found, starts, strict=True):
        gap = body[each.end : following]
        after, rest = (gap, "") if following == len(body) else _parted(gap, each)
        mentions.append(_Mention(each, before, after))
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


def _understood(mention: _Mention, text: Text, *, masked: bool) -> _Mention:
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
    kinds = [kind for kind, pattern in KINDS[row.name] if words.take(pattern)]
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


def _linked(mentions: Sequence[_Mention]) -> Sequence[_Mention]:
    """What two phrases mean together, where nothing, or next to nothing, stands between them.

    "No vignette or grain" is neither, "less contrast and saturation" less of both, "remove the vignette" none.
    """
    linked: list[_Mention] = []
    for mention in mentions:
        before = linked[-1] if linked else None
        gap = f"{before.after}{mention.before}" if before is not None else ""
        if before is None or not gap.strip():
            linked.append(mention)
        elif LINK.fullmatch(gap):
            linked.append(replace(mention, wanted=before.wanted, less=before.less))
        elif before.entry.name == "erase" and ARTICLES.fullmatch(gap):
            linked[-1] = replace(mention, wanted=False)
        else:
            linked.append(mention)
    return linked


def _instructions(mentions: Sequence[_Mention]) -> Sequence[Instruction]:
    """Each once: what is said of one again adds to it, or counts instead."""
    refused = {mention.entry.name for mention in mentions if not mention.wanted}
    wanted: list[Instruction] = []
    for mention in mentions:
        if mention.entry.name in refused:
            continue
        new = Instruction(mention.entry.name, mention.amount, mention.details, mention.scope)
        at = next((at for at, each in enumerate(wanted) if _same(each, new)), None)
        if at is None:
            wanted.append(new)
        else:
            wanted[at] = _merged(wanted[at], new, vague=mention.vague)
    return wanted


def _same(one: Instruction, other: Instruction) -> bool:
    """Whether two mentions may be of one wish: nothing that they say of it differs."""
    pairs = ((getattr(one.details, name), getattr(other.details, name)) for name in _DETAILS)
    return (one.name, one.scope) == (other.name, other.scope) and all(not (a and b) or a == b for a, b in pairs)


def _merged(one: Instruction, other: Instruction, *, vague: bool) -> Instruction:
    details = Details(**{name: getattr(one.details, name) or getattr(other.details, name) for name in _DETAILS})
    return replace(one, amount=one.amount if vague else other.amount, details=details)


def _last(words: str) -> str:
    """The end of some words, from their last break on."""
    return _CLAUSE.split(words)[-1]


def _first(words: str) -> str:
    return _CLAUSE.split(words)[0]
