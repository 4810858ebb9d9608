"""Where an edit's events are kept while, and after, it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from streamedit.events import Event


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in the log: its id within its edit (1, 2, 3 ...), and whether it is the edit's last."""

    id: int
    event: Event
    last: bool


class Cursor(Protocol):
    """One reader's place in an edit's log. It never misses an event and never sees one twice."""

    async def read(self, wait_s: float) -> Sequence[Logged]:
        """The events behind the cursor, which moves on; none when `wait_s` have passed without any."""
        ...


class EventLog(Protocol):
    """Every edit's events in order."""

    async def create(self, edit_id: str) -> None:
        """Begin an edit's log."""
        ...

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        """Add an event, give its id. Raises KeyError for an edit that is not there."""
        ...

    def follow(self, edit_id: str, after: int = 0) -> Cursor:
        """A reader's cursor behind event `after`. Raises KeyError for an edit that is not there, or not any more."""
        ...
