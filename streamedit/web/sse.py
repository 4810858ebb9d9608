"""The event stream as an HTTP answer: sse-starlette's response, fed with finished bytes.

Its pings are off: they know nothing of event boundaries and would land inside a picture that is sent in slices. One writer,
the generator that it is given, owns slices and heartbeats.
"""

from collections.abc import AsyncIterator, Mapping

from sse_starlette import EventSourceResponse
from sse_starlette.sse import SendTimeoutError
from starlette.types import Receive, Scope, Send


class EventStream(EventSourceResponse):
    """`text/event-stream` that no proxy buffers, caches or compresses.

    A reader that takes nothing for `stuck_reader_s` is given up. On shutdown the stream may go on for `drain_s`.
    """

    def __init__(
        self, content: AsyncIterator[bytes], headers: Mapping[str, str], *, stuck_reader_s: float, drain_s: float
    ) -> None:
        super().__init__(
            content,
            headers={**headers, "cache-control": "no-cache, no-transform", "x-accel-buffering": "no"},
            ping=0,
            send_timeout=stuck_reader_s,
            shutdown_grace_period=drain_s,
        )
        # Forbidden over HTTP/2, and the server's to say over HTTP/1.1.
        del self.headers["connection"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            return
