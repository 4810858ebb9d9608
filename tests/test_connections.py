"""Clients that are slow, many, large or not speaking HTTP."""

import asyncio
import itertools
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

import pytest
from raw import connect, dawdle, edit, form, get, post_head, read_answer, read_to_end, refusal
from servers import RunningServer, serving, settings_of
from uvicorn.protocols.http.flow_control import FlowControl

from streamedit.connections import _Cycle
from streamedit.targets import Target

HEAD_S = 0.3
HALF_A_HEAD = b"GET /health/live HTTP/1.1\r\nhost: h\r\nx-slow: "
MOCK = Target("mock", "mock", params={"mock_pace_s": 0})


@pytest.fixture
def impatient() -> Iterator[RunningServer]:
    """A server that does not wait long for a head; in the end it counts no connection any more."""
    with serving(settings_of(MOCK, head_s=HEAD_S)) as running:
        yield running
        running.wait_for(lambda: running.connections.by_client == {})


@pytest.fixture
def small() -> Iterator[RunningServer]:
    """A server that takes three connections of an address."""
    with serving(settings_of(MOCK, max_connections_per_client=3)) as running:
        yield running
        running.wait_for(lambda: running.connections.by_client == {})


def took(function: Callable[[], object]) -> float:
    """Seconds."""
    started_s = time.monotonic()
    function()
    return time.monotonic() - started_s


# -- slow --


@pytest.mark.parametrize("sent", [b"", b"\r\n\r\n", b"GE", HALF_A_HEAD])
def test_a_connection_without_a_whole_head_is_closed(impatient: RunningServer, sent: bytes) -> None:
    """Whoever sends nothing, or stops before the head is whole, is not waited for longer than `head_s`."""
    with closing(connect(impatient)) as client:
        client.sendall(sent)
        assert HEAD_S * 0.8 < took(lambda: read_to_end(client)) < HEAD_S + 2


def test_a_head_that_trickles_in_is_not_waited_for(impatient: RunningServer) -> None:
    """A byte now and then does not prolong the time for the head."""
    with closing(connect(impatient)) as client:
        endless = (bytes([byte]) for byte in itertools.chain(HALF_A_HEAD, itertools.repeat(ord("x"))))
        assert HEAD_S * 0.8 < took(lambda: dawdle(client, endless)) < HEAD_S + 2


def test_a_later_request_has_as_long_for_its_head(impatient: RunningServer) -> None:
    """On a connection that is kept alive the time runs from the first byte of the request, and idling does not count."""
    with closing(connect(impatient)) as client:
        client.sendall(get())
        assert read_answer(client).status == 200
        client.settimeout(HEAD_S * 1.5)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        client.sendall(HALF_A_HEAD)
        assert HEAD_S * 0.8 < took(lambda: read_to_end(client)) < HEAD_S + 2


def test_a_slow_body_is_none_of_the_head_s_business(impatient: RunningServer) -> None:
    """A body that takes longer than `head_s` is an edit like any other, while something of it comes."""
    body = form(model="mock", prompt="p")
    pieces = [body[at : at + 20] for at in range(0, len(body), 20)]
    with closing(connect(impatient)) as client:
        client.sendall(post_head(f"content-length: {len(body)}"))
        assert took(lambda: dawdle(client, pieces[:-1])) > HEAD_S
        client.sendall(pieces[-1])
        assert len(read_answer(client).json["data"]) == 1


def test_a_stream_that_takes_longer_than_a_head_goes_on(impatient: RunningServer) -> None:
    """Nobody who waits for an answer is closed, however long ago the head came."""
    with closing(connect(impatient)) as client:
        client.sendall(edit(stream="true", partial_images="3", mock_pace_s="0.2"))
        assert took(lambda: read_stream(client)) > HEAD_S


def test_half_a_head_may_wait_behind_an_answer(impatient: RunningServer) -> None:
    """The next request, begun while the one before is being answered, has `head_s` from the end of that answer."""
    with closing(connect(impatient)) as client:
        client.sendall(edit(stream="true", partial_images="3", mock_pace_s="0.2") + HALF_A_HEAD)
        read_stream(client)
        client.sendall(b"no longer\r\n\r\n")
        assert read_answer(client).status == 200
    with closing(connect(impatient)) as client:
        client.sendall(edit(stream="true", partial_images="3", mock_pace_s="0.2") + HALF_A_HEAD)
        read_stream(client)
        assert HEAD_S * 0.8 < took(lambda: read_to_end(client)) < HEAD_S + 2


