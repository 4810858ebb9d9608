"""Answers that take their time: written piece by piece at their reader's pace, and given up when that reader is.

Each piece is megabytes' slice, so what is done for each of them is kept small.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from streamedit.errors import EditError
from streamedit.turns import Turns
from streamedit.web.answers import error_answer

_LOOKS = 4
"""For each `stuck_reader_s`, so that it takes a quarter longer at most: looking at times is cheaper than timing each send."""


class Source(Protocol):
    """What is to be written."""

    async def open(self) -> Mapping[str, str]:
        """Wait until the answer's head is known, and give its headers. Raises EditError: then that is the answer."""
        ...

    def pieces(self) -> AsyncGenerator[bytes]:
        """The body."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds, read or not."""
        ...


class Pace:
    """A reader who has taken nothing for `stuck_reader_s` is given up; who moves large pieces waits for a turn.

    One timer looks at all sends under way, so that a reader who waits for an event costs none. `sending`: how often each has
    been seen; its deadline ends when that is too often.
    """

    def __init__(self, stuck_reader_s: float, turns: Turns) -> None:
        self.turns = turns
        self.sending: dict[asyncio.Timeout, int] = {}
        self._look_s = stuck_reader_s / _LOOKS
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """From now on the sends are looked at."""
        if self._timer is None:
            self._look()

    def _look(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._look_s, self._look)
        for deadline in self.sending:
            self.sending[deadline] += 1
            # The first look came at any time within the send's first quarter.
            if self.sending[deadline] > _LOOKS:
                run_out(deadline)


class Paced(Response):
    """Writes a source. It ends early when the reader has left, before the head too, or is stuck."""

    _insisted: Mapping[str, str] = {}

    def insist(self, headers: Mapping[str, str]) -> None:
        """Headers that count more than the source's, and stand on errors, too."""
        self._insisted = headers

    def write_from(self, source: Source, pace: Pace) -> None:
        self._source = source
        self._pace = pace
        pace.start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with (
                aclosing(self._source),
                aclosing(self._source.pieces()) as pieces,
                asyncio.timeout(None) as self._deadline,
                asyncio.TaskGroup() as tasks,
            ):
                departure = tasks.create_task(_await_departure(receive, self._deadline))
                try:
                    # The head is out: that something is missing is told by a body that ends early.
                    with suppress(EditError):
                        await self._write(pieces, scope, receive, send)
                finally:
                    self._pace.sending.pop(self._deadline, None)
                departure.cancel()
        except TimeoutError:
            return

    async def _write(self, pieces: AsyncGenerator[bytes], scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self.headers.update({**await self._source.open(), **self._insisted})
        except EditError as error:
            refusal = error_answer(error.detail)
            refusal.headers.update(self._insisted)
            await refusal(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        # A kilobyte that nobody needs while a viewer waits.
        self.raw_headers.clear()
        async for piece in pieces:
            await self._pace.turns.wait(len(piece))
            self._pace.sending[self._deadline] = 0
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            del self._pace.sending[self._deadline]
            # Whoever waits for the next event holds nothing of the last.
            del piece
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _await_departure(receive: Receive, deadline: asyncio.Timeout) -> None:
    """Once the reader has left there is nothing to wait for."""
    while (await receive())["type"] != "http.disconnect":
        pass
    run_out(deadline)


def run_out(deadline: asyncio.Timeout) -> None:
    """Let it run out now, unless it has."""
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time())
