"""The event stream as an HTTP answer: sse-starlette's response, fed with finished bytes.

One writer, the generator that it is given, owns slices and heartbeats: pings that know nothing of event boundaries would land
inside a picture. Each message is megabytes' slice, so what is done for each of them is kept small.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager

from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from streamedit.turns import Turns

_LOOKS = 4
"""For each `stuck_reader_s`, so that it takes a quarter longer at most: looking at times is cheaper than timing each send."""


class EventStream(EventSourceResponse):
    """`text/event-stream` that no proxy buffers, caches or compresses.

    It ends early when the reader has left, or has taken nothing for `stuck_reader_s`.
    """

    def __init__(
        self, content: AsyncGenerator[bytes], headers: Mapping[str, str], *, stuck_reader_s: float, turns: Turns
    ) -> None:
        super().__init__(
            content,
            headers={**headers, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no"},
            ping=0,
        )
        self._content = content
        self._stuck_reader_s = stuck_reader_s
        self._turns = turns
        self._sends = 0
        self._is_sending = False
        # Forbidden over HTTP/2, and the server's to say over HTTP/1.1.
        del self.headers["connection"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._content), asyncio.timeout(None) as deadline, asyncio.TaskGroup() as tasks:
                departure = tasks.create_task(_await_departure(receive, deadline))
                with self._watched(deadline):
                    await self._write(send)
                departure.cancel()
        except TimeoutError:
            return

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self._content:
            await self._turns.wait(len(piece))
            self._sends += 1
            self._is_sending = True
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            self._is_sending = False
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    @contextmanager
    def _watched(self, deadline: asyncio.Timeout) -> Iterator[None]:
        """Ends the deadline once one send has been seen at every look; waiting for an event is no send."""
        loop = asyncio.get_running_loop()
        timer: asyncio.TimerHandle

        def look(sends: int, seen: int) -> None:
            nonlocal timer
            seen = seen + 1 if self._is_sending and self._sends == sends else 0
            if seen < _LOOKS:
                timer = loop.call_later(self._stuck_reader_s / _LOOKS, look, self._sends, seen)
            else:
                _end(deadline)

        timer = loop.call_later(self._stuck_reader_s / _LOOKS, look, 0, 0)
        try:
            yield
        finally:
            timer.cancel()


async def _await_departure(receive: Receive, deadline: asyncio.Timeout) -> None:
    """Once the reader has left there is nothing to wait for."""
    while (await receive())["type"] != "http.disconnect":
        pass
    _end(deadline)


def _end(deadline: asyncio.Timeout) -> None:
    """Let it run out now, unless it has."""
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time())
