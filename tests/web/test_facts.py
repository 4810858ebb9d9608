"""What answers tell of their edit, in this server's names and in those of other gateways."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from clients import Answer, get, post
from servers import RunningServer, serving, settings_of
from upstreams import Hang, ScriptedUpstream, answer, completed, json_answer, partial

from streamedit import tally
from streamedit.targets import Target
from streamedit.web.facts import HEADERS, LITELLM_HEADERS, PORTKEY_HEADERS, litellm, portkey

TOLD = {
    "x-request-id": "req_1",
    "x-edit-id": "edit_1",
    tally.MODEL: "m",
    tally.ATTEMPTS: "3",
    tally.RETRIES: "1",
    tally.FALLBACKS: "1",
    tally.COST: "0.04",
    tally.OVERHEAD_MS: "1.5",
}


def test_litellms_callers_find_litellms_names() -> None:
    """The model group, retries, fallbacks, cost and overhead, and the call's id, which is the caller's own or the edit's."""
    told = litellm({"x-litellm-api-key": "k"}, TOLD)
    assert told == {
        "x-litellm-call-id": "edit_1",
        "x-litellm-model-group": "m",
        "x-litellm-attempted-retries": "1",
        "x-litellm-attempted-fallbacks": "1",
        "x-litellm-response-cost": "0.04",
        "x-litellm-overhead-duration-ms": "1.5",
    }
    assert set(told) == set(LITELLM_HEADERS)
    assert litellm({"x-litellm-call-id": "c"}, TOLD)["x-litellm-call-id"] == "c"


def test_what_is_not_known_is_not_told() -> None:
    """An answer without an edit has only its own id."""
    assert litellm({"x-litellm-tags": "a"}, {"x-request-id": "req_1"}) == {"x-litellm-call-id": "req_1"}


def test_nobody_else_is_told_in_litellms_names() -> None:
    """A request without any header of LiteLLM's gets none."""
    assert litellm({"authorization": "Bearer k", "x-portkey-trace-id": "t"}, TOLD) == {}


def test_portkeys_callers_find_portkeys_names() -> None:
    """The provider as they have named it, else as Portkey does; which option it was; their trace, else the edit's id."""
    asked = {"x-portkey-provider": "@azure-openai", "x-portkey-trace-id": "t-1"}
    edit = {**TOLD, tally.PROVIDER: "azure", tally.OPTION: "config.targets[1]"}
    told = portkey(asked, edit)
    assert told == {
        "x-portkey-provider": "@azure-openai",
        "x-portkey-retry-attempt-count": "1",
        "x-portkey-last-used-option-index": "config.targets[1]",
        "x-portkey-trace-id": "t-1",
    }
    assert set(told) == set(PORTKEY_HEADERS)
    other = portkey({"x-portkey-provider": "openai"}, {**TOLD, tally.PROVIDER: "gemini"})
    assert (other["x-portkey-provider"], other["x-portkey-last-used-option-index"]) == ("google", "config")
    assert other["x-portkey-trace-id"] == "edit_1"


def test_an_answer_without_an_edit_has_a_trace_alone() -> None:
    """Of a bounded length."""
    assert portkey({"x-portkey-config": "{"}, {"x-request-id": "req_1"}) == {"x-portkey-trace-id": "req_1"}
    assert portkey({"x-portkey-trace-id": "t" * 999}, {"x-request-id": "req_1"}) == {"x-portkey-trace-id": "t" * 256}
    assert portkey({"x-litellm-tags": "a"}, TOLD) == {}


FACTS = ("model", "provider", "attempts", "retries", "fallbacks", "overhead-ms")


def facts_of(answered: Answer) -> dict[str, str]:
    """What an answer tells in this server's names."""
    return {name[13:]: value for name, value in answered.headers.items() if name.startswith("x-streamedit-")}


