"""Other settings while the server runs: they hold for the requests to come, and for nothing that has begun."""

import gc
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
import raw
from clients import Answer, get, post
from servers import RunningServer, serving, settings_of
from upstreams import END, ScriptedUpstream, answer, chunk, completed, frame, head, partial, upstream

from streamedit.config import Settings
from streamedit.targets import Target

MOCK = Target("mock", "mock", params={"mock_pace_s": 0})
ALICE, BOB = {"api-key": "sk-alice"}, {"api-key": "sk-bob"}
HANGS = {"stream": "true", "partial_images": "1", "mock_fault": "hang"}
PRE = {"origin": "https://app.example", "access-control-request-method": "POST"}


@pytest.fixture
def running() -> Iterator[RunningServer]:
    """A server with the mock, open to everybody."""
    with serving(settings_of(MOCK)) as server:
        yield server


def at(scripted: ScriptedUpstream, key: str = "sk-upstream", **params: Any) -> Target:
    """A target at the scripted upstream."""
    return Target("openai", "m", key, scripted.url, params)


def models_of(server: RunningServer) -> list[str]:
    """What the server lists."""
    return [model["id"] for model in get(f"{server.url}/v1/models").json["data"]]


def test_new_models_are_there_at_once(running: RunningServer) -> None:
    """Listed, the new default chosen, and the old ones gone, on the connection that was open before, too."""
    with httpx.Client(base_url=running.url) as client:
        assert client.get("/v1/models").json()["data"][0]["id"] == "mock"
        assert running.reload(settings_of(Target("mock", "new", params={"mock_pace_s": 0}))) == ()
        (model,) = client.get("/v1/models").json()["data"]
        assert (model["id"], model["default"]) == ("new", True)
    assert post(running.edits_url).status == 200
    assert post(running.edits_url, {"model": "mock"}).error["code"] == "model_not_found"


def test_a_running_stream_goes_on_as_it_began(scripted: ScriptedUpstream) -> None:
    """Half way through, its model goes away, its provider's key changes and its event becomes too large: it ends well."""
    gate = threading.Event()
    scripted.play([head(), chunk(frame(partial(0))), gate, chunk(frame(completed())) + END])
    with serving(settings_of(at(scripted))) as server:
        data = {"prompt": "p", "stream": "true"}
        with httpx.stream("POST", server.edits_url, data=data, files={"image": b"png"}, timeout=30) as stream:
            pieces = stream.iter_bytes()
            shown = next(pieces)
            server.reload(settings_of(MOCK, max_event_bytes=1, total_s=0.001, silence_s=0.001, heartbeat_s=0.001))
            assert models_of(server) == ["mock"]
            gate.set()
            shown += b"".join(pieces)
        answered = Answer(200, stream.headers, shown, 0)
        assert answered.names == ["partial_image", "completed"]
        assert b": keep-alive" not in shown
        server.wait_until_idle()
        assert server.left_behind() == (0, 0)


def test_no_edit_is_lost_among_reloads(running: RunningServer) -> None:
    """Whenever it began, each of many streams is whole, and what is asked is answered, while settings change and change."""
    data = {"prompt": "p", "stream": "true", "model": "mock", "partial_images": "3", "mock_pace_s": "0.01"}

    def edit(_: int) -> tuple[int, list[str]]:
        made = post(running.edits_url, data)
        return made.status, made.names

    with ThreadPoolExecutor(16) as clients:
        edits = clients.map(edit, range(200))
        for number in range(50):
            running.reload(settings_of(MOCK, Target("mock", f"m{number}"), heartbeat_s=number + 1))
        assert list(edits) == [(200, ["partial_image"] * 3 + ["completed"])] * 200
    running.wait_until_idle()
    assert running.left_behind() == (0, 0)


def test_a_view_goes_on_and_its_edit_is_found(scripted: ScriptedUpstream) -> None:
    """Who watches an edit sees its end; who comes after the reload finds it with all of its events."""
    gate = threading.Event()
    scripted.play([head(), chunk(frame(partial(0))), gate, chunk(frame(completed())) + END])
    with serving(settings_of(at(scripted))) as server:
        posted = post(server.edits_url, {"stream": "true"}, headers={"prefer": "respond-async"})
        events_url = server.url + posted.json["events_url"]
        with httpx.stream("GET", events_url, timeout=30) as view:
            pieces = view.iter_bytes()
            seen = next(pieces)
            server.reload(settings_of(MOCK))
            gate.set()
            seen += b"".join(pieces)
        assert b"image_edit.completed" in seen
        assert [name for _, name, _ in get(events_url).viewed] == ["image_edit.partial_image", "image_edit.completed"]


def test_an_edit_that_runs_can_be_cancelled_and_drained(running: RunningServer) -> None:
    """The edits of before and those of after are one house's."""
    edit_id = post(running.edits_url, HANGS, headers={"prefer": "respond-async"}).json["id"]
    running.reload(settings_of(Target("mock", "new")))
    assert Answer.of(httpx.post(f"{running.edits_url}/{edit_id}/cancel")).json["status"] == "cancelled"
    post(running.edits_url, HANGS, headers={"prefer": "respond-async"})
    running.run(lambda: _ended(running))
    running.wait_until_idle()
    assert running.left_behind() == (0, 0)


async def _ended(server: RunningServer) -> None:
    server.app.state.gateway.end_running()


