"""The ledger in the database: what is noted in the outbox is entered soon, and again until it is.

What a killed process has left behind is entered by the next one that looks; of its edits that had not ended the ledger has that
they were interrupted. Entering something twice changes nothing. Transactions are short: in SQLite the budgets wait for them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

import structlog
from anyio import to_thread
from sqlalchemy import Connection, bindparam, delete, insert, select

from streamedit.edits import Edit
from streamedit.errors import StoreUnavailable
from streamedit.parties import Party
from streamedit.records import Report
from streamedit.stores import notes
from streamedit.stores.boxes import Legacy, legacies
from streamedit.stores.outbox import Outbox
from streamedit.stores.sql import rows
from streamedit.stores.sql.database import Database, unavailable
from streamedit.stores.sql.rows import Rows
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS

_Result = TypeVar("_Result")

_BATCH = 50
"""Reports in one transaction."""

_LINGER_S = 0.05
"""What comes together is entered together."""

_LOOK_S = 1.0
"""How often is looked whether the disk takes again what it did not take."""

_HEIR_S = 30.0
"""How often is looked for what others left behind."""

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
_FAREWELL_S = 5.0
_FLUSH_S = 10.0

_DELETE = delete(EDITS).where(EDITS.c.edit_id.in_(bindparam("ids", expanding=True)))
_KNOWN = select(EDITS.c.edit_id).where(EDITS.c.edit_id.in_(bindparam("ids", expanding=True)))
_INSERT_EDITS = insert(EDITS)
_INSERT_TAGS = insert(EDIT_TAGS)
_INSERT_ATTEMPTS = insert(ATTEMPTS)


class SqlLedger:
    """See the module. `folder`: of all processes' outboxes; `limit_bytes`: of this one's, beyond which there is no room."""

    def __init__(self, database: Database, folder: Path, limit_bytes: int, log: structlog.typing.FilteringBoundLogger) -> None:
        self._database = database
        self._folder = folder
        self._log = log
        self._outbox = Outbox(folder, limit_bytes, log)
        self._kept = 0
        self._entered = 0
        self._news = asyncio.Event()
        self._hurry = asyncio.Event()
        self._inherited = asyncio.Event()
        self._progress = asyncio.Condition()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """It works inside, within the database's own `serving`. Raises OSError when nothing can be kept in its folder."""
        await self._outbox.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                working = [tasks.create_task(self._enter_forever()), tasks.create_task(self._inherit_forever())]
                yield
                with suppress(StoreUnavailable):
                    await self.flushed(_FAREWELL_S)
                for task in working:
                    task.cancel()
        finally:
            await self._outbox.close()

    @property
    def has_room(self) -> bool:
        return self._outbox.has_room

    def begin(self, edit: Edit, party: Party, started_at_s: float) -> None:
        self._outbox.begin(edit.id, notes.dump_begun(edit, party, started_at_s))

    def keep(self, report: Report, *, is_final: bool) -> None:
        # Of each edit the newest report counts, whichever that is when the process dies.
        self._outbox.keep(notes.dump_report(report))
        self._kept += 1
        self._news.set()

    async def flushed(self, within_s: float = _FLUSH_S) -> None:
        """All that was kept until now is entered, and all that others had left behind. Raises StoreUnavailable."""
        kept = self._kept
        self._hurry.set()
        try:
            async with asyncio.timeout(within_s):
                await self._inherited.wait()
                async with self._progress:
                    await self._progress.wait_for(lambda: self._entered >= kept)
        except TimeoutError:
            raise unavailable() from None

    async def _enter_forever(self) -> None:
        while True:
            await _wait(self._news, _LOOK_S)
            self._news.clear()
            self._outbox.retry()
            await _wait(self._hurry, _LINGER_S)
            self._hurry.clear()
            while await self._insist(self._enter_batch):
                pass

    async def _enter_batch(self) -> bool:
        """Whether there was anything. Raises StoreUnavailable, OSError."""
        batch = await self._outbox.read(_BATCH)
        if batch is None:
            return False
        edits = await self._enter_lines(batch.lines)
        self._outbox.entered(batch, edits)
        self._entered += len(batch.lines)
        async with self._progress:
            self._progress.notify_all()
        return True

    async def _enter_lines(self, lines: Sequence[bytes]) -> Sequence[str]:
        """The ids of the edits whose reports they are. Raises StoreUnavailable."""
        new = await to_thread.run_sync(_rows_of, lines)
        await self._database.write(partial(_enter, new))
        return new.edit_ids

    async def _inherit_forever(self) -> None:
        while True:
            found = legacies(self._folder)
            while legacy := await to_thread.run_sync(next, found, None):
                with legacy:
                    await self._insist(partial(self._inherit, legacy))
            self._inherited.set()
            await asyncio.sleep(_HEIR_S)

    async def _inherit(self, legacy: Legacy) -> None:
        """Raises StoreUnavailable, OSError; then it begins anew, and nothing is there twice."""
        entered: set[str] = set()
        kept = legacy.kept()
        while lines := await to_thread.run_sync(_some, kept):
            entered.update(await self._enter_lines(lines))
        begun = legacy.begun()
        while lines := await to_thread.run_sync(_some, begun):
            await self._interrupt(lines, entered)
        await to_thread.run_sync(legacy.remove)
        self._log.info("ledger: entered what another process left behind", edits=len(entered))

    async def _interrupt(self, lines: Sequence[bytes], entered: set[str]) -> None:
        found = (notes.load_begun(line) for line in lines)
        left = rows.of_interrupted(begun for begun in found if begun is not None and begun.edit_id not in entered)
        if left.edits:
            await self._database.write(partial(_enter_unknown, left))

    async def _insist(self, step: Callable[[], Awaitable[_Result]]) -> _Result:
        """A step's result, as soon as the database and the disk give it."""
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return await step()
            except (StoreUnavailable, OSError) as error:
                self._log.warning("ledger: cannot enter anything now", why=type(error).__name__)
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


async def _wait(event: asyncio.Event, within_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()


def _some(lines: Iterator[bytes]) -> Sequence[bytes]:
    return list(islice(lines, _BATCH))


def _rows_of(lines: Sequence[bytes]) -> Rows:
    reports = (notes.load_report(line) for line in lines)
    return rows.of_reports(report for report in reports if report is not None)


def _enter(new: Rows, connection: Connection) -> None:
    """In the place of what is there of these edits."""
    if not new.edits:
        return
    connection.execute(_DELETE, {"ids": new.edit_ids})
    _insert(new, connection)


def _enter_unknown(new: Rows, connection: Connection) -> None:
    """Those that are not there."""
    known = set(connection.execute(_KNOWN, {"ids": new.edit_ids}).scalars())
    _insert(
        Rows(
            [row for row in new.edits if row["edit_id"] not in known],
            [row for row in new.tags if row["edit_id"] not in known],
        ),
        connection,
    )


def _insert(new: Rows, connection: Connection) -> None:
    for statement, values in ((_INSERT_EDITS, new.edits), (_INSERT_TAGS, new.tags), (_INSERT_ATTEMPTS, new.attempts)):
        if values:
            connection.execute(statement, values)
