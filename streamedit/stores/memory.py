"""The EventLog of one process: everything in memory, within a budget of bytes for what has ended.

Edits that run are never dropped. Edits that have ended go when they are older than the retention, or, oldest first, when all
logs together are above the budget. A cursor keeps hold of its log: what is evicted stays whole for those who are reading it.
"""

import asyncio
from collections.abc import Callable, Sequence

from streamedit.events import Event, Failed
from streamedit.stores import Logged


class _Log:
    """One edit's events. `grown` is set, and replaced, by each append."""

    def __init__(self) -> None:
        self.events: list[Logged] = []
        self.grown = asyncio.Event()
        self.size_bytes = 0
        self.ended_at_s = 0.0

    def append(self, event: Event, *, last: bool) -> int:
        self.events.append(Logged(len(self.events) + 1, event, last))
        self.size_bytes += 0 if isinstance(event, Failed) else event.payload.size_bytes
        self.grown.set()
        self.grown = asyncio.Event()
        return len(self.events)


class MemoryCursor:
    """A place in a log: how many of its events have been read."""

    def __init__(self, log: _Log, after: int) -> None:
        self._log = log
        self._after = after

    async def read(self, wait_s: float) -> Sequence[Logged]:
        if len(self._log.events) <= self._after and not await self._grows_within(wait_s):
            return ()
        events = self._log.events[self._after :]
        self._after += len(events)
        return events

    async def _grows_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                return await self._log.grown.wait()
        except TimeoutError:
            return False


class MemoryEventLog:
    """See the module. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float], *, budget_bytes: int, retention_s: float) -> None:
        self._clock = clock
        self._budget_bytes = budget_bytes
        self._retention_s = retention_s
        self._logs: dict[str, _Log] = {}
        self._ended: dict[str, _Log] = {}
        self.size_bytes = 0

    def __repr__(self) -> str:
        running = len(self._logs) - len(self._ended)
        return f"<MemoryEventLog {running} running, {len(self._ended)} ended, {self.size_bytes} bytes>"

    async def create(self, edit_id: str) -> None:
        self._logs[edit_id] = _Log()
        self._evict()

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        log = self._logs[edit_id]
        before_bytes = log.size_bytes
        event_id = log.append(event, last=last)
        self.size_bytes += log.size_bytes - before_bytes
        if last:
            log.ended_at_s = self._clock()
            self._ended[edit_id] = log
        self._evict()
        return event_id

    def follow(self, edit_id: str, after: int = 0) -> MemoryCursor:
        return MemoryCursor(self._logs[edit_id], after)

    def _evict(self) -> None:
        while self._ended:
            edit_id, log = next(iter(self._ended.items()))
            expired = self._clock() - log.ended_at_s > self._retention_s
            if not expired and self.size_bytes <= self._budget_bytes:
                return
            del self._ended[edit_id], self._logs[edit_id]
            self.size_bytes -= log.size_bytes
