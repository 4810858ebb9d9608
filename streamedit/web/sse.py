"""The event stream as an HTTP answer: sse-starlette's response, fed with finished bytes.

One writer, its source, owns slices and heartbeats: pings that know nothing of event boundaries would land inside a picture.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus

from sse_starlette import EventSourceResponse
from starlette.types import Receive, Scope, Send

from streamedit.telemetry import Telemetry
from streamedit.web.pacing import Pace, Paced, Source


class EventStream(Paced, EventSourceResponse):
    """`text/event-stream` that no proxy buffers, caches or compresses."""

    def __init__(self, source: Source, pace: Pace, telemetry: Telemetry) -> None:
        EventSourceResponse.__init__(self, _nothing(), headers={"cache-control": "no-cache, no-transform"}, ping=0)
        # For its pings, of which there are none, and its own body: a kilobyte for each viewer.
        del self._send_lock, self.body_iterator
        self.write_from(source, pace)
        self._telemetry = telemetry
        self.headers["x-accel-buffering"] = "no"
        # Forbidden over HTTP/2, and the server's to say over HTTP/1.1.
        del self.headers["connection"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._telemetry.readers.track_inprogress():
            await Paced.__call__(self, scope, receive, send)


@dataclass(frozen=True, slots=True)
class Answers:
    """Makes the answers of a server from their sources, all at the same pace."""

    pace: Pace
    telemetry: Telemetry

    def stream(self, source: Source) -> Paced:
        return EventStream(source, self.pace, self.telemetry)

    def json(self, source: Source, status: HTTPStatus = HTTPStatus.OK) -> Paced:
        answer = Paced(status_code=status, media_type="application/json")
        # Starlette's 0 is that of its own body; the source knows the length, or nobody does.
        del answer.headers["content-length"]
        answer.write_from(source, self.pace)
        return answer

    def bytes(self, source: Source, status: HTTPStatus, headers: Mapping[str, str]) -> Paced:
        """Anything else, as its `headers` describe it."""
        answer = Paced(status_code=status, headers=dict(headers))
        answer.write_from(source, self.pace)
        return answer


async def _nothing() -> AsyncIterator[bytes]:
    """What is written comes from the source."""
    nothing: tuple[bytes, ...] = ()
    for piece in nothing:
        yield piece
