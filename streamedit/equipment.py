"""The stores of a server: in its memory or in Redis, with a database or without. They live as long as it does."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from streamedit import databases
from streamedit.clocks import Clocks
from streamedit.config import ServerSettings
from streamedit.depot import Depot
from streamedit.limits import QuotaRules
from streamedit.stores import EventLog, Healths, Ledger, Quotas, Spends
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.stores.no_ledger import NoLedger
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.registries import NoRegistry, RecentRegistry
from streamedit.stores.spends import NoSpends
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.ledger import SqlLedger
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.stores.sql.secrets import token_secret
from streamedit.stores.sql.spends import SqlSpends
from streamedit.turns import Turns
from streamedit.upstream.client import Upstream


@dataclass(frozen=True, slots=True)
class Books:
    """What is kept in a database: who may ask, what was spent, what was done."""

    database: Database
    registry: SqlRegistry
    spends: SqlSpends
    ledger: SqlLedger

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """They work inside. Raises StoreUnavailable, OSError."""
        async with self.database.serving(), self.spends.serving(), self.ledger.serving():
            yield


class Equipment:
    """The stores that the settings ask for. `intake`: the line of those who bring events in.

    `books`: None without a database; then no key is given out, no budget holds, and nothing is entered. `secret`: what all
    processes with the same database know and nobody else; None without one, and before it works. `depot`: for files.
    """

    def __init__(
        self,
        server: ServerSettings,
        log: structlog.typing.FilteringBoundLogger,
        clocks: Clocks,
        upstream: Upstream,
        intake: Turns,
    ) -> None:
        self.events = _event_log(server, clocks, intake)
        self.healths = _healths(server)
        self.quotas = _quotas(server, clocks)
        self.books = books = _books(server, log, clocks)
        self.registry = RecentRegistry(books.registry if books else NoRegistry(), clocks.clock)
        self.spends: Spends = books.spends if books else NoSpends()
        self.ledger: Ledger = books.ledger if books else NoLedger()
        self.depot = Depot(server, books.database if books else None, upstream.tls, log, clocks)
        self.secret: str | None = None

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """They work inside, but for the log of events: that is the gateway's. Raises StoreUnavailable, OSError."""
        async with AsyncExitStack() as stack:
            if self.books is not None:
                await stack.enter_async_context(self.books.serving())
                self.secret = await token_secret(self.books.database)
            await stack.enter_async_context(self.healths.serving())
            await stack.enter_async_context(self.quotas.serving())
            await stack.enter_async_context(self.depot.serving())
            yield


def _books(server: ServerSettings, log: structlog.typing.FilteringBoundLogger, clocks: Clocks) -> Books | None:
    if server.database_url is None:
        return None
    database = Database(server.database_url)
    folder = server.ledger_folder or databases.ledger_beside(server.database_url)
    if folder is None:
        raise ValueError("With a database that is no file a ledger_folder is needed.")
    ledger = SqlLedger(database, folder, server.ledger_bytes, log)
    return Books(database, SqlRegistry(database), SqlSpends(database, clocks), ledger)


def _event_log(server: ServerSettings, clocks: Clocks, intake: Turns) -> EventLog:
    bounds = LogBounds(server.log_memory_bytes, server.log_disk_bytes, server.retention_s, server.log_folder)
    local = MemoryEventLog(clocks.clock, bounds, intake)
    if server.redis_url is None:
        return local
    # An extra: whoever has no Redis need not have its client.
    from streamedit.stores.redis import RedisEventLog, RedisPlace  # noqa: PLC0415

    return RedisEventLog(RedisPlace(server.redis_url, server.redis_prefix, server.retention_s), local, clocks.clock)


def _healths(server: ServerSettings) -> Healths:
    if server.redis_url is None:
        return MemoryHealths()
    # As above.
    from streamedit.stores.redis_healths import RedisHealths  # noqa: PLC0415

    return RedisHealths(server.redis_url, server.redis_prefix)


def _quotas(server: ServerSettings, clocks: Clocks) -> Quotas:
    rules = QuotaRules(server.queue_size, server.queue_wait_s)
    if server.redis_url is None:
        return MemoryQuotas(clocks, rules)
    # As above.
    from streamedit.stores.redis_quotas import QuotaPlace, RedisQuotas  # noqa: PLC0415

    return RedisQuotas(QuotaPlace(server.redis_url, server.redis_prefix), clocks, rules)
