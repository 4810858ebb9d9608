"""An edit as a resource, over HTTP: accepted, shown, watched, cancelled, kept for a while and forgotten."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from clients import Answer, get, post
from openai import OpenAI
from openai.types import ImagesResponse
from servers import RunningServer, serving, settings_of
from upstreams import END, Hang, Script, ScriptedUpstream, chunk, completed, frame, head, partial

from streamedit.clocks import Clocks
from streamedit.targets import Target
from streamedit.web.edits import PATHS

FIELDS = {"id", "object", "status", "created_at", "model", "events_url", "expires_at", "result", "error", "usage"}
MOCK = Target("mock", "mock", params={"mock_pace_s": 0})
ASYNC = {"prefer": "respond-async"}
ALICE, BOB = {"authorization": "Bearer sk-canary-alice"}, {"authorization": "Bearer sk-canary-bob"}
HANGS = {"stream": "true", "partial_images": "1", "mock_fault": "hang"}
RETENTION_S = 600


class Clock:
    """Both clocks of a server, moved by hand."""

    def __init__(self) -> None:
        self.s = 1_800_000_000.0

    @property
    def clocks(self) -> Clocks:
        return Clocks(lambda: self.s, lambda: self.s)


@pytest.fixture
def clock() -> Clock:
    """The time of the servers here."""
    return Clock()


@pytest.fixture
def aging(clock: Clock) -> Iterator[RunningServer]:
    """A server whose time stands still unless it is moved."""
    with serving(settings_of(MOCK, retention_s=RETENTION_S), clock.clocks) as running:
        yield running


@pytest.fixture
def locked(clock: Clock) -> Iterator[RunningServer]:
    """A server with two keys, whose time is moved by hand."""
    keys = tuple(key["authorization"].removeprefix("Bearer ") for key in (ALICE, BOB))
    with serving(settings_of(MOCK, keys=keys, retention_s=RETENTION_S), clock.clocks) as running:
        yield running


def accepted(server: RunningServer, fields: Mapping[str, Any] | None = None, key: Mapping[str, str] | None = None) -> str:
    """The URL of an edit that was begun without waiting for it."""
    answer = post(server.edits_url, fields, headers={**ASYNC, **(key or {})})
    assert answer.status == 202
    return server.url + answer.headers["location"]


def begun(server: RunningServer, fields: Mapping[str, Any] = HANGS, key: Mapping[str, str] | None = None) -> str:
    """The same, once its first event is there: it then hangs."""
    url = accepted(server, fields, key)
    server.wait_for(lambda: any(log.events for log in server.app.state.events._logs.values() if log.edit.id in url))
    return url


def finished(server: RunningServer, fields: Mapping[str, Any] | None = None, key: Mapping[str, str] | None = None) -> str:
    """The same, of an edit that has ended by itself."""
    url = accepted(server, fields, key)
    server.wait_for(lambda: not server.app.state.gateway.runs(url.rpartition("/")[2]))
    return url


def cancel(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """POST to an edit's cancel route."""
    return Answer.of(httpx.post(f"{url}/cancel", headers=headers, timeout=30))


def events_url(server: RunningServer, url: str, headers: Mapping[str, str] | None = None) -> str:
    """Where a browser watches the edit."""
    return server.url + str(get(url, headers).json["events_url"])


# -- accepted --


@pytest.mark.parametrize("path", PATHS)
def test_every_alias_takes_asynchronous_edits(server: RunningServer, path: str) -> None:
    """`/async` behind each of the paths answers 202 at once, with the edit object and where it will be found."""
    answer = post(f"{server.url}{path.replace('{model:path}', 'mock')}/async", {"model": "mock"})
    assert (answer.status, answer.json["object"], answer.json["model"]) == (202, "image.edit", "mock")
    assert answer.headers["x-edit-id"] == answer.json["id"]
    assert answer.headers["location"] == f"/v1/images/edits/{answer.json['id']}"
    assert "preference-applied" not in answer.headers
    server.wait_until_idle()
    assert get(server.url + answer.headers["location"]).json["status"] == "completed"


