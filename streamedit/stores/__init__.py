"""Where an edit's events are kept while, and after, it happens."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from streamedit.budgets import Spend
from streamedit.edits import Edit
from streamedit.errors import EditExpired, IdempotencyKeyReused, NotFound
from streamedit.events import Event
from streamedit.health import Health
from streamedit.idempotency import Claim
from streamedit.limits import Standing
from streamedit.parties import ApiKey, EndUser, Group, Party, Scope
from streamedit.records import Report


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


class Registry(Protocol):
    """Who may ask: keys that were given out, groups, end users. What was changed elsewhere is seen within seconds.

    All raise StoreUnavailable.
    """

    async def key(self, key_id: str) -> ApiKey | None: ...

    async def group(self, group_id: str) -> Group | None: ...

    async def end_user(self, end_user_id: str) -> EndUser | None: ...

    async def has_keys(self) -> bool:
        """Any was ever given out: taking the last one back opens nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Entered:
    """An edit that counts. `is_running`: it has its slots, else it waits. The standings are the tightest of its scopes'."""

    is_running: bool = True
    requests: Standing | None = None
    images: Standing | None = None


class Quotas(Protocol):
    """How many requests and images each scope has had in the last minute, and how many edits it has at a time."""

    def serving(self) -> AbstractAsyncContextManager[None]:
        """The store works inside."""
        ...

    async def enter(self, edit_id: str, scopes: Sequence[Scope], images: int) -> Entered:
        """Count an edit in all of its scopes, and give it a slot in each or a place in the queue, in one go; or do nothing.

        Raises RateLimited, ImagesLimited, QueueFull, StoreUnavailable.
        """
        ...

    async def turn(self, edit_id: str, within_s: float) -> None:
        """Wait for an edit's slots: who came first has them first. Raises ConcurrencyLimited; then the edit is out."""
        ...

    async def leave(self, edit_id: str, *, is_counted: bool = True) -> None:
        """Give back its slots, or its place in the queue; unless it `is_counted` its request and images as well. Idempotent."""
        ...


class Spends(Protocol):
    """What was spent of budgets, and what is reserved for edits at work; it outlives the process."""

    def serving(self) -> AbstractAsyncContextManager[None]:
        """The store works inside; leaving waits for settlements, within a bound."""
        ...

    async def reserve(self, edit_id: str, scopes: Sequence[Scope], micros: int, until_s: float, *, is_called: bool) -> None:
        """Reserve `micros` in the running period of every budget of these scopes, or in none. Raises BudgetExceeded.

        What is not settled by `until_s` (Unix time) is taken for spent if the edit `is_called`: its provider may have charged
        it; else it is free again. Raises StoreUnavailable.
        """
        ...

    async def calling(self, edit_id: str) -> None:
        """From now on the edit's provider may charge. Raises StoreUnavailable."""
        ...

    def settle(self, edit_id: str, micros: int) -> None:
        """The edit has cost so much; nothing is reserved for it any more. Done soon, and until it is done."""
        ...

    async def of(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Spend]]:
        """Each budget's running period, by the scope's name. Raises StoreUnavailable."""
        ...


class Ledger(Protocol):
    """Every edit and every attempt, for good."""

    def serving(self) -> AbstractAsyncContextManager[None]:
        """It works inside; leaving enters what is still to be entered, within a bound."""
        ...

    @property
    def has_room(self) -> bool:
        """New edits can be entered."""
        ...

    def begin(self, edit: Edit, party: Party, started_at_s: float) -> None:
        """An edit begins. Should this process die, the ledger has it as interrupted. At once."""
        ...

    def keep(self, report: Report, *, is_final: bool) -> None:
        """What is known of an edit: before its last event is delivered, and when all of its attempts have ended. At once.

        Whoever was told of an edit's end finds it in the ledger, whatever becomes of this process in between.
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

    async def claimed(self, claim: Claim) -> Edit | None:
        """The edit that was made with this claim. Raises IdempotencyKeyReused, EditExpired, StoreUnavailable."""
        ...

    async def unclaim(self, claim: Claim, edit_id: str) -> None:
        """The claim stands for that edit no longer: it has ended before anybody was asked. Raises StoreUnavailable."""
        ...

    async def request_cancel(self, edit_id: str) -> None:
        """Ask whoever produces the edit to cancel it. Raises StoreUnavailable."""
        ...
