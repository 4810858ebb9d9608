"""One HTTP/1.1 connection to a provider: a request out, its answer in, then the next.

Why our own: relaying is what this server does, and a client library hands a body over at twice the cost. All connections read
into one buffer, so that what was read is parsed and scanned while the processor has it in its cache. It is copied once, to
where it stays, and goes straight into a `Sink`; whoever waits for the answer is not woken for every read.
"""

import asyncio
import select
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from typing import Protocol, cast

import httpx

from streamedit.turns import LARGE_BYTES, Turns
from streamedit.upstream.reply import Head, Reply

READ_BYTES = 1 << 18
"""The largest read, and so the largest piece of a body; whoever has read so much waits for a turn."""

_FULL_BYTES = READ_BYTES - (1 << 15)
"""What a full read is at least: TLS keeps back its framing, and a record that is not whole yet."""


class Sink(Protocol):
    """Where the pieces of a body go."""

    def feed(self, piece: bytes, /) -> bool:
        """Take the next piece; true when there is something that its owner should see now. Never raises."""
        ...


_LEAST_S = 0.01
"""So short a stand in the line does not count: who never stands longer is silent by itself."""


class _Nowhere:
    """Takes what nobody wants any more."""

    def feed(self, _: bytes, /) -> bool:
        return False


class Reading:
    """The buffer that all connections of an event loop read into, and the line in which they wait once they have filled it.

    While the line is held, whoever is in the middle of something large waits in it after any read.
    """

    def __init__(self, turns: Turns) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))
        self.turns = turns


