"""One edit's events in order, and its readers' places in it."""

import asyncio
from collections.abc import Sequence

from streamedit.edits import Edit
from streamedit.events import Event
from streamedit.stores import Logged


class Journal:
    """One edit's events. `grown` is set, and replaced, by each append."""

    def __init__(self, edit: Edit) -> None:
        self.edit = edit
        self.events: list[Logged] = []
        self.grown = asyncio.Event()
        self.memory_bytes = 0
        self.disk_bytes = 0
        self.ended_at_s: float | None = None
        self.is_delivered = False

    @property
    def size_bytes(self) -> int:
        return self.memory_bytes + self.disk_bytes

    def append(self, event: Event, *, last: bool) -> int:
        self.events.append(Logged(len(self.events) + 1, event, last))
        self.grown.set()
        self.grown = asyncio.Event()
        return len(self.events)


class JournalCursor:
    """A place in a journal: how many of its events have been read."""

    def __init__(self, journal: Journal, after: int) -> None:
        self._journal = journal
        self._after = after

    async def read(self, wait_s: float) -> Sequence[Logged]:
        if len(self._journal.events) <= self._after and not await self._grows_within(wait_s):
            return ()
        events = self._journal.events[self._after :]
        self._after += len(events)
        return events

    async def _grows_within(self, wait_s: float) -> bool:
        try:
            async with asyncio.timeout(wait_s):
                while len(self._journal.events) <= self._after:
                    await self._journal.grown.wait()
                return True
        except TimeoutError:
            return False
