"""Budgets in the database: what is reserved before a call and settled after it. Exact for any number of processes.

A reservation is one transaction in which every budget says for itself whether there is room. What an edit has cost is written
behind its answer, and again and again until it is written. What a process that is gone has left reserved lapses.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from streamedit.budgets import Spend
from streamedit.clocks import Clocks
from streamedit.errors import BudgetExceeded, EditError, StoreUnavailable
from streamedit.parties import Scope
from streamedit.stores.sql import reservations
from streamedit.stores.sql.database import STEP_S, Database, unavailable
from streamedit.stores.sql.reservations import Purse, Short, Terms
from streamedit.stores.sql.shortcut import Busy
from streamedit.uploads import closed_unless_done

_SWEEP_S = 30.0
_GATHER_S = 0.02
_AT_ONCE = 200
"""Edits that end within that time are settled in one transaction, up to so many."""

_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
"""Between two attempts to reach a database that is away: twice as long each time."""

_LEAVING_S = 10.0
_OWN_S = 2.0
"""How long an edit without room waits for what this process has still to settle: it may make room."""


@dataclass(frozen=True, slots=True)
class _Settlement:
    micros: int
    done: asyncio.Event = field(default_factory=asyncio.Event)


class SqlSpends:
    """See the module. `patience_s`: how long an edit waits for its reservation."""

    def __init__(self, database: Database, clocks: Clocks, patience_s: float = STEP_S) -> None:
        self._database = database
        self._patience_s = patience_s
        self._clocks = clocks
        self._writing: asyncio.TaskGroup
        self._reserved: dict[str, bool] = {}
        """Edits with a reservation, by id, and whether they are called."""
        self._due: dict[str, _Settlement] = {}
        self._wake = asyncio.Event()
        self._rounds = 0
        """How often something was settled."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            at_work = [tasks.create_task(self._settle_all()), tasks.create_task(self._sweep())]
            # What is reserved for somebody who has left is given back before nobody settles any more.
            async with asyncio.TaskGroup() as self._writing:
                yield
            await self._settled(_LEAVING_S)
            for task in at_work:
                task.cancel()

    async def reserve(self, edit_id: str, scopes: Sequence[Scope], micros: int, until_s: float, *, is_called: bool) -> None:
        terms, rounds = Terms(edit_id, micros, until_s, is_called), self._rounds
        refusal = await self._reserve(scopes, terms)
        if isinstance(refusal, BudgetExceeded) and (self._due or self._rounds != rounds):
            await self._settled(_OWN_S)
            refusal = await self._reserve(scopes, terms)
        if refusal is not None:
            raise refusal

    async def calling(self, edit_id: str) -> None:
        if self._reserved.get(edit_id, True):
            return
        if not await self._database.write(partial(reservations.called, edit_id=edit_id)):
            raise unavailable()
        self._reserved[edit_id] = True

    def settle(self, edit_id: str, micros: int) -> None:
        if self._reserved.pop(edit_id, None) is not None:
            self._due[edit_id] = _Settlement(micros)
            self._wake.set()

    async def of(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Spend]]:
        purses = reservations.purses_of(scopes, self._clocks.now_s())
        spends = await self._database.read(partial(reservations.look, purses=purses)) if purses else ()
        found: dict[str, list[Spend]] = {scope.name: [] for scope in scopes}
        for purse, spend in zip(purses, spends, strict=True):
            found[purse.scope.name].append(spend)
        return found

    async def _reserve(self, scopes: Sequence[Scope], terms: Terms) -> EditError | None:
        """Why not; None when it is done. A caller who does not wait for its end gets back what was reserved."""
        purses = reservations.purses_of(scopes, self._clocks.now_s())
        if not purses:
            return None
        if self._reserve_at_once(purses, terms):
            return None
        return await self._reserve_in_time(purses, terms)

    def _reserve_at_once(self, purses: Sequence[Purse], terms: Terms) -> bool:
        """Whether that could be done."""
        if self._database.shortcut is None:
            return False
        try:
            reservations.reserve_at_once(self._database.shortcut, purses, terms)
        except (Busy, Short):
            return False
        self._reserved[terms.edit_id] = terms.is_called
        return True

    async def _reserve_in_time(self, purses: Sequence[Purse], terms: Terms) -> EditError | None:
        """Where somebody else writes, a budget begins anew or has no room, or the database is far away."""
        # A transaction cannot be cancelled: what it has done is known when it has ended.
        writing = self._writing.create_task(self._written(purses, terms))
        try:
            with closed_unless_done(lambda: writing.add_done_callback(lambda _: self.settle(terms.edit_id, 0))):
                async with asyncio.timeout(self._patience_s):
                    return await asyncio.shield(writing)
        except TimeoutError:
            return unavailable()

    async def _written(self, purses: Sequence[Purse], terms: Terms) -> EditError | None:
        self._reserved[terms.edit_id] = terms.is_called
        try:
            await self._write(purses, terms)
        except StoreUnavailable as error:
            # It may have been written nevertheless.
            self.settle(terms.edit_id, 0)
            return error
        except BudgetExceeded as error:
            del self._reserved[terms.edit_id]
            return error
        return None

    async def _write(self, purses: Sequence[Purse], terms: Terms) -> None:
        try:
            await self._database.write(partial(reservations.reserve, purses=purses, terms=terms), within_s=None)
        except Short:
            now_s = self._clocks.now_s()
            step = partial(reservations.reserve_one_by_one, purses=purses, terms=terms, now_s=now_s)
            await self._database.write(step, within_s=None)

    async def _settle_all(self) -> None:
        while True:
            await self._wake.wait()
            await self._clocks.sleep(_GATHER_S)
            self._wake.clear()
            while self._due:
                await self._settle(dict(islice(self._due.items(), _AT_ONCE)))

    async def _settle(self, batch: Mapping[str, _Settlement]) -> None:
        costs = {edit_id: settlement.micros for edit_id, settlement in batch.items()}
        pause_s = _PAUSE_S
        while True:
            try:
                await self._database.write(partial(reservations.settle, costs=costs))
                break
            except StoreUnavailable:
                await self._clocks.sleep(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._rounds += 1
        for edit_id, settlement in batch.items():
            del self._due[edit_id]
            settlement.done.set()

    async def _settled(self, within_s: float) -> None:
        """What is due now is done, or the time is over. Settlements are done in their order."""
        if not self._due:
            return
        last = next(reversed(self._due.values()))
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await last.done.wait()

    async def _sweep(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                await self._database.write(partial(reservations.lapse, now_s=self._clocks.now_s()))
            await self._clocks.sleep(_SWEEP_S)
