"""The transport under httpx's own client and by itself, against a provider on real sockets and real TLS."""

import asyncio
import gzip
import random
import select
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import trustme
from upstreams import (
    END,
    Close,
    Hang,
    Reset,
    ScriptedUpstream,
    Step,
    chunk,
    head,
    json_answer,
    sized,
    upstream,
)

from streamedit.errors import UpstreamUnreachable
from streamedit.upstream.client import Call, Upstream, UpstreamLimits
from streamedit.upstream.connection import READ_BYTES, Connection
from streamedit.upstream.transport import Body, Dialling, Info, PooledTransport, connected
from streamedit.wire.multipart import MultipartBody

WAITS = httpx.Timeout(5)
SHORT = httpx.Timeout(5, read=0.05, write=0.05, pool=0.05)
LARGE = bytes(range(256)) * (20 << 10)
"""5 MB in which every byte tells where it is from."""


@pytest.fixture
async def transport() -> AsyncIterator[PooledTransport]:
    """A pool of four connections."""
    async with PooledTransport(4, 15) as pool:
        yield pool


@pytest.fixture
async def client(transport: PooledTransport) -> httpx.AsyncClient:
    """httpx's own client; the transport closes the connections."""
    return httpx.AsyncClient(transport=transport, timeout=WAITS)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Vouches for the secured upstream."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """A client's view of TLS that knows the authority."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[ScriptedUpstream]:
    """A scripted upstream with a certificate for its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with upstream(context) as running:
        yield running


class Received(bytearray):
    """A sink that keeps what it gets, and calls its owner for each piece."""

    def feed(self, piece: bytes, /) -> bool:
        self.extend(piece)
        return True


async def send(transport: PooledTransport, request: httpx.Request) -> tuple[httpx.Response, Body]:
    """An answer and its body, without a client between."""
    request.extensions = {"timeout": WAITS.as_dict(), **request.extensions}
    response = await transport.handle_async_request(request)
    return response, cast(Body, response.stream)


def get(url: str, timeout: httpx.Timeout = WAITS) -> httpx.Request:
    """A request."""
    return httpx.Request("GET", url, extensions={"timeout": timeout.as_dict()})


async def begun(transport: PooledTransport, scripted: ScriptedUpstream) -> Body:
    """The body of an answer of which the first piece was taken."""
    _, body = await send(transport, get(scripted.url))
    async with aclosing(body.push(Received())) as reads:
        await anext(reads)
    return body


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds, looking after each turn of the event loop."""
    while not condition():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)


async def happened(semaphore: threading.Semaphore) -> bool:
    """Whether something has happened at the upstream."""
    return await asyncio.to_thread(semaphore.acquire, timeout=5)


def open_sockets() -> int:
    """Of this process."""
    links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    return sum(1 for link in links if str(link).startswith("socket:"))


def only(transport: PooledTransport) -> Connection:
    """The one connection that is open."""
    (connection,) = transport._open
    return connection


# -- as httpx's transport --


