"""A clock that a test moves: long sleeps last until it has."""

import asyncio

from streamedit.clocks import Clocks

_SHORT_S = 10.0
"""What is slept for less is over at once."""


class HandClock:
    """`passes` moves it, and returns when whoever was woken sleeps again."""

    def __init__(self, now_s: float = 1_800_000_000.0) -> None:
        self.now_s = now_s
        self._sleepers: dict[asyncio.Event, float] = {}
        self._asleep = asyncio.Condition()

    @property
    def clocks(self) -> Clocks:
        """Both clocks are one."""
        return Clocks(self.read, self.read, self.sleep)

    def read(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        if seconds < _SHORT_S:
            await asyncio.sleep(0)
            return
        over = asyncio.Event()
        self._sleepers[over] = self.now_s + seconds
        async with self._asleep:
            self._asleep.notify_all()
        try:
            await over.wait()
        finally:
            self._sleepers.pop(over, None)

    async def passes(self, seconds: float, sleepers: int = 1) -> None:
        """So much time, when so many sleep for long; they do again when this returns."""
        await self._until_asleep(sleepers)
        self.now_s += seconds
        for over in [over for over, until_s in self._sleepers.items() if until_s <= self.now_s]:
            del self._sleepers[over]
            over.set()
        await self._until_asleep(sleepers)

    async def _until_asleep(self, sleepers: int) -> None:
        async with asyncio.timeout(10), self._asleep:
            await self._asleep.wait_for(lambda: len(self._sleepers) >= sleepers)
