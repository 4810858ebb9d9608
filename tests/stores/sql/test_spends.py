"""What is spent of budgets: the same promises on both databases."""

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from databases import KINDS, fresh_database
from handclock import HandClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import Connection, delete, func, select, text, update
from stores.logs import until

from streamedit.budgets import Budget, Spend, period_of
from streamedit.clocks import Clocks
from streamedit.errors import BudgetExceeded, StoreUnavailable
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.stores import Spends
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.spends import SqlSpends
from streamedit.stores.sql.tables import RESERVATIONS, SPENDS

NOW_S = 1_800_000_000.0
HOUR_S = 3600.0


@pytest.fixture(scope="module", params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of one database for all of these tests: to make one takes longer than they do."""
    with fresh_database(request.param, tmp_path_factory.mktemp("spends")) as fresh:
        yield fresh


@pytest.fixture
async def url(database_url: str) -> str:
    """With nothing in it."""
    database = Database(database_url)
    async with database.serving():
        await database.write(lambda connection: [connection.execute(delete(table)) for table in (RESERVATIONS, SPENDS)])
    return database_url


@asynccontextmanager
async def opened(url: str, clocks: Clocks) -> AsyncIterator[tuple[SqlSpends, Database]]:
    """As one process has them."""
    database = Database(url)
    spends = SqlSpends(database, clocks)
    async with database.serving(), spends.serving():
        yield spends, database


def scope_of(*budgets: Budget, kind: ScopeKind = ScopeKind.KEY, name: str = "k") -> Scope:
    """With these budgets."""
    return Scope(kind, name, Allowance(budgets=budgets))


async def come_to(spends: Spends, scope: Scope) -> list[tuple[int, int]]:
    """Spent and reserved, of each budget."""
    return [(each.spent_micros, each.reserved_micros) for each in (await spends.of([scope]))[scope.name]]


async def settled(spends: Spends, scope: Scope, *expected: tuple[int, int]) -> None:
    """Returns when it has come to that."""

    async def has_come() -> bool:
        return await come_to(spends, scope) == list(expected)

    await until(has_come)


async def reservations(database: Database) -> int:
    """How many there are."""
    count = select(func.count()).select_from(RESERVATIONS)
    return int(await database.read(lambda connection: connection.execute(count).scalar_one()))


async def test_an_edit_is_reserved_and_then_settled(url: str) -> None:
    """In every budget of every scope; what it has cost is spent, and the rest is free again."""
    key = scope_of(Budget(1_000, "1d"), Budget(10_000, "1mo"))
    group = scope_of(Budget(5_000), kind=ScopeKind.GROUP, name="g")
    async with opened(url, HandClock().clocks) as (spends, database):
        await spends.reserve("edit_1", [group, key], 600, NOW_S + 60, is_called=False)
        assert await come_to(spends, key) == [(0, 600), (0, 600)]
        assert await come_to(spends, group) == [(0, 600)]
        await spends.calling("edit_1")
        spends.settle("edit_1", 250)
        await settled(spends, key, (250, 0), (250, 0))
        assert await come_to(spends, group) == [(250, 0)]
        assert await reservations(database) == 0


async def test_a_spend_says_what_it_is_of(url: str) -> None:
    """With the budget and its running period; a scope without budgets has none."""
    budget = Budget(1_000, "1d")
    bare = scope_of(name="bare")
    async with opened(url, HandClock(NOW_S).clocks) as (spends, _):
        found = await spends.of([scope_of(budget), bare])
    assert found == {"key:k": [Spend(budget, period_of("1d", NOW_S))], "key:bare": []}


async def test_one_budget_without_room_is_enough(url: str) -> None:
    """Then nothing is reserved in the others either, and a smaller edit may still come."""
    key, group = scope_of(Budget(1_000)), scope_of(Budget(500), kind=ScopeKind.GROUP)
    async with opened(url, HandClock().clocks) as (spends, database):
        with pytest.raises(BudgetExceeded, match="the group's total budget"):
            await spends.reserve("edit_1", [group, key], 501, NOW_S + 60, is_called=False)
        assert await come_to(spends, key) == [(0, 0)]
        await spends.reserve("edit_2", [group, key], 500, NOW_S + 60, is_called=False)
        assert await reservations(database) == 2


async def test_what_edits_at_work_hold_may_be_free_soon(url: str) -> None:
    """The refusal says so; once it is spent, it says when the period ends."""
    key = scope_of(Budget(100, "1h"))
    async with opened(url, HandClock(NOW_S).clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 100, NOW_S + 60, is_called=True)
        with pytest.raises(BudgetExceeded) as held:
            await spends.reserve("edit_2", [key], 1, NOW_S + 60, is_called=False)
        spends.settle("edit_1", 100)
        await settled(spends, key, (100, 0))
        with pytest.raises(BudgetExceeded) as spent:
            await spends.reserve("edit_3", [key], 1, NOW_S + 60, is_called=False)
    assert held.value.detail.headers == {"retry-after": "1"}
    assert spent.value.detail.headers == {"x-should-retry": "false", "retry-after": "3600"}


async def test_what_costs_nothing_is_never_refused(url: str) -> None:
    """A budget of nothing refuses whatever could cost something; a cost that turns up later is counted all the same."""
    key = scope_of(Budget(0))
    async with opened(url, HandClock().clocks) as (spends, _):
        with pytest.raises(BudgetExceeded):
            await spends.reserve("edit_1", [key], 1, NOW_S + 60, is_called=False)
        await spends.reserve("edit_2", [key], 0, NOW_S + 60, is_called=True)
        spends.settle("edit_2", 7)
        await settled(spends, key, (7, 0))
        await spends.reserve("edit_3", [key], 0, NOW_S + 60, is_called=True)


async def test_without_budgets_nothing_is_written(url: str) -> None:
    """An edit whose scopes have none costs the database nothing."""
    async with opened(url, HandClock().clocks) as (spends, database):
        await spends.reserve("edit_1", [scope_of()], 10, NOW_S + 60, is_called=False)
        await spends.calling("edit_1")
        spends.settle("edit_1", 10)
        assert await reservations(database) == 0


async def test_a_settlement_counts_once(url: str) -> None:
    """However often it is said, and whatever is said the second time."""
    key = scope_of(Budget(1_000))
    async with opened(url, HandClock().clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 500, NOW_S + 60, is_called=True)
        spends.settle("edit_1", 100)
        spends.settle("edit_1", 400)
        await spends.reserve("edit_2", [key], 900, NOW_S + 60, is_called=True)
        assert await come_to(spends, key) == [(100, 900)]


async def test_more_than_was_reserved_is_spent_as_it_is(url: str) -> None:
    """What was paid was paid."""
    key = scope_of(Budget(1_000))
    async with opened(url, HandClock().clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 500, NOW_S + 60, is_called=True)
        spends.settle("edit_1", 1_200)
        await settled(spends, key, (1_200, 0))


async def test_an_edit_is_spent_in_the_period_in_which_it_began(url: str) -> None:
    """The next period begins with nothing, and stays so when the edit ends in it."""
    key, clock = scope_of(Budget(100, "1h")), HandClock(NOW_S)
    async with opened(url, clock.clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 100, NOW_S + 2 * HOUR_S, is_called=True)
        await clock.passes(HOUR_S)
        await spends.reserve("edit_2", [key], 100, NOW_S + 2 * HOUR_S, is_called=True)
        spends.settle("edit_1", 90)
        with pytest.raises(BudgetExceeded):
            await spends.reserve("edit_3", [key], 1, NOW_S + 2 * HOUR_S, is_called=True)
        assert await come_to(spends, key) == [(0, 100)]
        clock.now_s = NOW_S
        await settled(spends, key, (90, 0))


async def test_own_settlements_make_room_first(url: str) -> None:
    """An edit that follows one which has just ended is not refused for what that one held."""
    key = scope_of(Budget(100))
    async with opened(url, HandClock().clocks) as (spends, _):
        for number in range(20):
            await spends.reserve(f"edit_{number}", [key], 100, NOW_S + 60, is_called=True)
            spends.settle(f"edit_{number}", 0)


async def attempted(spends: Spends, edit_id: str, scopes: Sequence[Scope], micros: int) -> bool:
    """Whether there was room."""
    try:
        await spends.reserve(edit_id, scopes, micros, NOW_S + 60, is_called=False)
    except BudgetExceeded:
        return False
    return True


async def test_two_hundred_edits_at_once_find_room_for_fifty(url: str) -> None:
    """Exactly, in two processes, with a second budget that has more room."""
    key, server = scope_of(Budget(5_000)), scope_of(Budget(10**9, "1d"), kind=ScopeKind.SERVER, name="")
    clocks = HandClock().clocks
    async with opened(url, clocks) as (one, _), opened(url, clocks) as (other, _):
        tried = [attempted((one, other)[number % 2], f"edit_{number}", [server, key], 100) for number in range(200)]
        done = await asyncio.gather(*tried)
        assert sum(done) == 50
        assert await come_to(one, key) == await come_to(other, server) == [(0, 5_000)]
        for number in range(200):
            (one, other)[number % 2].settle(f"edit_{number}", 60)
        await settled(one, key, (3_000, 0))
        await settled(one, server, (3_000, 0))


async def test_nobody_ever_sees_more_than_the_limit(url: str) -> None:
    """While edits in two processes come and go, and cost what they cost; in the end that is what is spent."""
    key, group = scope_of(Budget(1_000)), scope_of(Budget(1_500), kind=ScopeKind.GROUP, name="g")
    clocks = HandClock().clocks
    async with opened(url, clocks) as (one, _), opened(url, clocks) as (other, _):
        costs = dict[str, int]()

        async def edit(spends: SqlSpends, number: int) -> None:
            micros = 40 + number % 7 * 30
            if await attempted(spends, f"edit_{number}", [key, group], micros):
                costs[f"edit_{number}"] = micros * (number % 3) // 2
                spends.settle(f"edit_{number}", costs[f"edit_{number}"])

        async def watch() -> None:
            while len(costs) < 10:
                for scope, limit in ((key, 1_000), (group, 1_500)):
                    ((spent, reserved),) = await come_to(one, scope)
                    assert spent + reserved <= limit

        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            for number in range(60):
                tasks.create_task(edit((one, other)[number % 2], number))
            await watching
        await settled(one, key, (sum(costs.values()), 0))
        await settled(one, group, (sum(costs.values()), 0))


@asynccontextmanager
async def locked(url: str) -> AsyncIterator[None]:
    """Nobody else can write inside."""
    database, is_locked, loop = Database(url), asyncio.Event(), asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()

    def hold(connection: Connection) -> None:
        if not database.is_sqlite:
            connection.execute(text("LOCK TABLE streamedit_spends"))
        loop.call_soon_threadsafe(is_locked.set)
        asyncio.run_coroutine_threadsafe(_awaited(over), loop).result(10)

    async with database.serving(), asyncio.TaskGroup() as tasks:
        tasks.create_task(database.write(hold))
        await is_locked.wait()
        yield
        over.set_result(None)


async def _awaited(over: "asyncio.Future[None]") -> None:
    await over


@pytest.mark.parametrize("turns", [0, 1, 2, 5])
async def test_a_caller_who_leaves_gets_back_what_was_reserved(url: str, turns: int) -> None:
    """Whenever that is, and just before the end, too: the transaction that it was in goes on, and is then undone."""
    key, clocks = scope_of(Budget(1_000)), HandClock().clocks
    async with opened(url, clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 10, NOW_S + 60, is_called=False)
        async with locked(url):
            leaving = asyncio.ensure_future(spends.reserve("edit_2", [key], 500, NOW_S + 60, is_called=True))
            for _ in range(turns):
                await asyncio.sleep(0)
            leaving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await leaving
    async with opened(url, clocks) as (spends, database):
        assert await come_to(spends, key) == [(0, 10)]
        assert await reservations(database) == 1


def renamed(table: str, name: str) -> Callable[[Connection], None]:
    """Gives a table another name: whoever needs it finds nothing."""

    def step(connection: Connection) -> None:
        connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))

    return step


async def test_who_waited_in_vain_gets_back_what_is_reserved_afterwards(url: str) -> None:
    """The database was locked for longer than anybody waits; what it does then with a reservation is taken back."""
    scope, clocks = scope_of(Budget(1_000)), HandClock().clocks
    is_locked, goes_on = threading.Event(), threading.Event()

    def lock(connection: Connection) -> None:
        connection.execute(update(SPENDS).values(spent_micros=SPENDS.c.spent_micros))
        is_locked.set()
        goes_on.wait(10)

    database, other = Database(url), Database(url)
    spends = SqlSpends(database, clocks, patience_s=0.1)
    async with database.serving(), other.serving(), spends.serving():
        await spends.reserve("edit_1", [scope], 1, NOW_S + 60, is_called=True)
        spends.settle("edit_1", 1)
        await settled(spends, scope, (1, 0))
        locking = asyncio.create_task(other.write(lock))
        await asyncio.to_thread(is_locked.wait, 10)
        with pytest.raises(StoreUnavailable):
            await spends.reserve("edit_2", [scope], 600, NOW_S + 60, is_called=True)
        goes_on.set()
        await locking
    async with opened(url, clocks) as (spends, database):
        assert await come_to(spends, scope) == [(1, 0)]
        assert await reservations(database) == 0


async def test_a_settlement_is_repeated_until_it_is_done(url: str) -> None:
    """The database may be away meanwhile; what comes after it is not lost either."""
    key = scope_of(Budget(1_000))
    async with opened(url, HandClock().clocks) as (spends, database):
        for edit in ("edit_1", "edit_2"):
            await spends.reserve(edit, [key], 300, NOW_S + 60, is_called=True)
        await database.write(renamed("streamedit_spends", "away"))
        spends.settle("edit_1", 200)
        with pytest.raises(StoreUnavailable):
            await spends.reserve("edit_3", [key], 1, NOW_S + 60, is_called=False)
        spends.settle("edit_2", 250)
        await database.write(renamed("away", "streamedit_spends"))
        await settled(spends, key, (450, 0))


async def test_leaving_waits_for_settlements(url: str) -> None:
    """Whoever comes next finds them."""
    key, clocks = scope_of(Budget(1_000)), HandClock().clocks
    async with opened(url, clocks) as (spends, _):
        await spends.reserve("edit_1", [key], 300, NOW_S + 60, is_called=True)
        spends.settle("edit_1", 200)
    async with opened(url, clocks) as (spends, database):
        assert await come_to(spends, key) == [(200, 0)]
        assert await reservations(database) == 0


@pytest.mark.parametrize("is_called", [True, False])
async def test_what_is_not_settled_in_time_lapses(url: str, is_called: bool) -> None:
    """It is spent if the provider may have charged it, else free; a settlement that comes late puts it right."""
    key, clock = scope_of(Budget(1_000)), HandClock(NOW_S)
    async with opened(url, clock.clocks) as (spends, database):
        await spends.reserve("edit_1", [key], 300, NOW_S + 60, is_called=is_called)
        await clock.passes(45)
        assert await come_to(spends, key) == [(0, 300)]
        await clock.passes(45)
        assert await come_to(spends, key) == [(300 if is_called else 0, 0)]
        spends.settle("edit_1", 120)
        await settled(spends, key, (120, 0))
        assert await reservations(database) == 0


async def test_nobody_is_called_for_what_has_lapsed(url: str) -> None:
    """An edit that was judged or waited for so long has no room of its own any more: somebody else may have it."""
    scope, clock = scope_of(Budget(1_000)), HandClock()
    async with opened(url, clock.clocks) as (spends, database):
        await spends.reserve("edit_1", [scope], 600, clock.now_s + 60, is_called=False)
        await clock.passes(90)
        await settled(spends, scope, (0, 0))
        await spends.reserve("edit_2", [scope], 1_000, clock.now_s + 60, is_called=True)
        with pytest.raises(StoreUnavailable):
            await spends.calling("edit_1")
        spends.settle("edit_1", 0)
        spends.settle("edit_2", 1_000)
        await settled(spends, scope, (1_000, 0))
        assert await reservations(database) == 0


async def test_what_has_lapsed_is_forgotten_after_a_day(url: str) -> None:
    """It stays spent."""
    key, clock = scope_of(Budget(1_000)), HandClock(NOW_S)
    async with opened(url, clock.clocks) as (spends, database):
        await spends.reserve("edit_1", [key], 300, NOW_S + 60, is_called=True)
        await clock.passes(23 * HOUR_S)
        assert await reservations(database) == 1
        await clock.passes(2 * HOUR_S)
        assert await reservations(database) == 0
        assert await come_to(spends, key) == [(300, 0)]


DOOMED = """
import asyncio, sys
from streamedit.budgets import Budget
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.spends import SqlSpends

async def main(url, until_s):
    database = Database(url)
    spends = SqlSpends(database, SYSTEM_CLOCKS)
    key = Scope(ScopeKind.KEY, "k", Allowance(budgets=(Budget(1000),)))
    async with database.serving(), spends.serving():
        for edit in ("called", "waiting"):
            await spends.reserve(edit, [key], 300 if edit == "called" else 200, until_s, is_called=False)
        await spends.calling("called")
        print("reserved", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""


async def test_a_process_that_is_killed_leaves_no_room_that_may_be_paid(url: str) -> None:
    """What it had called a provider for is spent when its time is over, and what it had not is free."""
    key, clock = scope_of(Budget(1_000)), HandClock(4_000_000_000.0)
    until_s = clock.now_s + 60
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else happens here meanwhile
        [sys.executable, "-c", DOOMED, url, str(until_s)], stdout=subprocess.PIPE
    ) as doomed:
        assert doomed.stdout is not None
        assert doomed.stdout.readline() == b"reserved\n"
        doomed.send_signal(signal.SIGKILL)
    async with opened(url, clock.clocks) as (spends, _):
        assert await come_to(spends, key) == [(0, 500)]
        await clock.passes(90)
        assert await come_to(spends, key) == [(300, 0)]


LIMITS = {"total": 2_000, "1h": 700, "5h": 1_100}
MODEL_SCOPES = {"key": ("1h", "total"), "group": ("5h",)}


class Held:
    """What the model knows of an edit."""

    def __init__(self, micros: int, at_s: float, is_called: bool) -> None:
        self.micros = micros
        self.until_s = at_s + HOUR_S
        self.is_called = is_called
        self.is_lapsed = False
        self.starts = {period: period_of(period, at_s).start_s for period in LIMITS}


class Spending(RuleBasedStateMachine):
    """Whatever happens in whatever order: what is spent and reserved is what the model has, and never above a limit."""

    edits = Bundle("edits")
    spends: SqlSpends
    clock: HandClock
    loop: asyncio.AbstractEventLoop
    numbers = iter(range(10**9))

    def __init__(self) -> None:
        super().__init__()
        self.name = f"n{next(self.numbers)}"
        # All periods begin anew: what another example has left plays no part in this one.
        self.clock.now_s = (self.clock.now_s // (5 * HOUR_S) + 1) * 5 * HOUR_S
        self.known: dict[str, Held] = {}
        self.spent: dict[tuple[str, int], int] = {}

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """On the event loop, which is another thread's."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    @property
    def scopes(self) -> list[Scope]:
        return [
            Scope(ScopeKind(kind), self.name, Allowance(budgets=tuple(Budget(LIMITS[period], period) for period in periods)))
            for kind, periods in MODEL_SCOPES.items()
        ]

    def expected(self) -> dict[str, tuple[int, int]]:
        starts = {period: period_of(period, self.clock.now_s).start_s for period in LIMITS}
        return {period: (self.spent.get((period, start), 0), self.held(period, start)) for period, start in starts.items()}

    def held(self, period: str, start_s: int) -> int:
        return sum(each.micros for each in self.known.values() if not each.is_lapsed and each.starts[period] == start_s)

    def spend(self, edit: Held, micros: int) -> None:
        for period, start_s in edit.starts.items():
            self.spent[period, start_s] = self.spent.get((period, start_s), 0) + micros

    @rule(target=edits, micros=st.integers(0, 400), is_called=st.booleans())
    def reserve(self, micros: int, is_called: bool) -> Any:
        """There is room, or not."""
        edit_id, held = f"{self.name}-{len(self.known)}-{next(self.numbers)}", Held(micros, self.clock.now_s, is_called)
        has_room = all(sum(both) + micros <= LIMITS[period] for period, both in self.expected().items()) or not micros
        reserving = self.spends.reserve(edit_id, self.scopes, micros, held.until_s, is_called=is_called)
        if has_room:
            self.run(reserving)
            self.known[edit_id] = held
            return edit_id
        with pytest.raises(BudgetExceeded):
            self.run(reserving)
        return multiple()

    @rule(edit_id=edits)
    def call(self, edit_id: str) -> None:
        """It is called while it is at work."""
        edit = self.known.get(edit_id)
        if edit and not edit.is_lapsed:
            self.run(self.spends.calling(edit_id))
            edit.is_called = True

    @rule(edit_id=edits, share=st.floats(0, 1))
    def settle(self, edit_id: str, share: float) -> None:
        """In time, late, or twice; nobody charges who was not called."""
        edit = self.known.pop(edit_id, None)
        cost = int(edit.micros * share) if edit and edit.is_called else 0
        self.loop.call_soon_threadsafe(self.spends.settle, edit_id, cost)
        if edit:
            self.spend(edit, cost - (edit.micros if edit.is_lapsed and edit.is_called else 0))

    @rule(seconds=st.sampled_from([60, 1_800, 3_601, 5 * 3_600]))
    def time_passes(self, seconds: int) -> None:
        """Periods end, edits are over their time."""
        self.run(self.clock.passes(seconds))
        for edit in self.known.values():
            if not edit.is_lapsed and edit.until_s < self.clock.now_s:
                edit.is_lapsed = True
                self.spend(edit, edit.micros if edit.is_called else 0)

    @invariant()
    def it_is_as_expected(self) -> None:
        """Once what is to be settled is settled."""
        expected = self.expected()
        assert all(sum(both) <= LIMITS[period] for period, both in expected.items())
        self.run(until(lambda: self._is(expected)))

    async def _is(self, expected: dict[str, tuple[int, int]]) -> bool:
        found = await self.spends.of(self.scopes)
        spends = [spend for each in found.values() for spend in each]
        return {each.budget.period: (each.spent_micros, each.reserved_micros) for each in spends} == expected


async def test_spends_are_what_a_simple_model_has(url: str) -> None:
    """Reserved, called, settled in time, late, twice or never, across the ends of periods."""
    async with AsyncExitStack() as stack:
        Spending.clock = HandClock(NOW_S)
        Spending.spends, _ = await stack.enter_async_context(opened(url, Spending.clock.clocks))
        Spending.loop = asyncio.get_running_loop()
        few = settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
        await asyncio.to_thread(run_state_machine_as_test, Spending, settings=few)
