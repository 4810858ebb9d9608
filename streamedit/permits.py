"""What an edit may do and holds while it is made: its place among others, its reservation, the moderation's leave."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import StoreUnavailable
from streamedit.limits import headers_of
from streamedit.moderation import Moderation
from streamedit.parties import Allowance, Party, Scope
from streamedit.routing import Plan
from streamedit.stores import Entered, Quotas, Registry, Spends
from streamedit.wire.forms import overridden

_FAREWELL_S = 2.0
"""For the stores to take back what an edit holds."""

_SLACK_S = 120.0
"""Beyond an edit's longest time, before what is reserved for it is taken for spent; its images are fetched within it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says. `keys`, `end_users`: for those who have nothing else said of them.

    `queue_wait_s`: how long an edit waits for its turn. `total_s`: how long it takes at most from then on.
    """

    server: Allowance = field(default_factory=Allowance)
    keys: Allowance = field(default_factory=Allowance)
    end_users: Allowance = field(default_factory=Allowance)
    queue_wait_s: float = 30.0
    total_s: float = 900.0


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the counts are kept."""

    registry: Registry
    quotas: Quotas
    spends: Spends


@dataclass(frozen=True, slots=True)
class Tools:
    """What permits work with."""

    rules: Rules
    stores: Stores
    clocks: Clocks
    moderation: Moderation | None

    @property
    def longest_s(self) -> float:
        return self.rules.queue_wait_s + self.rules.total_s + _SLACK_S


class Permit:
    """What one edit may do, and holds. `open` it before the first call, `close` it behind the last, whatever happens.

    `plan`: who may be asked. `headers`: for its answers. `flagged`: what the moderation has found. `is_waiting`: for its turn.
    """

    def __init__(self, edit_id: str, plan: Plan, party: Party, tools: Tools) -> None:
        self.plan = plan
        self.party = party
        self.flagged: tuple[str, ...] = ()
        self.is_waiting = False
        self.worst_micros = 0
        self.spent_micros = 0
        self._edit_id = edit_id
        self._tools = tools
        self._entered: Entered | None = None
        self._is_reserved = False
        self._is_called = True

    @property
    def headers(self) -> dict[str, str]:
        return dict(headers_of(self._entered.requests, self._entered.images)) if self._entered else {}

    @property
    def is_overdrawn(self) -> bool:
        """The edit has cost more than was reserved for it."""
        return self._is_reserved and self.spent_micros > self.worst_micros

    @property
    def observes(self) -> bool:
        """`observe` is to go on beside the calls."""
        moderation = self._tools.moderation
        return moderation is not None and not moderation.settings.blocks

    async def enter(self, scopes: Sequence[Scope], images: int) -> None:
        """Count the edit. Raises RateLimited, QueueFull, StoreUnavailable."""
        if scopes:
            self._entered = await self._tools.stores.quotas.enter(self._edit_id, scopes, images)

    @property
    def judges_images(self) -> bool:
        """The moderation looks into them."""
        return self._tools.moderation is not None and self._tools.moderation.settings.images

    async def reserve(self, scopes: Sequence[Scope], micros: int, *, is_next: bool) -> None:
        """Reserve what the edit can cost; `is_next`: nothing has to come in before. Raises BudgetExceeded, StoreUnavailable."""
        if not scopes:
            return
        # Whoever need not wait for anything is called next.
        self._is_called = is_next and not (self._waits or self._is_judged)
        until_s = self._tools.clocks.now_s() + self._tools.longest_s
        await self._tools.stores.spends.reserve(self._edit_id, scopes, micros, until_s, is_called=self._is_called)
        self._is_reserved, self.worst_micros = True, micros

    async def open(self, request: EditRequest, bring: Callable[[], Awaitable[None]]) -> None:
        """Wait until the provider may be called. Raises ModerationBlocked, ConcurrencyLimited, and what the stores raise.

        `bring` brings images in that are only named: when the edit's turn has come, so that those who wait hold none, unless
        somebody has to look into them before.
        """
        self.is_waiting = True
        looks_first = self._is_judged and self.judges_images
        if looks_first:
            await bring()
        if self._is_judged:
            await self.observe(request)
        if self._waits:
            await self._tools.stores.quotas.turn(self._edit_id, self._tools.rules.queue_wait_s)
        if not looks_first:
            await bring()
        if not self._is_called:
            await self._tools.stores.spends.calling(self._edit_id)
        self.is_waiting = False

    async def observe(self, request: EditRequest) -> None:
        """Ask the moderation. Raises ModerationBlocked, ModerationUnavailable, InvalidRequest, where it may refuse."""
        if self._tools.moderation is None:
            return
        variants = [overridden(request, stage.overrides) for stage in self.plan.stages]
        verdict = await self._tools.moderation.judge(request, self._edit_id, variants)
        self.flagged = verdict.flagged
        if verdict.refusal is not None:
            raise verdict.refusal

    def spend(self, micros: int) -> None:
        """An attempt has cost so much, or may have."""
        self.spent_micros += micros

    async def close(self, *, is_counted: bool = True) -> None:
        """Settle, and give back what is held; unless it `is_counted` the edit never was. Bounded, cancelled or not."""
        if self._is_reserved:
            self._tools.stores.spends.settle(self._edit_id, self.spent_micros)
        if self._entered is not None:
            # Leases end by themselves.
            with suppress(StoreUnavailable), anyio.move_on_after(_FAREWELL_S, shield=True):
                await self._tools.stores.quotas.leave(self._edit_id, is_counted=is_counted)

    @property
    def _waits(self) -> bool:
        return self._entered is not None and not self._entered.is_running

    @property
    def _is_judged(self) -> bool:
        return self._tools.moderation is not None and self._tools.moderation.settings.blocks
