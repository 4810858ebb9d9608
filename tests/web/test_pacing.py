"""Answers at their reader's pace: who waits costs nothing, who takes nothing is given up."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from starlette.types import Message, Receive

from streamedit.errors import StoreUnavailable
from streamedit.turns import Turns
from streamedit.web.pacing import Pace, Paced

STUCK_S = 0.2


class Pieces:
    """A source of one piece, and of another when `go_on` is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.first = bytes(range(10))

    async def open(self) -> Mapping[str, str]:
        return {}

    async def pieces(self) -> AsyncGenerator[bytes]:
        yield self.first
        await self.go_on.wait()
        yield b"second"

    async def aclose(self) -> None:
        """Nothing is held."""


async def test_whoever_waits_for_an_event_holds_nothing_of_the_last() -> None:
    """An idle viewer would keep up to a slice of each event alive, thousands of them thousands."""
    source = Pieces()
    answering, sent = _answer(source, _stays)
    held = sys.getrefcount(source.first)
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(sent) == 2
    sent.clear()
    still_held = sys.getrefcount(source.first)
    assert still_held == held
    source.go_on.set()
    await answering


class Failing(Pieces):
    """Its store is away before the second piece."""

    async def pieces(self) -> AsyncGenerator[bytes]:
        yield self.first
        raise StoreUnavailable("It is away.")


async def test_a_source_that_fails_in_the_middle_ends_early() -> None:
    """The head is out: that something is missing is told by a body without its end, and is no defect of this server."""
    answering, sent = _answer(Failing(), _stays)
    await answering
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
    assert sent[-1]["more_body"]


async def test_waiting_for_an_event_is_not_being_stuck() -> None:
    """Only a send that is under way is looked at."""
    source = Pieces()
    answering, sent = _answer(source, _stays)
    asyncio.get_running_loop().call_later(STUCK_S * 2, source.go_on.set)
    await answering
    assert [message.get("body") for message in sent[1:]] == [source.first, b"second", b""]


async def test_a_reader_that_takes_nothing_is_given_up() -> None:
    """After `stuck_reader_s`, and a quarter later at most."""
    begun_s = time.monotonic()
    answering, _ = _answer(Pieces(), _stays, lambda: asyncio.Event().wait())
    await answering
    assert STUCK_S <= time.monotonic() - begun_s < STUCK_S * 1.25 + 0.2


async def test_a_reader_that_leaves_ends_the_answer() -> None:
    """At once, and the source is told."""

    async def leaves() -> Message:
        return {"type": "http.disconnect"}

    answering, sent = _answer(Pieces(), leaves)
    await answering
    assert len(sent) <= 2


async def _stays() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def _answer(
    source: Pieces, receive: Receive, takes: Callable[[], Any] | None = None
) -> tuple["asyncio.Task[None]", list[Message]]:
    """The answer under way, and what has been sent of it. `takes`: what the reader does with a piece of the body."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if takes is not None and message["type"] == "http.response.body":
            await takes()

    answer = Paced()
    answer.write_from(source, Pace(STUCK_S, Turns()))
    return asyncio.create_task(answer({"type": "http"}, receive, send)), sent
