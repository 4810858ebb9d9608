"""A request's body while it arrives: bounded as a whole, and in its silences."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamedit.errors import UploadTimeout
from streamedit.web.pacing import run_out

_LOOKS = 4
"""For each silence, so that it takes a quarter longer at most: looking at times is cheaper than timing each piece."""


class _Arrivals:
    """Passes a body on, and knows whether anybody waits for its next piece."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.pieces = 0
        self.is_awaited = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self.is_awaited = True
        piece = await anext(self._body)
        self.is_awaited = False
        self.pieces += 1
        return piece


@asynccontextmanager
async def arriving(body: AsyncIterator[bytes], *, within_s: float, silence_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
    """The same body, for the time of a `with` block. Raises UploadTimeout once it is late, or nothing of it comes any more.

    What a reader does with a piece that has come is no silence.
    """
    loop = asyncio.get_running_loop()
    arrivals = _Arrivals(body)
    timer: asyncio.TimerHandle

    def look(pieces: int, seen: int) -> None:
        nonlocal timer
        seen = seen + 1 if arrivals.is_awaited and arrivals.pieces == pieces else 0
        if seen < _LOOKS:
            timer = loop.call_later(silence_s / _LOOKS, look, arrivals.pieces, seen)
        else:
            run_out(deadline)

    timer = loop.call_later(silence_s / _LOOKS, look, 0, 0)
    try:
        async with asyncio.timeout(within_s) as deadline:
            yield arrivals
    except TimeoutError:
        raise UploadTimeout("The request body did not arrive in time.") from None
    finally:
        timer.cancel()
