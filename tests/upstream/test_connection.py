"""One connection, its other end a socket that the test holds: every byte, every cut, every pause is the test's own."""

import asyncio
import fcntl
import select
import socket
import struct
import termios
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from typing import Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upstreams import END, chunk, head, sized

from streamedit.turns import LARGE_BYTES, Turns
from streamedit.upstream.connection import READ_BYTES, Connection, Reading
from streamedit.upstream.reply import Head

_Result = TypeVar("_Result")

GET = b"GET / HTTP/1.1\r\n\r\n"
NO_LENGTH = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """A connection and its other end."""

    def __init__(self, connection: Connection, peer: socket.socket) -> None:
        self.connection = connection
        self.peer = peer

    async def send(self, *pieces: bytes) -> None:
        """Send one piece after the other, each when the one before has been read."""
        for piece in pieces:
            await asyncio.get_running_loop().sock_sendall(self.peer, piece)
            await until(lambda: not unread_bytes(self.peer))

    def end(self) -> None:
        self.peer.shutdown(socket.SHUT_WR)

    async def fill(self) -> int:
        """Send until nothing more goes, however long one waits; tells how many bytes went."""
        sent = still = 0
        while still < 20:
            try:
                sent += self.peer.send(b"x" * READ_BYTES)
                still = 0
            except BlockingIOError:
                still += 1
            await asyncio.sleep(0)
        return sent


class Received(bytearray):
    """A sink that keeps what it gets, and calls its owner for each piece."""

    def feed(self, piece: bytes, /) -> bool:
        self.extend(piece)
        return True


class Sleepy(bytearray):
    """A sink that keeps what it gets and never calls its owner."""

    def feed(self, piece: bytes, /) -> bool:
        self.extend(piece)
        return False


class Checksum:
    """A sink that only counts."""

    def __init__(self) -> None:
        self.size_bytes = self.crc = 0

    def feed(self, piece: bytes, /) -> bool:
        self.size_bytes += len(piece)
        self.crc = zlib.crc32(piece, self.crc)
        return True


def unread_bytes(peer: socket.socket) -> int:
    """What was sent and waits to be read (unix(7))."""
    return int(struct.unpack("i", fcntl.ioctl(peer, termios.TIOCOUTQ, bytes(4)))[0])


async def until(condition: Callable[[], bool]) -> None:
    """Returns when it holds, looking after each turn of the event loop."""
    while not condition():  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0)


@asynccontextmanager
async def wired(reading: Reading | None = None) -> AsyncIterator[Wire]:
    """A connection for the time of a `with` block."""
    own, peer = socket.socketpair()
    peer.setblocking(False)
    shared = reading or Reading(Turns())
    _, connection = await asyncio.get_running_loop().create_unix_connection(lambda: Connection(shared), sock=own)
    with peer:
        yield Wire(connection, peer)
        connection.abort()
        await connection.closed


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    """A connection for the time of a test."""
    async with wired() as made:
        yield made


async def nothing() -> AsyncIterator[bytes]:
    """The body of a GET."""
    for piece in list[bytes]():
        yield piece


async def ask(connection: Connection, wait_s: float = 5) -> tuple[Head, bytes]:
    """One whole exchange."""
    answer = await connection.request(GET, nothing(), wait_s, wait_s)
    body = Received()
    await take(connection, body, wait_s)
    return answer, bytes(body)


async def take(connection: Connection, sink: Received | Sleepy | Checksum, wait_s: float = 5) -> None:
    """The rest of an answer's body."""
    async with aclosing(connection.push(sink, wait_s)) as reads:
        async for _ in reads:
            pass


async def begun(wire: Wire, call: Coroutine[Any, Any, _Result]) -> "asyncio.Task[_Result]":
    """A call whose request has arrived."""
    task = asyncio.create_task(call)
    await until(lambda: task.done() or bool(select.select([wire.peer], [], [], 0)[0]))
    assert wire.peer.recv(1000) == GET
    return task


async def exchange(wire: Wire, *answer: bytes, ends: bool = False) -> tuple[Head, bytes]:
    """One whole exchange in which the other side sends these pieces, and then perhaps ends the connection."""
    asking = await begun(wire, ask(wire.connection))
    await wire.send(*answer)
    if ends:
        wire.end()
    return await asking


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"
OK = b"HTTP/1.1 200 OK\r\n"

