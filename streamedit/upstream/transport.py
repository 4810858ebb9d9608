"""httpx's transport over our own connections: a pool that is kept through cancellation, and bodies that can be pushed.

It is HTTP/1.1 without proxies and HEAD. Otherwise `httpx.AsyncClient(transport=PooledTransport(...))` works as with any
other transport; the relay calls the transport itself, because a client would share one cookie jar among all callers.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias, cast

import aiohappyeyeballs
import httpx
from aiohappyeyeballs.types import AddrInfoType

from streamedit.turns import Turns
from streamedit.uploads import closed_unless_done
from streamedit.upstream.connection import Connection, Reading, Sink

_DRAIN_S = 0.1
"""How long the end of an answer may take once its last event has come."""

_HAPPY_EYEBALLS_S = 0.25
"""RFC 8305: when to try the next address as well."""

_PORTS = {"http": 80, "https": 443}
_CLOSE_S = 1.0
_UNBOUNDED_S = 86_400.0
"""httpx writes None for a wait without a bound; here every wait has one."""

Info: TypeAlias = AddrInfoType
"""Where a host is, as `getaddrinfo` has it."""

LookUp: TypeAlias = Callable[[str, int], Awaitable[Sequence[Info]]]
Connect: TypeAlias = Callable[[Sequence[Info]], Awaitable[socket.socket]]

_Origin: TypeAlias = tuple[str, str, int]


class Body(httpx.AsyncByteStream):
    """An answer's body: to iterate over, as httpx has it, or to `push` into a sink while it is read."""

    def __init__(self, connection: Connection, wait_s: float, pool: "PooledTransport", origin: _Origin) -> None:
        self._connection = connection
        self._wait_s = wait_s
        self._pool = pool
        self._origin = origin
        self._drain = self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces = _Pieces()
        async with aclosing(self.push(pieces)) as reads:
            async for _ in reads:
                while pieces:
                    yield pieces.popleft()

    def push(self, sink: Sink) -> AsyncGenerator[None]:
        """See `Connection.push`. Raises httpx.StreamClosed after `aclose`: the connection may serve another call by then."""
        if self._is_closed:
            raise httpx.StreamClosed
        return self._connection.push(sink, self._wait_s)

    def complete(self) -> None:
        """Nothing more is wanted: the rest may be read away, so that the connection can serve again."""
        self._drain = True

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._pool.give_back(self._connection, self._origin, drain=self._drain)


class _Pieces(deque[bytes]):
    """A sink that wakes its owner for each piece."""

    def feed(self, piece: bytes, /) -> bool:
        self.append(piece)
        return True


async def looked_up(host: str, port: int) -> Sequence[Info]:
    """Where a host is, as the event loop has it. Raises OSError."""
    loop = asyncio.get_running_loop()
    return await loop.getaddrinfo(host.encode("ascii"), port, type=socket.SOCK_STREAM)


async def connected(addresses: Sequence[Info]) -> socket.socket:
    """A socket that is connected to one of these addresses. Raises OSError."""
    return await aiohappyeyeballs.start_connection(addresses, happy_eyeballs_delay=_HAPPY_EYEBALLS_S)


@dataclass(frozen=True, slots=True)
class Dialling:
    """How a host is reached: it is looked up once for each connection, and what was found, nothing else, is connected to.

    An OSError of either step becomes httpx.ConnectError; whatever else is raised goes on as it is.
    """

    look_up: LookUp = looked_up
    connect: Connect = connected


