"""Turns at the event loop, for those who move megabytes.

A stream that is read or sent as fast as it can be would keep the event loop to itself. So whoever has moved a large piece
waits in line before the next one, and each turn of the event loop lets a few go on. What is small never waits.
"""

import asyncio
from collections import deque
from collections.abc import Callable

_LARGE_BYTES = 1 << 16
"""From this size on a piece is worth a turn."""

_PER_TURN = 2


class Turns:
    """One line."""

    def __init__(self) -> None:
        self._line: deque[Callable[[], None]] = deque()

    def queue(self, go_on: Callable[[], None]) -> None:
        """Call `go_on` when its turn has come, in a later turn of the event loop."""
        if not self._line:
            asyncio.get_running_loop().call_soon(self._next)
        self._line.append(go_on)

    async def wait(self, size_bytes: int) -> None:
        """Return when the turn for a piece of this size has come: at once for a small one."""
        if size_bytes < _LARGE_BYTES:
            return
        turn = asyncio.Event()
        self.queue(turn.set)
        await turn.wait()

    def _next(self) -> None:
        for _ in range(min(_PER_TURN, len(self._line))):
            self._line.popleft()()
        if self._line:
            asyncio.get_running_loop().call_soon(self._next)
