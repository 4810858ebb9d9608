"""Whether Redis can be reached: each step there is bounded, and after one that fails nobody waits for it again and again."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from streamedit.errors import StoreUnavailable

_Result = TypeVar("_Result")

_CONNECTIONS = 64

_STEP_S = 3.0
"""For one step; the largest moves an event's megabytes."""


class Reach:
    """`is_up`: the last step came through. `step_s`: how long one may take."""

    def __init__(self, step_s: float = _STEP_S) -> None:
        self.is_up = False
        self._step_s = step_s

    async def ask(self, step: Coroutine[Any, Any, _Result]) -> _Result:
        """A step's result. Raises StoreUnavailable; at once while Redis is away."""
        if not self.is_up:
            step.close()
            raise unavailable()
        return await self.probe(step)

    async def probe(self, step: Coroutine[Any, Any, _Result]) -> _Result:
        """The same, tried while Redis is away, too."""
        try:
            async with asyncio.timeout(self._step_s):
                result = await heeding_cancellation(step)
        except (RedisError, OSError, TimeoutError):
            self.is_up = False
            raise unavailable() from None
        self.is_up = True
        return result


async def heeding_cancellation(step: Coroutine[Any, Any, _Result]) -> _Result:
    """A step's result. Python 3.11's `asyncio.wait_for`, on which redis-py sends, loses a cancellation that comes when it is
    done already (CPython issue 81839): so it is asked for afterwards."""
    task = asyncio.current_task()
    before = task.cancelling() if task else 0
    result = await step
    if task and task.cancelling() > before:
        raise asyncio.CancelledError
    return result


@asynccontextmanager
async def connected(url: str, step_s: float = _STEP_S) -> AsyncIterator[Redis]:
    """A client that tries each step once: who asks knows better whether to try again.

    Notices of maintenance, which a hosted Redis may send, are off: with them redis-py hands out idle connections that an outage
    has closed, and each would fail one step after Redis is back.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=step_s,
        socket_timeout=step_s,
        socket_connect_timeout=step_s,
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    client = Redis(connection_pool=pool)
    try:
        yield client
    finally:
        await client.aclose()
        await pool.aclose()


async def knock(url: str, within_s: float) -> None:
    """Redis is there, and lets us in. Raises StoreUnavailable."""
    async with connected(url, within_s) as client:
        await Reach(within_s).probe(_pinged(client))


async def _pinged(client: Redis) -> None:
    await client.ping()


def unavailable() -> StoreUnavailable:
    """For what needs Redis, and cannot have it now."""
    return StoreUnavailable("The store of this server cannot be reached. Try again later.", headers={"retry-after": "5"})