def test_an_upload_goes_on_as_it_began(running: RunningServer) -> None:
    """Its model, its bounds and its key are those of the moment when it began."""
    whole = raw.edit()
    with raw.connect(running) as client:
        client.sendall(whole[: len(whole) // 2])
        running.wait_for(lambda: running.requests == 1)
        running.reload(settings_of(Target("mock", "new"), keys=("sk-1",), max_body_bytes=1))
        client.sendall(whole[len(whole) // 2 :])
        assert client.recv(1 << 16).startswith(b"HTTP/1.1 200 OK")


def test_a_removed_key_opens_nothing_any_more() -> None:
    """Neither does a token that was signed for it; who has another key goes on, and by a secret of its own its tokens do."""
    secret = "of-its-own"
    with serving(_locked("sk-alice", "sk-bob", secret=secret)) as server:
        alices, bobs = (_edit_of(server, key) for key in (ALICE, BOB))
        server.reload(_locked("sk-bob", secret=secret))
        for url, headers in ((server.edits_url, ALICE), (alices["url"], ALICE), (alices["events_url"], {})):
            asked = httpx.request("POST" if url == server.edits_url else "GET", url, headers=headers)
            assert asked.status_code == 401
        assert (get(bobs["url"], BOB).status, get(bobs["events_url"]).status) == (200, 200)


def test_with_the_keys_their_derived_secret_changes() -> None:
    """Without a secret of its own a server with other keys knows no token of before."""
    with serving(_locked("sk-alice", "sk-bob")) as server:
        bobs = _edit_of(server, BOB)
        server.reload(_locked("sk-bob"))
        assert get(bobs["events_url"]).status == 401
        assert get(_edit_of(server, BOB)["events_url"]).status == 200


def _locked(*keys: str, secret: str | None = None) -> Settings:
    settings = settings_of(MOCK, keys=keys)
    return Settings(settings.routes, settings.server, keys, token_secret=secret)


def _edit_of(server: RunningServer, key: dict[str, str]) -> dict[str, str]:
    """An edit's addresses."""
    made = post(server.edits_url, headers={**key, "prefer": "respond-async"}).json
    return {"url": f"{server.edits_url}/{made['id']}", "events_url": server.url + made["events_url"]}


def test_bounds_of_requests_change(running: RunningServer) -> None:
    """What a request may be, how it is told, and who may ask from a page."""
    assert httpx.options(running.edits_url, headers=PRE).status_code == 405
    running.reload(settings_of(MOCK, max_body_bytes=10, cors_origins=("https://app.example",)))
    assert post(running.edits_url).status == 413
    assert httpx.options(running.edits_url, headers=PRE).headers["access-control-allow-origin"] == "https://app.example"
    running.reload(settings_of(MOCK, public_base_url="https://editor.example", heartbeat_s=0.01))
    asynchronous = post(running.edits_url, HANGS, headers={"prefer": "respond-async"})
    assert asynchronous.json["events_url"].startswith("https://editor.example/")
    data = {"prompt": "p", **HANGS}
    with httpx.stream("POST", running.edits_url, data=data, files={"image": b"png"}, timeout=30) as stream:
        assert next(piece for piece in stream.iter_bytes() if b": keep-alive" in piece)


@pytest.mark.parametrize(
    ("bound", "code"), [({"silence_s": 0.05}, "upstream_timeout"), ({"total_s": 0.05}, "upstream_timeout"),
                        ({"max_event_bytes": 100}, "upstream_event_too_large")],
)  # fmt: skip
def test_bounds_of_providers_change(scripted: ScriptedUpstream, bound: dict[str, Any], code: str) -> None:
    """For the calls to come, over the same pool of connections."""
    gate = threading.Event()
    with serving(settings_of(at(scripted))) as server:
        scripted.play([answer(completed())])
        assert post(server.edits_url, {"stream": "true"}).names == ["completed"]
        server.reload(settings_of(at(scripted), **bound))
        scripted.play([head(), *([chunk(frame(completed()))] if "max_event_bytes" in bound else [gate])])
        assert post(server.edits_url, {"stream": "true"}).error["code"] == code
        gate.set()
        assert scripted.connections == 1


def test_what_only_a_restart_changes_stays_and_is_named(running: RunningServer) -> None:
    """The log keeps what it kept before, and a token lives as long as that says."""
    before = running.app.state.events
    left = running.reload(settings_of(MOCK, retention_s=1e6, log_memory_bytes=1, drain_timeout_s=5))
    assert left == ("drain_timeout_s", "log_memory_bytes", "retention_s")
    assert running.app.state.events is before
    made = post(running.edits_url, headers={"prefer": "respond-async"}).json
    expires_at_s = int(made["events_url"].partition("token=")[2].partition(".")[0])
    assert expires_at_s - made["created_at"] < 10_000
    assert running.reload(settings_of(MOCK)) == ()


def test_nothing_of_former_settings_stays(running: RunningServer) -> None:
    """Keys that were taken away are not kept in memory, however often that happens."""
    former = []
    for number in range(5):
        settings = settings_of(MOCK, keys=(f"sk-{number}",))
        former.append(weakref.ref(settings.routes))
        running.reload(settings)
        assert post(running.edits_url, headers={"api-key": f"sk-{number}"}).status == 200
    del settings
    running.reload(settings_of(MOCK))
    running.wait_for(lambda: running.requests == 0)
    running.run(_collected)
    assert [each() for each in former] == [None] * 5


async def _collected() -> None:
    gc.collect()


def test_the_same_pool_serves_a_provider_under_other_keys() -> None:
    """The next call has the new key."""
    with upstream() as provider, serving(settings_of(at(provider, "sk-old"))) as server:
        provider.play([answer(completed())])
        post(server.edits_url)
        server.reload(settings_of(at(provider, "sk-new")))
        post(server.edits_url)
        assert [asked.headers["authorization"] for asked in provider.asked] == ["Bearer sk-old", "Bearer sk-new"]
