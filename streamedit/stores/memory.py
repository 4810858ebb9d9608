"""The EventLog of one process: its index in memory, its payloads in memory up to a budget and beyond that on disk.

Edits that run are never dropped. Edits that have ended go when they are older than the retention, or, oldest first, when memory
and disk are used up. A cursor keeps hold of its log: what is evicted stays whole for those who are reading it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from streamedit.contents import SLICE_BYTES, Content
from streamedit.edits import Edit
from streamedit.errors import EditExpired, LogFull
from streamedit.events import Event, Failed
from streamedit.idempotency import Claim
from streamedit.limits import TokenBucket
from streamedit.stores import Entry, key_reused, no_such_edit, not_kept
from streamedit.stores.journal import Journal, JournalCursor
from streamedit.stores.spool import Spool
from streamedit.turns import Turns

_GONE = 100_000
"""Of how many edits it is remembered that they were there."""

_CLAIMS = 1_000_000
"""Idempotency keys at a time: some 500 MB."""

_FAR = 1.25
"""So many times its budget memory may have before providers are not read any more until the disk has caught up."""

_CLAIM_S = 24 * 3600.0
"""How long an idempotency key stands for its request."""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """How much is kept, and for how long after an edit's end. `folder`: where the disk is; the system's own when None.

    On disk each event takes whole blocks.
    """

    memory_bytes: int
    disk_bytes: int
    retention_s: float
    folder: Path | None = None
    block_bytes: int = SLICE_BYTES

    @property
    def delivered_bytes_per_s(self) -> float:
        """How much is written of edits that have ended and were delivered: more would fill the disk before its time."""
        return self.disk_bytes / max(self.retention_s, 1)


class MemoryEventLog:
    """See the module. `clock` gives monotonic seconds. `intake`: the line of those who bring events; it is held while they
    come faster than the disk takes them."""

    is_ready = True

    def __init__(self, clock: Callable[[], float], bounds: LogBounds, intake: Turns | None = None) -> None:
        self._clock = clock
        self._intake = intake if intake is not None else Turns()
        self._bounds = bounds
        self._logs: dict[str, Journal] = {}
        self._ended: dict[str, Journal] = {}
        self._gone: dict[str, str] = {}
        self._claims: dict[bytes, tuple[Claim, str, float]] = {}
        self._unspilled: dict[tuple[str, int], Content] = {}
        self._spilling = asyncio.Lock()
        self._spool: Spool | None = None
        self._delivered_bytes = TokenBucket(bounds.delivered_bytes_per_s)
        self._disk_failed = False
        self.memory_bytes = 0
        self.disk_bytes = 0

    def __repr__(self) -> str:
        running = len(self._logs) - len(self._ended)
        return f"<MemoryEventLog {running} running, {len(self._ended)} ended, {self.memory_bytes} + {self.disk_bytes} bytes>"

    def __contains__(self, edit_id: str) -> bool:
        return edit_id in self._logs

    @property
    def size_bytes(self) -> int:
        return self.memory_bytes + self.disk_bytes

    @asynccontextmanager
    async def serving(self, _: Callable[[str], None]) -> AsyncIterator[None]:
        yield

    async def create(self, edit: Edit, claim: Claim | None = None) -> Edit:
        self._evict()
        claimed = self._claimed(claim) if claim is not None else None
        if claimed is not None:
            return claimed
        if self.size_bytes > self._room_bytes or (claim is not None and len(self._claims) >= _CLAIMS):
            raise LogFull("This server keeps as much as it can. Try again later.", headers={"retry-after": "10"})
        self._logs[edit.id] = Journal(edit)
        self._gone.pop(edit.id, None)
        if claim is not None:
            self._claims[claim.key] = (claim, edit.id, self._clock() + _CLAIM_S)
        return edit

    def discard(self, edit_id: str) -> None:
        """Forget an edit that has no event."""
        del self._logs[edit_id]

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        log = self._logs[edit_id]
        event_id = log.append(event, last=last)
        if not isinstance(event, Failed):
            self._unspilled[edit_id, event_id] = event.payload.content
            log.memory_bytes += event.payload.size_bytes
            self.memory_bytes += event.payload.size_bytes
        if last:
            log.ended_at_s = self._clock()
            self._ended[edit_id] = log
            asyncio.get_running_loop().call_later(self._bounds.retention_s, self._evict)
        self._evict()
        if self.memory_bytes > self._bounds.memory_bytes and self._bounds.disk_bytes:
            await self._spill()
        return event_id

    async def find(self, edit_id: str, owner: str) -> Entry:
        self._evict()
        log = self._log_of(edit_id, owner)
        return Entry(log.edit, len(log.events), self._expires_in_s(log))

    async def follow(self, edit_id: str, after: int = 0) -> JournalCursor:
        return JournalCursor(self._log_of(edit_id), after)

    def delivered(self, edit_id: str) -> None:
        log = self._ended.get(edit_id)
        if log is not None:
            log.is_delivered = True

    async def request_cancel(self, _: str) -> None:
        """Every edit of this log is produced by the process that keeps it."""

    def _log_of(self, edit_id: str, owner: str | None = None) -> Journal:
        log = self._logs.get(edit_id)
        known_owner = log.edit.owner if log is not None else self._gone.get(edit_id)
        if known_owner is None or owner not in (None, known_owner):
            raise no_such_edit()
        if log is None:
            raise not_kept()
        return log

    def _expires_in_s(self, log: Journal) -> float | None:
        if log.ended_at_s is None:
            return None
        return max(0.0, log.ended_at_s + self._bounds.retention_s - self._clock())

    async def claimed(self, claim: Claim) -> Edit | None:
        self._evict()
        return self._claimed(claim)

    async def unclaim(self, claim: Claim, edit_id: str) -> None:
        if self._claims.get(claim.key, (claim, "", 0))[1] == edit_id:
            del self._claims[claim.key]

    def _claimed(self, claim: Claim) -> Edit | None:
        if claim.key not in self._claims:
            return None
        known, edit_id, _ = self._claims[claim.key]
        if known != claim:
            raise key_reused()
        log = self._logs.get(edit_id)
        if log is None:
            raise EditExpired("The edit of this Idempotency-Key is not kept any more.", param="idempotency-key")
        return log.edit

    @property
    def _room_bytes(self) -> int:
        """A disk that takes nothing more is as large as what it has taken."""
        return self._bounds.memory_bytes + (self.disk_bytes if self._disk_failed else self._bounds.disk_bytes)

    def _evict(self) -> None:
        while self._claims and next(iter(self._claims.values()))[2] < self._clock():
            del self._claims[next(iter(self._claims))]
        while self._ended:
            edit_id, log = next(iter(self._ended.items()))
            is_expired = self._clock() - (log.ended_at_s or 0.0) > self._bounds.retention_s
            if not is_expired and self.size_bytes <= self._room_bytes:
                return
            self._drop(edit_id, log)

    def _drop(self, edit_id: str, log: Journal) -> None:
        del self._ended[edit_id], self._logs[edit_id]
        for logged in log.events:
            self._unspilled.pop((edit_id, logged.id), None)
        self.memory_bytes -= log.memory_bytes
        self.disk_bytes -= log.disk_bytes
        if not self.disk_bytes:
            self._spool = None
        self._gone[edit_id] = log.edit.owner
        if len(self._gone) > _GONE:
            del self._gone[next(iter(self._gone))]

    async def _spill(self) -> None:
        """Bring memory below its budget, what is oldest first. Whoever appends waits for it: disks are slower than streams."""
        if self.memory_bytes > self._bounds.memory_bytes * _FAR:
            self._intake.hold()
        async with self._spilling:
            try:
                while self.memory_bytes > self._bounds.memory_bytes and self._unspilled and await self._spill_oldest():
                    pass
            finally:
                self._intake.release()

    async def _spill_oldest(self) -> bool:
        """False when the disk takes nothing more."""
        (edit_id, event_id), content = next(iter(self._unspilled.items()))
        log = self._logs[edit_id]
        if log.is_delivered and not self._delivered_bytes.take(content.size_bytes, self._clock()):
            self._drop(edit_id, log)
            return True
        disk_bytes = await self._move(content)
        if self._unspilled.get((edit_id, event_id)) is content and not self._disk_failed:
            del self._unspilled[edit_id, event_id]
            log.memory_bytes -= content.size_bytes
            log.disk_bytes += disk_bytes
            self.memory_bytes -= content.size_bytes
            self.disk_bytes += disk_bytes
        return not self._disk_failed

    async def _move(self, content: Content) -> int:
        """How many bytes it takes on disk."""
        try:
            if self._spool is None:
                self._spool = await Spool.open(self._bounds.folder, self._bounds.block_bytes)
            disk_bytes = await self._spool.take(content)
        except OSError:
            self._disk_failed = True
            return 0
        self._disk_failed = False
        return disk_bytes
