"""Images that callers name by URL, fetched behind the guard.

Every hop of every image has a connection of its own, which nobody shares, to an address that was judged for it. Neither the
environment's proxies nor cookies or keys play a part. What a caller is told of a failure does not depend on what is behind the
URL, and nobody is shown the URL.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, asynccontextmanager
from copy import copy
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias, cast

import httpx
from anyio import fail_after

from streamedit.errors import FetchingBusy, InvalidRequest, TooLarge
from streamedit.guard import Refused, admitted, judge
from streamedit.image_urls import Address, ImageUrlSettings
from streamedit.images import inspect
from streamedit.uploads import SPOOL_BYTES, Upload
from streamedit.upstream.transport import Body, Connect, Dialling, Info, PooledTransport, connected
from streamedit.version import __version__

Names: TypeAlias = Callable[[str], Awaitable[Sequence[Address]]]
"""All addresses that a name has. Raises OSError."""

Fetch: TypeAlias = Callable[[str, str, Upload, int], Awaitable[None]]
"""Fills an upload with the image at a URL: see `Fetcher.fetch`."""

_CODE = "invalid_image_url"

_HEADERS = {
    "accept": "image/*",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": f"streamedit/{__version__}",
}

_REDIRECTS = frozenset((301, 302, 303, 307, 308))

_TELLING_BYTES = 12
"""So many tell what kind of image begins with them: RIFF, a length, WEBP."""

_LOOKUPS = 64

_LENGTH_DIGITS = 20
"""More than any length has; Python refuses to read endless ones."""


class Lookups:
    """Names as this machine resolves them, in threads of their own: slow name servers are in nobody else's way.

    A lookup cannot be broken off: who is cancelled leaves, and its thread is taken until the resolver gives up. So threads are
    bounded, and whoever comes when all are taken waits.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS, "lookup")

    async def __call__(self, host: str) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, _addresses_of, host)
        return [ip_address(address) for address in found]


def _addresses_of(host: str) -> Sequence[str]:
    infos = socket.getaddrinfo(host.encode("ascii"), None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in infos]


