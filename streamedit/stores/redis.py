"""The EventLog of many workers or machines: each keeps the edits that are made or watched there, Redis has them all.

Persist, then deliver: an event is in Redis before a reader here sees it. While Redis is away, edits that run here go on from
memory and are brought up to date there when it is back; new ones are refused. An edit that was ended because its maker seemed
to be gone stays ended: the maker, should it come back, is told by its next event.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from redis.asyncio import Redis

from streamedit.edits import Edit
from streamedit.errors import EditExpired, StoreUnavailable
from streamedit.events import Event, Failed
from streamedit.idempotency import Claim
from streamedit.stores import Cursor, EndedElsewhere, Entry, Logged, codec, key_reused, no_such_edit, not_kept
from streamedit.stores.keyspace import Keyspace
from streamedit.stores.leases import INTERRUPTED, Leases, LeaseTimes
from streamedit.stores.memory import MemoryEventLog
from streamedit.stores.mirrors import Mirrors
from streamedit.stores.reach import Reach, connected
from streamedit.uploads import closed_unless_done

_FAREWELL_S = 2.0
"""For what Redis does not have yet when the server stops."""


@dataclass(slots=True)
class _Own:
    """An edit that is made here: how many events it has, and how many of them are in Redis. `turn`: held by who adds one.

    `is_begun`: Redis knows the edit at all; it may have lost it. `is_taken`: Redis has another end for it.
    """

    edit: Edit
    count: int = 0
    persisted: int = 0
    is_begun: bool = True
    is_taken: bool = False
    has_ended: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_behind(self) -> bool:
        return not self.is_begun or self.persisted < self.count


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """Where the shared log is, and how long it keeps what has ended."""

    url: str
    prefix: str
    retention_s: float
    times: LeaseTimes = field(default_factory=LeaseTimes)


class RedisEventLog:
    """See the module. `local` keeps what is made or watched in this process; `clock` gives monotonic seconds."""

    def __init__(self, place: RedisPlace, local: MemoryEventLog, clock: Callable[[], float]) -> None:
        self._place = place
        self._local = local
        self._clock = clock
        self._reach = Reach()
        self._own: dict[str, _Own] = {}
        self._cancel: Callable[[str], None] = lambda _: None

    @property
    def is_ready(self) -> bool:
        return self._reach.is_up

    @property
    def size_bytes(self) -> int:
        return self._local.size_bytes

    @asynccontextmanager
    async def serving(self, cancel: Callable[[str], None]) -> AsyncIterator[None]:
        self._cancel = cancel
        async with connected(self._place.url) as client, asyncio.TaskGroup() as self._tasks:
            self._begin(client)
            with suppress(StoreUnavailable):
                await self._leases.renew(())
            works = (self._keep_promises(), self._keep_up(), self._mirrors.listen())
            self._running = {self._tasks.create_task(work) for work in works}
            yield
            with suppress(TimeoutError, StoreUnavailable):
                async with asyncio.timeout(_FAREWELL_S):
                    await self._bring_up()
            for task in self._running:
                task.cancel()

    def _begin(self, client: Redis) -> None:
        self._keyspace = Keyspace(client, self._place.prefix, self._place.retention_s, self._place.times.lease_s)
        self._leases = Leases(self._keyspace, self._reach, self._clock, self._place.times)
        self._mirrors = Mirrors(self._keyspace, self._reach, self._local)

    # -- the edits that are made here --

    async def create(self, edit: Edit, claim: Claim | None = None) -> Edit:
        await self._local.create(edit)
        with closed_unless_done(lambda: self._local.discard(edit.id)):
            holder = await self._reach.ask(self._keyspace.create(edit.id, codec.dump_edit(edit), claim))
        if holder is None:
            self._own[edit.id] = _Own(edit)
            return edit
        self._local.discard(edit.id)
        return await self._held(holder, claim)

    async def claimed(self, claim: Claim) -> Edit | None:
        holder = await self._reach.ask(self._keyspace.claimed(claim))
        return None if holder is None else await self._held(holder, claim)

    async def unclaim(self, claim: Claim, edit_id: str) -> None:
        await self._reach.ask(self._keyspace.unclaim(claim, edit_id))

    async def _held(self, holder: tuple[str, bytes], claim: Claim | None) -> Edit:
        """The edit that holds a claim's key. A key is its principal's own, so that the edit is, too."""
        holder_id, fingerprint = holder
        if claim is not None and fingerprint != claim.fingerprint:
            raise key_reused()
        return (await self._find(holder_id)).edit

    async def append(self, edit_id: str, event: Event, *, last: bool) -> int:
        own = self._own.get(edit_id)
        if own is None:
            raise EndedElsewhere
        adding = self._tasks.create_task(self._add(own, event, last))
        try:
            event_id = await asyncio.shield(adding)
        except asyncio.CancelledError:
            # What may be in Redis already must be here, too, before the edit's last event is.
            await asyncio.wait([adding])
            raise
        if event_id is None:
            raise EndedElsewhere
        return event_id

    async def _add(self, own: _Own, event: Event, last: bool) -> int | None:
        """The event's id; None when the edit has ended elsewhere, and so it has here now."""
        async with own.turn:
            logged = Logged(own.count + 1, event, last)
            if self._reach.is_up and not own.is_behind:
                with suppress(StoreUnavailable):
                    await self._persist(own, logged)
            if own.is_taken:
                await self._local.append(own.edit.id, INTERRUPTED, last=True)
                self._own.pop(own.edit.id, None)
                return None
            own.count, own.has_ended = logged.id, last
            await self._local.append(own.edit.id, event, last=last)
            self._forget_if_done(own)
            return logged.id

    async def _persist(self, own: _Own, logged: Logged) -> None:
        """Bring an event to Redis, if what is before it is there. Raises StoreUnavailable."""
        content = None
        if not isinstance(logged.event, Failed):
            content = b"".join([slice_ async for slice_ in logged.event.payload.content.slices()])
        text = codec.dump_event(logged.event, last=logged.last)
        state = await self._reach.ask(self._keyspace.append(own.edit.id, logged.id, text, content, last=logged.last))
        own.is_taken = state == "ended"
        own.is_begun = state != "missing"
        own.persisted = logged.id if state == "ok" else 0

    def _forget_if_done(self, own: _Own) -> None:
        if own.has_ended and not own.is_behind:
            self._own.pop(own.edit.id, None)

    async def _keep_promises(self) -> None:
        while True:
            with suppress(StoreUnavailable):
                for edit_id, state in (await self._leases.renew(list(self._own))).items():
                    self._heed(edit_id, state)
                await self._leases.reap()
            await asyncio.sleep(self._place.times.renew_s)

    def _heed(self, edit_id: str, state: str) -> None:
        own = self._own.get(edit_id)
        # While an event is on its way, what Redis says of the edit may be older or newer than what is known here.
        if own is None or own.turn.locked():
            return
        own.is_begun = own.is_begun and state != "missing"
        own.is_taken = state == "ended" and not own.has_ended
        if state == "cancel" or own.is_taken:
            self._cancel(edit_id)

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(self._place.times.renew_s)
            with suppress(StoreUnavailable):
                await self._bring_up()

    async def _bring_up(self) -> None:
        """Bring to Redis what it does not have. Raises StoreUnavailable."""
        for own in [own for own in self._own.values() if own.is_behind]:
            async with own.turn:
                await self._bring_one_up(own)

    async def _bring_one_up(self, own: _Own) -> None:
        while own.is_behind and not own.is_taken:
            if not own.is_begun:
                await self._reach.ask(self._keyspace.create(own.edit.id, codec.dump_edit(own.edit), None))
                own.is_begun, own.persisted = True, 0
            for logged in await self._not_persisted(own):
                await self._persist(own, logged)
                if own.persisted != logged.id:
                    break
        if own.is_taken and own.has_ended:
            self._own.pop(own.edit.id, None)
        self._forget_if_done(own)

    async def _not_persisted(self, own: _Own) -> Sequence[Logged]:
        try:
            return await (await self._local.follow(own.edit.id, own.persisted)).read(0)
        except EditExpired:
            # It ended so long ago that nobody would be given it any more.
            own.persisted = own.count
            return ()

    # -- all edits --

    async def find(self, edit_id: str, owner: str) -> Entry:
        if edit_id in self._own:
            return await self._local.find(edit_id, owner)
        try:
            return await self._find(edit_id, owner)
        except StoreUnavailable:
            if edit_id in self._local and (entry := await self._local.find(edit_id, owner)).ended:
                return entry
            raise

    async def follow(self, edit_id: str, after: int = 0) -> Cursor:
        if edit_id not in self._local:
            edit = (await self._find(edit_id)).edit
            await self._mirror(edit)
        return await self._local.follow(edit_id, after)

    def delivered(self, edit_id: str) -> None:
        self._local.delivered(edit_id)

    async def request_cancel(self, edit_id: str) -> None:
        await self._reach.ask(self._keyspace.request_cancel(edit_id))

    async def _mirror(self, edit: Edit) -> None:
        if edit.id in self._local:
            return
        await self._local.create(edit)
        copy = self._tasks.create_task(self._mirrors.copy(edit))
        self._running.add(copy)
        copy.add_done_callback(self._running.discard)

    async def _find(self, edit_id: str, owner: str | None = None) -> Entry:
        found = await self._reach.ask(self._keyspace.find(edit_id))
        edit = codec.load_edit(found.meta) if found is not None else None
        if found is None or edit is None or owner not in (None, edit.owner):
            raise no_such_edit()
        if found.ended and found.left_ms < 0:
            raise not_kept()
        return Entry(edit, found.last_id, found.left_ms / 1000 if found.ended else None)
