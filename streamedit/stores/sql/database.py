"""One SQL database: its engine, its threads, its schema.

SQLAlchemy's synchronous engine on threads of its own: a whole transaction is one hop from the event loop and back, and cannot
be cancelled in its middle. SQLite has one thread that writes, because it lets nobody else; others read beside it (WAL).
Statements are built once, at import: building one takes longer than what SQLite does with it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from streamedit.databases import normal
from streamedit.errors import StoreUnavailable
from streamedit.stores.sql.shortcut import Shortcut
from streamedit.stores.sql.tables import VERSION_TABLE

_Result = TypeVar("_Result")

STEP_S = 10.0
"""For one transaction, with the wait for its thread and for locks."""

_READERS = 4
_WRITERS = 8
"""PostgreSQL's; SQLite has one."""

_BUSY_S = 5.0
_MIGRATING = 0x5EED17
"""The lock under which one process of many brings the schema up to date."""


class Database:
    """`url`: as SQLAlchemy has it; `sqlite:///PATH`, `postgresql://...`. Raises ValueError for any other."""

    def __init__(self, url: str) -> None:
        self.url = make_url(normal(url))
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._engine: Engine
        self._writers: ThreadPoolExecutor
        self._readers: ThreadPoolExecutor
        self._shortcut: Shortcut | None = None

    def __repr__(self) -> str:
        return f"<Database {self.url.render_as_string(hide_password=True)}>"

    @asynccontextmanager
    async def serving(self, *, migrates: bool = True) -> AsyncIterator[None]:
        """Connected inside, with the newest schema unless it is only to be looked at. Raises StoreUnavailable."""
        self._engine = _engine(self)
        self._writers = ThreadPoolExecutor(1 if self.is_sqlite else _WRITERS, "sql-write")
        self._readers = ThreadPoolExecutor(_READERS, "sql-read")
        self._shortcut = None
        try:
            if migrates:
                await self._on(self._writers, self._migrate, None)
            self._shortcut = Shortcut(str(self.url.database)) if self.is_sqlite and migrates else None
            yield
        finally:
            if self._shortcut is not None:
                self._shortcut.close()
            # What is under way is short; nobody may be left with a closed connection in the middle of it.
            await asyncio.get_running_loop().run_in_executor(None, self._close)

    async def write(self, step: Callable[[Connection], _Result], within_s: float | None = STEP_S) -> _Result:
        """A step's result, in one transaction. It goes on when its caller is cancelled. Raises StoreUnavailable.

        So it does when its time is over; None: it is waited for until it has ended.
        """
        return await self._on(self._writers, lambda: self._transact(step, writes=True), within_s)

    @property
    def shortcut(self) -> Shortcut | None:
        """For what takes less than the hop to a thread; None where there is no such way."""
        return self._shortcut

    async def read(self, step: Callable[[Connection], _Result]) -> _Result:
        """The same for a step that changes nothing."""
        return await self._on(self._readers, lambda: self._transact(step, writes=False))

    async def revisions(self) -> tuple[str | None, str | None]:
        """Its schema's, None when it has none; and the newest. Raises StoreUnavailable."""
        return await self.read(_revisions)

    async def _on(self, threads: ThreadPoolExecutor, work: Callable[[], _Result], within_s: float | None = STEP_S) -> _Result:
        running = asyncio.get_running_loop().run_in_executor(threads, work)
        try:
            async with asyncio.timeout(within_s):
                return await asyncio.shield(running)
        except TimeoutError:
            running.add_done_callback(_forget)
            raise unavailable() from None
        except DBAPIError as error:
            # What the driver says: SQLAlchemy would add the statement, with its parameters.
            raise unavailable() from error.orig
        except CommandError as error:
            raise unavailable() from error
        except PoolTimeout:
            raise unavailable() from None

    def _transact(self, step: Callable[[Connection], _Result], *, writes: bool) -> _Result:
        with self._engine.connect() as connection, connection.execution_options(writes=writes).begin():
            return step(connection)

    def _migrate(self) -> None:
        with self._engine.connect() as connection, connection.execution_options(writes=True).begin():
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            revision, newest = _revisions(connection)
            if revision != newest:
                config = _alembic()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")

    def _close(self) -> None:
        self._writers.shutdown()
        self._readers.shutdown()
        self._engine.dispose()


def unavailable() -> StoreUnavailable:
    """For what needs the database, and cannot have it now."""
    return StoreUnavailable("The database of this server cannot be reached. Try again later.", headers={"retry-after": "5"})


def _engine(database: Database) -> Engine:
    if not database.is_sqlite:
        size = _WRITERS + _READERS
        connect = {
            "connect_timeout": int(_BUSY_S),
            "tcp_user_timeout": int(STEP_S * 1000),
            "options": f"-c statement_timeout={int(STEP_S * 1000)}",
        }
        return create_engine(
            database.url, pool_size=size, max_overflow=0, pool_pre_ping=True, connect_args=connect, hide_parameters=True
        )
    _make_folder(database.url.database)
    wait = {"timeout": _BUSY_S}
    engine = create_engine(database.url, pool_size=1 + _READERS, max_overflow=0, connect_args=wait, hide_parameters=True)
    event.listen(engine, "connect", _begin_ourselves)
    event.listen(engine, "begin", _begin)
    return engine


def _make_folder(path: str | None) -> None:
    """Nobody else may read what is in it."""
    if path:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _begin_ourselves(connection: Any, _: ConnectionPoolEntry) -> None:
    """sqlite3 by itself begins late, and then fails where it could have waited."""
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("streamedit.stores.sql") / "migrations"))
    return config


def _revisions(connection: Connection) -> tuple[str | None, str | None]:
    newest = ScriptDirectory.from_config(_alembic()).get_current_head()
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision(), newest


def _forget(running: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more; that it failed is no news."""
    if not running.cancelled():
        running.exception()
