"""A browser watches edits with EventSource: Chromium itself, driven by Playwright, on pages of another origin.

Playwright's loop runs on this thread until the module is done, so that no test here may be asynchronous.
"""

import functools
import http.server
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from browsers import chromium
from clients import get, post
from playwright.sync_api import Browser, BrowserContext, Page
from prometheus_client.parser import text_string_to_metric_families
from proxies import proxy
from servers import RunningServer, server_of, serving, settings_of
from upstreams import END, Hang, ScriptedUpstream, Step, chunk, completed, frame, head, json_answer, partial

from streamedit.clocks import Clocks
from streamedit.config import Settings
from streamedit.routes import Route, Routes, Rules
from streamedit.routing import Policy
from streamedit.targets import Target

PAGES = Path(__file__).parent / "pages"
ASYNC = {"prefer": "respond-async"}
CONNECTING, CLOSED = 0, 2
"""EventSource.readyState."""

ENDED = "() => watched.source.readyState === EventSource.CLOSED"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with chromium() as launched:
        yield launched


class _Pages(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Tests are silent."""


@pytest.fixture(scope="module")
def pages() -> Iterator[int]:
    """The port of a server of static pages."""
    handler = functools.partial(_Pages, directory=str(PAGES))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def origin(pages: int) -> str:
    """Where the pages are that may read."""
    return f"http://127.0.0.1:{pages}"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that has never been anywhere."""
    made = browser.new_context()
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, origin: str) -> Page:
    """A page of the origin that may read."""
    return opened(context, origin)


@pytest.fixture
def server(origin: str) -> Iterator[RunningServer]:
    """A mock that does not dawdle, open to the pages' origin."""
    with serving(settings_of(Target("mock", "mock", params={"mock_pace_s": 0}), cors_origins=(origin,))) as running:
        yield running


def opened(context: BrowserContext, origin: str) -> Page:
    """A page that can watch."""
    made = context.new_page()
    made.goto(f"{origin}/watch.html")
    return made


