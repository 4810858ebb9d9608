"""Whether an edit may be made; and the permit that it holds while it is.

After its key and its body an edit is judged in this order, and of one that is refused nothing is left behind: the platforms and
models of its key and group (404, 403), whether its end user is blocked (403), the requests and images of the minute and the
room to wait in (429), its budgets, of which the worst case is reserved (429). Then it is an edit: the moderation is asked
(400), it waits for its turn (429 when that does not come), and a provider is called.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

import anyio

from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import Forbidden, InvalidRequest, StoreUnavailable
from streamedit.limits import RateLimits, headers_of
from streamedit.moderation import Moderation
from streamedit.parties import Allowance, EndUser, Party, Principal, Scope, ScopeKind, scope_of
from streamedit.permissions import check_named, left_of, permitted
from streamedit.pricing import Prices
from streamedit.providers.capabilities import Capabilities, adapted
from streamedit.routing import Plan, Stage
from streamedit.stores import Entered, Quotas, Registry, Spends
from streamedit.targets import Target
from streamedit.wire.forms import overridden

_MAX_END_USER_CHARS = 512

_NO_TEXT = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""PostgreSQL knows no NUL, and nobody half a pair."""

_MODEL_FIELDS = frozenset({"image_model"})
"""The Responses API's."""

_FAREWELL_S = 2.0
"""For the stores to take back what an edit holds."""

_SLACK_S = 60.0
"""Beyond an edit's longest time, before what is reserved for it is taken for spent."""


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
class Judges:
    """Who knows what an edit may cost, and who what it may show. `capabilities`: of targets, which do not heed every wish."""

    prices: Prices
    moderation: Moderation | None = None
    capabilities: Callable[[Target], Capabilities] = lambda _: Capabilities()


class Permit:
    """What one edit may do, and holds. `open` it before the first call, `close` it behind the last, whatever happens.

    `plan`: who may be asked. `headers`: for its answers. `flagged`: what the moderation has found. `is_waiting`: for its turn.
    """

    def __init__(self, edit_id: str, plan: Plan, party: Party, tools: "_Tools") -> None:
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

    async def reserve(self, scopes: Sequence[Scope], micros: int) -> None:
        """Reserve what the edit can cost. Raises BudgetExceeded, StoreUnavailable."""
        if not scopes:
            return
        # Whoever need not wait for anything is called next.
        self._is_called = not (self._waits or self._is_judged)
        until_s = self._tools.clocks.now_s() + self._tools.longest_s
        await self._tools.stores.spends.reserve(self._edit_id, scopes, micros, until_s, is_called=self._is_called)
        self._is_reserved, self.worst_micros = True, micros

    async def open(self, request: EditRequest) -> None:
        """Wait until the provider may be called. Raises ModerationBlocked, ConcurrencyLimited, and what the stores raise."""
        self.is_waiting = True
        if self._is_judged:
            await self.observe(request)
        if self._waits:
            await self._tools.stores.quotas.turn(self._edit_id, self._tools.rules.queue_wait_s)
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


@dataclass(frozen=True, slots=True)
class _Tools:
    rules: Rules
    stores: Stores
    clocks: Clocks
    moderation: Moderation | None

    @property
    def longest_s(self) -> float:
        return self.rules.queue_wait_s + self.rules.total_s + _SLACK_S


class Admission:
    """Gives permits."""

    def __init__(self, rules: Rules, stores: Stores, judges: Judges, clocks: Clocks) -> None:
        self._rules = rules
        self._registry = stores.registry
        self._judges = judges
        self._tools = _Tools(rules, stores, clocks, judges.moderation)

    async def admit(self, edit_id: str, principal: Principal, request: EditRequest, plan: Plan) -> Permit:
        """What a new edit may do. Raises CallerError, StoreUnavailable; then nothing is held."""
        plan = permitted(plan, principal)
        check_named(_models_in(request, plan), principal)
        scopes = await self._scopes(principal, request)
        limited = [scope for scope in scopes if scope.allowance.limits != RateLimits()]
        paid = [scope for scope in scopes if scope.allowance.budgets]
        plan, worst_micros = self._worst_case(plan, request) if paid else (plan, 0)
        permit = Permit(edit_id, plan, _party(principal, request), self._tools)
        async with AsyncExitStack() as undo:
            undo.push_async_callback(permit.close, is_counted=False)
            await permit.enter(limited, request.n)
            await permit.reserve(paid, worst_micros * request.n)
            undo.pop_all()
        return permit

    async def _scopes(self, principal: Principal, request: EditRequest) -> Sequence[Scope]:
        """Raises Forbidden, InvalidRequest, StoreUnavailable."""
        scopes = [Scope(ScopeKind.SERVER, "", self._rules.server)]
        if principal.group is not None:
            scopes.append(scope_of(principal.group))
        if principal.key is not None:
            scopes.append(scope_of(principal.key, self._rules.keys))
        if request.end_user is not None:
            scopes.append(scope_of(await self._end_user(request.end_user), self._rules.end_users))
        return scopes

    async def _end_user(self, name: str) -> EndUser:
        if len(name) > _MAX_END_USER_CHARS:
            told = f"An end user's name has at most {_MAX_END_USER_CHARS} characters."
            raise InvalidRequest(told, param="user", code="string_above_max_length")
        if _NO_TEXT.search(name):
            raise InvalidRequest("An end user's name has no control characters.", param="user", code="invalid_value")
        end_user = await self._registry.end_user(name) or EndUser(name)
        if end_user.is_blocked:
            raise Forbidden("This end user is blocked.", param="user", code="end_user_blocked")
        return end_user

    def _worst_case(self, plan: Plan, request: EditRequest) -> tuple[Plan, int]:
        """The targets of which it is known what an image can cost, and the most that it does, in micro-dollars."""
        told = f"The price of '{plan.model}' is not known here, so that no budget could hold it."
        refusal = Forbidden(told, param="model", code="price_unknown")
        places = ((stage, target) for stage in plan.stages for target in stage.targets)
        known = {(id(stage), id(target)): self._worst_of(stage, target, request) for stage, target in places}
        plan = left_of(plan, lambda stage, target: known[id(stage), id(target)] is not None, refusal)
        return plan, max(micros for micros in known.values() if micros is not None)

    def _worst_of(self, stage: Stage, target: Target, request: EditRequest) -> int | None:
        asked = overridden(request, stage.overrides)
        # Who refuses it costs nothing.
        with suppress(InvalidRequest):
            asked = adapted(asked, self._judges.capabilities(target), target)
        return self._judges.prices.worst_micros(target, asked)


def _models_in(request: EditRequest, plan: Plan) -> Iterator[str]:
    """Those that fields of providers' own name."""
    for stage in plan.stages:
        yield from (text for name, text in overridden(request, stage.overrides).extra if name in _MODEL_FIELDS)


def _party(principal: Principal, request: EditRequest) -> Party:
    group_id = principal.group.id if principal.group else None
    return Party(principal.id, group_id, request.end_user, request.wishes.tags, request.wishes.metadata)
