"""What there is to say of a configuration."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from streamedit.config import Settings
from streamedit.doctor.facts import Facts


class Level(StrEnum):
    """How bad it is, the best first. Only a risk is a reason not to serve it."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class Finding:
    """`topic`: a name for scripts. `what` is the case, `why` that matters, and what would `mend` it; all without any secret."""

    level: Level
    topic: str
    what: str
    why: str = ""
    mend: str = ""


Examination: TypeAlias = Callable[[Settings, Facts], Iterator[Finding]]
"""Looks at one thing. Pure."""