def accepted(server: RunningServer, fields: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    """The edit object of an asynchronous edit."""
    answer = post(server.edits_url, fields, headers={**ASYNC, **headers})
    assert answer.status == 202
    return answer.json


def watch(page: Page, url: str, *, credentials: bool = False) -> None:
    """Open an EventSource in the page."""
    page.evaluate("([url, options]) => watch(url, options)", [url, {"withCredentials": credentials}])


def await_events(page: Page, count: int) -> None:
    """Until the page has so many events."""
    page.wait_for_function("count => watched.events.length >= count", arg=count, polling=20)


def await_end(page: Page) -> None:
    """Until the page's EventSource has given up for good."""
    page.wait_for_function(ENDED, polling=20)


def seen(page: Page, *names: str) -> list[tuple[Any, ...]]:
    """What the page has recorded of each event."""
    events: list[dict[str, Any]] = page.evaluate("() => watched.events")
    return [tuple(event[name] for name in names) for event in events]


def open_streams(server: RunningServer) -> float:
    """What the metrics say."""
    families = text_string_to_metric_families(httpx.get(f"{server.url}/metrics").text)
    return next(family.samples[0].value for family in families if family.name == "streamedit_open_streams")


def test_a_page_edits_and_watches(page: Page, server: RunningServer) -> None:
    """A page posts an edit with fetch, and its `events_url` is all that EventSource needs: ids 1, 2, 3 ..., whole pictures.

    After the last event the browser comes back, is answered 204, and stays away.
    """
    fields = {"prompt": "p", "partial_images": "3", "stream": "true", "mock_bytes": "100000"}
    begun = page.evaluate("([url, fields]) => beginEdit(url, fields)", [server.edits_url, fields])
    assert (begun["status"], begun["told"]) == (202, [begun["edit"]["id"], "respond-async", None])
    watch(page, server.url + begun["edit"]["events_url"])
    await_end(page)
    kinds = ["image_edit.partial_image"] * 3 + ["image_edit.completed"]
    assert seen(page, "type", "id") == [(kind, str(event_id)) for event_id, kind in enumerate(kinds, 1)]
    pictures = [image for (image,) in seen(page, "image")]
    assert len(set(pictures)) == 4
    assert pictures[-1] == get(f"{server.edits_url}/{begun['edit']['id']}").json["result"]["data"][0]["b64_json"]
    assert page.evaluate("() => watched.interruptions") == [CONNECTING, CLOSED]


def test_another_model_takes_over_unseen(page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """Where the first one is away, a page sees its fallback's pictures and nothing else, and reads of it in the headers."""
    scripted.play([json_answer({"error": {"message": "Away."}}, "503 Service Unavailable")])
    first = Route("edits", (Target("openai", "m", "k", scripted.url),), Policy(retries=0))
    routes = Routes([first, Route("spare", (Target("mock", "mock"),))], "edits", Rules(default_fallbacks=("spare",)))
    settings = Settings(routes, server_of(cors_origins=(origin,), drain_timeout_s=0))
    with serving(settings) as server:
        edit = accepted(server, {"stream": "true", "partial_images": "2"})
        watch(page, server.url + edit["events_url"])
        await_end(page)
        headers = get(f"{server.edits_url}/{edit['id']}").headers
    kinds = ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert seen(page, "type", "id") == [(kind, str(event_id)) for event_id, kind in enumerate(kinds, 1)]
    assert (headers["x-streamedit-model"], headers["x-streamedit-fallbacks"]) == ("spare", "1")


def test_twenty_broken_connections_lose_nothing(page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """Connections are reset anywhere, in pictures too, while the edit goes on: each event comes once, in order and whole."""
    pictures = [f"{index:04}" + "QUJD" * 25_000 for index in range(31)]
    events = [*(partial(index, picture) for index, picture in enumerate(pictures[:-1])), completed(pictures[-1])]
    gates = [threading.Event() for _ in events]
    steps: list[Step] = [head()]
    for gate, event in zip(gates, events, strict=True):
        steps += [gate, chunk(frame(event))]
    scripted.play([*steps, END])
    target = Target("openai", "m", "k", scripted.url)
    cuts = [17_011 * number for number in range(1, 21)]
    with serving(settings_of(target, cors_origins=(origin,))) as server, proxy(server.address, cuts) as between:
        edit = accepted(server, {"stream": "true"})
        watch(page, between.url + edit["events_url"])
        for count, gate in enumerate(gates, 1):
            gate.set()
            await_events(page, count)
        await_end(page)
    assert between.broken == len(cuts)
    assert seen(page, "id", "image") == [(str(event_id), picture) for event_id, picture in enumerate(pictures, 1)]
    assert len(scripted.asked) == 1


@pytest.mark.parametrize("case", ["wrong", "of another edit", "expired"])
def test_a_token_that_is_not_good_ends_an_event_source(page: Page, origin: str, case: str) -> None:
    """401, upon which the browser gives up at once and does not come back."""
    now_s = 1_800_000_000.0
    clocks = Clocks(lambda: now_s, lambda: now_s)
    settings = settings_of(Target("mock", "mock"), keys=("sk-right",), cors_origins=(origin,))
    with serving(settings, clocks) as server, proxy(server.address) as between:
        edit, other = (accepted(server, {"mock_fault": "hang"}, authorization="Bearer sk-right") for _ in range(2))
        good, strange = edit["events_url"], other["events_url"]
        token = {"wrong": f"{good[:-1]}{'0' if good[-1] != '0' else '1'}", "expired": good}.get(case)
        if case == "expired":
            now_s += 1e6
        watch(page, between.url + (token or good.partition("?")[0] + "?" + strange.partition("?")[2]))
        await_end(page)
        assert page.evaluate("() => watched.interruptions") == [CLOSED]
        assert seen(page, "type") == []
        now_s = 1_800_000_000.0
        watch(page, server.url + good)
        page.wait_for_function("() => watched.source.readyState === EventSource.OPEN")
        assert len(between.requests) == 1


@pytest.mark.parametrize("credentials", [False, True])
def test_a_page_of_a_configured_origin_reads(page: Page, origin: str, scripted: ScriptedUpstream, credentials: bool) -> None:
    """EventSource with and without credentials, and again with `Last-Event-ID` after its connection was broken off."""
    gate, picture = threading.Event(), "QUJD" * 10_000
    scripted.play([head() + chunk(frame(partial(0, picture))), gate, chunk(frame(completed(picture))) + END])
    settings = settings_of(Target("openai", "m", "k", scripted.url), cors_origins=(origin,))
    with serving(settings) as server, proxy(server.address, [60_000]) as between:
        watch(page, between.url + accepted(server, {"stream": "true"})["events_url"], credentials=credentials)
        await_events(page, 1)
        gate.set()
        await_end(page)
    assert seen(page, "id", "image") == [("1", picture), ("2", picture)]
    assert between.broken == 1
    assert [b"last-event-id: 1\r\n" in request.lower() for request in between.requests[:2]] == [False, True]


@pytest.mark.parametrize("key", [{"Authorization": "Bearer sk-right"}, {"X-LiteLLM-Api-Key": "sk-right"}])
def test_a_page_of_a_configured_origin_may_send_headers(page: Page, origin: str, key: dict[str, str]) -> None:
    """fetch passes its preflight with a key in any header, an Idempotency-Key, a preference and what OpenAI's package adds.

    The page can read the answer's headers.
    """
    settings = settings_of(Target("mock", "mock"), keys=("sk-right",), cors_origins=(origin,))
    with serving(settings) as server:
        headers = {**key, "Idempotency-Key": "k", "X-Stainless-Lang": "js", "OpenAI-Organization": "org-1"}
        asked = [server.edits_url, {"prompt": "p"}, headers]
        first, again = (page.evaluate("asked => beginEdit(...asked)", asked) for _ in range(2))
    assert [first["status"], *first["told"]] == [202, first["edit"]["id"], "respond-async", None]
    assert again["told"] == [first["edit"]["id"], "respond-async", "true"]


def test_a_page_of_another_origin_reads_nothing(context: BrowserContext, pages: int, server: RunningServer) -> None:
    """An origin that is not configured: fetch fails, and EventSource gives up without an event."""
    stranger = opened(context, f"http://localhost:{pages}")
    edit = accepted(server, {})
    read = "url => fetch(url).then(answer => answer.status, error => error.name)"
    assert stranger.evaluate(read, f"{server.edits_url}/{edit['id']}") == "TypeError"
    failed = "asked => beginEdit(...asked).catch(error => error.name)"
    assert stranger.evaluate(failed, [server.edits_url, {"prompt": "p"}]) == "TypeError"
    for credentials in (False, True):
        watch(stranger, server.url + edit["events_url"], credentials=credentials)
        await_end(stranger)
        assert stranger.evaluate("() => watched.interruptions") == [CLOSED]
        assert seen(stranger, "id") == []


def test_a_large_event_arrives_whole(page: Page, server: RunningServer) -> None:
    """A picture of 4 MB in base64 is one event."""
    edit = accepted(server, {"mock_bytes": "3000000"})
    watch(page, server.url + edit["events_url"])
    await_events(page, 1)
    ((image,),) = seen(page, "image")
    assert len(image) >= 4_000_000
    assert image == get(f"{server.edits_url}/{edit['id']}").json["result"]["data"][0]["b64_json"]


def test_closing_ends_the_view_and_not_the_edit(page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """`close()` gives back the server's stream at once; the edit goes on, and is there for whoever looks later."""
    gate = threading.Event()
    scripted.play([head() + chunk(frame(partial())), gate, chunk(frame(completed())) + END])
    with serving(settings_of(Target("openai", "m", "k", scripted.url), cors_origins=(origin,))) as server:
        edit = accepted(server, {"stream": "true"})
        watch(page, server.url + edit["events_url"])
        await_events(page, 1)
        assert open_streams(server) == 1
        page.evaluate("() => watched.source.close()")
        server.wait_for(lambda: open_streams(server) == 0)
        assert server.left_behind() == (1, 1)
        gate.set()
        server.wait_until_idle()
        watch(page, server.url + edit["events_url"])
        await_events(page, 2)
        assert seen(page, "type", "id") == [("image_edit.partial_image", "1"), ("image_edit.completed", "2")]


def test_leaving_the_page_ends_the_view(page: Page, server: RunningServer) -> None:
    """A tab that is closed needs no goodbye."""
    edit = accepted(server, {"mock_fault": "hang", "mock_partials": "1"})
    watch(page, server.url + edit["events_url"])
    await_events(page, 1)
    page.close()
    server.wait_for(lambda: open_streams(server) == 0)


def test_two_tabs_see_the_same(context: BrowserContext, page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """One who watches from the beginning and one who comes later have the same events and pictures."""
    gate = threading.Event()
    scripted.play([head() + chunk(frame(partial(0, "QUJD" * 9))), gate, chunk(frame(completed())) + END])
    with serving(settings_of(Target("openai", "m", "k", scripted.url), cors_origins=(origin,))) as server:
        edit = accepted(server, {"stream": "true"})
        watch(page, server.url + edit["events_url"])
        await_events(page, 1)
        later = opened(context, origin)
        watch(later, server.url + edit["events_url"])
        await_events(later, 1)
        gate.set()
        for tab in (page, later):
            await_events(tab, 2)
    assert seen(page, "type", "id", "image") == seen(later, "type", "id", "image")


def test_an_old_view_ends_and_the_browser_goes_on(page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """A view that has reached its age is ended between two events; the browser comes back by itself and misses nothing."""
    gate = threading.Event()
    scripted.play([head() + chunk(frame(partial())), gate, chunk(frame(completed())) + END])
    settings = settings_of(Target("openai", "m", "k", scripted.url), cors_origins=(origin,), viewer_age_s=0.3)
    with serving(settings) as server:
        watch(page, server.url + accepted(server, {"stream": "true"})["events_url"])
        page.wait_for_function("() => watched.interruptions.length > 0", polling=20)
        assert page.evaluate("() => watched.interruptions") == [CONNECTING]
        gate.set()
        await_events(page, 2)
    assert seen(page, "type", "id") == [("image_edit.partial_image", "1"), ("image_edit.completed", "2")]


def test_a_page_that_knows_too_much_is_reset(page: Page, server: RunningServer) -> None:
    """A last event id that never was: an event `reset` says that what the page has is void, and all events follow."""
    edit = accepted(server, {"stream": "true", "partial_images": "1"})
    server.wait_until_idle()
    watch(page, f"{server.url}{edit['events_url']}&last_event_id=99")
    await_events(page, 3)
    assert seen(page, "type", "id") == [("reset", ""), ("image_edit.partial_image", "1"), ("image_edit.completed", "2")]


def test_a_cancelled_edit_is_told_to_the_page(page: Page, origin: str, scripted: ScriptedUpstream) -> None:
    """The page gets an event `error` with data and the code `cancelled`, which its EventSource's own errors do not have."""
    scripted.play([head() + chunk(frame(partial())), Hang()])
    with serving(settings_of(Target("openai", "m", "k", scripted.url), cors_origins=(origin,))) as server:
        edit = accepted(server, {"stream": "true"})
        watch(page, server.url + edit["events_url"])
        await_events(page, 1)
        cancelled = "url => fetch(url, { method: 'POST' }).then(answer => answer.json())"
        assert page.evaluate(cancelled, f"{server.edits_url}/{edit['id']}/cancel")["status"] == "cancelled"
        await_events(page, 2)
        assert scripted.left.acquire(timeout=5)
    assert seen(page, "type", "id", "code") == [("image_edit.partial_image", "1", None), ("error", "2", "cancelled")]
