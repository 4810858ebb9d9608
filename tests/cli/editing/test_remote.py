"""Edits on a server: begun once, cancelled by whoever leaves."""

import asyncio
import re
from contextlib import aclosing

import pytest
from proxies import proxy
from servers import RunningServer
from upstreams import Reset, json_answer, upstream

from streamedit.cli.editing import Asked, Facts, Heard, InputFile, Note, Picture, Unreachable
from streamedit.cli.editing.remote import Remote
from streamedit.cli.editing.server import Server
from streamedit.clocks import Clocks
from streamedit.errors import EditError


def asked(**fields: str) -> Asked:
    """An edit by the mock, as its script says."""
    return Asked("p", (InputFile("a.png", b"anything"),), model="mock", partial_images=3, fields=fields)


async def heard_of(server: Server, what: Asked) -> list[Heard]:
    """All that comes of an edit; nobody waits long."""
    return [heard async for heard in Remote(server, hasty()).events(what)]


def hasty() -> Clocks:
    """Waits are over at once, and count as if they had been waited."""
    passed = 0.0

    async def sleep(delay_s: float) -> None:
        nonlocal passed
        passed += delay_s
        await asyncio.sleep(0)

    return Clocks(lambda: passed, lambda: passed, sleep)


def told(heard: list[Heard]) -> list[str]:
    """In a word each."""
    return [_word(each) for each in heard]


def _word(heard: Heard) -> str:
    if isinstance(heard, Picture):
        return f"partial {heard.index}" if heard.is_partial else f"completed {heard.image_index}"
    return heard.type if isinstance(heard, Note) else "facts"


async def test_an_edit_comes_whole(server: RunningServer) -> None:
    """Each picture once, and what is known of the edit at the end."""
    heard = await heard_of(Server(server.url), asked(mock_bytes="3000"))
    assert told(heard) == ["partial 0", "partial 1", "partial 2", "completed 0", "facts"]
    assert {len(each.content) for each in heard if isinstance(each, Picture)} == {3000}
    facts = heard[-1]
    assert isinstance(facts, Facts)
    assert (facts.model, facts.provider) == ("mock", "mock")
    assert str(facts.edit_id).startswith("edit_")


async def test_a_dropped_connection_is_taken_up(server: RunningServer) -> None:
    """Again and again, behind the last event that was whole, in the middle of a picture, too: nothing is lost or repeated."""
    with proxy(server.address, cuts=[10_000, 70_000, 200_000, 3]) as between:
        heard = await heard_of(Server(between.url), asked(mock_bytes="90000"))
        views = [re.search(rb"last-event-id: (\d+)", head) for head in between.requests if b"/events?" in head]
    assert [word for word in told(heard) if word not in ("connection_lost", "reconnected")] == [
        "partial 0", "partial 1", "partial 2", "completed 0", "facts",
    ]  # fmt: skip
    assert between.broken == len([each for each in heard if isinstance(each, Note) and each.type == "connection_lost"])
    assert [int(found[1]) for found in views if found] == sorted(int(found[1]) for found in views if found)
    notes = [each.text for each in heard if isinstance(each, Note) and each.type == "reconnected"]
    assert notes and re.fullmatch(r"reconnected behind event \d", notes[-1])


async def test_whoever_leaves_cancels(server: RunningServer) -> None:
    """The provider's call is closed at once."""
    async with aclosing(Remote(Server(server.url)).events(asked(mock_fault="hang", mock_partials="1"))) as events:
        assert isinstance(await anext(events), Picture)
        assert server.left_behind()[0] == 1
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)


async def test_whoever_is_cancelled_cancels(server: RunningServer) -> None:
    """The same for a task."""
    first = asyncio.Event()

    async def watch() -> None:
        async for _ in Remote(Server(server.url)).events(asked(mock_fault="hang", mock_partials="1")):
            first.set()

    task = asyncio.create_task(watch())
    await first.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)


async def test_a_lost_answer_is_asked_for_again() -> None:
    """With the same key, so that nothing is paid twice; and so is what a gateway says while its server is away."""
    with upstream() as server:
        edit = {"id": "edit_1", "model": "m", "events_url": "/v1/images/edits/edit_1/events?token=t"}
        server.play(
            [Reset()],
            [b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"],
            [json_answer(edit, "202 Accepted")],
            [json_answer({"error": {"message": "m", "type": "t", "param": None, "code": "edit_expired"}}, "410 Gone")],
        )
        with pytest.raises(EditError) as refused:
            await heard_of(Server(server.url), asked())
        keys = [request.headers.get("idempotency-key") for request in server.asked]
    assert refused.value.detail.status == 410
    assert len(keys) == 4 and len(set(keys[:3])) == 1 and keys[0] and keys[3] is None


async def test_a_refusal_is_final() -> None:
    """It is not asked again, and told as it came."""
    with upstream() as server:
        error = {"message": "No.", "type": "invalid_request_error", "param": "size", "code": "invalid_value"}
        server.play([json_answer({"error": error}, "400 Bad Request")])
        with pytest.raises(EditError) as refused:
            await heard_of(Server(server.url), asked())
        assert len(server.asked) == 1
    detail = refused.value.detail
    assert (detail.status, detail.message, detail.param, detail.code) == (400, "No.", "size", "invalid_value")


async def test_what_is_no_streamedit_is_told() -> None:
    """A page of another server is no edit."""
    with upstream() as server:
        server.play([b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"])
        with pytest.raises(EditError, match="not as streamedit does"):
            await heard_of(Server(server.url), asked())


async def test_nobody_is_waited_for_who_was_never_there() -> None:
    """A name may be misspelt: seconds are enough."""
    with pytest.raises(Unreachable, match="Connection refused"):
        await heard_of(Server("http://127.0.0.1:1"), asked())