@pytest.mark.parametrize("dripped", [b"\r\n", b"x"])
def test_dripping_does_not_keep_an_answered_connection_alive(dripped: bytes) -> None:
    """Neither blank lines nor the rest of a body that was answered early prolong a connection's life between requests."""
    with serving(settings_of(MOCK, keys=("sk-right",)), keep_alive_s=1) as locked, closing(connect(locked)) as client:
        client.sendall(get() if dripped == b"\r\n" else post_head("content-length: 100000"))
        assert read_answer(client).status in (200, 401)
        assert took(lambda: dawdle(client, itertools.repeat(dripped))) < 3


# -- large --


@pytest.mark.parametrize("after_another", [False, True])
@pytest.mark.parametrize("lines", [["x-large: " + "x" * 1_000_000], [f"x-{i}: {'x' * 1000}" for i in range(90)]])
def test_a_head_above_its_limit_is_refused(server: RunningServer, lines: list[str], after_another: bool) -> None:
    """More than 64 KiB of it are 431, in one header or in many, also for a later request, and although all of it was sent."""
    with closing(connect(server)) as client:
        if after_another:
            client.sendall(get())
            assert read_answer(client).status == 200
        client.sendall(get("/health/live", *lines))
        refused = refusal(client)
    assert (refused.status, refused.error["code"]) == (431, "headers_too_large")


def test_a_head_below_its_limit_is_taken(server: RunningServer) -> None:
    """60 KB of cookies are no reason, and neither is a body that came together with its head."""
    cookies = f"cookie: {'x' * 60_000}"
    body = form(model="mock", prompt="p" * 30_000)
    with closing(connect(server)) as client:
        client.sendall(get("/health/live", cookies))
        assert read_answer(client).status == 200
        client.sendall(post_head(cookies, f"content-length: {len(body)}") + body)
        assert read_answer(client).status == 200


@pytest.mark.parametrize("endless", [b"0\r\nx-trailer: ", b"5;extension="], ids=["trailer", "chunk extension"])
def test_what_frames_a_body_is_bounded_too(server: RunningServer, endless: bytes) -> None:
    """Behind a head there may be no megabytes that are not body: the parser would keep them."""
    with closing(connect(server)) as client:
        client.sendall(post_head("transfer-encoding: chunked") + endless + b"x" * 1_000_000)
        assert refusal(client).status == 431


def test_a_client_that_takes_nothing_of_a_plain_answer_is_given_up() -> None:
    """Where no stream is watched, the system ends the connection after `stuck_reader_s`."""
    with serving(settings_of(MOCK, stuck_reader_s=0.5)) as server, closing(connect(server)) as client:
        client.sendall(edit(mock_bytes="20000000"))
        server.wait_for(lambda: server.connections.by_client == {"127.0.0.1": 1})
        server.wait_for(lambda: server.connections.by_client == {})


# -- broken --

