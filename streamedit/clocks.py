"""What time it is: passed to whoever wants to know, so that a test can say so."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """`clock` gives monotonic seconds, `now_s` Unix time; `sleep` lets so many seconds pass."""

    clock: Callable[[], float]
    now_s: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


SYSTEM_CLOCKS = Clocks(clock=time.monotonic, now_s=time.time)
