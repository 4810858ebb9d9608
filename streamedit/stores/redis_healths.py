"""The targets' health as all workers and machines know it: cooldowns, limits and counts are shared.

Below the prefix: `health:ID`, a JSON text that expires a day after its last change. A change is a compare-and-set: what comes
of what was read is written if that is still what is there. While Redis is away each process goes on with what it knows itself,
and tells Redis when it is back what has changed meanwhile: no edit waits for it again and again, and none fails because of it.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

from redis.asyncio import Redis

from streamedit.errors import StoreUnavailable
from streamedit.health import Health
from streamedit.stores import Step, codec
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.reach import Reach, connected, unavailable

Answer: TypeAlias = Any
"""What Redis gives back."""

_STEP_S = 1.0
"""For Redis to answer: an edit waits meanwhile."""

_LOOK_S = 1.0
"""How often is looked whether Redis is back."""

_KEPT_MS = 24 * 3600 * 1000

_TRIES = 50
"""In this process changes of a target take turns: whoever comes between is another process, and has come through itself."""

_MISSED = 10_000
"""So many changes are remembered while Redis is away."""

_SET_IF_SAME = """
local known = redis.call('GET', KEYS[1]) or ''
if known ~= ARGV[1] then return known end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return false
"""


class _Texts:
    """What Redis holds of targets. Every method is one step, and raises what redis-py raises."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = f"{prefix}health:"
        self._set_if_same = client.register_script(_SET_IF_SAME)

    async def answer(self) -> None:
        """Redis is there."""
        await self._client.ping()

    async def of(self, ids: Sequence[str]) -> Mapping[str, bytes]:
        """Those that there are."""
        texts: Answer = await self._client.mget([self._prefix + target_id for target_id in ids])
        return {target_id: text for target_id, text in zip(ids, texts, strict=True) if text is not None}

    async def swap(self, target_id: str, known: bytes, text: bytes) -> bytes | None:
        """Put `text` in the place of `known`; None when that is done, else what is there; empty stands for nothing."""
        found: Answer = await self._set_if_same(keys=[self._prefix + target_id], args=[known, text, _KEPT_MS])
        return None if found is None else bytes(found)


class RedisHealths:
    """See the module."""

    def __init__(self, url: str, prefix: str) -> None:
        self._url = url
        self._prefix = prefix
        self._reach = Reach(_STEP_S)
        self._own = MemoryHealths()
        self._turns: Mapping[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._missed: deque[tuple[str, Step]] = deque(maxlen=_MISSED)
        self._is_behind = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async with connected(self._url, _STEP_S) as client, asyncio.TaskGroup() as tasks:
            self._texts = _Texts(client, self._prefix)
            with suppress(StoreUnavailable):
                await self._reach.probe(self._texts.answer())
            looking = tasks.create_task(self._look())
            yield
            looking.cancel()

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        if not ids or self._is_behind:
            return await self._own.of(ids)
        try:
            texts = await self._reach.ask(self._texts.of(ids))
        except StoreUnavailable:
            return await self._own.of(ids)
        found = {target_id: codec.load_health(text) for target_id, text in texts.items()}
        for target_id, health in found.items():
            self._own.keep(target_id, health)
        return found

    async def change(self, target_id: str, step: Step) -> tuple[Health, Health] | None:
        async with self._turns[target_id]:
            if not self._is_behind:
                with suppress(StoreUnavailable):
                    return await self._change(target_id, step)
            self._is_behind = True
            self._missed.append((target_id, step))
            return await self._own.change(target_id, step)

    async def _change(self, target_id: str, step: Step) -> tuple[Health, Health] | None:
        """The change in Redis. Raises StoreUnavailable."""
        text = (await self._reach.ask(self._texts.of([target_id]))).get(target_id, b"")
        for _ in range(_TRIES):
            before = codec.load_health(text)
            after = step(before)
            if after is None:
                return None
            found = await self._reach.ask(self._texts.swap(target_id, text, codec.dump_health(after)))
            if found is None:
                self._own.keep(target_id, after)
                return before, after
            text = found
        raise unavailable()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            with suppress(StoreUnavailable):
                if not self._reach.is_up:
                    await self._reach.probe(self._texts.answer())
                await self._catch_up()

    async def _catch_up(self) -> None:
        """Tell Redis what it has missed, in its order; until that is done nobody else changes anything there."""
        while self._missed:
            target_id, step = self._missed.popleft()
            try:
                await self._change(target_id, step)
            except StoreUnavailable:
                self._missed.appendleft((target_id, step))
                raise
        self._is_behind = False