ANSWERS: dict[str, tuple[bytes, int, bytes, bool]] = {
    "content-length": (sized(b"body"), 200, b"body", True),
    "an empty body": (sized(b""), 200, b"", True),
    "another status": (sized(b"no", "429 Too Many Requests"), 429, b"no", True),
    "no reason phrase": (b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx", 200, b"x", True),
    "chunked": (head() + chunk(b"bo") + chunk(b"dy") + END, 200, b"body", True),
    "chunks of one byte": (head() + b"".join(chunk(bytes([b])) for b in b"body") + END, 200, b"body", True),
    "no chunk": (head() + END, 200, b"", True),
    "chunk extensions": (head() + b'4;a=b;c="d"\r\nbody\r\n0;e\r\n\r\n', 200, b"body", True),
    "chunk sizes with zeros and capitals": (head() + b"000A\r\n0123456789\r\n000\r\n\r\n", 200, b"0123456789", True),
    "trailers": (head() + chunk(b"body") + b"0\r\nx-sum: 7\r\nx-more: 8\r\n\r\n", 200, b"body", True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "304": (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, b"", True),
    "100 before": (b"HTTP/1.1 100 Continue\r\n\r\n" + sized(b"body"), 200, b"body", True),
    "103 before": (b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + sized(b"body"), 200, b"body", True),
    "several before": (b"HTTP/1.1 100 Continue\r\n\r\n" * 3 + head() + chunk(b"body") + END, 200, b"body", True),
    "an upgrade that is only offered": (
        OK + b"upgrade: h2c\r\nconnection: upgrade\r\ncontent-length: 4\r\n\r\nbody",
        200,
        b"body",
        True,
    ),
    "connection: close": (sized(b"body", connection="close"), 200, b"body", False),
    "chunked and connection: close": (head(connection="close") + chunk(b"body") + END, 200, b"body", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nbody", 200, b"body", False),
    "HTTP/1.0 that keeps": (
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 4\r\n\r\nbody",
        200,
        b"body",
        True,
    ),
    "a second answer": (sized(b"body") + sized(b"evil"), 200, b"body", False),
    "garbage after it": (sized(b"body") + b"\0\0", 200, b"body", False),
}
"""Bytes, then: status, body, whether the connection may serve again."""

ENDLESS: dict[str, tuple[bytes, int, bytes]] = {
    "HTTP/1.1": (NO_LENGTH + b"body", 200, b"body"),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\n\r\nbody", 200, b"body"),
    "nothing": (NO_LENGTH, 200, b""),
    "after a 103": (b"HTTP/1.1 103 Early Hints\r\n\r\n" + NO_LENGTH + b"body", 200, b"body"),
}


@pytest.mark.parametrize("form", ANSWERS)
async def test_every_legal_answer_is_read_wherever_it_is_cut(form: str) -> None:
    """Status and body are the same whole and cut in two at every byte, and so is whether the connection may serve again."""
    sent, status, body, reusable = ANSWERS[form]
    for cut in range(len(sent)):
        async with wired() as wire:
            asking = await begun(wire, ask(wire.connection))
            await wire.send(*filter(None, (sent[:cut], sent[cut:])))
            answer, received = await asking
            assert (answer.status, received, wire.connection.is_reusable) == (status, body, reusable), cut


@pytest.mark.parametrize("form", ENDLESS)
async def test_a_body_without_length_ends_with_the_connection(form: str) -> None:
    """Wherever it is cut; and such a connection is never used again."""
    sent, status, body = ENDLESS[form]
    for cut in range(len(sent)):
        async with wired() as wire:
            answer, received = await exchange(wire, *filter(None, (sent[:cut], sent[cut:])), ends=True)
            assert (answer.status, received, wire.connection.is_reusable) == (status, body, False), cut


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 3000), max_size=8), cuts=st.lists(st.integers(1, 9000), max_size=12))
async def test_any_chunks_in_any_reads_are_the_same_body(sizes: list[int], cuts: list[int]) -> None:
    """Chunk sizes and read sizes have nothing to do with each other."""
    bodies = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    sent = head() + b"".join(map(chunk, bodies)) + END
    edges = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    async with wired() as wire:
        pieces = [sent[start:end] for start, end in pairwise(edges)]
        _, received = await exchange(wire, *pieces)
        assert received == b"".join(bodies)


