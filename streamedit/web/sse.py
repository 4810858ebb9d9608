"""The event stream as an HTTP answer: sse-starlette's response, fed with finished bytes.

One writer, the generator that it is given, owns slices and heartbeats: pings that know nothing of event boundaries would land
inside a picture. Each message is megabytes' slice, so what is done for each of them is kept small.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send


class EventStream(EventSourceResponse):
    """`text/event-stream` that no proxy buffers, caches or compresses.

    It ends early when the reader has left, or has taken nothing for `stuck_reader_s`.
    """

    def __init__(self, content: AsyncGenerator[bytes], headers: Mapping[str, str], *, stuck_reader_s: float) -> None:
        super().__init__(
            content,
            headers={**headers, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no"},
            ping=0,
        )
        self._content = content
        self._stuck_reader_s = stuck_reader_s
        # Forbidden over HTTP/2, and the server's to say over HTTP/1.1.
        del self.headers["connection"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._content), asyncio.timeout(None) as patience, asyncio.TaskGroup() as tasks:
                departure = tasks.create_task(_await_departure(receive, patience))
                await self._write(send, patience)
                departure.cancel()
        except TimeoutError:
            return

    async def _write(self, send: Send, patience: asyncio.Timeout) -> None:
        """Send what the content gives; only a send may run out of patience, waiting for an event may not."""
        now = asyncio.get_running_loop().time
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._content:
            patience.reschedule(now() + self._stuck_reader_s)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            patience.reschedule(None)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _await_departure(receive: Receive, patience: asyncio.Timeout) -> None:
    """Once the reader has left there is nothing to wait for."""
    while (await receive())["type"] != "http.disconnect":
        pass
    if not patience.expired():
        patience.reschedule(asyncio.get_running_loop().time())
