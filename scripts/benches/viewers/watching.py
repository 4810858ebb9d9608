"""Viewers by the ten thousand: each an EventSource on a connection of its own, all of them in this one process.

The viewers of an edit share one transcript, which whoever is ahead writes; every byte that any of them gets is compared
with it. Comments are heartbeats and no part of it.
"""

import asyncio
import itertools
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from .chunks import Answer

_READ_BYTES = 1 << 18
_AT_ONCE = 200
_SOURCES = 16
"""Each address has some 28,000 ports of its own."""

_buffer = memoryview(bytearray(_READ_BYTES))
"""One for all: a read is over before the next begins."""
_RESET = struct.pack("ii", 1, 0)


class Transcript:
    """What the viewers of one edit get."""

    __slots__ = ("begun_s", "data")

    def __init__(self) -> None:
        self.data = bytearray()
        self.begun_s: list[float] = []
        """When anybody had the first byte of each frame, on the monotonic clock."""

    def agrees(self, at: int, piece: memoryview) -> bool:
        """Compare a piece; what nobody has had before is taken down."""
        known = min(len(self.data) - at, len(piece))
        if known < len(piece):
            if self.is_between(len(self.data)):
                self.begun_s.append(time.monotonic())
            self.data += piece[known:]
        return self.data.startswith(piece[:known], at)

    def end_of(self, frames: int) -> int:
        """Where so many frames end."""
        at = 0
        for _ in range(frames):
            at = self.data.index(b"\n\n", at) + 2
        return at

    def is_between(self, at: int) -> bool:
        """No frame is half read there."""
        return at == 0 or self.data.startswith(b"\n\n", at - 2)


class Viewer(asyncio.BufferedProtocol):
    """One EventSource. `took_s`: for each frame, from when anybody had its first byte until this one had its last."""

    __slots__ = (
        "_answer", "_comment", "_request", "at", "fault", "frames", "heartbeats", "lost_s", "opened", "took_s", "transcript",
        "transport",
    )  # fmt: skip

    def __init__(self, edit_id: str, transcript: Transcript, frames: int = 0) -> None:
        """With `frames` it comes back after so many."""
        self._request = request_for(edit_id, frames)
        self.opened = asyncio.get_running_loop().create_future()
        self.at = transcript.end_of(frames)
        self.frames = frames
        self.heartbeats = 0
        self.fault = ""
        self.lost_s = 0.0
        self.took_s: list[float] = []
        self._answer = Answer()
        self._comment = False
        self.transcript = transcript

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # what a connection has
        self.transport = transport
        transport.write(self._request)

    def get_buffer(self, _: int) -> memoryview:
        return _buffer

    def buffer_updated(self, size: int) -> None:
        for piece in self._answer.pieces(_buffer[:size]):
            self._read(piece)
        if self._answer.status not in (0, 200):
            self._fail(f"status {self._answer.status}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost_s = time.monotonic()
        self._fail(f"lost: {exc!r}" if exc else "closed")

    @property
    def is_open(self) -> bool:
        return not self.lost_s and not self.fault

    @property
    def ended_well(self) -> bool:
        """The answer came to its end, and all that came was right."""
        return self._answer.is_whole and self.fault in ("", "closed")

    def leave(self) -> None:
        """By a reset: a connection that is closed in order keeps its port for a minute."""
        if not self.lost_s:
            reset(self.transport)

    def _read(self, piece: memoryview) -> None:
        if not self.opened.done():
            self.opened.set_result(None)
        if self._is_comment(piece):
            return
        if not self.transcript.agrees(self.at, piece):
            self._fail("differs from what others got")
        self.at += len(piece)
        if self.transcript.is_between(self.at):
            self.took_s.append(time.monotonic() - self.transcript.begun_s[self.frames])
            self.frames += 1

    def _is_comment(self, piece: memoryview) -> bool:
        if not self._comment and not (piece[0] == ord(":") and self.transcript.is_between(self.at)):
            return False
        self._comment = bytes(piece[-2:]) != b"\n\n"
        self.heartbeats += not self._comment
        return True

    def _fail(self, fault: str) -> None:
        self.fault = self.fault or fault
        if not self.opened.done():
            self.opened.set_result(None)


V = TypeVar("V", bound=Viewer)


def request_for(edit_id: str, last_event_id: int = 0) -> bytes:
    """As a browser sends it."""
    resumed = f"last-event-id: {last_event_id}\r\n" if last_event_id else ""
    return (
        f"GET /v1/images/edits/{edit_id}/events HTTP/1.1\r\nhost: bench\r\naccept: text/event-stream\r\n"
        f"accept-encoding: gzip, deflate, br\r\naccept-language: en\r\ncache-control: no-store\r\nconnection: keep-alive\r\n"
        f"user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36\r\n{resumed}\r\n"
    ).encode()


async def watch(port: int, edit_ids: Sequence[str], count: int) -> Sequence[Viewer]:
    """So many viewers, the edits in turn; once each has its first bytes, or has failed."""
    slots = asyncio.Semaphore(_AT_ONCE)
    transcripts = {edit_id: Transcript() for edit_id in edit_ids}

    async def one(number: int, edit_id: str) -> Viewer:
        async with slots:
            return await view(port, lambda: Viewer(edit_id, transcripts[edit_id]), number)

    numbered = zip(range(count), itertools.cycle(edit_ids), strict=False)
    return await asyncio.gather(*(one(number, edit_id) for number, edit_id in numbered))


async def view(port: int, make: Callable[[], V], number: int = 0, receive_bytes: int = 0) -> V:
    """One viewer, once it has its first bytes; `receive_bytes`: what the system takes for it before it reads."""
    sock = await connect(port, number, receive_bytes)
    _, viewer = await asyncio.get_running_loop().create_connection(make, sock=sock)
    await viewer.opened
    return viewer


async def connect(port: int, number: int = 0, receive_bytes: int = 0) -> socket.socket:
    """A connection from one of several addresses."""
    sock = socket.socket()
    sock.setblocking(False)
    if receive_bytes:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    sock.bind((f"127.0.0.{2 + number % _SOURCES}", 0))
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return sock


def reset(transport: asyncio.Transport) -> None:
    """Break off."""
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


def leave(viewers: Iterable[Viewer]) -> None:
    """All of them."""
    for viewer in viewers:
        viewer.leave()


def raise_open_files(needed: int) -> None:
    """For this process and the server. Raises RuntimeError when the system does not allow it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), max(hard, needed)))
    except (ValueError, OSError):
        raise RuntimeError(f"{needed} open files are needed for each process: raise `ulimit -Hn`") from None
