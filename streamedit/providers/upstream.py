"""HTTP to the providers: httpx as the API, aiohttp as its transport, large reads.

Why: httpx's own transport costs several times the CPU per byte and loses pool slots for good when requests are cancelled under
contention (httpcore issue 1093). Redirects are never followed: a key would travel with them.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import cast

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from streamedit.errors import UpstreamBroken, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from streamedit.wire.multipart import MultipartBody

READ_BYTES = 1 << 18
"""The largest read, and so the largest piece of an event. aiohttp pauses a socket at twice this."""

_DRAIN_S = 0.1
_PASSED_ON = ("retry-after", "retry-after-ms", "openai-processing-ms", "x-should-retry")


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Waits, in seconds: for a connection, and for the next byte of an answer. Connections: at once, to all providers."""

    connect_s: float = 10.0
    silence_s: float = 300.0
    connections: int = 1000
    keepalive_s: float = 15.0


class _LargeReads(AiohttpResponseStream):
    """The transport's stream with reads of `READ_BYTES` instead of 16 KiB."""

    CHUNK_SIZE = READ_BYTES


class _Transport(AiohttpTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        stream = response.stream
        if isinstance(stream, AiohttpResponseStream):
            response.stream = _LargeReads(stream._aiohttp_response)  # noqa: SLF001 - the class offers no other way to its size
        return response


class Answer:
    """A provider's answer: status and headers now, its body as it comes."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.content_type = response.headers.get("content-type", "").lower()
        self.headers = _passed_on(response.headers)
        encoded = "content-encoding" in response.headers
        self._chunks = response.aiter_bytes() if encoded else aiter(cast(httpx.AsyncByteStream, response.stream))
        self._peeked = b""
        self._complete = False

    async def chunks(self) -> AsyncGenerator[bytes]:
        """The body in the pieces that were read. Raises UpstreamError."""
        if self._peeked:
            peeked, self._peeked = self._peeked, b""
            yield peeked
        with _mapped_errors():
            async for chunk in self._chunks:
                yield chunk

    async def peek(self) -> bytes:
        """The first piece of the body, which stays to be read. Raises UpstreamError."""
        with _mapped_errors():
            self._peeked = await anext(self._chunks, b"")
        return self._peeked

    async def read(self, max_bytes: int) -> bytes:
        """The whole body. Raises UpstreamError, beyond `max_bytes` UpstreamBroken."""
        body = bytearray()
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                body += chunk
                if len(body) > max_bytes:
                    raise UpstreamBroken("The provider's answer is too large.", code="upstream_too_large")
        return bytes(body)

    def complete(self) -> None:
        """Nothing more is wanted of the body: its rest may be read away, so that the connection can serve again."""
        self._complete = True

    async def drain(self) -> None:
        """Read the rest away, if it comes at once."""
        if not self._complete:
            return
        try:
            async with asyncio.timeout(_DRAIN_S):
                async for _ in self._chunks:
                    pass
        except (TimeoutError, httpx.HTTPError, aiohttp.ClientError):
            return


class Upstream:
    """One pool of connections for all providers, open inside `running`."""

    def __init__(self, limits: UpstreamLimits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._client = httpx.AsyncClient(
            transport=_Transport(client=self._open_session),
            timeout=httpx.Timeout(limits.silence_s, connect=limits.connect_s, pool=limits.connect_s),
            follow_redirects=False,
        )

    def __repr__(self) -> str:
        return f"<Upstream {self.open_connections} connections in use>"

    @property
    def open_connections(self) -> int:
        """Connections that an answer is being read from."""
        connector = self._session.connector if self._session is not None else None
        return len(connector._acquired) if connector is not None else 0  # noqa: SLF001 - aiohttp counts, but does not say

    @property
    def silence_s(self) -> float:
        return self._limits.silence_s

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The pool belongs to the event loop that enters here; leaving closes it."""
        async with self._client:
            yield

    def _open_session(self) -> aiohttp.ClientSession:
        # Deadlines come with each request; the session's own default would cut every answer after five minutes.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._limits.connections, keepalive_timeout=self._limits.keepalive_s),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        return self._session

    @asynccontextmanager
    async def post(self, url: str, headers: Mapping[str, str], body: MultipartBody) -> AsyncIterator[Answer]:
        """Send a form once and give the answer; leaving ends the call. Raises UpstreamError."""
        headers = {
            "accept-encoding": "identity",
            **headers,
            "content-type": body.content_type,
            "content-length": str(body.content_length),
        }
        with _mapped_errors():
            request = self._client.build_request("POST", url, headers=headers, content=body)
            response = await self._client.send(request, stream=True)
        answer = Answer(response)
        try:
            yield answer
        finally:
            await answer.drain()
            await response.aclose()


def _passed_on(headers: httpx.Headers) -> Mapping[str, str]:
    """The answer headers that callers may see: an allow-list."""
    return {name: value for name, value in headers.items() if name in _PASSED_ON or name.startswith("x-ratelimit-")}


@contextmanager
def _mapped_errors() -> Iterator[None]:
    """Transport errors as ours."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError) as error:
        raise _map(error) from error


def _map(error: Exception) -> UpstreamError:
    """Only a connection that never came about is sure to have cost nothing.

    httpx-aiohttp calls most failures a connect timeout, so aiohttp's own error, the cause, decides.
    """
    cause = error.__cause__ or error
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | httpx.InvalidURL | aiohttp.InvalidURL):
        return UpstreamUnreachable("The provider cannot be reached.")
    if isinstance(cause, aiohttp.ServerTimeoutError):
        return UpstreamTimeout("The provider has been silent for too long.")
    return UpstreamBroken("The connection to the provider broke.")
