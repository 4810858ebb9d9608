"""Turns at the event loop, for those who move megabytes.

A stream that is read or sent as fast as it can be would keep the event loop to itself. So whoever has moved a large piece
waits in line before the next one, and each turn of the event loop lets a few go on. What is small never waits.
"""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

LARGE_BYTES = 1 << 16
"""From this size on a piece is worth a turn."""

_PER_TURN = 2


class Turns:
    """One line. Who is furthest with what it moves goes on first, so that few are in the middle of something at a time; those
    who are equally far go on in the order in which they came."""

    def __init__(self) -> None:
        self.is_held = False
        self._line: list[tuple[int, int, Callable[[], None]]] = []
        self._number = count()
        self._is_due = False

    def queue(self, go_on: Callable[[], None], moved_bytes: int = 0) -> None:
        """Call `go_on` when its turn has come, in a later turn of the event loop. `moved_bytes`: how far it is."""
        heapq.heappush(self._line, (-moved_bytes, next(self._number), go_on))
        if not (self._is_due or self.is_held):
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    async def wait(self, size_bytes: int) -> None:
        """Return when the turn for a piece of this size has come: at once for a small one."""
        if size_bytes < LARGE_BYTES:
            return
        turn = asyncio.Event()
        self.queue(turn.set)
        await turn.wait()

    def hold(self) -> None:
        """Nobody in the line goes on until `release`."""
        self.is_held = True

    def release(self) -> None:
        """The line goes on."""
        self.is_held = False
        if self._line and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        for _ in range(min(_PER_TURN, len(self._line))):
            if not self.is_held:
                heapq.heappop(self._line)[2]()
        self._is_due = bool(self._line) and not self.is_held
        if self._is_due:
            asyncio.get_running_loop().call_soon(self._next)