class PooledTransport(httpx.AsyncBaseTransport):
    """Connections of one event loop: at most `connections` in use at once, idle ones kept for `keepalive_s`.

    `turns`: the line in which those wait who have read a large piece.
    """

    def __init__(
        self,
        connections: int,
        keepalive_s: float,
        tls: ssl.SSLContext | None = None,
        turns: Turns | None = None,
        dialling: Dialling | None = None,
    ) -> None:
        # httpx's: certifi's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR.
        self.tls = tls or httpx.create_ssl_context()
        self.tls.set_alpn_protocols(["http/1.1"])
        self._free = asyncio.Semaphore(connections)
        self._keepalive_s = keepalive_s
        self._dialling = dialling or Dialling()
        self._reading = Reading(turns if turns is not None else Turns())
        self._open: set[Connection] = set()
        self._used: set[Connection] = set()
        self._idle: dict[_Origin, list[Connection]] = {}

    @property
    def open_connections(self) -> int:
        """Connections with a request on them."""
        return len(self._used)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and give its answer, whose body is a `Body`. Raises httpx.TransportError."""
        waits_s = _waits_of(request)
        origin, head = _origin_of(request.url), _head_of(request)
        connection = await self._take(origin, waits_s)
        with closed_unless_done(lambda: self.give_back(connection, origin, drain=False)):
            stream = cast(httpx.AsyncByteStream, request.stream)
            answer = await connection.request(head, stream, waits_s["write"], waits_s["read"])
        body = Body(connection, waits_s["read"], self, origin)
        return httpx.Response(answer.status, headers=answer.headers, stream=body, request=request)

    def give_back(self, connection: Connection, origin: _Origin, *, drain: bool) -> None:
        """A request is over. Its connection is kept if the answer has ended or, with `drain`, if it is about to."""
        self._used.remove(connection)
        self._free.release()
        connection.finish(lambda finished: self._keep(origin, finished), _DRAIN_S if drain else 0)

    async def aclose(self) -> None:
        """Close every connection; requests that still run fail."""
        for connection in self._open:
            connection.abort()
        if self._open:
            await asyncio.wait([connection.closed for connection in self._open], timeout=_CLOSE_S)
        self._idle.clear()

    async def _take(self, origin: _Origin, waits_s: Mapping[str, float]) -> Connection:
        """A connection, kept or new, within the bound on those in use."""
        try:
            async with asyncio.timeout(waits_s["pool"]):
                await self._free.acquire()
        except TimeoutError:
            raise httpx.PoolTimeout("All connections are in use.") from None
        with closed_unless_done(self._free.release):
            connection = self._kept(origin) or await self._connect(origin, waits_s["connect"])
        self._used.add(connection)
        return connection

    def _kept(self, origin: _Origin) -> Connection | None:
        kept = self._idle.get(origin, [])
        while kept:
            connection = kept.pop()
            if connection.is_reusable:
                return connection
            connection.abort()
        return None

    def _keep(self, origin: _Origin, connection: Connection) -> None:
        self._idle.setdefault(origin, []).append(connection)
        asyncio.get_running_loop().call_later(self._keepalive_s, self._expire, origin, connection, connection.requests)

    def _expire(self, origin: _Origin, connection: Connection, requests: int) -> None:
        """Close what has been idle since then."""
        kept = self._idle.get(origin, [])
        if connection in kept and connection.requests == requests:
            kept.remove(connection)
            connection.abort()

    async def _connect(self, origin: _Origin, connect_s: float) -> Connection:
        try:
            async with asyncio.timeout(connect_s):
                return await self._dial(*origin)
        except TimeoutError:
            raise httpx.ConnectTimeout("Connecting took too long.") from None
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error

    async def _dial(self, scheme: str, host: str, port: int) -> Connection:
        loop = asyncio.get_running_loop()
        dialled = await self._dialling.connect(await self._dialling.look_up(host, port))
        with closed_unless_done(dialled.close):
            transport, connection = await loop.create_connection(lambda: Connection(self._reading), sock=dialled)
        # TLS is a step of its own: asyncio leaves a transport behind when `create_connection` is cancelled in a handshake.
        with closed_unless_done(transport.abort):
            if scheme == "https":
                if transport.is_closing():
                    raise httpx.ConnectError("The provider spoke first, and not TLS.")
                secured = await loop.start_tls(transport, connection, self.tls, server_hostname=host)
                connection.secure(cast(asyncio.Transport, secured))
        self._open.add(connection)
        connection.closed.add_done_callback(lambda _: self._open.discard(connection))
        return connection


def _waits_of(request: httpx.Request) -> Mapping[str, float]:
    """How long to wait for what: `connect`, `read`, `write` and `pool`, in seconds."""
    given = request.extensions.get("timeout", {})
    return {what: given.get(what) or _UNBOUNDED_S for what in ("connect", "read", "write", "pool")}


def _origin_of(url: httpx.URL) -> _Origin:
    # Not `host`, which is decoded, and raises where that cannot be.
    if url.scheme not in _PORTS or not url.raw_host:
        raise httpx.UnsupportedProtocol(f"Not an http or https address: {url.scheme}:")
    return url.scheme, url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]


def _head_of(request: httpx.Request) -> bytes:
    """The request as it begins on the wire. Raises httpx.LocalProtocolError for what cannot be said."""
    raw = request.headers.raw
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%b: %b" % header for header in raw]
    head = b"\r\n".join([*lines, b"", b""])
    if head.count(b"\n") != len(lines) + 1 or head.count(b"\r") != len(lines) + 1 or b"\0" in head:
        raise httpx.LocalProtocolError("A header has a line end in it.")
    if "transfer-encoding" in request.headers:
        raise httpx.LocalProtocolError("A body needs a content-length.")
    if request.method == "HEAD":
        raise httpx.LocalProtocolError("HEAD cannot be asked: its answer tells the length of a body that does not come.")
    return head
