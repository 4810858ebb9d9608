"""Waiting for what happens elsewhere, in the server or in the kernel: nobody tells, so it is looked at."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

_LOOK_S = 0.1


async def until(holds: Callable[[], bool | Awaitable[bool]], patience_s: float) -> float:
    """Return when the condition holds, or patience is at its end; the seconds that it took."""
    begun_s = time.monotonic()
    while not await _truth(holds()) and time.monotonic() < begun_s + patience_s:  # noqa: ASYNC110 - as above
        await asyncio.sleep(_LOOK_S)
    return time.monotonic() - begun_s


async def _truth(held: bool | Awaitable[bool]) -> bool:
    return await held if inspect.isawaitable(held) else bool(held)