@pytest.mark.parametrize(
    "prefer",
    [
        ["respond-async"],
        ["Respond-ASYNC"],
        ["respond-async, wait=10"],
        ["wait=10 ,respond-async ;foo=bar"],
        [",, respond-async;wait=1,"],
        ["handling=lenient", "respond-async"],
    ],
)
def test_a_preference_is_applied_in_any_spelling(server: RunningServer, prefer: list[str]) -> None:
    """RFC 7240: in any case, among others, with parameters, in a second header; that it was applied is told."""
    headers = [("prefer", value) for value in prefer]
    answer = httpx.post(server.edits_url, data={"prompt": "p", "model": "mock"}, files={"image": b"png"}, headers=headers)
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")


@pytest.mark.parametrize("prefer", ["respond-asynchronously", "x-respond-async", "respond", "wait=5", "", 'a="respond-async"'])
def test_other_preferences_have_no_effect(server: RunningServer, prefer: str) -> None:
    """What is not this preference is passed over: the caller waits for its images."""
    answer = post(server.edits_url, {"model": "mock"}, headers={"prefer": prefer})
    assert (answer.status, len(answer.json["data"])) == (200, 1)
    assert "preference-applied" not in answer.headers


def test_what_cannot_be_accepted_is_told_at_once(server: RunningServer) -> None:
    """A request that is wrong gets its own status, not a 202."""
    wrong = post(server.edits_url, {"model": "mock", "n": "11"}, headers=ASYNC)
    assert (wrong.status, wrong.error["param"]) == (400, "n")


def test_a_base_url_makes_absolute_addresses() -> None:
    """With `public_base_url` the Location and the events' address are those that clients can use."""
    with serving(settings_of(MOCK, public_base_url="https://edits.example/api")) as public:
        answer = post(public.edits_url, headers=ASYNC)
    base = f"https://edits.example/api/v1/images/edits/{answer.json['id']}"
    assert answer.headers["location"] == base
    assert answer.json["events_url"].startswith(f"{base}/events?token=")


# -- shown --


