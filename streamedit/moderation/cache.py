"""What was found before. Nothing of what was judged is kept but its digest."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from streamedit.moderation.findings import Finding, Unjudged


@dataclass(frozen=True, slots=True)
class _Kept:
    flagged: tuple[str, ...]
    until_s: float


class Cache:
    """Findings by digest, at most `size` of them, each for `keep_s`; the oldest go first. `clock` gives monotonic seconds.

    Who asks for what somebody else is just asking for gets the same answer. What was not judged is not kept.
    """

    def __init__(self, keep_s: float, size: int, clock: Callable[[], float]) -> None:
        self._keep_s = keep_s
        self._size = size
        self._clock = clock
        self._kept: dict[bytes, _Kept] = {}
        self._asking: dict[bytes, asyncio.Future[Finding]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    async def get(self, digest: bytes, ask: Callable[[], Awaitable[Finding]]) -> tuple[Finding, bool]:
        """What was found, and whether that was known without this caller's own asking."""
        while True:
            kept = self._kept.get(digest)
            if kept is not None and self._clock() < kept.until_s:
                return kept.flagged, True
            others = self._asking.get(digest)
            if others is None:
                return await self._ask(digest, ask), False
            await asyncio.wait([others])
            # Whoever asked may have been cancelled: then one of those who wait asks.
            if not others.cancelled():
                return others.result(), True

    async def _ask(self, digest: bytes, ask: Callable[[], Awaitable[Finding]]) -> Finding:
        asking = self._asking[digest] = asyncio.get_running_loop().create_future()
        try:
            found = await ask()
            self._keep(digest, found)
            asking.set_result(found)
            return found
        finally:
            del self._asking[digest]
            asking.cancel()

    def _keep(self, digest: bytes, found: Finding) -> None:
        """All are kept for the same time, so the first is the oldest."""
        if isinstance(found, Unjudged):
            return
        self._kept.pop(digest, None)
        self._kept[digest] = _Kept(found, self._clock() + self._keep_s)
        while len(self._kept) > self._size or self._is_over():
            del self._kept[next(iter(self._kept))]

    def _is_over(self) -> bool:
        return bool(self._kept) and next(iter(self._kept.values())).until_s <= self._clock()