@pytest.fixture
def pair(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """Two models at the scripted upstream, of the price of gpt-image-2."""
    models = (Target("openai", model, "k", scripted.url) for model in ("gpt-image-2", "gpt-image-2.5"))
    with serving(settings_of(*models, cors_origins=("https://page.example",))) as running:
        yield running


def test_a_plain_answer_tells_all(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """Who made it, after how many attempts, for how many dollars, and what this server took of the time."""
    scripted.play([answer(completed())])
    told = facts_of(post(pair.edits_url, {"model": "gpt-image-2"}))
    assert 0 <= float(told.pop("overhead-ms")) < 10_000
    names = {"model": "gpt-image-2", "provider": "openai", "attempts": "1", "retries": "0", "fallbacks": "0"}
    assert told == {**names, "cost": "0.00187"}


def test_a_stream_tells_what_is_known_when_it_begins(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """Its cost only when its first event is its last."""
    for payloads, has_cost in (((partial(), completed()), False), ((completed(),), True)):
        scripted.play([answer(*payloads)])
        told = facts_of(post(pair.edits_url, {"stream": "true"}))
        assert set(told) == {*FACTS, "cost"} if has_cost else set(FACTS)


def test_an_edit_that_is_looked_at_later_tells_all(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """In the headers of its object, once it has an image; before that there is nothing to tell."""
    gate = threading.Event()
    scripted.play([gate, answer(partial(), completed())])
    posted = post(f"{pair.edits_url}/async")
    assert facts_of(posted) == {}
    gate.set()
    pair.wait_until_idle()
    told = facts_of(get(pair.url + posted.headers["location"]))
    assert set(told) == {*FACTS, "cost"}


def test_a_fallback_is_told(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """The model that took over, and the attempts at both; LiteLLM's callers hear it in LiteLLM's names, too."""
    scripted.play([json_answer({"error": {"message": "busy"}}, "503 Busy")], [answer(completed())])
    answered = post(pair.edits_url, {"fallbacks": "gpt-image-2.5"}, headers={"x-litellm-call-id": "c-1"})
    told = facts_of(answered)
    assert [told[name] for name in FACTS[:-1]] == ["gpt-image-2.5", "openai", "2", "0", "1"]
    theirs = {name: answered.headers[name] for name in LITELLM_HEADERS}
    assert theirs == {
        "x-litellm-call-id": "c-1",
        "x-litellm-model-group": "gpt-image-2.5",
        "x-litellm-attempted-retries": "0",
        "x-litellm-attempted-fallbacks": "1",
        "x-litellm-response-cost": "0.00187",
        "x-litellm-overhead-duration-ms": told["overhead-ms"],
    }


@pytest.mark.parametrize("stream", ["true", "false"])
def test_an_error_tells_what_was_tried(pair: RunningServer, scripted: ScriptedUpstream, stream: str) -> None:
    """The last that was asked, and the attempts; also when the caller's time was over, and when the edit is looked at later."""
    scripted.play([json_answer({"error": {"message": "busy"}}, "503 Busy")], [Hang()])
    asked = {"stream": stream, "fallbacks": "gpt-image-2.5", "timeout": "0.2"}
    failed = post(pair.edits_url, asked, headers={"x-litellm-tags": "t"})
    told = {"model": "gpt-image-2.5", "provider": "openai", "attempts": "2", "retries": "0", "fallbacks": "1"}
    assert (failed.status, facts_of(failed)) == (408, told)
    assert failed.headers["x-litellm-call-id"] == failed.headers["x-edit-id"]
    assert failed.headers["x-litellm-attempted-fallbacks"] == "1"
    assert facts_of(get(f"{pair.edits_url}/{failed.headers['x-edit-id']}")) == told


def test_a_cancelled_edit_tells_what_was_tried(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """A call that was broken off is an attempt."""
    scripted.play([Hang()])
    posted = post(f"{pair.edits_url}/async")
    assert scripted.came.acquire(timeout=5)
    cancelled = Answer.of(httpx.post(f"{pair.url}{posted.headers['location']}/cancel"))
    assert (cancelled.json["status"], facts_of(cancelled)["attempts"]) == ("cancelled", "1")


def test_a_request_that_is_no_edit_has_nothing_to_tell(pair: RunningServer) -> None:
    """It was refused before anybody was asked."""
    refused = post(pair.edits_url, {"model": "nobody's"}, headers={"x-litellm-num-retries": "1"})
    assert (refused.status, facts_of(refused)) == (404, {})
    assert refused.headers["x-litellm-call-id"] == refused.headers["x-request-id"]


def test_pages_of_other_origins_may_read_all_of_it(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """CORS hides whatever is not listed."""
    scripted.play([answer(completed())])
    answered = post(pair.edits_url, headers={"origin": "https://page.example"})
    exposed = {name.strip() for name in answered.headers["access-control-expose-headers"].split(",")}
    limits = {f"x-ratelimit-{what}-{rate}" for what in ("limit", "remaining", "reset") for rate in ("requests", "images")}
    assert exposed >= {*HEADERS, *limits, "x-edit-id", "x-request-id", "retry-after", "retry-after-ms", "x-has-more"}