def test_a_running_edit_has_no_result_yet(aging: RunningServer, clock: Clock) -> None:
    """All fields are there; what is not known yet is null."""
    url = begun(aging)
    shown = get(url)
    assert set(shown.json) == FIELDS
    assert (shown.status, shown.headers["content-type"], shown.headers["cache-control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert (shown.json["id"], shown.json["object"]) == (url.rpartition("/")[2], "image.edit")
    assert (shown.json["status"], shown.json["model"], shown.json["created_at"]) == ("in_progress", "mock", int(clock.s))
    assert [shown.json[name] for name in ("expires_at", "result", "error", "usage")] == [None] * 4
    assert shown.headers["x-edit-id"] == shown.json["id"]


def test_a_completed_edit_has_its_images(aging: RunningServer, clock: Clock) -> None:
    """The result is the ImagesResponse that a caller who waits gets, to the byte; until when it is kept is told."""
    url = finished(aging, {"n": "2"})
    shown, waited = get(url), post(aging.edits_url, {"n": "2"})
    assert set(shown.json) == FIELDS
    assert (shown.json["status"], shown.json["error"]) == ("completed", None)
    assert shown.body.endswith(b',"result":' + waited.body + b"}")
    assert shown.json["usage"] == waited.json["usage"]
    assert shown.json["expires_at"] == int(clock.s) + RETENTION_S
    assert int(shown.headers["content-length"]) == len(shown.body)


@pytest.mark.parametrize(
    ("fault", "code"), [("refuse", "mock_refused"), ("error", "mock_error"), ("truncate", "upstream_incomplete")]
)
def test_a_failed_edit_has_its_error(aging: RunningServer, clock: Clock, fault: str, code: str) -> None:
    """The error has OpenAI's four keys; there is no result."""
    shown = get(finished(aging, {"mock_fault": fault})).json
    assert set(shown) == FIELDS
    assert (shown["status"], shown["error"]["code"], shown["expires_at"]) == ("failed", code, int(clock.s) + RETENTION_S)
    assert set(shown["error"]) == {"message", "type", "param", "code"}
    assert (shown["result"], shown["usage"]) == (None, None)


def test_a_cancelled_edit_says_so(aging: RunningServer) -> None:
    """Its status is `cancelled`, and so is its error's code."""
    url = begun(aging)
    cancelled = cancel(url)
    assert set(cancelled.json) == FIELDS
    assert (cancelled.status, cancelled.json["status"], cancelled.json["error"]["code"]) == (200, "cancelled", "cancelled")
    assert cancelled.json["result"] is None
    assert without_token(get(url)) == without_token(cancelled)


def test_an_edit_that_was_posted_otherwise_is_shown_too(aging: RunningServer) -> None:
    """Streamed and plain edits are resources like those that were left alone: `x-edit-id` names them."""
    for fields in ({"stream": "true"}, {}):
        answer = post(aging.edits_url, fields)
        assert get(f"{aging.edits_url}/{answer.headers['x-edit-id']}").json["status"] == "completed"


def test_a_refused_edit_names_itself_too(aging: RunningServer) -> None:
    """The error answer of an edit that was begun has its id, and its resource the same error."""
    refused = post(aging.edits_url, {"mock_fault": "refuse"})
    assert get(f"{aging.edits_url}/{refused.headers['x-edit-id']}").json["error"] == refused.error


def test_the_openai_sdk_reads_an_edit_again(aging: RunningServer) -> None:
    """What `x-edit-id` names can be read with the SDK's own client, and is an ImagesResponse again."""
    with OpenAI(base_url=f"{aging.url}/v1", api_key="none", max_retries=0, _strict_response_validation=True) as client:
        raw = client.images.with_raw_response.edit(model="mock", image=b"png", prompt="p")
        again: Any = client.get(f"/images/edits/{raw.headers['x-edit-id']}", cast_to=object)
        assert ImagesResponse.model_validate(again["result"], strict=True) == raw.parse()


@pytest.mark.parametrize("route", ["", "/events"])
def test_head_tells_the_head_alone(aging: RunningServer, route: str) -> None:
    """HEAD has the status and the type of GET, and nothing is left open by it."""
    url = begun(aging)
    response = httpx.head(url + route, timeout=5)
    media_type = "text/event-stream; charset=utf-8" if route else "application/json"
    assert (response.status_code, response.headers["content-type"], response.content) == (200, media_type, b"")
    assert response.headers.get("content-length") == (None if route else str(len(get(url).body)))
    assert not aging.app.state.gateway._readers


@pytest.mark.parametrize("route", ["", "/events"])
def test_options_names_the_methods(aging: RunningServer, route: str) -> None:
    """OPTIONS is answered without a key: it tells nothing of the edit."""
    response = httpx.options(f"{aging.edits_url}/edit_0{route}")
    assert (response.status_code, response.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(("method", "route"), [("POST", ""), ("DELETE", "/events"), ("GET", "/cancel")])
def test_other_methods_are_refused(aging: RunningServer, method: str, route: str) -> None:
    """405 in the envelope."""
    refused = Answer.of(httpx.request(method, f"{aging.edits_url}/edit_0{route}"))
    assert (refused.status, refused.error["code"]) == (405, "method_not_allowed")


# -- watched --


def test_a_late_viewer_sees_all_events(aging: RunningServer) -> None:
    """Ids 1, 2, 3 ..., each in the frame of its event, whose data are those of the streamed answer, byte for byte."""
    streamed = post(aging.edits_url, {"stream": "true", "partial_images": "3"})
    viewed = get(f"{aging.edits_url}/{streamed.headers['x-edit-id']}/events")
    assert [(event_id, name) for event_id, name, _ in viewed.viewed] == [
        (i + 1, name) for i, (name, _) in enumerate(streamed.events)
    ]
    assert [data for _, _, data in viewed.viewed] == [each.partition(b"\ndata: ")[2] for each in streamed.frames]
    assert viewed.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert viewed.frames[0].startswith(b": ")


def test_a_view_s_answer_is_kept_by_nobody(aging: RunningServer) -> None:
    """It is neither stored nor buffered, and its address, which may hold a token, is no referrer."""
    headers = get(finished(aging) + "/events").headers
    assert (headers["cache-control"], headers["x-accel-buffering"], headers["referrer-policy"]) == (
        "no-store",
        "no",
        "no-referrer",
    )


@pytest.mark.parametrize(
    ("header", "query", "ids"),
    [
        ("1", None, [2, 3]),
        (None, "2", [3]),
        ("2", "1", [3]),
        ("", "1", [2, 3]),
        ("0", "2", [1, 2, 3]),
        (None, "", [1, 2, 3]),
        ("002", None, [3]),
    ],
)
def test_a_viewer_goes_on_where_it_was(aging: RunningServer, header: str | None, query: str | None, ids: list[int]) -> None:
    """Behind `Last-Event-ID`, or `?last_event_id=` when the header says nothing: the browser's word counts more."""
    url = finished(aging, {"stream": "true", "partial_images": "2"}) + "/events"
    asked = url if query is None else f"{url}?last_event_id={query}"
    viewed = get(asked, {} if header is None else {"last-event-id": header})
    assert [event_id for event_id, _, _ in viewed.viewed] == ids


@pytest.mark.parametrize(
    "last_event_id", ["abc", "-1", "+1", "1.0", "1e0", "0x1", "4", "9" * 30, "1_0", "1,2", "\N{SUPERSCRIPT TWO}"]
)
def test_an_id_that_never_was_is_a_reset(aging: RunningServer, last_event_id: str) -> None:
    """The viewer is told that what it has is void, and gets all there is, by header and by query; nothing is skipped."""
    url = finished(aging, {"stream": "true", "partial_images": "2"}) + "/events"
    by_header = httpx.get(url, headers=[(b"last-event-id", last_event_id.encode())])
    by_query = httpx.get(url, params={"last_event_id": last_event_id})
    for viewed in (Answer.of(by_header).viewed, Answer.of(by_query).viewed):
        assert [(event_id, name) for event_id, name, _ in viewed][:2] == [(None, "reset"), (1, "image_edit.partial_image")]
        assert [event_id for event_id, _, _ in viewed[1:]] == [1, 2, 3]
        assert json.loads(viewed[0][2]) == {"type": "reset", "first_event_id": 1}


def test_whoever_has_all_is_told_to_stay_away(aging: RunningServer) -> None:
    """204, upon which an EventSource stops, behind the last event; not while the edit still runs."""
    ended, running = finished(aging), begun(aging)
    assert get(f"{ended}/events", {"last-event-id": "1"}).status == 204
    assert get(f"{ended}/events?last_event_id=1").status == 204
    with httpx.stream("GET", f"{running}/events", headers={"last-event-id": "1"}) as response:
        assert response.status_code == 200
        assert next(response.iter_bytes()).startswith(b": edit_")


def test_a_view_that_has_waited_long_enough_asks_to_come_back() -> None:
    """An old view ends between two events with a `retry:`, while its edit goes on."""
    with serving(settings_of(MOCK, viewer_age_s=0.1)) as restless:
        url = begun(restless)
        first = get(f"{url}/events")
        again = get(f"{url}/events", {"last-event-id": "1"})
        assert [event_id for event_id, _, _ in first.viewed] == [1]
        assert again.viewed == []
        assert all(answer.frames[-1].startswith(b"retry: ") for answer in (first, again))
        assert get(url).json["status"] == "in_progress"


# -- whose it is --


def test_another_s_edit_is_like_one_that_never_was(locked: RunningServer) -> None:
    """Its owner alone learns that it exists: everybody else gets the very 404 of an unknown id, on every route."""
    mine = begun(locked, key=ALICE)
    unknown = f"{locked.edits_url}/edit_{'0' * 32}"
    for ask in (get, cancel, lambda url, headers: get(f"{url}/events", headers)):
        refused, never = ask(mine, BOB), ask(unknown, BOB)
        assert (refused.status, refused.error["code"]) == (404, "edit_not_found")
        assert (refused.body, refused.status) == (never.body, never.status)
        assert ask(mine, {}).status == 401
    assert get(mine, ALICE).json["status"] == "in_progress"


def test_a_token_opens_one_edit_for_reading(locked: RunningServer) -> None:
    """Without a key the `events_url` shows the events, and the same token the edit object; it cannot cancel."""
    url = begun(locked, key=ALICE)
    watched = events_url(locked, url, ALICE)
    token = watched.partition("?")[2]
    assert get(f"{url}?{token}").json["status"] == "in_progress"
    refused = Answer.of(httpx.post(f"{url}/cancel?{token}"))
    assert (refused.status, refused.error["code"]) == (401, "invalid_api_key")
    assert cancel(url, ALICE).json["status"] == "cancelled"
    assert [name for _, name, _ in get(watched).viewed] == ["image_edit.partial_image", "error"]


def test_other_tokens_open_nothing(locked: RunningServer, clock: Clock) -> None:
    """One of another edit, a changed one, an empty one, one that has expired: 401, even beside a good key."""
    url, other = finished(locked, key=ALICE), finished(locked, key=ALICE)
    token = events_url(locked, url, ALICE).partition("token=")[2]
    expiry, principal, signature = token.split(".")
    later = f"{int(expiry) + 1}.{principal}.{signature}"
    for bad in (f"{token}0", token[:-1], later, "", "x", f"{expiry}.key_000000000000.{signature}"):
        refused = get(f"{url}?token={bad}", ALICE)
        assert (refused.status, refused.error["code"]) == (401, "invalid_token")
    assert get(f"{other}?token={token}").status == 401
    assert get(f"{url}?token={token}").status == 200
    clock.s = float(expiry)
    assert get(f"{url}?token={token}").status == 401


def test_neither_key_nor_token_nor_prompt_is_logged(locked: RunningServer) -> None:
    """Whatever is asked for, granted or refused, the log has no word of it."""
    secrets = {"prompt": "canary-prompt", "user": "canary-user", "mock_fault": "error"}
    post(locked.edits_url, secrets, headers={**ALICE, "idempotency-key": "canary-idempotency"})
    url = finished(locked, {"prompt": "canary-prompt"}, ALICE)
    watched = events_url(locked, url, ALICE)
    get(watched)
    get(f"{watched}canary")
    cancel(f"{url}?{watched.partition('?')[2]}")
    token = watched.partition("token=")[2]
    assert locked.log_text.count('"edit ended"') == 2
    assert not [word for word in ("canary", token, token.rpartition(".")[2]) if word in locked.log_text]


# -- cancelled --


def test_cancelling_closes_the_provider_s_connection(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """The upstream is left at once, before its first event and after it, and its connection is not used again."""
    scripts: list[Script] = [[Hang()], [head() + chunk(frame(partial())), Hang()]]
    for script in scripts:
        scripted.play(script)
        url = accepted(relay, {"stream": "true"})
        assert scripted.came.acquire(timeout=5)
        assert cancel(url).json["status"] == "cancelled"
        assert scripted.left.acquire(timeout=5)
        assert relay.left_behind() == (0, 0)


def test_cancelling_again_changes_nothing(aging: RunningServer) -> None:
    """An edit ends once: cancelled twice it has one last event, and a completed one stays completed."""
    running, done = begun(aging), finished(aging)
    before = get(done)
    assert without_token(cancel(running)) == without_token(cancel(running))
    assert [name for _, name, _ in get(f"{running}/events").viewed] == ["image_edit.partial_image", "error"]
    assert without_token(cancel(done)) == without_token(before)


def test_whoever_waits_for_a_cancelled_edit_is_told(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """A caller of a plain edit gets 499 `cancelled`, which clients do not retry by themselves, with the edit's id."""
    scripted.play([Hang()])
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(post, relay.edits_url)
        relay.wait_for(lambda: bool(relay.app.state.gateway._readers))
        (edit_id,) = relay.app.state.gateway._running
        cancel(f"{relay.edits_url}/{edit_id}")
        told = waiting.result(10)
    assert (told.status, told.error["code"], told.headers["x-edit-id"]) == (499, "cancelled", edit_id)


# -- kept, and forgotten --


def test_an_edit_is_kept_for_the_retention(locked: RunningServer, clock: Clock) -> None:
    """From its end on it can be read for `retention_s`; then its owner gets 410 on every route, and others 404 as ever."""
    url = finished(locked, key=ALICE)
    watched = events_url(locked, url, ALICE)
    clock.s += RETENTION_S
    assert get(url, ALICE).json["expires_at"] == int(clock.s)
    assert len(get(watched).viewed) == 1
    clock.s += 1
    for answer in (get(url, ALICE), get(watched), cancel(url, ALICE)):
        assert (answer.status, answer.error["code"]) == (410, "edit_expired")
    assert get(url, BOB).status == 404


def test_a_running_edit_does_not_expire(aging: RunningServer, clock: Clock) -> None:
    """However long it takes, the retention begins with its end."""
    url = begun(aging)
    clock.s += 10 * RETENTION_S
    assert get(url).json["status"] == "in_progress"
    assert cancel(url).json["expires_at"] == int(clock.s) + RETENTION_S


def test_what_is_kept_on_disk_is_read_as_it_was(scripted: ScriptedUpstream, tmp_path: Path) -> None:
    """Without any memory for it an edit is read from disk, to the byte what was streamed, and no file has a name."""
    target = Target("openai", "m", "k", scripted.url)
    image = "QUJD" * 300_000
    scripted.play([head() + chunk(frame(partial(0, image))) + chunk(frame(completed(image))) + END])
    with serving(settings_of(target, log_memory_bytes=0, log_folder=tmp_path)) as frugal:
        streamed = post(frugal.edits_url, {"stream": "true", "partial_images": "1"})
        frugal.wait_until_idle()
        events = frugal.app.state.events
        assert events.memory_bytes == 0
        assert events.disk_bytes > 2 * len(image)
        url = f"{frugal.edits_url}/{streamed.headers['x-edit-id']}"
        assert [data for _, _, data in get(f"{url}/events").viewed] == [
            each.partition(b"\ndata: ")[2] for each in streamed.frames
        ]
        assert get(url).json["result"]["data"][0]["b64_json"] == image
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "bounds", [{"log_memory_bytes": 1000, "log_disk_bytes": 0}, {"log_memory_bytes": 0, "log_disk_bytes": 1000}]
)
def test_only_running_edits_make_a_server_full(bounds: dict[str, Any]) -> None:
    """What has ended makes room; when running edits fill all there is, a new one is 503 with `retry-after`, until one ends."""
    large = {"mock_bytes": "5000"}
    with serving(settings_of(MOCK, **bounds)) as small:
        assert [post(small.edits_url, large).status for _ in range(3)] == [200] * 3
        running = begun(small, {**HANGS, **large})
        full = post(small.edits_url)
        assert (full.status, full.error["code"], full.headers["retry-after"]) == (503, "server_overloaded", "10")
        assert "x-should-retry" not in full.headers
        cancel(running)
        assert post(small.edits_url).status == 200


def without_token(answer: Answer) -> dict[str, Any]:
    """An edit object but for its token, which says when it was asked for."""
    return {name: value for name, value in answer.json.items() if name != "events_url"}
