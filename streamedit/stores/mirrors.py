"""Edits that are made elsewhere, copied into the log of this process: once, for all of its readers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from redis.exceptions import RedisError

from streamedit.edits import Edit
from streamedit.errors import EditExpired, StoreUnavailable
from streamedit.events import Event, Failed
from streamedit.stores import codec
from streamedit.stores.keyspace import Keyspace
from streamedit.stores.leases import INTERRUPTED
from streamedit.stores.memory import MemoryEventLog
from streamedit.stores.reach import Reach, heeding_cancellation

_LOST = Failed(EditExpired("An event of this edit is gone from the store.").detail)

_LOOK_S = 1.0
"""Growth is told by messages, which may be lost; so each mirror looks for itself, too."""

_MISSES = 10
"""After so many looks without any trace, nobody is there who makes the edit."""


class Mirrors:
    """Copies into `local` what it is told to; `listen` runs beside."""

    def __init__(self, keyspace: Keyspace, reach: Reach, local: MemoryEventLog) -> None:
        self._keyspace = keyspace
        self._reach = reach
        self._local = local
        self._grown: dict[str, asyncio.Event] = {}

    async def listen(self) -> None:
        """Hear of each event anywhere, for ever."""
        while True:
            with suppress(RedisError, OSError):
                async with self._keyspace.growth() as growth:
                    await heeding_cancellation(growth.subscribe(self._keyspace.growth_channel))
                    while True:
                        self._hear(await heeding_cancellation(growth.get_message(timeout=_LOOK_S)))
            await asyncio.sleep(_LOOK_S)

    async def copy(self, edit: Edit) -> None:
        """Copy an edit, whose local log has just begun, to its end."""
        self._grown[edit.id] = grown = asyncio.Event()
        read_id, last, misses = 0, False, 0
        while not last:
            grown.clear()
            async for event, last in self._behind(edit.id, read_id):
                read_id = await self._local.append(edit.id, event, last=last)
            misses = 0 if last or not await self._is_missing(edit.id) else misses + 1
            if misses > _MISSES:
                await self._local.append(edit.id, INTERRUPTED, last=(last := True))
            if not last:
                await _within(grown, _LOOK_S)
        del self._grown[edit.id]

    async def _behind(self, edit_id: str, read_id: int) -> AsyncIterator[tuple[Event, bool]]:
        """The events that there are; none while Redis is away."""
        with suppress(StoreUnavailable):
            for number, text in await self._reach.ask(self._keyspace.behind(edit_id, read_id)):
                size_bytes = codec.size_of(text)
                content = await self._reach.ask(self._keyspace.content(edit_id, number)) if size_bytes else b""
                yield _loaded(text, content) if content is not None and len(content) == size_bytes else (_LOST, True)

    async def _is_missing(self, edit_id: str) -> bool:
        try:
            return await self._reach.ask(self._keyspace.find(edit_id)) is None
        except StoreUnavailable:
            return False

    def _hear(self, message: dict[str, bytes] | None) -> None:
        grown = self._grown.get(message["data"].decode()) if message else None
        if grown is not None:
            grown.set()


def _loaded(text: bytes, content: bytes) -> tuple[Event, bool]:
    try:
        return codec.load_event(text, content)
    except (KeyError, TypeError, ValueError):
        # Written by another version of this server.
        return _LOST, True


async def _within(event: asyncio.Event, wait_s: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await event.wait()
