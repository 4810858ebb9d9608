"""What was found in the parts of a request, and what follows from that. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from streamedit.errors import EditError, InvalidRequest, ModerationBlocked, ModerationUnavailable
from streamedit.standards import ModerationSettings

KEYWORD = "keyword"
"""The category of a keyword: which one it was is nobody's business."""

Outcome: TypeAlias = Literal["passed", "flagged", "blocked", "failed"]


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Nobody knows. `why`: a status, or an error's name. `is_callers`: no endpoint takes such a file.

    `may_pass`: the same question may do better.
    """

    why: str
    is_callers: bool = False
    may_pass: bool = False


Finding: TypeAlias = tuple[str, ...] | Unjudged
"""The categories of one part that count."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """On a request. `flagged`: the categories that count, sorted. `unjudged`: why parts of it were not judged, sorted.

    `refusal`: why the edit must not go on; None when it may.
    """

    flagged: tuple[str, ...] = ()
    unjudged: tuple[str, ...] = ()
    refusal: EditError | None = None

    @property
    def is_blocked(self) -> bool:
        return self.refusal is not None

    @property
    def outcome(self) -> Outcome:
        """In a word. What was found counts more than what was not."""
        if self.flagged:
            return "blocked" if self.is_blocked else "flagged"
        return "failed" if self.unjudged else "passed"


def verdict_of(findings: Sequence[Finding], settings: ModerationSettings) -> Verdict:
    """What follows from what was found in all parts of a request."""
    flagged = sorted({category for found in findings if not isinstance(found, Unjudged) for category in found})
    unjudged = [found for found in findings if isinstance(found, Unjudged)]
    whys = sorted({each.why for each in unjudged})
    return Verdict(tuple(flagged), tuple(whys), _refusal(flagged, unjudged, settings))


def _refusal(flagged: Sequence[str], unjudged: Sequence[Unjudged], settings: ModerationSettings) -> EditError | None:
    if not settings.blocks:
        return None
    if flagged:
        return ModerationBlocked(f"{settings.message.rstrip('.: ')}: {', '.join(flagged)}.")
    if not unjudged or settings.on_error == "open":
        return None
    if any(each.is_callers for each in unjudged):
        return InvalidRequest(
            "This server's moderation must judge every file, and takes PNG, JPEG, WebP and GIF images of at most 20 MB.",
            param="image",
            code="image_not_judged",
        )
    return ModerationUnavailable("This server's moderation does not answer.")
