"""Settings that are read again while the server runs: what of them holds from then on, and what only a restart can change."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import structlog
from anyio import to_thread

from streamedit.config import Settings
from streamedit.documents import ConfigError
from streamedit.sources import Source

AT_START = (
    "drain_timeout_s", "stuck_reader_s", "head_s", "max_head_bytes", "max_connections_per_client",
    "log_memory_bytes", "log_disk_bytes", "log_folder", "retention_s", "redis_url", "redis_prefix",
    "webhooks", "otel", "database_url", "ledger_folder", "ledger_bytes", "queue_size", "queue_wait_s",
    "storage",
)  # fmt: skip
"""What the event log, the connections, the socket that listens, the database, the queues and those who are told of edits are
made with, and where files are: they live as long as the server."""

Take: TypeAlias = Callable[[Settings], Awaitable[Sequence[str]]]
"""Lets settings hold, and gives the names of those that only a restart can change."""


def taken(new: Settings, running: Settings) -> tuple[Settings, tuple[str, ...]]:
    """What holds of `new` where a server has begun with `running`, and the names of what differs and does not hold. Pure."""
    # Budgets have nothing to count in where there was no database from the beginning.
    budgeted = [] if running.server.database_url else [name for name, *_ in new.server.budgeted]
    began_with = {name: getattr(running.server, name) for name in (*AT_START, *budgeted)}
    left = tuple(name for name, value in began_with.items() if getattr(new.server, name) != value)
    return replace(new, server=new.server.model_copy(update=began_with)), left


def read_again(source: Source, log: structlog.typing.FilteringBoundLogger) -> Settings | None:
    """The settings that stand there now; None when nothing shall change. The log says why: a line for each mistake."""
    if source.file is None:
        log.info("nothing to reload: there is no configuration file")
        return None
    try:
        return source.read()
    except ConfigError as error:
        for mistake in error.mistakes:
            log.error("configuration not reloaded", mistake=mistake)
    return None


def tell_left(left: Sequence[str], log: structlog.typing.FilteringBoundLogger) -> None:
    """Name what only a restart can change, if anything."""
    if left:
        log.warning("not changed before a restart", settings=[f"server.{name}" for name in left])


class Reloads:
    """Reads the settings again whenever it was asked to, one reading after the other. A worker of several `tells` less."""

    def __init__(self, source: Source, log: structlog.typing.FilteringBoundLogger, *, tells: bool = True) -> None:
        self._source = source
        self._log = log
        self._tells = tells
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Read them again soon. Who asks during a reading gets another one."""
        self._asked.set()

    @asynccontextmanager
    async def running(self, take: Take) -> AsyncIterator[None]:
        """Inside, whoever asks is heard, and `take` gets the settings that have no mistake."""
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(take))
            yield
            listening.cancel()

    async def _listen(self, take: Take) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            # Whatever breaks in here, the server goes on as it is.
            (defect,) = await asyncio.gather(self._reload(take), return_exceptions=True)
            if defect is not None:
                self._log.error("configuration not reloaded", mistake=type(defect).__name__)

    async def _reload(self, take: Take) -> None:
        settings = await to_thread.run_sync(read_again, self._source, self._log, abandon_on_cancel=True)
        if settings is None:
            return
        left = await take(settings)
        if self._tells:
            tell_left(left, self._log)
        models = [route.model for route in settings.routes.all]
        self._log.info("configuration reloaded", pid=os.getpid(), models=models, ignored=settings.ignored)
