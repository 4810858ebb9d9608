"""HTTP to the providers, over one pool of connections. Redirects are never followed: a key would travel with them."""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

import httpx

from streamedit.errors import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from streamedit.turns import LARGE_BYTES, Turns
from streamedit.upstream.connection import Sink
from streamedit.upstream.transport import Body, PooledTransport
from streamedit.version import __version__

_PASSED_ON = ("retry-after", "retry-after-ms", "openai-processing-ms", "x-should-retry")
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class RequestBody(Protocol):
    """What is sent: its type and length, and its bytes as often as they are asked for."""

    @property
    def content_type(self) -> str: ...

    @property
    def content_length(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider. `silence_s`: how long it may be silent, where that is not what holds for all."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: RequestBody | None = field(default=None, repr=False)
    silence_s: float | None = None


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Waits, in seconds: for a connection, and for an answer's next event or byte. Connections: at once, to all providers."""

    connect_s: float = 10.0
    silence_s: float = 300.0
    connections: int = 1000
    keepalive_s: float = 15.0


class Answer:
    """A provider's answer: status and headers now, its body as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        self._body = cast(Body, response.stream)
        self._decoded = response.aiter_bytes() if "content-encoding" in response.headers else None
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "").lower()
        self.headers = _passed_on(response.headers)
        self.all_headers: Mapping[str, str] = response.headers
        self._peeked = b""

    async def push(self, sink: Sink) -> AsyncGenerator[None]:
        """Push the body into `sink` while it is read; yields when the sink has something to see. Raises UpstreamError."""
        if self._peeked and sink.feed(self._peeked):
            yield
        with _mapped_errors():
            async with aclosing(self._pushed(sink)) as reads:
                async for _ in reads:
                    yield

    async def peek(self) -> bytes:
        """The first piece of the body, which stays to be read. Raises UpstreamError."""
        first = _Gathered(0)
        async with aclosing(self.push(first)) as reads:
            async for _ in reads:
                break
        self._peeked = b"".join(first.pieces())
        return self._peeked

    async def read(self, max_bytes: int) -> bytes:
        """The whole body. Raises UpstreamError, beyond `max_bytes` UpstreamBroken."""
        return b"".join(await self.pieces(max_bytes))

    async def pieces(self, max_bytes: int) -> Sequence[bytes]:
        """The whole body in the pieces in which it was read, small ones joined. Raises as `read` does."""
        body = _Gathered(max_bytes)
        async with aclosing(self.push(body)) as reads:
            async for _ in reads:
                raise UpstreamBroken("The provider's answer is too large.", code="upstream_too_large")
        return body.pieces()

    def complete(self) -> None:
        """Nothing more is wanted of the body: its rest may be read away, so that the connection can serve again."""
        self._body.complete()

    def _pushed(self, sink: Sink) -> AsyncGenerator[None]:
        return self._body.push(sink) if self._decoded is None else _pushed(self._decoded, sink)


async def _pushed(pieces: AsyncIterator[bytes], sink: Sink) -> AsyncGenerator[None]:
    async for piece in pieces:
        if sink.feed(piece):
            yield


class _Gathered:
    """A sink that keeps what it gets in pieces, and tells when that is more than `enough_bytes`."""

    def __init__(self, enough_bytes: int) -> None:
        self._enough_bytes = enough_bytes
        self._size_bytes = 0
        self._pieces: list[bytes] = []
        self._small = bytearray()

    def feed(self, piece: bytes, /) -> bool:
        self._size_bytes += len(piece)
        if len(piece) >= LARGE_BYTES:
            self._join()
            self._pieces.append(piece)
        else:
            self._small += piece
            if len(self._small) >= LARGE_BYTES:
                self._join()
        return self._size_bytes > self._enough_bytes

    def pieces(self) -> Sequence[bytes]:
        self._join()
        return self._pieces

    def _join(self) -> None:
        if self._small:
            self._pieces.append(bytes(self._small))
            self._small.clear()


class Upstream:
    """One pool of connections for all providers, open inside `running`. `intake`: the line in which large answers wait."""

    def __init__(self, limits: UpstreamLimits, intake: Turns | None = None) -> None:
        self._transport = PooledTransport(limits.connections, limits.keepalive_s, turns=intake)
        self.limits = limits

    def __repr__(self) -> str:
        return f"<Upstream {self.open_connections} connections in use>"

    @property
    def open_connections(self) -> int:
        """Connections that an answer is being read from."""
        return self._transport.open_connections

    @property
    def tls(self) -> ssl.SSLContext:
        """Whom it trusts, for providers that are spoken to over other connections than these."""
        return self._transport.tls

    def waiting(self, connect_s: float, silence_s: float) -> "Upstream":
        """The same pool with other waits; itself when they are no others."""
        limits = replace(self.limits, connect_s=connect_s, silence_s=silence_s)
        if limits == self.limits:
            return self
        other = copy(self)
        other.limits = limits
        return other

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The pool belongs to the event loop that enters here; leaving closes it."""
        async with self._transport:
            yield

    @asynccontextmanager
    async def send(self, call: Call) -> AsyncIterator[Answer]:
        """Send a request once and give the answer; leaving ends the call. Raises UpstreamError."""
        headers = {"accept-encoding": "identity", "user-agent": f"streamedit/{__version__}", **call.headers}
        if call.body is not None:
            headers |= {"content-type": call.body.content_type, "content-length": str(call.body.content_length)}
        with _mapped_errors():
            request = httpx.Request(
                call.method, call.url, headers=headers, content=call.body, extensions={"timeout": self._waits(call)}
            )
            response = await self._transport.handle_async_request(request)
        try:
            yield Answer(response)
        finally:
            await response.aclose()

    def _waits(self, call: Call) -> Mapping[str, float | None]:
        limits = self.limits
        return httpx.Timeout(call.silence_s or limits.silence_s, connect=limits.connect_s, pool=limits.connect_s).as_dict()


def _passed_on(headers: httpx.Headers) -> Mapping[str, str]:
    """The answer headers that callers may see: an allow-list."""
    return {name: value for name, value in headers.items() if name in _PASSED_ON or name.startswith("x-ratelimit-")}


@contextmanager
def _mapped_errors() -> Iterator[None]:
    """httpx's errors as ours. Only a request that never left is sure to have cost nothing."""
    try:
        yield
    except _NEVER_SENT as error:
        raise UpstreamUnreachable("The provider cannot be reached.") from error
    except httpx.TimeoutException as error:
        raise UpstreamTimeout("The provider has been silent for too long.") from error
    except httpx.HTTPError as error:
        raise UpstreamBroken("The connection to the provider broke.") from error