async def test_headers_come_as_they_were_sent(wire: Wire) -> None:
    """In order, repeated ones too, empty values and bytes beyond ASCII kept, names as the provider writes them."""
    sent = [(b"Set-Cookie", b"a=1"), (b"X-Empty", b""), (b"set-cookie", b"b=2"), (b"x-name", "ä".encode())]
    lines = b"".join(b"%b: %b\r\n" % header for header in sent)
    answer, _ = await exchange(wire, OK + lines + b"content-length: 0\r\n\r\n")
    assert answer.headers == [*sent, (b"content-length", b"0")]


async def test_headers_of_an_announcement_are_not_those_of_the_answer(wire: Wire) -> None:
    """What 103 said is not said again."""
    answer, _ = await exchange(wire, b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", b"HTTP/1.1 204 No\r\nx-a: b\r\n\r\n")
    assert answer.headers == [(b"x-a", b"b")]


async def test_trailers_are_not_headers(wire: Wire) -> None:
    """A trailer cannot change a head that was already given."""
    answer, _ = await exchange(wire, CHUNKED + b"\r\n" + chunk(b"x") + b"0\r\nx-late: 1\r\n\r\n")
    assert answer.headers == [(b"transfer-encoding", b"chunked")]


async def test_a_connection_serves_again_and_again(wire: Wire) -> None:
    """Answers of every kind follow each other on one connection, each with its own status and body."""
    for sent, status, body, _ in [answer for answer in ANSWERS.values() if answer[3]]:
        answer, received = await exchange(wire, sent)
        assert (answer.status, received) == (status, body)
        wire.connection.finish(lambda _: None, 0)
    assert wire.connection.is_reusable


async def taken(wire: Wire, body: Received) -> None:
    """One request, its answer's body into `body`."""
    await wire.connection.request(GET, nothing(), 5, 5)
    await take(wire.connection, body)


BROKEN: dict[str, tuple[bytes, bytes]] = {
    "nothing at all": (b"", b""),
    "half a head": (OK + b"content-le", b""),
    "half a body": (OK + b"content-length: 9\r\n\r\nbody", b"body"),
    "half a chunk": (CHUNKED + b"\r\n9\r\nbody", b"body"),
    "no last chunk": (CHUNKED + b"\r\n" + chunk(b"body"), b"body"),
    "half a trailer": (CHUNKED + b"\r\n" + chunk(b"body") + b"0\r\nx-a: b\r\n", b"body"),
    "only an announcement": (b"HTTP/1.1 100 Continue\r\n\r\n", b""),
}


@pytest.mark.parametrize("form", BROKEN)
async def test_an_answer_that_ends_too_early_is_an_error(wire: Wire, form: str) -> None:
    """What had come is delivered first; the connection is of no use any more."""
    sent, delivered = BROKEN[form]
    body = Received()

    asked = await begun(wire, taken(wire, body))
    await wire.send(sent)
    wire.end()
    with pytest.raises(httpx.RemoteProtocolError):
        await asked
    assert (bytes(body), wire.connection.is_reusable) == (delivered, False)


GARBAGE: dict[str, tuple[bytes, bytes]] = {
    "not HTTP": (b"hello\r\n\r\n", b""),
    "HTTP/2": (b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80", b""),
    "no chunk size": (CHUNKED + b"\r\n" + chunk(b"body") + b"zz\r\nbody\r\n", b"body"),
    "a chunk longer than it says": (CHUNKED + b"\r\n2\r\nbody\r\n", b"bo"),
    "two lengths": (OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx", b""),
    "length and chunks": (CHUNKED + b"content-length: 1\r\n\r\n" + chunk(b"x") + END, b""),
    "a length that is no number": (OK + b"content-length: 1e1\r\n\r\n0123456789", b""),
    "a header without colon": (OK + b"oops\r\n\r\n", b""),
    "switching protocols": (b"HTTP/1.1 101 Switching\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n\0\0", b""),
    "switching protocols without saying to which": (b"HTTP/1.1 101 Switching\r\n\r\n", b""),
    "a head of many headers": (OK + b"x-a: 0123456789\r\n" * 8000 + b"\r\n", b""),
    "a head of one header": (OK + b"x-a: " + b"0" * 70_000 + b"\r\n\r\n", b""),
}


@pytest.mark.parametrize("form", GARBAGE)
async def test_what_is_not_http_is_an_error_at_once(wire: Wire, form: str) -> None:
    """Without waiting for the connection's end; what was sound before it is delivered."""
    sent, delivered = GARBAGE[form]
    body = Received()

    asked = await begun(wire, taken(wire, body))
    await asyncio.get_running_loop().sock_sendall(wire.peer, sent)
    with pytest.raises(httpx.RemoteProtocolError):
        await asked
    assert bytes(body) == delivered
    await wire.connection.closed


async def test_a_head_without_end_is_refused(wire: Wire) -> None:
    """A header line that never ends is not kept until memory does."""
    asked = await begun(wire, ask(wire.connection))
    await wire.send(OK + b"x-a: ")
    sent = 0
    with pytest.raises(ConnectionError):
        while True:
            await asyncio.get_running_loop().sock_sendall(wire.peer, b"0" * 1000)
            sent += 1000
            assert sent < 10 << 20
    with pytest.raises(httpx.RemoteProtocolError):
        await asked


async def test_bytes_that_nobody_asked_for_end_the_connection(wire: Wire) -> None:
    """Before the first request, and when an answer is over."""
    await wire.send(sized(b"early"))
    await wire.connection.closed
    async with wired() as other:
        await exchange(other, sized(b"body"))
        await asyncio.get_running_loop().sock_sendall(other.peer, b"H")
        await other.connection.closed
        assert not other.connection.is_reusable


async def test_an_idle_connection_that_is_closed_says_so(wire: Wire) -> None:
    """As soon as the event loop has seen the end, and before the transport is through with closing."""
    await exchange(wire, sized(b"body"))
    kept: list[Connection] = []
    wire.connection.finish(kept.append, 0)
    assert kept == [wire.connection]
    wire.end()
    await wire.connection.closed
    assert not wire.connection.is_reusable


# -- requests --


async def pieces_of(count: int, taken: list[int], piece: bytes = bytes(1 << 20)) -> AsyncIterator[bytes]:
    """A body that notes how many of its pieces were taken."""
    for index in range(count):
        taken.append(index)
        yield piece


async def test_a_request_arrives_as_it_was_given(wire: Wire) -> None:
    """Head and pieces of the body, in order, nothing between."""

    async def body() -> AsyncIterator[bytes]:
        for piece in (b"one", b"two", b"", b"three"):
            yield piece

    asked = asyncio.create_task(wire.connection.request(GET, body(), 5, 5))
    came = b""
    while not came.endswith(b"three"):
        came += await asyncio.get_running_loop().sock_recv(wire.peer, 1000)
    await wire.send(sized(b""))
    await asked
    assert came == GET + b"onetwothree"


async def test_a_slow_reader_gets_the_whole_body(wire: Wire) -> None:
    """Sending waits for the other side, which reads 20 MB in slices; nothing is lost or held in memory."""
    taken: list[int] = []
    asked = asyncio.create_task(wire.connection.request(GET, pieces_of(20, taken), 5, 5))
    loop, came = asyncio.get_running_loop(), 0
    while came < len(GET) + (20 << 20):
        came += len(await loop.sock_recv(wire.peer, 1 << 16))
        assert len(taken) - 2 <= came >> 20
    await wire.send(sized(b""))
    assert (await asked).status == 200
    assert not unread_bytes(wire.peer)


async def test_an_early_answer_ends_the_sending(wire: Wire) -> None:
    """413 for an upload of 50 MB that is not read: the answer is given, with its body; the connection is not used again."""
    taken: list[int] = []
    asked = asyncio.create_task(wire.connection.request(GET, pieces_of(50, taken), 5, 5))
    await until(lambda: bool(taken))
    await wire.send(sized(b"too large", "413 Content Too Large"))
    assert (await asked).status == 413
    body = Received()
    await take(wire.connection, body)
    assert (bytes(body), len(taken)) == (b"too large", 1)
    kept: list[Connection] = []
    wire.connection.finish(kept.append, 1)
    await wire.connection.closed
    assert not kept


async def test_whoever_does_not_read_is_given_up(wire: Wire) -> None:
    """WriteTimeout, with a bound that holds for each wait and not for the whole."""
    with pytest.raises(httpx.WriteTimeout):
        await wire.connection.request(GET, pieces_of(50, []), 0.05, 0.05)


async def test_whoever_does_not_answer_is_given_up(wire: Wire) -> None:
    """ReadTimeout, before the head and in the body."""
    with pytest.raises(httpx.ReadTimeout):
        await ask(wire.connection, 0.05)
    async with wired() as other:
        asked = await begun(other, ask(other.connection, 0.05))
        await other.send(head() + chunk(b"x"))
        with pytest.raises(httpx.ReadTimeout):
            await asked


async def test_a_connection_that_is_lost_ends_the_sending(wire: Wire) -> None:
    """The other side leaves in the middle of an upload: an error, without waiting for the bound."""
    taken: list[int] = []
    asked = asyncio.create_task(wire.connection.request(GET, pieces_of(50, taken), 60, 60))
    await until(lambda: bool(taken))
    wire.peer.close()
    with pytest.raises(httpx.RemoteProtocolError):
        await asked
    assert len(taken) < 3


async def test_nothing_is_written_to_a_connection_that_is_gone(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """A body that never waits learns of it at once; the event loop has nothing to complain of in the log."""
    taken: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        wire.peer.close()
        async for piece in pieces_of(50, taken):
            yield piece

    with pytest.raises(httpx.RemoteProtocolError):
        await wire.connection.request(GET, body(), 60, 60)
    assert len(taken) == 1
    assert not caplog.records


async def test_a_body_that_fails_fails_the_request(wire: Wire) -> None:
    """The error is the body's own, and the connection, with half a request on it, is not kept."""

    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ValueError("disk")

    with pytest.raises(ValueError, match="disk"):
        await wire.connection.request(GET, broken(), 5, 5)
    wire.connection.finish(lambda _: None, 1)
    await wire.connection.closed


# -- taking --


async def test_nothing_is_read_while_the_owner_has_not_taken(wire: Wire) -> None:
    """Of 100 MB only what the sockets and a few reads hold can be sent while the owner works; then all comes, in order."""
    size, block = 100 << 20, bytes(range(256)) * 4096
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await asyncio.get_running_loop().sock_sendall(wire.peer, OK + b"content-length: %d\r\n\r\n" % size)
    await asked
    sink, sent = Checksum(), 0
    async with aclosing(wire.connection.push(sink, 5)) as reads:
        sending = asyncio.create_task(_send(wire.peer, block, size // len(block)))
        async for _ in reads:
            taken = sink.size_bytes
            for _ in range(10):
                await asyncio.sleep(0)
            sent = max(sent, sink.size_bytes - taken)
    await sending
    assert sent == 0
    crc = 0
    for _ in range(size // len(block)):
        crc = zlib.crc32(block, crc)
    assert (sink.size_bytes, sink.crc) == (size, crc)


async def _send(peer: socket.socket, block: bytes, times: int) -> None:
    for _ in range(times):
        await asyncio.get_running_loop().sock_sendall(peer, block)


@pytest.mark.parametrize("moment", ["before the body is wanted", "in the middle of it", "between two sinks"])
async def test_the_other_side_is_held_up_by_a_slow_owner(wire: Wire, moment: str) -> None:
    """Whoever waits with taking makes the provider wait: it can send what socket buffers and a few reads hold, not more."""
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await wire.send(OK + b"content-length: 1000000000\r\n\r\nx")
    await asked
    reads = wire.connection.push(Received(), 5)
    if moment != "before the body is wanted":
        await anext(reads)
    if moment == "between two sinks":
        await reads.aclose()
    held = wire.peer.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    assert await wire.fill() <= held + 2 * READ_BYTES
    await reads.aclose()


async def test_a_second_sink_goes_on_where_the_first_one_was_left(wire: Wire) -> None:
    """As a look at the first bytes does."""
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await wire.send(head() + chunk(b"first"))
    await asked
    first, second = Received(), Received()
    async with aclosing(wire.connection.push(first, 5)) as reads:
        await anext(reads)
    rest = asyncio.create_task(take(wire.connection, second))
    await wire.send(chunk(b"second") + END)
    await rest
    assert (bytes(first), bytes(second)) == (b"first", b"second")


async def test_the_owner_is_called_only_when_the_sink_says_so(wire: Wire) -> None:
    """A body in many reads whose sink never calls is one wait."""
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await wire.send(head())
    await asked
    calls, sink = 0, Sleepy()

    async def taking() -> None:
        nonlocal calls
        async with aclosing(wire.connection.push(sink, 5)) as reads:
            async for _ in reads:
                calls += 1

    taken = asyncio.create_task(taking())
    await wire.send(*(chunk(b"x" * 1000) for _ in range(50)), END)
    await taken
    assert (len(sink), calls) == (50_000, 0)


# -- finishing --


async def half_taken(wire: Wire) -> list[Connection]:
    """A connection whose answer has begun and is not wanted any further; the list is for `finish`."""
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await wire.send(head() + chunk(b"half"))
    await asked
    async with aclosing(wire.connection.push(Received(), 5)) as reads:
        await anext(reads)
    return []


async def test_the_rest_of_an_answer_is_read_away(wire: Wire) -> None:
    """And the connection is kept, once, and serves again."""
    kept = await half_taken(wire)
    wire.connection.finish(kept.append, 5)
    await wire.send(chunk(b"rest" * 100_000), END)
    assert kept == [wire.connection]
    answer, body = await exchange(wire, sized(b"next"))
    assert (answer.status, body) == (200, b"next")


async def test_a_rest_that_does_not_come_in_time_ends_the_connection(wire: Wire) -> None:
    """It is closed, not kept."""
    kept = await half_taken(wire)
    wire.connection.finish(kept.append, 0.01)
    await wire.connection.closed
    assert not kept


async def test_without_time_the_rest_is_not_waited_for(wire: Wire) -> None:
    """An answer that is left in the middle ends its connection at once."""
    kept = await half_taken(wire)
    wire.connection.finish(kept.append, 0)
    await wire.connection.closed
    assert not kept


@pytest.mark.parametrize("rest", [b"", b"zz\r\n", END + b"more"], ids=["the end", "garbage", "more than an answer"])
async def test_a_rest_that_is_broken_ends_the_connection(wire: Wire, rest: bytes) -> None:
    """It is closed, not kept, though nobody waits for it."""
    kept = await half_taken(wire)
    wire.connection.finish(kept.append, 5)
    await asyncio.get_running_loop().sock_sendall(wire.peer, rest)
    wire.end()
    await wire.connection.closed
    assert not kept


async def test_an_answer_that_nobody_took_is_not_in_the_next_one(wire: Wire) -> None:
    """A whole answer whose body was never wanted leaves the connection clean."""
    asked = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
    await wire.send(sized(b"of somebody else"))
    await asked
    kept: list[Connection] = []
    wire.connection.finish(kept.append, 0)
    assert kept == [wire.connection]
    _, body = await exchange(wire, sized(b"mine"))
    assert body == b"mine"


# -- a line that is held --


async def test_who_is_in_the_middle_of_something_large_waits_while_the_line_is_held() -> None:
    """It is not read any more, is not taken for silent however long that is, and goes on when the line does."""
    turns = Turns()
    async with wired(Reading(turns)) as wire:
        body = Sleepy()
        asking = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
        turns.hold()
        await wire.send(NO_LENGTH)
        await asking
        taking = asyncio.create_task(take(wire.connection, body, wait_s=0.2))
        await wire.send(b"x" * LARGE_BYTES)
        filled_bytes = await wire.fill()
        await asyncio.wait([taking], timeout=0.7)
        assert (taking.done(), len(body)) == (False, LARGE_BYTES)
        turns.release()
        await until(lambda: len(body) == LARGE_BYTES + filled_bytes)
        wire.end()
        await taking


async def test_what_is_small_passes_a_line_that_is_held() -> None:
    """However many small things there are: each is whole before the next begins."""
    turns = Turns()
    async with wired(Reading(turns)) as wire:
        turns.hold()
        small = b"x" * (LARGE_BYTES - 1)
        sent = [head(), *[chunk(small) for _ in range(10)], END]
        _, body = await exchange(wire, *sent)
        assert body == small * 10


async def test_a_line_that_stands_still_does_not_hide_silence() -> None:
    """Who is not in it is waited for as ever."""
    turns = Turns()
    async with wired(Reading(turns)) as wire:
        turns.hold()
        asking = await begun(wire, wire.connection.request(GET, nothing(), 5, 5))
        await wire.send(NO_LENGTH + b"small")
        await asking
        with pytest.raises(httpx.ReadTimeout):
            await take(wire.connection, Sleepy(), wait_s=0.05)
