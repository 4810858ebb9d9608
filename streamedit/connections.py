"""Connections from clients: uvicorn's protocol, bounded where uvicorn leaves it open.

By itself it waits for a request's head for ever, takes one of any length, and gives one client as many connections as it wants.
"""

import asyncio
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from streamedit.config import ServerSettings
from streamedit.errors import EditError, HeadTooLarge, InvalidRequest, TooManyConnections
from streamedit.web.answers import error_answer, stamp

_LINGER_S = 2
"""How long a refused client may go on sending: closing at once would reset the connection, and the answer could be lost."""

_RETRY_AFTER_S = 5

_LARGE_BYTES = 1 << 14
"""From this size on a copy costs more than three buffers instead of one."""


class Connections:
    """What a server's connections share: their bounds, and how many each client address has (`by_client`).

    Called, it makes the protocol of one connection: it is what uvicorn takes as `http`.
    """

    def __init__(self, server: ServerSettings) -> None:
        self.server = server
        self.by_client: dict[str, int] = {}

    def __call__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> asyncio.Protocol:
        return _Connection(self, config, server_state, app_state)

    def admit(self, client: str) -> bool:
        """Count one more connection, unless the client has as many as it may have."""
        count = self.by_client.get(client, 0)
        if count >= self.server.max_connections_per_client:
            return False
        self.by_client[client] = count + 1
        return True

    def release(self, client: str) -> None:
        """Forget a connection that was admitted, and with the last one the client."""
        left = self.by_client.pop(client) - 1
        if left:
            self.by_client[client] = left


class _Cycle(RequestResponseCycle):
    """Hands large pieces to the system as they are: uvicorn joins each with its frame, a copy for each reader."""

    async def send(self, message: Any) -> None:
        body = message.get("body", b"")
        if len(body) < _LARGE_BYTES or not self.chunked_encoding or not message.get("more_body"):
            await super().send(message)
            return
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if not self.disconnected:
            self.transport.writelines((b"%x\r\n" % len(body), body, b"\r\n"))


class _Connection(HttpToolsProtocol):
    """One connection.

    `_timer` closes it when a head is late. It runs while a head is awaited and no request is being answered; between requests,
    and for the rest of a body that was answered before its end, uvicorn's `timeout_keep_alive` does.

    `_empty_bytes` have come since the last whole head or piece of a body: half a head, trailers, extensions of chunks. Some of
    them the parser keeps, so all of them are bounded.
    """

    # Beside uvicorn's thirty attributes, which share their names among all connections as long as there are no more.
    __slots__ = ("_admitted", "_awaits_head", "_empty_bytes", "_is_refused", "_shared", "_timer")

    def __init__(self, shared: Connections, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config, server_state, app_state)
        self._shared = shared
        self._admitted: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._awaits_head = True
        self._empty_bytes = 0
        self._is_refused = False

    # -- what the transport tells --

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own is as narrow
        super().connection_made(transport)
        client = self.client[0] if self.client else ""
        if not self._shared.admit(client):
            headers = {"retry-after": str(_RETRY_AFTER_S)}
            self._write(TooManyConnections("Your address has too many connections open.", headers=headers))
            self.transport.close()
            return
        self._admitted = client
        self._time_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        if self._admitted is not None:
            self._shared.release(self._admitted)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Replaces uvicorn's: that stops waiting for a request whatever has come, a blank line too, and logs what is broken."""
        if self._is_refused:
            return
        self._empty_bytes += len(data)
        try:
            self._feed(data)
        except httptools.HttpParserError as error:
            own = error.__context__
            self._refuse(own if isinstance(own, EditError) else InvalidRequest("This is not HTTP/1.1.", code="invalid_http"))
            return
        if self._empty_bytes > self._shared.server.max_head_bytes:
            self._refuse(self._head_too_large())

    # -- what the parser finds --

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._awaits_head = True
        self._time_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Trailers come here, too, and say nothing that is of use."""
        if self._awaits_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._empty_bytes = 0
        self._stop_timer()
        self._unset_keepalive_if_required()
        # What came in one read with something else has not been counted.
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._shared.server.max_head_bytes:
            raise self._head_too_large()
        super().on_headers_complete()
        self.cycle.__class__ = _Cycle
        self._awaits_head = False

    def on_body(self, body: bytes) -> None:
        """Replaces uvicorn's, which asks each time whether this has become a WebSocket."""
        self._empty_bytes = 0
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._time_head()

    # -- the bounds --

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _feed(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                # Nobody has to change protocols (RFC 9110, 7.8): what follows is the next request.
                rest = rest[upgrade.args[0] :]

    def _time_head(self) -> None:
        if not self._awaits_head or self._timer is not None or self._is_answering:
            return
        self._unset_keepalive_if_required()
        self._timer = self.loop.call_later(self._shared.server.head_s, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _head_too_large(self) -> HeadTooLarge:
        return HeadTooLarge(f"The request line and its headers are larger than {self._shared.server.max_head_bytes} bytes.")

    def _refuse(self, error: EditError) -> None:
        """Tell what is wrong and hear no more; but nothing in the middle of an answer, nor after a request's own."""
        self._is_refused = True
        if self._awaits_head and self._is_answering:
            self.cycle.keep_alive = False
            return
        if not self._awaits_head and (self.cycle.response_started or self.pipeline):
            self.transport.close()
            return
        if not self._awaits_head:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._write(error)
        self.transport.write_eof()
        self._stop_timer()
        self._timer = self.loop.call_later(_LINGER_S, self.transport.close)

    def _write(self, error: EditError) -> None:
        answer = error_answer(error.detail)
        answer.headers["connection"] = "close"
        stamp(answer.headers)
        headers = [*self.server_state.default_headers, *answer.raw_headers]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[answer.status_code], lines, bytes(answer.body)))
