"""Where a prompt speaks of an instruction, and what becomes of all these places together."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from streamedit.darkroom.instructions import NOTHING, Details, Instruction, Scope
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.words.phrases import Found
from streamedit.darkroom.words.vocabulary import ARTICLES, LINK

_DETAILS = tuple(each.name for each in fields(Details))


@dataclass(frozen=True, slots=True)
class Mention:
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


def linked(mentions: Sequence[Mention]) -> Sequence[Mention]:
    """What two phrases mean together, where nothing, or next to nothing, stands between them.

    "No vignette or grain" is neither, "less contrast and saturation" less of both, "remove the vignette" none.
    """
    joined: list[Mention] = []
    for mention in mentions:
        before = joined[-1] if joined else None
        gap = f"{before.after}{mention.before}" if before is not None else ""
        if before is None or not gap.strip():
            joined.append(mention)
        elif LINK.fullmatch(gap):
            joined.append(replace(mention, wanted=before.wanted, less=before.less))
        elif before.entry.name == "erase" and ARTICLES.fullmatch(gap):
            joined[-1] = replace(mention, wanted=False)
        else:
            joined.append(mention)
    return joined


def instructions_of(mentions: Sequence[Mention]) -> Sequence[Instruction]:
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
