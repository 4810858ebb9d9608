"""Which edits claims stand for, and whose turn it is to make one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from streamedit.edits import Edit
from streamedit.idempotency import Claim
from streamedit.stores import EventLog


class Claims:
    """Those that the log of events knows. Without a claim there is nobody to wait for, and nothing to find."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._turns: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, claim: Claim | None) -> AsyncIterator[None]:
        """Of requests with one key only the first counts: the others wait until it is an edit, or refused."""
        if claim is None:
            yield
            return
        turn = self._turns.setdefault(claim.key, asyncio.Lock())
        async with turn:
            yield

    async def holder(self, claim: Claim | None) -> Edit | None:
        """The edit that was made with it. Raises IdempotencyKeyReused, EditExpired, StoreUnavailable."""
        return await self._log.claimed(claim) if claim is not None else None
