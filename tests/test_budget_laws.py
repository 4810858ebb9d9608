"""The laws of budgets over whole edits: a gateway with a database, and a provider that does whatever hypothesis thinks of."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from databases import KINDS, fresh_database
from dispatching import admission_of, dispatch_of, offer_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loggers import logger

from streamedit.admission import Judges
from streamedit.budgets import Budget, Spend
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import BudgetExceeded, EditError, UpstreamBroken, UpstreamUnreachable
from streamedit.events import Completed, Event
from streamedit.gateway import Gateway
from streamedit.limits import QuotaRules, RateLimits
from streamedit.parties import Allowance, ApiKey, Principal, Scope, ScopeKind
from streamedit.permits import Stores
from streamedit.pricing import Price, Prices
from streamedit.providers.capabilities import Capabilities
from streamedit.routes import Route, Routes
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.stores.no_ledger import NoLedger
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.registries import NoRegistry
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.spends import SqlSpends
from streamedit.targets import Target
from streamedit.telemetry import Telemetry
from streamedit.uploads import Upload
from streamedit.wire import payloads

WORST = 100
"""Of one image, in micro-dollars."""

PRICES = Prices([Price("played/*", per_image=Decimal(WORST))])


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a call: after so many turns of the loop, so many of its images at that cost each, and then an error."""

    turns: int
    cost: int
    images: int
    error: EditError | None


@dataclass(frozen=True, slots=True)
class Ask:
    """An edit: so many images, and after how many turns it is cancelled, if it is."""

    n: int
    leaves: int | None


@dataclass(slots=True)
class Played:
    """Has a fate for each call in turn. `taken`: what each has cost, or may have, while it runs and when it has ended."""

    fates: Sequence[Fate]
    makes_all: bool
    taken: list[int] = field(default_factory=list)

    def capabilities(self, _: Target) -> Capabilities:
        return Capabilities(n=10 if self.makes_all else 1)

    async def edit(self, request: EditRequest, _: Target) -> AsyncGenerator[Event]:
        fate, call = self.fates[len(self.taken) % len(self.fates)], len(self.taken)
        self.taken.append(request.n * WORST)
        await turns(fate.turns)
        images = request.n if fate.error is None else min(fate.images, request.n - 1)
        if not images and isinstance(fate.error, UpstreamUnreachable):
            self.taken[call] = 0
        for made in range(images):
            self.taken[call] += fate.cost - WORST
            yield image(fate.cost, made)
            await turns(fate.turns)
        if fate.error is not None:
            raise fate.error


def image(cost: int, index: int) -> Completed:
    """One that has cost so much."""
    usage = {"input_tokens": 1, "output_tokens": 1, "cost": cost / 1_000_000}
    return Completed(payloads.build({"type": "image_edit.completed", "usage": usage}, b"QUJD"), image_index=index)


async def turns(count: int) -> None:
    """So many turns of the event loop."""
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture(scope="module", params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of one database for all examples: each has a key of its own."""
    with fresh_database(request.param, tmp_path_factory.mktemp("laws")) as fresh:
        yield fresh


_ERRORS = (None, None, UpstreamUnreachable("gone"), UpstreamBroken("broken"))
_FATES = st.builds(Fate, st.integers(0, 30), st.integers(0, WORST), st.integers(0, 2), st.sampled_from(_ERRORS))
_ASKS = st.builds(Ask, st.integers(1, 3), st.none() | st.integers(0, 60))


_PROVIDERS = st.builds(Played, st.lists(_FATES, min_size=1, max_size=12), st.booleans())
_ALLOWANCES = st.builds(
    lambda parallel, room: Allowance(RateLimits(parallel_edits=parallel), (Budget(room * WORST),)),
    st.none() | st.integers(1, 3),
    st.integers(1, 12),
)


@given(asks=st.lists(_ASKS, min_size=1, max_size=12), provider=_PROVIDERS, allowance=_ALLOWANCES)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_budget_is_never_exceeded_and_has_what_was_taken(
    url: str, asks: list[Ask], provider: Played, allowance: Allowance
) -> None:
    """Whatever becomes of its edits, in whatever order: spent and reserved are never above the limit, nor below what a
    provider has taken or may have; in the end they are just that."""
    asyncio.run(_play(url, asks, provider, allowance))


async def _play(url: str, asks: Sequence[Ask], provider: Played, allowance: Allowance) -> None:
    database = Database(url)
    spends = SqlSpends(database, SYSTEM_CLOCKS)
    gateway = _gateway(provider, spends)
    key = ApiKey(secrets.token_hex(8), "test", b"", 1.0, allowance=allowance)
    scope = Scope(ScopeKind.KEY, key.id, allowance)
    async with database.serving(), spends.serving(), gateway.running(drain_s=20), asyncio.TaskGroup() as tasks:
        edits = [tasks.create_task(_edit(gateway, Principal(key.id, key=key), ask)) for ask in asks]
        while not all(edit.done() for edit in edits):
            before = sum(provider.taken)
            spend = await _spend_of(spends, scope)
            assert spend.spent_micros + spend.reserved_micros <= allowance.budgets[0].limit_micros
            assert spend.spent_micros + spend.reserved_micros >= min(before, sum(provider.taken))
    async with database.serving(), spends.serving():
        spend = await _spend_of(spends, scope)
        assert (spend.spent_micros, spend.reserved_micros) == (sum(provider.taken), 0)


async def _spend_of(spends: SqlSpends, scope: Scope) -> Spend:
    [spend] = (await spends.of([scope]))[scope.name]
    return spend


def _gateway(provider: Played, spends: SqlSpends) -> Gateway:
    stores = Stores(NoRegistry(), MemoryQuotas(SYSTEM_CLOCKS, QuotaRules()), spends)
    routes = Routes([Route("m", (Target("played", "m"),))], "m")
    offer = offer_of(routes, dispatch_of({"played": provider}, PRICES), admission_of(stores, judges=Judges(PRICES)))
    events = MemoryEventLog(SYSTEM_CLOCKS.clock, LogBounds(1 << 20, 0, 60))
    return Gateway(offer, events, NoLedger(), Telemetry(logger()), SYSTEM_CLOCKS)


async def _edit(gateway: Gateway, who: Principal, ask: Ask) -> None:
    """From its request to its end, or until it is cancelled: as an edit, or while it is not one yet."""
    request = EditRequest("p", (InputImage(Upload(b"png"), "a.png", "image/png"),), options=EditOptions(n=ask.n))
    submitting = asyncio.create_task(gateway.submit(request, who))
    if ask.leaves is not None and ask.leaves < 10:
        await turns(ask.leaves)
        submitting.cancel()
    try:
        edit = (await submitting).edit
    except (BudgetExceeded, asyncio.CancelledError):
        return
    if ask.leaves is not None:
        await turns(ask.leaves)
        await gateway.cancel(edit.id)
        return
    async for _ in await gateway.follow(edit.id, 0, silence_s=20):
        pass
