"""Where an edit's events are kept while, and after, it happens."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from streamedit.edits import Edit
from streamedit.errors import EditExpired, IdempotencyKeyReused, NotFound
from streamedit.events import Event
from streamedit.health import Health
from streamedit.idempotency import Claim


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in the log: its id within its edit (1, 2, 3 ...), and whether it is the edit's last."""

    id: int
    event: Event
    last: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What a log knows of an edit. `last_id`: the id of its newest event, 0 before the first.

    `expires_in_s`: how long it can still be read; None while it runs.
    """

    edit: Edit
    last_id: int
    expires_in_s: float | None

    @property
    def ended(self) -> bool:
        return self.expires_in_s is not None


def no_such_edit() -> NotFound:
    """For an edit that is not there, and for somebody else's: nobody can tell which."""
    return NotFound("There is no such edit.", param="id", code="edit_not_found")


def not_kept() -> EditExpired:
    """For an edit that was there."""
    return EditExpired("This edit is not kept any more.", param="id")


def key_reused() -> IdempotencyKeyReused:
    """For a claim whose key stands for another request."""
    return IdempotencyKeyReused("This Idempotency-Key was used with another request.", param="idempotency-key")


class EndedElsewhere(Exception):
    """An edit was declared ended while its producer was out of reach; its log takes no event any more."""


class Cursor(Protocol):
    """One reader's place in an edit's log. It never misses an event and never sees one twice."""

    async def read(self, wait_s: float) -> Sequence[Logged]:
        """The events behind the cursor, which moves on; none when `wait_s` have passed without any."""
        ...


Step: TypeAlias = Callable[[Health], Health | None]
"""What a health becomes; None for nothing."""


class Healths(Protocol):
    """Every target's health, by the target's id. What is not known is a fresh `Health`; a store that is away knows nothing."""

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        """What is known of these."""
        ...

    def serving(self) -> AbstractAsyncContextManager[None]:
        """The store works inside."""
        ...

    async def change(self, target_id: str, step: Step) -> tuple[Health, Health] | None:
        """Replace a target's health by what `step` makes of it, in one go; when that is None it stays. Gives both.

        `step` has no effects: it may be called several times.
        """
        ...


class EventLog(Protocol):
    """Every edit's events in order."""

    @property
    def is_ready(self) -> bool:
        """New edits can be kept."""
        ...

    @property
    def size_bytes(self) -> int:
        """How many bytes of events this process keeps."""
        ...

    def serving(self, cancel: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
        """The log works inside. It calls `cancel` with the id of an edit created here that somebody elsewhere wants to end."""
        ...

    async def create(self, edit: Edit, claim: Claim | None = None) -> Edit:
        """Begin an edit's log, and give that edit; or the one that was made before with the same claim.

        Of any number of simultaneous calls with one claim, one begins an edit. Raises IdempotencyKeyReused when the claim's key
        stands for another request, EditExpired when the earlier edit is gone, LogFull, StoreUnavailable.
        """
        ...

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        """Add an event to an edit created here, give its id. Raises EndedElsewhere."""
        ...

    async def find(self, edit_id: str, owner: str) -> Entry:
        """An edit of this owner. Raises NotFound for one that is not there or not theirs, EditExpired, StoreUnavailable."""
        ...

    async def follow(self, edit_id: str, after: int = 0) -> Cursor:
        """A reader's cursor behind event `after`. Raises NotFound, EditExpired, LogFull, StoreUnavailable."""
        ...

    def delivered(self, edit_id: str) -> None:
        """Somebody has got an edit's last event: among those that have ended it is the first to be let go."""
        ...

    async def request_cancel(self, edit_id: str) -> None:
        """Ask whoever produces the edit to cancel it. Raises StoreUnavailable."""
        ...
