"""Clears away what nobody may have any more. Many processes may do so at the same time, and any of them may die at it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

import structlog

from streamedit.errors import EditError

EVERY_S = 60.0
"""So long, and up to as long again, before each round: processes that were started together soon do not come together."""

Chore: TypeAlias = Callable[[], Awaitable[None]]
"""Clears one kind of thing away. What it raises of `EditError` is told, and tried again in the next round."""


class Janitor:
    """Does its chores again and again. `sleep` lets so many seconds pass."""

    def __init__(
        self,
        chores: Sequence[Chore],
        log: structlog.typing.FilteringBoundLogger,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._chores = chores
        self._log = log
        self._sleep = sleep

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """It works inside."""
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(self._work())
            yield
            working.cancel()

    async def _work(self) -> None:
        while True:
            await self._sleep(EVERY_S * (1 + random.SystemRandom().random()))
            await self.clear()

    async def clear(self) -> None:
        """One round."""
        for chore in self._chores:
            try:
                await chore()
            except EditError as error:
                self._log.warning("not cleared away", why=type(error).__name__)
