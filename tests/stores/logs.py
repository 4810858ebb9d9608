"""Event logs of every kind, under one name each; edits and events that are like no others; and readers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import redises

from streamedit.contents import Content
from streamedit.edits import Edit
from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Event, Failed, PartialImage, Payload
from streamedit.idempotency import Claim
from streamedit.stores import Cursor, Entry, EventLog, Logged
from streamedit.stores.leases import LeaseTimes
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.stores.redis import RedisEventLog, RedisPlace

EVENT_BYTES = 100
OWNER = "key_1"
LONG_S = 20.0
FAILED = Failed(ErrorDetail(502, "upstream_error", "broken"))

Kind: TypeAlias = Callable[[], AbstractAsyncContextManager[EventLog]]

QUICK = LeaseTimes(renew_s=0.05, lease_s=0.5, patience_s=0.2)
"""Deaths are noticed within a second."""

DYING = LeaseTimes(renew_s=60, lease_s=0.5)
"""Who has promised something, and never does so again."""


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def local_log(memory_bytes: int = 1 << 20, disk_bytes: int = 0, retention_s: float = 60.0) -> MemoryEventLog:
    """The log of one process."""
    return MemoryEventLog(time.monotonic, LogBounds(memory_bytes, disk_bytes, retention_s))


@asynccontextmanager
async def memory() -> AsyncIterator[EventLog]:
    """Everything in memory."""
    log = local_log()
    async with log.serving(nobody):
        yield log


@asynccontextmanager
async def disk() -> AsyncIterator[EventLog]:
    """No room in memory: everything on disk."""
    log = local_log(memory_bytes=0, disk_bytes=1 << 30)
    async with log.serving(nobody):
        yield log


def redis_log(url: str, prefix: str, retention_s: float = 60.0, times: LeaseTimes = QUICK) -> RedisEventLog:
    """One process's log on a Redis."""
    return RedisEventLog(RedisPlace(url, prefix, retention_s, times), local_log(), time.monotonic)


@asynccontextmanager
async def redis() -> AsyncIterator[EventLog]:
    """Written and read by the same process, persisted in Redis."""
    with redises.any_redis() as url:
        log = redis_log(url, redises.fresh_prefix())
        async with log.serving(nobody):
            yield log


@asynccontextmanager
async def elsewhere() -> AsyncIterator[EventLog]:
    """Written by one process, read by another."""
    with redises.any_redis() as url:
        prefix = redises.fresh_prefix()
        writer, reader = redis_log(url, prefix), redis_log(url, prefix)
        async with writer.serving(nobody), reader.serving(nobody):
            yield Apart(writer, reader)


KINDS: list[Kind] = [memory, disk, redis, elsewhere]


class Apart:
    """Two processes' logs as one: written to the first, read from the second."""

    is_ready = True
    size_bytes = 0

    def __init__(self, writer: EventLog, reader: EventLog) -> None:
        self._writer = writer
        self._reader = reader

    def serving(self, cancel: Callable[[str], None]) -> AbstractAsyncContextManager[None]:
        """Both serve already."""
        raise NotImplementedError

    async def create(self, edit: Edit, claim: Claim | None = None) -> Edit:
        return await self._writer.create(edit, claim)

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        return await self._writer.append(edit_id, event, last=last)

    async def find(self, edit_id: str, owner: str) -> Entry:
        return await self._reader.find(edit_id, owner)

    async def follow(self, edit_id: str, after: int = 0) -> Cursor:
        return await self._reader.follow(edit_id, after)

    def delivered(self, edit_id: str) -> None:
        self._reader.delivered(edit_id)

    async def request_cancel(self, edit_id: str) -> None:
        await self._reader.request_cancel(edit_id)

    async def claimed(self, claim: Claim) -> Edit | None:
        return await self._reader.claimed(claim)

    async def unclaim(self, claim: Claim, edit_id: str) -> None:
        await self._writer.unclaim(claim, edit_id)


def nobody(_: str) -> None:
    """There is nothing to cancel."""


def edit(edit_id: str, owner: str = OWNER) -> Edit:
    """Somebody's edit."""
    return Edit(edit_id, "m", 1_790_000_000, owner)


def partial(index: int) -> PartialImage:
    """A partial image that is like no other, of exactly EVENT_BYTES."""
    return PartialImage(Payload(Content((b"%100d" % index,)), {"partial_image_index": index}, slice(90, 100)), {"a": "b"}, 0)


def completed() -> Completed:
    """A completed image."""
    return Completed(
        Payload(Content((b"%50d" % 7, b"%50d" % 8)), {"usage": {"total_tokens": 3}}), {"x-told": "1"}, cost_micros=1_870
    )


async def fill(log: EventLog, edit_id: str, events: Sequence[Event], *, ends: bool = True, create: bool = True) -> None:
    """An edit with those events, of which the last ends it."""
    if create:
        await log.create(edit(edit_id))
    for index, event in enumerate(events, 1):
        await log.append(edit_id, event, last=ends and index == len(events))


async def read(cursor: Cursor, count: int) -> list[Logged]:
    """The next so many events, however many reads that takes."""
    seen: list[Logged] = []
    while len(seen) < count:
        seen += (more := await cursor.read(LONG_S))
        assert more, f"{len(seen)} of {count} events within {LONG_S} s"
    return seen


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns when it holds."""
    async with asyncio.timeout(LONG_S):
        while not await condition():  # noqa: ASYNC110 - what Redis or another process does, it does not tell
            await asyncio.sleep(0.01)


def truth(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """A condition that need not be waited for."""

    async def ask() -> bool:
        return condition()

    return ask


async def told(logged: Sequence[Logged]) -> list[tuple[int, object, bool]]:
    """All that was read, in values that can be compared, wherever it came from."""
    return [(each.id, await _told(each.event), each.last) for each in logged]


async def _told(event: Event) -> object:
    if isinstance(event, Failed):
        return event
    content = b"".join([slice_ async for slice_ in event.payload.content.slices()])
    return type(event), content, dict(event.payload.fields), event.payload.image, dict(event.headers), event.image_index


def ids(events: Sequence[Logged]) -> list[int]:
    """The ids of what was read."""
    return [logged.id for logged in events]
