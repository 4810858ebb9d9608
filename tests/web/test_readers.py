"""The readers of a posted edit that leave, or wait for long."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest
import upstreams
from clients import PNG, get, post
from raw import connect, form, post_head
from servers import RunningServer, serving, settings_of
from upstreams import END, Hang, ScriptedUpstream, Step, chunk, completed, frame, head, partial

from streamedit.targets import Target

EARLIER: dict[str, list[Step]] = {"before": [], "after": [head() + chunk(frame(partial()))]}
"""What the upstream has sent when the caller leaves."""


@contextmanager
def relaying(scripted: ScriptedUpstream, **server: Any) -> Iterator[RunningServer]:
    """A server whose only model is at the scripted upstream."""
    with serving(settings_of(Target("openai", "m", "k", scripted.url), **server)) as running:
        yield running


def leave(server: RunningServer, scripted: ScriptedUpstream, moment: str, stream: str) -> str:
    """Post an edit, hang up before or after its first event, and give its id once the server knows."""
    body = form(prompt="p", stream=stream)
    gateway, events = server.app.state.gateway, server.app.state.events
    with closing(connect(server)) as client:
        client.sendall(post_head(f"content-length: {len(body)}") + body)
        assert scripted.came.acquire(timeout=5)
        (edit_id,) = gateway._running
        server.wait_for(lambda: len(events._logs[edit_id].events) == (moment == "after"))
        if (moment, stream) == ("after", "true"):
            assert client.recv(1)
    server.wait_for(lambda: not gateway._readers)
    return str(edit_id)


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("moment", EARLIER)
def test_a_caller_who_leaves_stops_nothing(scripted: ScriptedUpstream, moment: str, stream: str) -> None:
    """By default an edit goes on to its end whenever its caller leaves, and can be read by its id."""
    gone = threading.Event()
    rest = ([] if EARLIER[moment] else [head()]) + [chunk(frame(completed())) + END]
    scripted.play([*EARLIER[moment], gone, *rest])
    with relaying(scripted) as server:
        edit_id = leave(server, scripted, moment, stream)
        gone.set()
        server.wait_until_idle()
        assert get(f"{server.edits_url}/{edit_id}").json["status"] == "completed"


@pytest.mark.parametrize("stream", ["true", "false"])
@pytest.mark.parametrize("moment", EARLIER)
def test_a_caller_who_leaves_may_cancel(scripted: ScriptedUpstream, moment: str, stream: str) -> None:
    """With `on_disconnect: cancel` the upstream's connection is closed, and the edit is cancelled."""
    scripted.play([*EARLIER[moment], Hang()])
    with relaying(scripted, on_disconnect="cancel") as server:
        edit_id = leave(server, scripted, moment, stream)
        assert scripted.left.acquire(timeout=5)
        server.wait_until_idle()
        assert get(f"{server.edits_url}/{edit_id}").json["status"] == "cancelled"


def test_an_edit_that_somebody_still_watches_is_not_cancelled(scripted: ScriptedUpstream) -> None:
    """With `on_disconnect: cancel` an edit ends when the last of its readers leaves, not the first."""
    scripted.play([*EARLIER["after"], Hang()])
    body = form(prompt="p", stream="true")
    asked = post_head("idempotency-key: k", f"content-length: {len(body)}") + body
    with relaying(scripted, on_disconnect="cancel") as server:
        readers = server.app.state.gateway._readers
        with closing(connect(server)) as staying:
            staying.sendall(asked)
            assert staying.recv(1)
            with closing(connect(server)) as leaving:
                leaving.sendall(asked)
                assert leaving.recv(1)
                assert list(readers.values()) == [2]
            server.wait_for(lambda: list(readers.values()) == [1])
            assert not scripted.left.acquire(blocking=False)
        assert scripted.left.acquire(timeout=5)


def test_an_asynchronous_edit_is_not_cancelled_by_its_viewers(scripted: ScriptedUpstream) -> None:
    """`on_disconnect` speaks of the caller who waits: who only looks may leave, an EventSource does so all the time."""
    gone = threading.Event()
    scripted.play([*EARLIER["after"], gone, chunk(frame(completed())) + END])
    with relaying(scripted, on_disconnect="cancel") as server:
        location = post(server.edits_url, {"stream": "true"}, headers={"prefer": "respond-async"}).headers["location"]
        with closing(connect(server)) as viewer:
            viewer.sendall(f"GET {location}/events HTTP/1.1\r\nhost: h\r\n\r\n".encode())
            assert viewer.recv(1)
        server.wait_for(lambda: not server.app.state.gateway._readers)
        gone.set()
        server.wait_until_idle()
        assert get(server.url + location).json["status"] == "completed"


def held(scripted: ScriptedUpstream, *rest: Step) -> Callable[[], None]:
    """The upstream waits until the function is called, then goes on with `rest`."""
    gate = threading.Event()
    scripted.play([gate, *rest])
    return gate.set


def read(client: socket.socket) -> bytes:
    """Something more of an answer, which goes on."""
    piece = client.recv(1 << 16)
    assert piece
    return piece


def test_a_plain_answer_may_be_kept_alive(scripted: ScriptedUpstream) -> None:
    """With `json_keepalive_s` silence is filled with JSON's white space; the body is the same ImagesResponse."""
    release = held(scripted, upstreams.answer(completed()))
    with relaying(scripted, json_keepalive_s=0.02) as server, closing(connect(server)) as client:
        body = form(prompt="p")
        client.sendall(post_head(f"content-length: {len(body)}") + body)
        seen = b""
        while seen.count(b"1\r\n \r\n") < 3:
            seen += read(client)
        release()
        while not seen.endswith(b"0\r\n\r\n"):
            seen += read(client)
    assert seen.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: application/json\r\n" in seen
    assert b"content-length" not in seen
    assert b'{"created":1790000000,"data":[{"b64_json":"' in seen


def test_an_answer_that_is_kept_alive_is_json(scripted: ScriptedUpstream) -> None:
    """White space before it disturbs no parser: what is read is the answer of a server that keeps nothing alive."""
    release = held(scripted, upstreams.answer(completed()))
    with relaying(scripted, json_keepalive_s=0.02) as patient, relaying(scripted) as usual:
        with httpx.stream("POST", patient.edits_url, data={"prompt": "p"}, files={"image": PNG}) as answer:
            pieces = answer.iter_bytes()
            kept = next(pieces)
            release()
            kept += b"".join(pieces)
        scripted.play([upstreams.answer(completed())])
        assert json.loads(kept) == post(usual.edits_url).json
    assert kept.startswith(b" ")


def test_a_failure_of_an_answer_that_was_kept_alive_is_in_its_body(scripted: ScriptedUpstream) -> None:
    """Its status is spent: the envelope follows the white space, with all four keys."""
    scripted.play([Hang()])
    with relaying(scripted, json_keepalive_s=0.02, silence_s=0.1) as server:
        failed = post(server.edits_url)
    assert (failed.status, failed.body[:1], failed.error["code"]) == (200, b" ", "upstream_timeout")


def test_a_quick_answer_needs_no_keeping_alive(scripted: ScriptedUpstream) -> None:
    """What is there before the first silence has its length, and a quick failure its status."""
    scripted.play([upstreams.answer(completed())], [upstreams.json_answer({"error": {"message": "no"}}, "400 Bad Request")])
    with relaying(scripted, json_keepalive_s=10) as server:
        quick, refused = post(server.edits_url), post(server.edits_url)
    assert (quick.status, int(quick.headers["content-length"])) == (200, len(quick.body))
    assert (refused.status, refused.error["message"]) == (400, "no")
