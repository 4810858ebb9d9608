"""What relaying one more event costs, counted instead of timed: a change that makes the hot path longer fails here.

The whole application runs, from the form to the last byte sent; only the upstream's socket is a script, so that every read is
as large as it can be. Costs are those of one event more: what a request costs by itself cancels out.
"""

import asyncio
import gc
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import structlog
from servers import settings_of
from starlette.types import Message
from upstreams import chunk, completed, frame, head, partial

from streamedit.app import create_app
from streamedit.targets import Target
from streamedit.upstream.connection import READ_BYTES, Connection
from streamedit.upstream.transport import PooledTransport
from streamedit.wire.multipart import MultipartBody
from streamedit.wire.scanner import FrameScanner

IMAGE = "QUJD" * (3 << 18)
"""3 MiB of base64, as a large image has."""

READS = len(IMAGE) // READ_BYTES + 1
"""The fewest reads and sends for one event."""


class Socket(asyncio.Transport):
    """An upstream's answer that is there at once: each read fills the buffer that it is given."""

    def __init__(self, connection: Connection, answer: bytes) -> None:
        super().__init__()
        self._connection = connection
        self._answer = memoryview(answer)
        self._paused = False
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if bytes(data).endswith(b"--\r\n"):
            asyncio.get_running_loop().call_soon(self._pour)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        asyncio.get_running_loop().call_soon(self._pour)

    def is_closing(self) -> bool:
        return self._closed

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._connection.connection_lost, None)

    def _pour(self) -> None:
        while self._answer and not self._paused:
            buffer = self._connection.get_buffer(-1)
            read, self._answer = self._answer[: len(buffer)], self._answer[len(buffer) :]
            buffer[: len(read)] = read
            self._connection.buffer_updated(len(read))


class Wire(PooledTransport):
    """A pool whose connections all give one answer."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(connections=1, keepalive_s=1)
        self._answer = answer

    async def _connect(self, *_: object) -> Connection:
        connection = Connection(self._reading)
        connection.connection_made(Socket(connection, self._answer))
        return connection


class Costs:
    """Counts while it is entered. `sent` and `fed` are the pieces that went out and came in."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.parsed_bytes: list[int] = []
        self.fed: list[bytes] = []
        self.sent: list[bytes] = []
        self.tasks = 0

    def count(self, running: FrameType, kind: str, _: Any) -> None:
        if kind != "call":
            return
        code = running.f_code
        if Path(code.co_filename).parent.name != "asyncio" and code.co_filename != __file__:
            self.calls[code.co_qualname] += 1
        if code.co_name == "loads" and "json" in code.co_filename:
            self.parsed_bytes.append(len(running.f_locals["s"]))
        if code is FrameScanner.feed.__code__:
            self.fed.append(running.f_locals["chunk"])

    def task(self, loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        self.tasks += 1
        return asyncio.Task(work, loop=loop, **options)


def answer_of(events: int, chunk_bytes: int) -> bytes:
    """A provider's whole answer in HTTP chunks of that size."""
    stream = b"".join(frame(partial(0, IMAGE)) for _ in range(events - 1)) + frame(completed(IMAGE))
    pieces = (stream[at : at + chunk_bytes] for at in range(0, len(stream), chunk_bytes))
    return head() + b"".join(chunk(piece) for piece in pieces) + b"0\r\n\r\n"


async def relayed(events: int, chunk_bytes: int) -> Costs:
    """The costs of one streamed edit."""
    costs = Costs()
    app = create_app(settings_of(Target("openai", "m", "k", "http://upstream/v1")), structlog.get_logger(processors=[drop]))
    app.state.upstream._transport = Wire(answer_of(events, chunk_bytes))
    form = MultipartBody([("prompt", "p"), ("stream", "true")], [])
    body = b"".join([piece async for piece in form])
    image = b'content-disposition: form-data; name="image"; filename="a.png"\r\n\r\npng\r\n'
    boundary = body[:34]
    body = boundary + b"\r\n" + image + body
    messages: Iterator[Message] = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, None) or await asyncio.get_running_loop().create_future()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            costs.sent.append(message["body"])

    headers = [(b"content-type", form.content_type.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/v1/images/edits", "headers": headers, "query_string": b""}
    async with app.router.lifespan_context(app):
        asyncio.get_running_loop().set_task_factory(costs.task)
        # A collection in the middle would count what it calls, and it comes when it likes.
        gc.disable()
        sys.setprofile(costs.count)
        try:
            await app(scope, receive, send)
        finally:
            sys.setprofile(None)
            gc.enable()
            asyncio.get_running_loop().set_task_factory(None)
    assert sum(map(len, costs.sent)) > events * len(IMAGE)
    return costs


def drop(*_: object) -> Any:
    """Log nothing."""
    raise structlog.DropEvent


async def marginal(chunk_bytes: int = 16384) -> tuple[Counter[str], Costs, Costs]:
    """Calls that two events more bring, and the costs with and without them."""
    with_two, with_four = await relayed(2, chunk_bytes), await relayed(4, chunk_bytes)
    return with_four.calls - with_two.calls, with_two, with_four


async def test_an_event_more_is_no_task_more() -> None:
    """Tasks belong to requests: the producer, the reader's watch for a departure, and nothing for each event."""
    _, two, four = await marginal()
    assert two.tasks == four.tasks == 2


async def test_an_event_is_parsed_once_and_hardly_at_all() -> None:
    """One JSON call for each event, of what stands beside the image; none of it is written again."""
    more, _, four = await marginal()
    assert len(four.parsed_bytes) == 4
    assert max(four.parsed_bytes) < 500
    assert not [name for name in more if name.startswith(("JSONEncoder", "dumps"))]


async def test_an_event_is_sent_in_as_many_messages_as_it_was_read_in() -> None:
    """And one more each for what stands before and behind the image."""
    _, two, four = await marginal()
    assert len(four.sent) - len(two.sent) <= 2 * (READS + 2)


async def test_a_piece_is_sent_as_the_object_that_was_read() -> None:
    """Between the read and the send nobody copies an image; only at an event's two ends something is cut off."""
    _, _, four = await marginal()
    fed = {id(piece) for piece in four.fed}
    copies = [piece for piece in four.sent if len(piece) > 4096 and id(piece) not in fed]
    assert len(copies) <= 2 * 4


async def test_a_read_wakes_nobody() -> None:
    """Whoever waits for an event is woken when it is whole, not for each of its reads."""
    more, _, _ = await marginal()
    assert more["Connection.buffer_updated"] >= 2 * (READS - 1)
    assert more["Answer.push"] <= 2 * 2


@pytest.mark.parametrize("chunk_bytes", [1400, 16384, 65536])
async def test_calls_for_an_event_do_not_grow(chunk_bytes: int) -> None:
    """For each read and send a bounded number of functions is called, however small a network's chunks are."""
    more, _, _ = await marginal(chunk_bytes)
    assert sum(more.values()) / 2 <= 55 * READS, costly(more)


def costly(calls: Counter[str]) -> Sequence[str]:
    """The functions that are called most, for whoever has to find out what has grown."""
    return [f"{count / 2:.0f} {name}" for name, count in calls.most_common(40)]