BROKEN = {
    "garbage": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n",
    "no such version": b"GET / HTTP/9.9\r\n\r\n",
    "no such method": b"FETCH / HTTP/1.1\r\nhost: h\r\n\r\n",
    "no header": b"GET / HTTP/1.1\r\nhost\r\n\r\n",
    "no url": b"CONNECT h:443 HTTP/1.1\r\nhost: h\r\n\r\n",
    "two lengths": post_head("content-length: 1", "transfer-encoding: chunked"),
    "no length": post_head("content-length: many"),
    "no chunk": post_head("transfer-encoding: chunked") + b"zz\r\n",
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_http_is_told_so(server: RunningServer, caplog: pytest.LogCaptureFixture, case: str) -> None:
    """A broken request line, header or body framing is a 400 in the envelope and the end; the log is not filled with it."""
    with closing(connect(server)) as client:
        client.sendall(BROKEN[case])
        refused = refusal(client)
    assert (refused.status, refused.error["code"]) == (400, "invalid_http")
    assert not caplog.records


@pytest.mark.parametrize("broken", [BROKEN["garbage"], get("/", "x-large: " + "x" * 100_000)], ids=["garbage", "too large"])
def test_a_broken_request_does_not_spoil_the_answer_before_it(server: RunningServer, broken: bytes) -> None:
    """What follows a request on its connection is refused only by ending the connection behind the answer."""
    with closing(connect(server)) as client:
        client.sendall(edit(stream="true", partial_images="2", mock_pace_s="0.05") + broken)
        stream = read_to_end(client)
    assert stream.count(b"event: ") == 3
    assert stream.endswith(b"\n\n\r\n0\r\n\r\n")


def test_a_request_that_was_answered_early_gets_no_second_answer() -> None:
    """When the body of a refused request turns out to be broken, the connection ends without another word."""
    with serving(settings_of(MOCK, keys=("sk-right",))) as locked, closing(connect(locked)) as client:
        client.sendall(post_head("transfer-encoding: chunked") + b"1\r\nx\r\n")
        assert read_answer(client).status == 401
        client.sendall(b"zz\r\n")
        assert read_to_end(client) == b""


# -- many --


def test_one_address_has_so_many_connections_and_no_more(small: RunningServer) -> None:
    """One too many is 429 before it has sent anything; another address has its own, and a place that is left is free again."""
    clients = [connect(small) for _ in range(3)]
    with closing(connect(small)) as one_too_many:
        refused = refusal(one_too_many)
    assert (refused.status, refused.error["code"], refused.headers["retry-after"]) == (429, "too_many_connections", "5")
    with closing(connect(small, "127.0.0.2")) as neighbour:
        neighbour.sendall(get())
        assert read_answer(neighbour).status == 200
        assert small.connections.by_client == {"127.0.0.1": 3, "127.0.0.2": 1}
    small.wait_for(lambda: small.connections.by_client == {"127.0.0.1": 3})
    clients.pop().close()
    small.wait_for(lambda: small.connections.by_client == {"127.0.0.1": 2})
    with closing(connect(small)) as next_one:
        next_one.sendall(get())
        assert read_answer(next_one).status == 200
    for client in clients:
        client.sendall(get())
        assert read_answer(client).status == 200
        client.close()


@pytest.mark.parametrize(
    "end", [b"", BROKEN["garbage"], edit(stream="true", partial_images="1", mock_fault="hang"), post_head("content-length: 9")]
)
def test_however_a_connection_ends_its_place_is_free(small: RunningServer, end: bytes) -> None:
    """Reset, refused, left during its answer or its upload: many times the cap of them come and go."""
    for _ in range(3):
        for client in [connect(small) for _ in range(3)]:
            client.sendall(end)
            client.close()
        small.wait_for(lambda: small.connections.by_client == {})


# -- as ever --


def test_pipelined_requests_are_answered_in_their_order(server: RunningServer) -> None:
    """Requests may be sent before the answers to those before them have come."""
    paths = ["/health/live", "/v1/models", "/nothing", "/health/ready"]
    with closing(connect(server)) as client:
        client.sendall(b"".join(get(path) for path in paths))
        answers = [read_answer(client) for _ in paths]
    assert [answer.status for answer in answers] == [200, 200, 404, 200]
    assert answers[1].json["object"] == "list"


def test_an_offer_of_another_protocol_is_passed_over(server: RunningServer) -> None:
    """`upgrade: h2c` or `websocket` is answered in HTTP/1.1, and what follows is the next request, in the same read too."""
    offers = [get("/health/live", "connection: upgrade", f"upgrade: {protocol}") for protocol in ("h2c", "websocket")]
    with closing(connect(server)) as client:
        client.sendall(b"".join(offers * 2000) + get("/v1/models"))
        assert {read_answer(client).status for _ in range(4000)} == {200}
        assert read_answer(client).json["object"] == "list"


def test_trailers_are_dropped(server: RunningServer) -> None:
    """What stands behind a body is nobody's header."""
    body = form(model="mock", prompt="p")
    chunked = b"%x\r\n%b\r\n0\r\nx-trailer: t\r\n\r\n" % (len(body), body)
    with closing(connect(server)) as client:
        client.sendall(post_head("transfer-encoding: chunked") + chunked)
        assert read_answer(client).status == 200


def read_stream(client: socket.socket) -> None:
    """A whole event stream, which must be complete, and not a byte more."""
    read = b""
    while not read.endswith(b"\r\n0\r\n\r\n"):
        piece = client.recv(1 << 16)
        assert piece
        read += piece
    assert b"event: image_edit.completed" in read


# -- what is sent --


class Wire(asyncio.Transport):
    """Keeps what is written, as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[object] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(data)

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.written.extend(list_of_data)


async def test_a_large_piece_is_sent_without_a_copy() -> None:
    """All viewers of an event wait with the same bytes, framed as a chunk each."""
    wire, piece = Wire(), b"x" * 100_000
    cycle: Any = _Cycle.__new__(_Cycle)
    cycle.transport, cycle.flow, cycle.disconnected, cycle.chunked_encoding = wire, FlowControl(wire), False, True
    await cycle.send({"type": "http.response.body", "body": piece, "more_body": True})
    assert wire.written == [b"186a0\r\n", piece, b"\r\n"]
    assert wire.written[1] is piece
