"""One edit's events over several connections: when to come back, and when to stop."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from upstreams import END, ScriptedUpstream, Step, chunk, head, json_answer, upstream

from streamedit.cli.editing import Heard, Note, Picture, Unreachable
from streamedit.cli.editing.server import Server
from streamedit.cli.editing.viewing import Viewing
from streamedit.clocks import Clocks
from streamedit.errors import EditError

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
POLITE_END = [head(), chunk(b"retry: 4000\n\n"), END]


def frame(event_id: int, name: str, **fields: object) -> bytes:
    """An event of ours."""
    payload = {"type": name, "b64_json": "QUJD", "size": "1x1", **fields}
    return chunk(f"id: {event_id}\nevent: {name}\ndata: {json.dumps(payload)}\n\n".encode())


PARTIAL = frame(1, "image_edit.partial_image", partial_image_index=0)
COMPLETED = frame(2, "image_edit.completed")


class Waits:
    """Every wait is over at once, and is remembered."""

    def __init__(self) -> None:
        self.each: list[float] = []
        self.clocks = Clocks(lambda: sum(self.each), lambda: sum(self.each), self._sleep)

    async def _sleep(self, delay_s: float) -> None:
        self.each.append(delay_s)
        await asyncio.sleep(0)


async def seen(*scripts: Sequence[Step], n: int = 1, waits: Waits | None = None) -> tuple[list[Heard], ScriptedUpstream]:
    """What a view of those answers brings."""
    with upstream() as server:
        server.play(*scripts)
        viewing = Viewing(Server(server.url, patience_s=60), "/events?token=t", n, (waits or Waits()).clocks)
        async with Server(server.url).client() as client:
            return [heard async for heard in viewing.events(client)], server


def pictures(heard: list[Heard]) -> list[tuple[bool, int]]:
    """Whether each is a partial one, and of which image."""
    return [(each.is_partial, each.image_index) for each in heard if isinstance(each, Picture)]


async def test_it_stops_when_all_is_there() -> None:
    """Though the server would go on."""
    heard, server = await seen([head(), PARTIAL, COMPLETED, chunk(b": still here\n\n"), END])
    assert pictures(heard) == [(True, 0), (False, 0)]
    assert len(server.asked) == 1
    assert "authorization" not in server.asked[0].headers


async def test_of_several_images_each_is_awaited() -> None:
    """One completed event is not the end of an edit of two."""
    second = frame(3, "image_edit.completed", image_index=1)
    heard, server = await seen([head(), COMPLETED, END], [head(), second, END], n=2)
    assert pictures(heard) == [(False, 0), (False, 1)]
    assert [request.headers.get("last-event-id") for request in server.asked] == [None, "2"]


async def test_a_polite_end_is_no_loss() -> None:
    """It comes back after the time that the server wishes, and says only that it did."""
    waits = Waits()
    heard, _ = await seen([head(), PARTIAL, chunk(b"retry: 4000\n\n"), END], [head(), COMPLETED, END], waits=waits)
    assert [each.text for each in heard if isinstance(each, Note)] == ["reconnected behind event 1"]
    assert waits.each == [4.0]


async def test_what_was_cut_off_is_not_read() -> None:
    """An event without its blank line did not come: the next connection is to bring it whole."""
    cut = [head(), PARTIAL, chunk(b"id: 2\nevent: image_edit.completed\ndata: {"), END]
    heard, server = await seen(cut, [head(), COMPLETED, END])
    assert pictures(heard) == [(True, 0), (False, 0)]
    assert server.asked[1].headers["last-event-id"] == "1"


async def test_a_reset_begins_again() -> None:
    """What was shown is void, and the note says so."""
    reset = chunk(b'event: reset\ndata: {"type":"reset","first_event_id":1}\n\n')
    heard, _ = await seen([head(), PARTIAL, END], [head(), reset, PARTIAL, COMPLETED, END])
    assert pictures(heard) == [(True, 0), (True, 0), (False, 0)]
    assert [each.type for each in heard if isinstance(each, Note)] == ["reconnected", "reset"]


@pytest.mark.parametrize("status", ["429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable"])
async def test_a_view_that_is_refused_for_now_is_tried_again(status: str) -> None:
    """After the wait that the answer asks for: the edit goes on meanwhile."""
    waits = Waits()
    refusal = json_answer({"error": {"message": "Later."}}, status, retry_after="7")
    heard, _ = await seen([refusal], [head(), COMPLETED, END], waits=waits)
    assert pictures(heard) == [(False, 0)]
    assert waits.each == [7.0]


@pytest.mark.parametrize(("status", "code"), [("401 Unauthorized", 401), ("404 Not Found", 404), ("410 Gone", 410)])
async def test_a_view_that_is_refused_for_good_ends_it(status: str, code: int) -> None:
    """In the server's words."""
    with pytest.raises(EditError, match="Away with you") as refused:
        await seen([json_answer({"error": {"message": "Away with you.", "code": "c"}}, status)])
    assert (refused.value.detail.status, refused.value.detail.code) == (code, "c")


async def test_no_content_is_the_end() -> None:
    """There will be no more, though pictures are missing."""
    with pytest.raises(EditError) as ended:
        await seen([head(), PARTIAL, END], [NO_CONTENT])
    assert ended.value.detail.code == "upstream_incomplete"


async def test_an_error_event_is_raised() -> None:
    """As the refusal that it is."""
    error = {"message": "No.", "type": "image_generation_user_error", "param": None, "code": "moderation_blocked"}
    event = chunk(f"id: 1\nevent: error\ndata: {json.dumps({'type': 'error', 'error': error})}\n\n".encode())
    with pytest.raises(EditError) as refused:
        await seen([head(), event, END])
    assert (refused.value.detail.status, refused.value.detail.code) == (400, "moderation_blocked")


@pytest.mark.parametrize("data", [b"{", b'{"b64_json":"!"}', b"{}", b"[]"])
async def test_what_is_no_event_is_told(data: bytes) -> None:
    """Not shown, and not passed over."""
    with pytest.raises(EditError) as broken:
        await seen([head(), chunk(b"event: image_edit.completed\ndata: %b\n\n" % data), END])
    assert broken.value.detail.code == "upstream_malformed"


async def test_it_gives_up() -> None:
    """After a time without any success; each wait is longer than the one before, up to a bound."""
    waits = Waits()
    with pytest.raises(Unreachable, match="away for 60 s"):
        await seen([head(), PARTIAL, END], [json_answer({}, "503 Service Unavailable")], waits=waits)
    assert sum(waits.each) == pytest.approx(60)
    assert waits.each[0] <= 0.5 and 12 <= max(waits.each) <= 15
    assert waits.each[1:4] == sorted(waits.each[1:4])