class Fetcher:
    """Fetches images as `settings` allow, at most so many at once as there are `places`. `tls`: whom it trusts."""

    def __init__(
        self, settings: ImageUrlSettings, tls: ssl.SSLContext, names: Names | None = None, connect: Connect = connected
    ) -> None:
        self.settings = settings
        self._tls = tls
        self._names = names or Lookups()
        self._connect = connect
        self.places = asyncio.Semaphore(settings.at_once)

    def with_settings(self, settings: ImageUrlSettings) -> "Fetcher":
        """The same for other settings; what is being fetched goes on under its own."""
        other = copy(self)
        other.settings = settings
        if settings.at_once != self.settings.at_once:
            other.places = asyncio.Semaphore(settings.at_once)
        return other

    def check(self, url: str, param: str) -> None:
        """Refuse a URL by what it says itself, without asking anybody. Raises InvalidRequest."""
        self._admitted(url, param)

    async def fetch(self, url: str, param: str, upload: Upload, max_bytes: int) -> None:
        """Fill an empty upload with the image at the URL, which the request names `param`.

        Raises InvalidRequest, beyond `max_bytes` TooLarge, FetchingBusy; then the upload may have something in it.
        """
        first = self._admitted(url, param)
        try:
            async with self._place():
                # Not asyncio's timeout: that would leave a thread behind which still writes to the upload.
                with fail_after(self.settings.timeout_s):
                    await self._follow(first, _Incoming(upload, param, max_bytes))
        except (Refused, httpx.TransportError, TimeoutError):
            told = f"No image could be fetched from {param}: it has to be a picture that anyone can download."
            raise InvalidRequest(told, param=param, code=_CODE) from None

    def _admitted(self, url: str, param: str) -> httpx.URL:
        try:
            return admitted(url, self.settings)
        except Refused as refusal:
            raise InvalidRequest(f"{param} cannot be fetched: {refusal}.", param=param, code=_CODE) from None

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of those who fetch. Raises FetchingBusy when none was free for as long as an image may take."""
        try:
            with fail_after(self.settings.timeout_s):
                await self.places.acquire()
        except TimeoutError:
            told = "Too many images are being fetched. Try again later."
            raise FetchingBusy(told, headers={"retry-after": "1"}) from None
        try:
            yield
        finally:
            self.places.release()

    async def _follow(self, url: httpx.URL, incoming: "_Incoming") -> None:
        for _ in range(self.settings.redirects + 1):
            async with self._asked(url) as answer:
                if answer.status_code not in _REDIRECTS:
                    await incoming.take(answer)
                    return
                url = admitted(_location_of(answer), self.settings, url)
        raise Refused("it redirects too often")

    @asynccontextmanager
    async def _asked(self, url: httpx.URL) -> AsyncIterator[httpx.Response]:
        """The answer of one hop; leaving closes its connection."""
        dialling = Dialling(self._look_up, self._connect)
        async with PooledTransport(1, 0, self._tls, dialling=dialling) as transport:
            yield await transport.handle_async_request(
                httpx.Request("GET", url, headers={"host": url.netloc.decode("ascii"), **_HEADERS})
            )

    async def _look_up(self, host: str, port: int) -> Sequence[Info]:
        """Every address of the host, judged. Raises Refused, OSError."""
        addresses = await self._addresses(host)
        judge(host, port, addresses, self.settings)
        return [_info(address, port) for address in addresses]

    async def _addresses(self, host: str) -> Sequence[Address]:
        try:
            return [ip_address(host)]
        except ValueError:
            return await self._names(host)


class _Incoming:
    """An image on its way into an upload, as long as it is one and not too large."""

    def __init__(self, upload: Upload, param: str, max_bytes: int) -> None:
        self._upload = upload
        self._param = param
        self._max_bytes = max_bytes
        self._told_bytes = self._checked_bytes = 0
        self._first = b""

    async def take(self, answer: httpx.Response) -> None:
        """Read the answer to its end. Raises Refused, TooLarge, httpx.TransportError."""
        if answer.status_code != HTTPStatus.OK:
            raise Refused("it is not there")
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused("it is encoded, though nobody asked for that")
        told = answer.headers.get("content-length", "")
        self._told_bytes = int(told) if told.isdecimal() and len(told) < _LENGTH_DIGITS else 0
        async with aclosing(cast(Body, answer.stream).push(self)) as reads:
            async for _ in reads:
                await self._check()
        await self._check(is_whole=True)

    def feed(self, piece: bytes, /) -> bool:
        """True when there is enough to be looked at, or to be written."""
        self._first += piece[: _TELLING_BYTES - len(self._first)]
        self._upload.feed(piece)
        size_bytes = self._upload.size_bytes
        return not self._checked_bytes or size_bytes - self._checked_bytes > SPOOL_BYTES or size_bytes > self._max_bytes

    async def _check(self, *, is_whole: bool = False) -> None:
        """What is no image is not said to be too large: that would tell something of it."""
        if len(self._first) < _TELLING_BYTES and not is_whole:
            return
        if inspect(self._first) is None:
            raise Refused("it is not an image")
        self._checked_bytes = self._upload.size_bytes
        if max(self._told_bytes, self._checked_bytes) > self._max_bytes:
            raise TooLarge(f"{self._param} is larger than {self._max_bytes} bytes.", param=self._param, code="image_too_large")
        await self._upload.flush()


def _location_of(answer: httpx.Response) -> str:
    match answer.headers.get_list("location"):
        case [location]:
            return location
    raise Refused("it redirects to nowhere")


def _info(address: Address, port: int) -> Info:
    if isinstance(address, IPv6Address):
        return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port, 0, 0)
    return socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (str(address), port)
