"""Rate limits and slots as all workers and machines count them: see `quotas` for who runs, who waits and who goes on.

Slots and places in a queue are leases, which each process renews; when it is killed they are free again soon after. A grant
is told by a message, which may be lost: so a process also asks whenever it renews. What Redis has lost is brought back there.
While Redis is away nobody new comes in; whoever is in goes on, and whoever waits goes on waiting.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from redis.exceptions import RedisError

from streamedit.clocks import Clocks
from streamedit.errors import StoreUnavailable
from streamedit.limits import QuotaRules, RateLimits, Reading, refusal
from streamedit.parties import Scope, ScopeKind
from streamedit.stores import Entered
from streamedit.stores.reach import Reach, connected, heeding_cancellation
from streamedit.stores.refusals import WHOSE, concurrency_limited, entered, limits_of, queue_full
from streamedit.stores.turnstile import Passage, SlotLease, Turnstile
from streamedit.uploads import closed_unless_done

_STEP_S = 1.0
"""For Redis to answer: an edit waits meanwhile."""

_LOOK_S = 1.0
"""How soon messages are listened to again."""


@dataclass(slots=True, eq=False)
class _Own:
    """An edit of this process. `is_in`: Redis has counted it; `moved`: set when it has its slots, or is out."""

    scopes: Sequence[Scope]
    images: int
    until_s: float
    is_in: bool = False
    is_running: bool = False
    kind: ScopeKind = ScopeKind.SERVER
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def run(self) -> None:
        self.is_running = True
        self.moved.set()


@dataclass(frozen=True, slots=True)
class QuotaPlace:
    """Where quotas are counted, and how the death of a process is noticed."""

    url: str
    prefix: str
    lease: SlotLease = field(default_factory=SlotLease)


class RedisQuotas:
    """See the module."""

    def __init__(self, place: QuotaPlace, clocks: Clocks, rules: QuotaRules) -> None:
        self._place = place
        self._clock = clocks.clock
        self._rules = rules
        self._reach = Reach(_STEP_S)
        self._own: dict[str, _Own] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with connected(self._place.url, _STEP_S) as client, asyncio.TaskGroup() as self._tasks:
            self._turnstile = Turnstile(client, self._place.prefix, self._rules, self._place.lease.lease_s)
            with suppress(StoreUnavailable):
                await self._renew()
            works = [self._tasks.create_task(work) for work in (self._keep_promises(), self._listen())]
            yield
            for work in works:
                work.cancel()

    async def enter(self, edit_id: str, scopes: Sequence[Scope], images: int) -> Entered:
        limited = [scope for scope in scopes if scope.allowance.limits != RateLimits()]
        self._own[edit_id] = own = _Own(limited, images, self._clock() + self._rules.queue_wait_s)
        if not limited:
            own.run()
            return Entered()
        with closed_unless_done(lambda: self._abandon(edit_id)):
            passage = await self._reach.ask(self._turnstile.enter(edit_id, limited, images))
        readings = list(_readings(limited, images, passage))
        if passage.state != "entered":
            del self._own[edit_id]
            raise refusal(readings) or queue_full(readings, self._left_us(passage))
        own.is_in = True
        if passage.queue:
            own.kind = ScopeKind(passage.queue.partition(":")[0])
        else:
            own.run()
        return entered(readings, self._rules.window_us, is_running=own.is_running)

    async def turn(self, edit_id: str, within_s: float) -> None:
        own = self._own.get(edit_id)
        if own is None:
            raise concurrency_limited()
        with closed_unless_done(lambda: self._abandon(edit_id)), suppress(TimeoutError):
            async with asyncio.timeout(min(within_s, own.until_s - self._clock())):
                await own.moved.wait()
        if not own.is_running:
            await self.leave(edit_id, is_counted=False)
            raise concurrency_limited(own.kind)

    async def leave(self, edit_id: str, *, is_counted: bool = True) -> None:
        leaving = self._leave(edit_id, is_counted=is_counted)
        if leaving is not None:
            await asyncio.shield(leaving)

    def _leave(self, edit_id: str, *, is_counted: bool) -> asyncio.Task[None] | None:
        """Here it is out at once. Redis is told whatever becomes of who waits for it; None when there is nothing to tell."""
        own = self._own.pop(edit_id, None)
        if own is None:
            return None
        own.moved.set()
        return self._tasks.create_task(self._tell(edit_id, is_counted)) if own.scopes else None

    def _abandon(self, edit_id: str) -> None:
        self._leave(edit_id, is_counted=False)

    async def _tell(self, edit_id: str, is_counted: bool) -> None:
        with suppress(StoreUnavailable):
            await self._reach.ask(self._turnstile.leave(edit_id, is_counted=is_counted))

    async def _keep_promises(self) -> None:
        while True:
            await asyncio.sleep(self._place.lease.renew_s)
            with suppress(StoreUnavailable):
                await self._renew()

    async def _renew(self) -> None:
        """Raises StoreUnavailable."""
        counted = [edit_id for edit_id, own in self._own.items() if own.is_in]
        for edit_id, state in (await self._reach.probe(self._turnstile.renew(counted))).items():
            own = self._own.get(edit_id)
            if own is not None and state == "running":
                own.run()
            if own is not None and state == "gone":
                restored = self._turnstile.restore(edit_id, own.scopes, own.images, is_running=own.is_running)
                await self._reach.ask(restored)

    async def _listen(self) -> None:
        """Hear of each grant anywhere, for ever."""
        while True:
            with suppress(RedisError, OSError):
                async with self._turnstile.grants() as grants:
                    await heeding_cancellation(grants.subscribe(self._turnstile.grants_channel))
                    while True:
                        self._hear(await heeding_cancellation(grants.get_message(timeout=_LOOK_S)))
            await asyncio.sleep(_LOOK_S)

    def _hear(self, message: dict[str, bytes] | None) -> None:
        own = self._own.get(message["data"].decode()) if message else None
        if own is not None:
            own.run()

    def _left_us(self, passage: Passage) -> int | None:
        """Until the first in the queue gives up."""
        return None if passage.waited_us is None else max(0, self._rules.queue_wait_us - passage.waited_us)


def _readings(scopes: Sequence[Scope], images: int, passage: Passage) -> Iterator[Reading]:
    for (scope, rate, limit, amount), (used, wait_us, reset_us) in zip(
        limits_of(scopes, images), passage.readings, strict=True
    ):
        yield Reading(WHOSE[scope.kind], rate, limit, used, amount, wait_us if wait_us >= 0 else None, reset_us)