async def test_get_and_post_as_with_any_transport(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """Method, path with query, headers, repeated ones too, and body arrive; status, headers and JSON come back."""
    scripted.play([json_answer({"a": 1}, "201 Created", x_b="c")])
    got = await client.get(f"{scripted.url}/a", params={"q": "ä b"}, headers=[("x-n", "1"), ("x-n", "2")])
    assert (got.status_code, got.json(), got.headers["x-b"], got.http_version) == (201, {"a": 1}, "c", "HTTP/1.1")
    await client.post(f"{scripted.url}/b", json={"k": "v"})
    await client.post(f"{scripted.url}/c", files={"f": ("n", b"content")}, data={"k": "v"})
    first, second, third = scripted.asked
    assert (first.method, first.path, first.headers["host"]) == ("GET", "/v1/a?q=%C3%A4+b", f"127.0.0.1:{scripted.port}")
    assert (second.method, second.body) == ("POST", b'{"k":"v"}')
    assert (third.fields, third.files) == ([("k", "v")], [("f", "n", "application/octet-stream", b"content")])
    assert scripted.connections == 1


async def test_repeated_headers_come_back(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """Each of them, in order."""
    scripted.play([b"HTTP/1.1 200 OK\r\nset-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 0\r\n\r\n"])
    answer = await client.get(scripted.url)
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.content == b""


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_body(client: httpx.AsyncClient, scripted: ScriptedUpstream, status: int) -> None:
    """They have none whatever their headers say, and the connection serves on."""
    scripted.play([b"HTTP/1.1 %d Nothing\r\ncontent-length: 7\r\n\r\n" % status])
    for _ in range(2):
        answer = await client.get(scripted.url)
        assert (answer.status_code, answer.content) == (status, b"")
    assert scripted.connections == 1


async def test_a_body_can_be_iterated_over(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """Piece by piece, as it comes."""
    go_on = threading.Event()
    scripted.play([head() + chunk(b"first"), go_on, chunk(b"second") + END])
    async with client.stream("GET", scripted.url) as answer:
        pieces = answer.aiter_bytes()
        assert await anext(pieces) == b"first"
        go_on.set()
        assert [piece async for piece in pieces] == [b"second"]


async def test_an_encoded_body_is_decoded(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """gzip, by httpx as ever."""
    scripted.play([sized(gzip.compress(LARGE), content_encoding="gzip")])
    assert (await client.get(scripted.url)).content == LARGE


async def test_a_large_body_comes_whole(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """Both ways."""
    scripted.play([sized(LARGE)])
    assert (await client.post(scripted.url, content=LARGE)).content == LARGE
    assert scripted.asked[0].body == LARGE


REFUSED: dict[str, Callable[[str], httpx.Request]] = {
    "CR in a header": lambda url: httpx.Request("GET", url, headers={"x-a": "b\rc"}),
    "LF in a header": lambda url: httpx.Request("GET", url, headers={"x-a": "b\nc"}),
    "CRLF in a header": lambda url: httpx.Request("GET", url, headers={"x-a": "b\r\nx-evil: c"}),
    "NUL in a header": lambda url: httpx.Request("GET", url, headers={"x-a": "b\0c"}),
    "CRLF in a header's name": lambda url: httpx.Request("GET", url, headers={"x-a: b\r\nx-evil": "c"}),
    "CRLF in the method": lambda url: httpx.Request("GET / HTTP/1.1\r\nx-evil: a\r\n\r\nGET", url),
    "a body of unknown length": lambda url: httpx.Request("POST", url, content=_endless()),
    "HEAD": lambda url: httpx.Request("HEAD", url),
}


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x"


@pytest.mark.parametrize("what", REFUSED)
async def test_what_cannot_be_said_is_not_begun(transport: PooledTransport, scripted: ScriptedUpstream, what: str) -> None:
    """A request that would break out of its head, or that this transport cannot do, is refused before anything is sent."""
    scripted.play([sized(b"")])
    with pytest.raises(httpx.LocalProtocolError):
        await send(transport, REFUSED[what](scripted.url))
    assert (scripted.connections, transport.open_connections) == (0, 0)


@pytest.mark.parametrize("target", ["/a\r\nx-evil: b", "/a\nb", "/a\0b"])
async def test_a_path_cannot_break_out_of_its_line(transport: PooledTransport, scripted: ScriptedUpstream, target: str) -> None:
    """Neither httpx's URL lets it through, nor do we when someone goes round that."""
    with pytest.raises(httpx.InvalidURL):
        get(scripted.url + target)
    request = get(scripted.url)
    request.url._uri_reference = request.url._uri_reference._replace(path=target)
    with pytest.raises(httpx.LocalProtocolError):
        await send(transport, request)
    assert scripted.connections == 0


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "/v1", "http:///v1"])
async def test_only_http_can_be_asked(transport: PooledTransport, url: str) -> None:
    """Anything else is an error that says so."""
    with pytest.raises(httpx.UnsupportedProtocol):
        await send(transport, httpx.Request("GET", url))


# -- connecting --


async def test_nobody_there(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Connection refused, and names that do not exist or are none, are ConnectError."""
    nobody = scripted.url
    scripted.stop()
    for url in (nobody, "http://name.invalid/", "http://a..b/", f"http://{'a' * 64}.invalid/"):
        with pytest.raises(httpx.ConnectError):
            await send(transport, get(url))
    assert transport.open_connections == 0


async def test_nobody_who_answers_the_call(transport: PooledTransport) -> None:
    """A listener whose queue is full lets nobody in: ConnectTimeout, within the bound."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):
            request = get(f"http://127.0.0.1:{address[1]}/", httpx.Timeout(5, connect=0.05))
            with pytest.raises(httpx.ConnectTimeout):
                await asyncio.gather(*(send(transport, request) for _ in range(3)))
    assert transport.open_connections == 0


async def test_a_silent_handshake_is_given_up(transport: PooledTransport) -> None:
    """TLS belongs to connecting, and to its bound."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        request = get(f"https://127.0.0.1:{listener.getsockname()[1]}/", httpx.Timeout(5, connect=0.05))
        with pytest.raises(httpx.ConnectTimeout):
            await send(transport, request)
    assert transport.open_connections == 0


async def test_ipv6(client: httpx.AsyncClient) -> None:
    """An address in brackets."""
    with upstream(host="::1") as scripted:
        scripted.play([sized(b"six")])
        assert (await client.get(f"http://[::1]:{scripted.port}/")).content == b"six"
        assert scripted.asked[0].headers["host"] == f"[::1]:{scripted.port}"


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
async def test_a_name_with_several_addresses(client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Where localhost is ::1 and 127.0.0.1, and only one of them listens, that one is found."""
    loop = asyncio.get_running_loop()
    known = loop.getaddrinfo

    async def both(name: str, port: int, **hints: Any) -> list[Any]:
        addresses = ("::1", "127.0.0.1") if name in ("localhost", b"localhost") else (name,)
        return [info for address in addresses for info in await known(address, port, **hints)]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    with upstream(host=host) as scripted:
        scripted.play([sized(b"found")])
        assert (await client.get(f"http://localhost:{scripted.port}/")).content == b"found"


async def test_how_a_host_is_reached_can_be_chosen(scripted: ScriptedUpstream) -> None:
    """It is looked up once for each connection; what was found, and nothing else, is connected to."""
    asked: list[tuple[str, int]] = []
    dialled: list[Sequence[Info]] = []
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", scripted.port))]

    async def look_up(host: str, port: int) -> Sequence[Info]:
        asked.append((host, port))
        return found

    async def connect(addresses: Sequence[Info]) -> socket.socket:
        dialled.append(addresses)
        return await connected(addresses)

    scripted.play([sized(b"kept")], [sized(b"closed", connection="close")])
    async with PooledTransport(4, 15, dialling=Dialling(look_up, connect)) as transport:
        client = httpx.AsyncClient(transport=transport, timeout=WAITS)
        for body in (b"kept", b"closed", b"closed"):
            assert (await client.get("http://name.invalid/")).content == body
    assert asked == [("name.invalid", 80)] * 2
    assert dialled == [found] * 2
    assert scripted.asked[0].headers["host"] == "name.invalid"


@pytest.mark.parametrize("step", ["look_up", "connect"])
@pytest.mark.parametrize(("error", "raised"), [(PermissionError, httpx.ConnectError), (LookupError, LookupError)])
async def test_a_host_that_must_not_be_reached(step: str, error: type[Exception], raised: type[Exception]) -> None:
    """Whatever is raised in a step reaches who asked, an OSError as ConnectError; no place in the pool is lost."""

    async def refuse(*_: object) -> Any:
        raise error

    dialling = Dialling(look_up=refuse) if step == "look_up" else Dialling(connect=refuse)
    async with PooledTransport(1, 15, dialling=dialling) as transport:
        for _ in range(2):
            with pytest.raises(raised):
                await send(transport, get("http://127.0.0.1:9/", SHORT))
        assert transport.open_connections == 0


# -- the pool --


async def test_requests_beyond_the_bound_wait(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Four connections serve twenty requests at once; never more are in use, or opened."""
    scripted.play([sized(b"x")])
    client = httpx.AsyncClient(transport=transport, timeout=WAITS)
    most = 0

    async def ask() -> None:
        nonlocal most
        async with client.stream("GET", scripted.url) as answer:
            most = max(most, transport.open_connections)
            await answer.aread()

    await asyncio.gather(*(ask() for _ in range(20)))
    assert (most, scripted.connections, transport.open_connections) == (4, 4, 0)


async def test_an_exhausted_pool_is_a_timeout(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """PoolTimeout within its bound; a connection that comes free serves the next."""
    scripted.play([head() + chunk(b"x"), Hang()])
    held = [await send(transport, get(scripted.url)) for _ in range(4)]
    with pytest.raises(httpx.PoolTimeout):
        await send(transport, get(scripted.url, SHORT))
    await held[0][1].aclose()
    _, body = await send(transport, get(scripted.url, SHORT))
    for _, other in held:
        await other.aclose()
    await body.aclose()
    assert transport.open_connections == 0


NOT_KEPT: dict[str, list[Step]] = {
    "connection: close": [sized(b"body", connection="close"), Hang()],
    "HTTP/1.0": [b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nbody", Hang()],
    "no length": [b"HTTP/1.1 200 OK\r\n\r\nbody", Close()],
    "more than an answer": [sized(b"body") + b"HTTP/1.1", Hang()],
}


@pytest.mark.parametrize("how", NOT_KEPT)
async def test_connections_that_cannot_serve_again_are_not_kept(
    client: httpx.AsyncClient, transport: PooledTransport, scripted: ScriptedUpstream, how: str
) -> None:
    """They are closed, and the next request has one of its own."""
    scripted.play(NOT_KEPT[how])
    for connections in (1, 2):
        assert (await client.get(scripted.url)).content == b"body"
        assert scripted.connections == connections
        assert not any(transport._idle.values())
    await asyncio.gather(*(connection.closed for connection in list(transport._open)))


@pytest.mark.parametrize("step", [Close(), Reset()], ids=["end", "reset"])
async def test_a_connection_that_was_closed_meanwhile_is_not_used(
    client: httpx.AsyncClient, transport: PooledTransport, scripted: ScriptedUpstream, step: Step
) -> None:
    """The event loop has seen its end."""
    go_on = threading.Event()
    scripted.play([sized(b"first"), go_on, step], [sized(b"second")])
    await client.get(scripted.url)
    closed = only(transport).closed
    go_on.set()
    await closed
    assert (await client.get(scripted.url)).content == b"second"
    assert scripted.connections == 2


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("step", [Close(), Reset()], ids=["end", "reset"])
async def test_a_connection_whose_end_is_not_yet_known_is_not_used(
    client: httpx.AsyncClient, transport: PooledTransport, scripted: ScriptedUpstream, step: Step, turns: int
) -> None:
    """It has come, but the event loop was busy and has not got to it, or is in the midst of it: an edit is never sent there."""
    go_on = threading.Event()
    scripted.play([sized(b"first"), go_on, step], [sized(b"second")])
    await client.get(scripted.url)
    own = socket.socket(fileno=socket.dup(_descriptor(only(transport))))
    with own:
        go_on.set()
        assert select.select([own], [], [], 5)[0]
    for _ in range(turns):
        await asyncio.sleep(0)
    assert (await client.get(scripted.url)).content == b"second"
    assert scripted.connections == 2


def _descriptor(connection: Connection) -> int:
    assert connection._transport is not None
    return int(connection._transport.get_extra_info("socket").fileno())


async def test_a_connection_is_kept_for_so_long_and_no_longer(scripted: ScriptedUpstream) -> None:
    """Idle for longer than `keepalive_s`, it is closed; used again in time, its time begins anew."""
    scripted.play([sized(b"x")])
    async with PooledTransport(4, 0.2) as transport, httpx.AsyncClient(transport=transport, timeout=WAITS) as client:
        await client.get(scripted.url)
        closed = only(transport).closed
        transport._expire(("http", "127.0.0.1", scripted.port), only(transport), only(transport).requests - 1)
        assert not closed.done()
        await client.get(scripted.url)
        assert scripted.connections == 1
        await closed
        await client.get(scripted.url)
        assert scripted.connections == 2


async def test_connections_serve_their_own_origin_only(client: httpx.AsyncClient, scripted: ScriptedUpstream) -> None:
    """Another port is another provider."""
    scripted.play([sized(b"one")])
    with upstream() as other:
        other.play([sized(b"two")])
        for _ in range(2):
            assert (await client.get(scripted.url)).content == b"one"
            assert (await client.get(other.url)).content == b"two"
        assert (scripted.connections, other.connections) == (1, 1)


async def test_an_early_answer_to_a_large_upload(
    client: httpx.AsyncClient, transport: PooledTransport, scripted: ScriptedUpstream
) -> None:
    """413 to 50 MB that nobody reads: the answer is given, the sending stops, the connection is closed, the next works."""
    scripted.reads_bodies = False
    go_on = threading.Event()
    scripted.play([sized(b"too large", "413 Content Too Large"), go_on, Close()], [sized(b"next")])
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(50):
            sent += 1 << 20
            yield bytes(1 << 20)

    refused = await client.post(scripted.url, content=body(), headers={"content-length": str(50 << 20)})
    assert (refused.status_code, refused.content) == (413, b"too large")
    assert sent < 20 << 20
    assert (await client.get(scripted.url)).content == b"next"
    assert scripted.connections == 2
    go_on.set()


async def test_a_provider_that_leaves_within_a_large_upload(
    client: httpx.AsyncClient, scripted: ScriptedUpstream, caplog: pytest.LogCaptureFixture
) -> None:
    """An error at once: nothing more is written to a connection that is gone, nothing is logged."""
    scripted.reads_bodies = False
    scripted.play([Reset()])
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(scripted.url, content=_megabytes(1000), headers={"content-length": str(1000 << 20)})
    assert not caplog.records


async def _megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield bytes(1 << 20)


async def test_bounds_are_those_of_the_request(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Whoever does not read is WriteTimeout, whoever says nothing ReadTimeout, before the head and behind it."""
    go_on = threading.Event()
    scripted.reads_bodies = False
    scripted.play([go_on, sized(b"")])
    only_write = httpx.Timeout(60, write=0.05)
    upload = httpx.Request("POST", scripted.url, content=bytes(50 << 20), extensions={"timeout": only_write.as_dict()})
    with pytest.raises(httpx.WriteTimeout):
        await send(transport, upload)
    go_on.set()
    only_read = httpx.Timeout(60, read=0.05)
    scripted.play([Hang()], [head() + chunk(b"x"), Hang()])
    with pytest.raises(httpx.ReadTimeout):
        await send(transport, get(scripted.url, only_read))
    _, body = await send(transport, get(scripted.url, only_read))
    received = Received()
    with pytest.raises(httpx.ReadTimeout):
        await _take(body, received)
    await body.aclose()
    assert (bytes(received), transport.open_connections) == (b"x", 0)


async def _take(body: Body, sink: Received) -> None:
    async with aclosing(body.push(sink)) as reads:
        async for _ in reads:
            pass


# -- leaving --


@pytest.mark.parametrize("moment", ["connecting", "sending", "waiting", "reading"])
async def test_a_cancelled_request_leaves_nothing(transport: PooledTransport, scripted: ScriptedUpstream, moment: str) -> None:
    """Wherever it was, its connection is closed, and the provider hears of it; the next request works."""
    scripted.reads_bodies = False
    stop = threading.Event()
    scripts: dict[str, list[Step]] = {"reading": [head() + chunk(b"x"), Hang()], "sending": [stop, Hang()]}
    scripted.play(scripts.get(moment, [Hang()]))
    content = bytes(50 << 20) if moment == "sending" else b""
    request = httpx.Request("POST", scripted.url, content=content, extensions={"timeout": WAITS.as_dict()})
    received = Received()

    async def call() -> None:
        response, body = await send(transport, request)
        try:
            await _take(body, received)
        finally:
            await response.aclose()

    calling = asyncio.create_task(call())
    await asyncio.sleep(0)
    if moment != "connecting":
        assert await happened(scripted.came)
    await until(lambda: moment != "reading" or bool(received))
    calling.cancel()
    await asyncio.wait([calling])
    stop.set()
    if moment in ("waiting", "reading"):
        assert await happened(scripted.left)
    assert (calling.cancelled(), transport.open_connections) == (True, 0)
    scripted.play([sized(b"next")])
    _, body = await send(transport, get(scripted.url))
    received.clear()
    await _take(body, received)
    await body.aclose()
    assert bytes(received) == b"next"


@pytest.mark.parametrize("over", ["tcp", "tls"])
async def test_two_hundred_cancelled_requests_leave_nothing(
    scripted: ScriptedUpstream, secured: ScriptedUpstream, trusting: ssl.SSLContext, over: str
) -> None:
    """At any moment, kept connections among them: the pool is whole, every answer is the asker's own, no socket stays open."""
    peer = scripted if over == "tcp" else secured
    peer.play([head(), chunk(b"mi"), chunk(b"ne"), END])
    chance = random.Random(11)
    async with PooledTransport(4, 15, trusting) as transport:

        async def call(turns: int) -> None:
            asking = asyncio.create_task(_whole(transport, peer.url))
            for _ in range(turns):
                await asyncio.sleep(0)
            asking.cancel()
            done, _ = await asyncio.wait([asking])
            assert all(task.cancelled() or task.result() == b"mine" for task in done)

        for _ in range(10):
            await asyncio.gather(*(call(chance.randrange(60)) for _ in range(20)))
        assert transport.open_connections == 0
        assert await _whole(transport, peer.url) == b"mine"
        connections = list(transport._open)
    assert connections
    assert all(connection.closed.done() for connection in connections)
    assert not transport._open


async def _whole(transport: PooledTransport, url: str) -> bytes:
    response, body = await send(transport, get(url))
    received = Received()
    try:
        await _take(body, received)
    finally:
        await response.aclose()
    return bytes(received)


async def test_closing_the_pool_closes_every_socket(scripted: ScriptedUpstream) -> None:
    """Idle connections and those in use; whoever still reads hears of it."""
    before = open_sockets()
    scripted.play([sized(b"idle")], [head() + chunk(b"x"), Hang()])
    async with PooledTransport(4, 15) as transport:
        first, second = await asyncio.gather(send(transport, get(scripted.url)), send(transport, get(scripted.url)))
        held = [body for response, body in (first, second) if "content-length" not in response.headers]
        for _, body in (first, second):
            if body not in held:
                await body.aclose()
        assert len(held) == 1
        assert open_sockets() > before
        reading = asyncio.create_task(_take(held[0], Received()))
    with pytest.raises(httpx.TransportError):
        await reading
    await held[0].aclose()
    assert transport.open_connections == 0
    assert not transport._open


# -- giving back --


async def test_a_completed_answer_gives_its_connection_back(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """After the last event the rest is read away, and the connection serves again."""
    go_on = threading.Event()
    scripted.play([head() + chunk(b"last event"), go_on, chunk(LARGE) + END], [sized(b"next")])
    body = await begun(transport, scripted)
    body.complete()
    await body.aclose()
    assert transport.open_connections == 0
    go_on.set()
    await until(lambda: any(transport._idle.values()))
    assert await _whole(transport, scripted.url) == b"next"
    assert scripted.connections == 1


async def test_a_completed_answer_whose_rest_does_not_come(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Its connection is closed in the end."""
    scripted.play([head() + chunk(b"last event"), Hang()])
    body = await begun(transport, scripted)
    body.complete()
    await body.aclose()
    assert await happened(scripted.left)
    assert not any(transport._idle.values())


async def test_giving_back_twice_does_no_harm(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Neither at once, nor when the connection already serves somebody else; and there are still four connections."""
    go_on = threading.Event()
    scripted.play([sized(b"first")], [head() + chunk(b"sec"), go_on, chunk(b"ond") + END], [head() + chunk(b"x"), Hang()])
    _, first = await send(transport, get(scripted.url))
    await _take(first, Received())
    await first.aclose()
    await first.aclose()
    second = asyncio.create_task(_whole(transport, scripted.url))
    assert await happened(scripted.came)
    assert await happened(scripted.came)
    await first.aclose()
    assert transport.open_connections == 1
    go_on.set()
    assert await second == b"second"
    held = [await begun(transport, scripted) for _ in range(4)]
    with pytest.raises(httpx.PoolTimeout):
        await send(transport, get(scripted.url, SHORT))
    for body in held:
        await body.aclose()


async def test_a_body_that_was_given_back_is_nobody_s_window(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Its connection may serve another call by then: whoever goes on reading gets an error, not another's answer."""
    scripted.play([sized(b"first")], [head() + chunk(b"second"), Hang()])
    _, first = await send(transport, get(scripted.url))
    await _take(first, Received())
    await first.aclose()
    _, second = await send(transport, get(scripted.url))
    received = Received()
    with pytest.raises(httpx.StreamClosed):
        await _take(first, received)
    await second.aclose()
    assert (bytes(received), scripted.connections) == (b"", 1)


# -- turns --


@pytest.mark.parametrize("over", ["tcp", "tls"])
async def test_a_stream_that_pours_leaves_room_for_others(
    scripted: ScriptedUpstream, secured: ScriptedUpstream, trusting: ssl.SSLContext, over: str
) -> None:
    """One answer comes as fast as it is read, without end: a full read of it ends its turn, and others are served.

    A read that was not full may have come before it in the same turn, over TLS under uvloop.
    """
    loop, done = asyncio.get_running_loop(), threading.Event()

    def pour() -> Iterator[Step]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        block = bytes(1 << 20)
        while not done.is_set():
            yield block
        yield Close(notify=True)

    peer = scripted if over == "tcp" else secured
    peer.play(pour())
    async with PooledTransport(4, 15, trusting) as transport:
        poured = _Counted(loop)
        _, body = await send(transport, get(peer.url))
        with upstream() as small:
            small.play([sized(b"small")])
            reading = asyncio.create_task(_read(body, poured))
            positions = []
            for _ in range(20):
                assert await _whole(transport, small.url) == b"small"
                positions.append(poured.size_bytes)
            await until(lambda: poured.size_bytes > 50 << 20)
            done.set()
            await reading
            await body.aclose()
        assert positions[-1] > positions[0]
        assert poured.most_per_turn < 2 * READ_BYTES


class _Counted:
    """A sink that counts, in all and for each turn of the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.size_bytes = self.most_per_turn = self._this_turn = 0
        self._loop = loop

    def feed(self, piece: bytes, /) -> bool:
        if not self._this_turn:
            self._loop.call_soon(self._next_turn)
        self.size_bytes += len(piece)
        self._this_turn += len(piece)
        return False

    def _next_turn(self) -> None:
        self.most_per_turn, self._this_turn = max(self.most_per_turn, self._this_turn), 0


async def _read(body: Body, sink: _Counted) -> None:
    async with aclosing(body.push(sink)) as reads:
        async for _ in reads:
            pass


async def test_a_slow_owner_holds_up_the_provider(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """Of 100 MB a provider can send what sockets hold while the owner works; then all of it comes, in order."""
    block, sent = bytes(range(256)) * 4096, 0

    def steps() -> Iterator[Step]:
        nonlocal sent
        yield b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (100 * len(block))
        for _ in range(100):
            yield block
            sent += 1

    scripted.play(steps())
    _, body = await send(transport, get(scripted.url))
    received = Received()
    async with aclosing(body.push(received)) as reads:
        await anext(reads)
        await _settled(lambda: sent)
        held_up_at = sent
        async for _ in reads:
            pass
    await body.aclose()
    assert held_up_at < 20
    assert bytes(received) == block * 100


async def _settled(position: Callable[[], int]) -> None:
    """Returns when a position has not moved for a while."""
    last, still = -1, 0
    while still < 200:
        still = still + 1 if position() == last else 0
        last = position()
        await asyncio.to_thread(threading.Event().wait, 0.001)


# -- TLS --


async def test_a_large_answer_over_tls(secured: ScriptedUpstream, trusting: ssl.SSLContext) -> None:
    """Megabytes both ways, and the connection serves again."""
    secured.play([head() + chunk(LARGE) + END], [sized(LARGE)])
    async with PooledTransport(4, 15, trusting) as transport, httpx.AsyncClient(transport=transport, timeout=WAITS) as client:
        for _ in range(3):
            assert (await client.post(secured.url, content=LARGE)).content == LARGE
    assert [len(asked.body) for asked in secured.asked] == [len(LARGE)] * 3
    assert secured.connections == 1


async def test_an_unknown_authority_is_not_trusted(secured: ScriptedUpstream) -> None:
    """No request reaches whoever cannot prove its name."""
    secured.play([sized(b"")])
    async with PooledTransport(4, 15) as transport:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await send(transport, get(secured.url))
        assert transport.open_connections == 0
    pool = Upstream(UpstreamLimits())
    async with pool.running():
        with pytest.raises(UpstreamUnreachable):
            async with pool.send(Call("POST", secured.url, {}, MultipartBody([], []))):
                pass
    assert not secured.asked


async def test_a_name_that_is_not_in_the_certificate_is_not_trusted(
    secured: ScriptedUpstream, trusting: ssl.SSLContext
) -> None:
    """The authority is known, the name is another's."""
    async with PooledTransport(4, 15, trusting) as transport:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            await send(transport, get(f"https://localhost:{secured.port}/"))


async def test_an_authority_of_the_environment_is_trusted(
    secured: ScriptedUpstream, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE, as everywhere."""
    secured.play([json_answer({})])
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    pool = Upstream(UpstreamLimits())
    async with pool.running(), pool.send(Call("POST", secured.url, {}, MultipartBody([], []))) as answer:
        assert await answer.read(100) == b"{}"


async def test_what_does_not_speak_tls(transport: PooledTransport, scripted: ScriptedUpstream) -> None:
    """https to a plain port is ConnectError."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asking = asyncio.create_task(send(transport, get(f"https://127.0.0.1:{listener.getsockname()[1]}/")))
        peer, _ = await asyncio.to_thread(listener.accept)
        with peer:
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            with pytest.raises(httpx.ConnectError):
                await asking


async def test_who_speaks_before_tls_begins(transport: PooledTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose greeting is there before the handshake begins does not speak TLS either: ConnectError."""
    loop = asyncio.get_running_loop()
    connect = loop.create_connection

    async def greeted(*arguments: Any, **options: Any) -> Any:
        made = await connect(*arguments, **options)
        peer, _ = await asyncio.to_thread(listener.accept)
        with peer:
            peer.sendall(b"220 hello\r\n")
            await made[1].closed
        return made

    monkeypatch.setattr(loop, "create_connection", greeted)
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(httpx.ConnectError):
        await send(transport, get(f"https://127.0.0.1:{listener.getsockname()[1]}/"))


@pytest.mark.parametrize("step", [Close(), Close(notify=True), Reset()], ids=["end", "notified end", "reset"])
async def test_tls_that_breaks_off_within_a_body(secured: ScriptedUpstream, trusting: ssl.SSLContext, step: Step) -> None:
    """With or without close_notify: an error, after what had come."""
    go_on = threading.Event()
    secured.play([head() + chunk(b"half"), go_on, step])
    async with PooledTransport(4, 15, trusting) as transport:
        _, body = await send(transport, get(secured.url))
        received = Received()
        with pytest.raises(httpx.RemoteProtocolError):
            async with aclosing(body.push(received)) as reads:
                async for _ in reads:
                    go_on.set()
        await body.aclose()
        assert (bytes(received), transport.open_connections) == (b"half", 0)


@pytest.mark.parametrize(
    ("length", "notify"),
    [("chunked", True), ("chunked", False), ("sized", True), ("sized", False), ("until the end", True)],
)
async def test_the_last_megabytes_over_tls_reach_a_slow_owner(
    secured: ScriptedUpstream, trusting: ssl.SSLContext, length: str, notify: bool
) -> None:
    """The provider sends 5 MB and closes the connection; the owner takes them when all have long been sent."""
    ended = threading.Event()
    sent = {"chunked": head() + chunk(LARGE) + END, "sized": sized(LARGE), "until the end": b"HTTP/1.1 200 OK\r\n\r\n" + LARGE}

    def steps() -> Iterator[Step]:
        data = sent[length]
        yield data[:1000]
        yield from (data[start : start + 100_000] for start in range(1000, len(data), 100_000))
        ended.set()
        yield Close(notify)

    secured.play(steps())
    async with PooledTransport(4, 15, trusting) as transport:
        _, body = await send(transport, get(secured.url))
        received = Received()
        async with aclosing(body.push(received)) as reads:
            async for _ in reads:
                for _ in range(5):
                    await asyncio.sleep(0)
        await body.aclose()
        assert bytes(received) == LARGE


async def test_what_tls_still_holds_is_for_the_next_sink(secured: ScriptedUpstream, trusting: ssl.SSLContext) -> None:
    """After a look at the first bytes nothing goes to the sink that was left, nothing is lost."""
    secured.play([head() + chunk(LARGE) + END])
    async with PooledTransport(4, 15, trusting) as transport:
        for looks in (1, 15, 15, 15):
            _, body = await send(transport, get(secured.url))
            received = Received()
            for _ in range(looks):
                first = Received()
                async with aclosing(body.push(first)) as reads:
                    await anext(reads)
                received += bytes(first)
                for _ in range(20):
                    await asyncio.sleep(0)
            await _take(body, received)
            await body.aclose()
            assert bytes(received) == LARGE
    assert secured.connections == 1


@pytest.mark.parametrize("notify", [True, False], ids=["notified", "not notified"])
async def test_a_tls_end_that_comes_with_the_last_bytes(
    secured: ScriptedUpstream, trusting: ssl.SSLContext, notify: bool
) -> None:
    """Half an answer and its end in one read: first the half, then the error."""
    go_on, closed = threading.Event(), threading.Event()

    def steps() -> Iterator[Step]:
        yield head()
        yield go_on
        yield chunk(b"half")
        try:
            yield Close(notify)
        finally:
            closed.set()

    secured.play(steps(), [sized(b"")])
    async with PooledTransport(4, 15, trusting) as transport:
        _, body = await send(transport, get(secured.url))
        go_on.set()
        assert await asyncio.to_thread(closed.wait, 5)
        received = Received()
        with pytest.raises(httpx.RemoteProtocolError):
            await _take(body, received)
        await body.aclose()
        assert bytes(received) == b"half"