class Connection(asyncio.BufferedProtocol):
    """See the module: `request`, then `push` until the answer's end, then `finish`, which tells whether another may follow.

    Every wait is bounded, in seconds; what goes wrong is raised as one of httpx's transport errors. `requests` counts those
    that were begun; `closed` is done when the connection is gone.
    """

    def __init__(self, reading: Reading) -> None:
        self.requests = 0
        self.closed = asyncio.get_running_loop().create_future()
        self._reading = reading
        self._transport: asyncio.Transport
        self._socket: asyncio.Transport
        self._reply = Reply()
        self._error: httpx.TransportError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sent = True
        self._sink: Sink | None = None
        self._ready = self._taking = self._in_line = False
        self._stood_s = self._since_s = 0.0
        self._gathered_bytes = 0
        self._reading_paused = self._writing_paused = False
        self._at_end: Callable[[], None] | None = None

    # -- a request and its answer --

    async def request(self, head: bytes, body: AsyncIterable[bytes], write_s: float, read_s: float) -> Head:
        """Send a request and give its answer's head. An answer that comes early ends the sending."""
        self.requests += 1
        self._reply.close()
        self._reply, self._sent = Reply(), False
        self._write(head)
        async for piece in body:
            self._write(piece)
            while (self._writing_paused or self._transport.is_closing()) and not self._reply.is_answered:
                await self._change(write_s, httpx.WriteTimeout)
            if self._reply.is_answered:
                return self._reply.head
        self._sent = True
        while not self._reply.is_answered:
            await self._change(read_s, httpx.ReadTimeout)
        return self._reply.head

    async def push(self, sink: Sink, wait_s: float) -> AsyncGenerator[None]:
        """Push the answer's body into `sink`, and yield whenever the sink says so. May go on with another sink."""
        self._attach(sink)
        self._deliver()
        try:
            while self._ready or not self._reply.is_ended:
                if self._ready:
                    self._ready, self._taking = False, True
                    yield
                    self._taking = False
                else:
                    self._go_on()
                    await self._change(wait_s, httpx.ReadTimeout)
        finally:
            if self._sink is sink:
                self._attach(None)

    def _attach(self, sink: Sink | None) -> None:
        """From now on what comes is this sink's; without one it stays here, for the next."""
        self._sink, self._ready, self._taking, self._gathered_bytes = sink, False, False, 0

    @property
    def is_reusable(self) -> bool:
        """Request and answer went to their end, and the connection stands."""
        return self._sent and self._reply.is_ended and self._reply.keeps_alive and self._is_quiet

    @property
    def _is_quiet(self) -> bool:
        """Nothing has come since, not even what the event loop has yet to read: it could be the end."""
        if self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    def finish(self, reuse: Callable[["Connection"], None], within_s: float) -> None:
        """Read away the rest of the answer; if it ends in time and another request may follow, `reuse` gets the connection."""
        if self._reply.is_ended or not self._sent or not within_s:
            self._settle(reuse)
            return
        timer = asyncio.get_running_loop().call_later(within_s, self.abort)

        def settle() -> None:
            timer.cancel()
            self._settle(reuse)

        self._at_end = settle
        self._attach(_Nowhere())
        self._deliver()
        self._go_on()

    def abort(self) -> None:
        """End the connection now."""
        self._fail(httpx.ReadError("The connection was closed."))

    def _settle(self, reuse: Callable[["Connection"], None]) -> None:
        self._at_end = None
        if not self.is_reusable:
            self.abort()
            return
        self._attach(None)
        self._go_on()
        reuse(self)

    # -- waiting --

    async def _change(self, wait_s: float, timeout: type[httpx.TimeoutException]) -> None:
        """Wait until something has happened."""
        if self._error is not None:
            raise self._error
        loop = asyncio.get_running_loop()
        self._stood_s, self._since_s = 0.0, loop.time()
        self._waiter = loop.create_future()
        self._timer = loop.call_later(wait_s, self._time_out, wait_s, timeout)
        try:
            await self._waiter
        finally:
            self._timer.cancel()
            self._waiter = None

    def _time_out(self, wait_s: float, timeout: type[httpx.TimeoutException]) -> None:
        loop = asyncio.get_running_loop()
        if self._in_line:
            now_s = loop.time()
            self._stood_s, self._since_s = self._stood_s + now_s - self._since_s, now_s
        if self._stood_s > _LEAST_S:
            # So long it was this server that was silent.
            self._timer = loop.call_later(self._stood_s, self._time_out, wait_s, timeout)
            self._stood_s = 0.0
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(timeout("The provider has been silent for too long."))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: httpx.TransportError) -> None:
        if self._error is None:
            self._error = error
        self._transport.abort()
        self._wake()
        if self._at_end is not None:
            self._at_end()

    # -- writing --

    def _write(self, data: bytes) -> None:
        if self._error is not None:
            raise self._error
        self._transport.write(data)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wake()

    # -- reading --

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = self._socket = cast(asyncio.Transport, transport)

    def secure(self, transport: asyncio.Transport) -> None:
        """Go on over TLS. Reading still pauses at the socket: TLS drops what it has for a paused reader when the end comes."""
        self._transport = transport

    def get_buffer(self, _: int) -> memoryview:
        return self._reply.room(self._reading.buffer)

    def buffer_updated(self, size: int) -> None:
        if not self.requests or self._reply.is_ended:
            self._fail(httpx.RemoteProtocolError("The provider sent more than an answer."))
            return
        try:
            self._reply.feed(self._reading.buffer[:size])
        except httpx.RemoteProtocolError as error:
            self._fail(error)
        self._deliver()
        held_up = self._reading.turns.is_held and self._gathered_bytes >= LARGE_BYTES
        if (size >= _FULL_BYTES or held_up) and not self._in_line:
            self._in_line = True
            self._since_s = asyncio.get_running_loop().time()
            self._pause()
            self._reading.turns.queue(self._take_turn, self._gathered_bytes)

    def _take_turn(self) -> None:
        """The line has come to this connection."""
        self._in_line = False
        self._stood_s += asyncio.get_running_loop().time() - self._since_s
        self._go_on()

    def eof_received(self) -> None:
        self._reply.end()
        self._deliver()

    def connection_lost(self, error: Exception | None) -> None:
        self._reply.close()
        self.closed.set_result(None)
        self._fail(httpx.RemoteProtocolError(f"The provider closed the connection ({error or 'without an error'})."))

    def _deliver(self) -> None:
        """Hand over what has been read, and tell of it; stop reading while nobody takes it."""
        if self._sink is not None:
            piece = self._reply.take()
            self._gathered_bytes += len(piece)
            if piece and self._sink.feed(piece):
                self._ready, self._gathered_bytes = True, 0
        if self._reply.is_ended and self._at_end is not None:
            self._at_end()
        elif self._ready or self._reply.is_ended or self._sink is None:
            self._wake()
        if self._is_behind:
            self._pause()

    @property
    def _is_behind(self) -> bool:
        """There is something that has to be taken first."""
        if self._reply.is_ended:
            return False
        return self._ready or self._taking or (self._reply.is_answered and self._sink is None)

    def _pause(self) -> None:
        if not self._reading_paused and not self._socket.is_closing():
            self._reading_paused = True
            self._socket.pause_reading()

    def _go_on(self) -> None:
        if self._reading_paused and not (self._in_line or self._is_behind or self._socket.is_closing()):
            self._reading_paused = False
            self._socket.resume_reading()
