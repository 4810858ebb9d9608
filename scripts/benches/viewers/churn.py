"""Connections that break off: before the request is sent, in the middle of an event, while nothing happens."""

import asyncio
import os
import random
import signal
import socket
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.bench import progress

from . import asking, watching
from .figures import Figure
from .options import Options
from .subject import Subject, serving
from .waiting import until

_THEME = "churn"
_AT_ONCE = 100
_EVENT_BYTES = 3 << 20
_PAUSE_S = 0.2
_PATIENCE_S = 10.0
_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class _State:
    """What a server has open."""

    streams: int
    descriptors: int
    tasks: int


@dataclass(frozen=True)
class _Scene:
    """One server with an edit that hangs and one whose events are large."""

    subject: Subject
    tasks: Path
    hanging: str
    large: str

    async def state(self) -> _State:
        streams = await asking.open_streams(self.subject.port)
        self.tasks.write_text("")
        os.kill(self.subject.pid, signal.SIGUSR1)
        await until(lambda: self.tasks.read_text().endswith("\n"), _PATIENCE_S)
        return _State(streams, self.subject.descriptors, int(self.tasks.read_text()))


async def measure(options: Options, folder: Path) -> Sequence[Figure]:
    """`--breaks` of them, at points that are random but the same in every run."""
    tasks = folder / "tasks"
    counting = Path(__file__).with_name("counting.py")
    with serving(folder, command=(sys.executable, str(counting), str(tasks))) as subject:
        hanging = await asking.post(subject.port, mock_partials=1, mock_fault="hang")
        large = await asking.edit_now(subject.port, mock_partials=3, mock_bytes=_EVENT_BYTES)
        scene = _Scene(subject, tasks, hanging, large.headers["x-edit-id"])
        await _churn(scene, _AT_ONCE)
        before = await _settled(scene)
        progress(f"churn: {options.breaks} connections")
        begun_s = time.monotonic()
        await _churn(scene, options.breaks)
        took_s = time.monotonic() - begun_s
        after = await _settled(scene, before)
    return [
        Figure(_THEME, f"{options.breaks:,} connections broken off", "s", took_s),
        Figure(_THEME, "streams open afterwards", "", after.streams, 0),
        Figure(_THEME, f"files open, more than the {before.descriptors} before", "", after.descriptors - before.descriptors, 0),
        Figure(_THEME, f"tasks, more than the {before.tasks} before", "", after.tasks - before.tasks, 0),
    ]


async def _settled(scene: _Scene, wanted: _State | None = None) -> _State:
    """What is open once that is as wanted, or does not become so."""
    deadline_s = time.monotonic() + (_PATIENCE_S if wanted else _PAUSE_S * 10)
    state = await scene.state()
    while state != wanted and time.monotonic() < deadline_s:
        await asyncio.sleep(_PAUSE_S)
        state = await scene.state()
    return state


async def _churn(scene: _Scene, count: int) -> None:
    chance, slots = random.Random(0), asyncio.Semaphore(_AT_ONCE)  # noqa: S311 - the same in every run
    manners = (_unsent, _inside_an_event, _idle)

    async def one(number: int, point: float) -> None:
        async with slots:
            await manners[number % len(manners)](scene, number, point)

    await asyncio.gather(*(one(number, chance.random()) for number in range(count)))


async def _unsent(scene: _Scene, number: int, point: float) -> None:
    """In the middle of the request, at its last byte at the latest."""
    request = watching.request_for(scene.hanging)
    with await watching.connect(scene.subject.port, number) as sock:
        await asyncio.get_running_loop().sock_sendall(sock, request[: round(point * len(request))])
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)


async def _inside_an_event(scene: _Scene, number: int, point: float) -> None:
    """After so many of the bytes of four large events."""
    wanted = round(point * _EVENT_BYTES * 4)
    loop = asyncio.get_running_loop()
    with await watching.connect(scene.subject.port, number) as sock:
        await loop.sock_sendall(sock, watching.request_for(scene.large))
        while wanted > 0 and (read := await loop.sock_recv(sock, min(wanted, _EVENT_BYTES))):
            wanted -= len(read)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)


async def _idle(scene: _Scene, number: int, point: float) -> None:
    """A while after the first bytes."""
    viewer = await watching.view(scene.subject.port, lambda: watching.Viewer(scene.hanging, watching.Transcript()), number)
    await asyncio.sleep(point * _PAUSE_S)
    viewer.leave()
