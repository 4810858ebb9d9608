"""An edit's events from a server, over as many connections as it takes: each goes on behind the last event that came."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from streamedit.cli.editing import Heard, Note, Unreachable
from streamedit.cli.editing.backoff import Backoff
from streamedit.cli.editing.pictures import picture_of
from streamedit.cli.editing.server import Server, reason, refusal
from streamedit.clocks import Clocks
from streamedit.errors import EditError, UpstreamBroken
from streamedit.events import as_object
from streamedit.failures import retry_after_s
from streamedit.wire import bodies, payloads
from streamedit.wire.scanner import Frame, FrameScanner

_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
"""Servers send a heartbeat every fifteen seconds."""

_MAX_EVENT_BYTES = 128 << 20

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the view is tried again: the edit goes on without it."""


class _Lost(Exception):
    """The connection is gone, or did not come about; its words say why. `least_s`: for how long the server wishes."""

    def __init__(self, why: str, least_s: float = 0.0) -> None:
        super().__init__(why)
        self.least_s = least_s


@dataclass(slots=True)
class _Place:
    """How far the edit has been read. `last_id`: of the last event; `finished`: the images that are done."""

    last_id: str = ""
    finished: set[int] = field(default_factory=set)


class Viewing:
    """One edit's events. `url`: that of the events, which opens them by itself; `n`: how many images the edit makes."""

    def __init__(self, server: Server, url: str, n: int, clocks: Clocks) -> None:
        self._server = server
        self._url = server.at(url)
        self._n = n
        self._clocks = clocks
        self._backoff = Backoff(server.patience_s, clocks.clock)
        self._place = _Place()

    async def events(self, client: httpx.AsyncClient) -> AsyncGenerator[Heard]:
        """The pictures to the last, and a note wherever the connection was lost. Raises EditError, Unreachable."""
        again = False
        while not self._is_over():
            try:
                async with aclosing(self._connection(client, again=again)) as connection:
                    async for heard in connection:
                        yield heard
                lost = _Lost("")
            except _Lost as error:
                lost = error
            if self._is_over():
                return
            if str(lost) and not self._backoff.failures:
                yield Note("connection_lost", f"connection lost: {lost}")
            again = True
            await self._wait(lost)

    def _is_over(self) -> bool:
        return len(self._place.finished) >= self._n

    async def _connection(self, client: httpx.AsyncClient, *, again: bool) -> AsyncGenerator[Heard]:
        """What one connection brings. Raises _Lost where more is to come."""
        scanner = FrameScanner(_MAX_EVENT_BYTES)
        try:
            async with self._opened(client) as response:
                if again:
                    yield Note("reconnected", f"reconnected behind event {self._place.last_id or 0}")
                async for chunk in response.aiter_bytes():
                    self._backoff.succeeded()
                    scanner.feed(chunk)
                    for frame in scanner.take():
                        if heard := self._take(frame):
                            yield heard
        except httpx.TransportError as error:
            raise _Lost(reason(error), (scanner.retry_ms or 0) / 1000) from None
        raise _Lost("", (scanner.retry_ms or 0) / 1000)

    @asynccontextmanager
    async def _opened(self, client: httpx.AsyncClient) -> AsyncIterator[httpx.Response]:
        headers = {"accept": "text/event-stream", **({"last-event-id": self._place.last_id} if self._place.last_id else {})}
        async with client.stream("GET", self._url, headers=headers, timeout=_TIMEOUT) as response:
            if response.status_code == HTTPStatus.NO_CONTENT:
                raise UpstreamBroken(
                    "The edit has ended, and the server has no more of its pictures.", code="upstream_incomplete"
                )
            if response.status_code in _PASSING:
                least_s = retry_after_s(response.headers, self._clocks.now_s()) or 0.0
                raise _Lost(f"status {response.status_code}", least_s)
            if response.status_code != HTTPStatus.OK:
                await response.aread()
                raise refusal(response)
            yield response

    def _take(self, frame: Frame) -> Heard | None:
        """What a frame tells. Raises EditError for the end of an edit that failed."""
        try:
            fields = as_object(payloads.loads(frame.data))
        except ValueError:
            raise UpstreamBroken("The server sent an event that is not JSON.", code="upstream_malformed") from None
        if frame.name == payloads.ERROR:
            raise EditError.told(bodies.parse_stream_error(fields, {}))
        if frame.name == "reset":
            self._place = _Place()
            return Note("reset", "the server no longer knows what was shown, and begins again")
        self._place.last_id = frame.last_id
        if frame.name not in (payloads.PARTIAL_IMAGE, payloads.COMPLETED):
            return None
        picture = picture_of({**fields, "type": frame.name})
        if not picture.is_partial:
            self._place.finished.add(picture.image_index)
        return picture

    async def _wait(self, lost: _Lost) -> None:
        delay_s = self._backoff.wait_s(lost.least_s)
        if delay_s is None:
            patience = f"{self._server.patience_s:g} s"
            raise Unreachable(f"{self._server.shown} has been away for {patience}{f': {lost}' if str(lost) else ''}.")
        await self._clocks.sleep(delay_s)
