"""Requests that say how they are to be handled, over HTTP."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from clients import get, post, post_json
from raw import connect, form, post_head, read_answer
from servers import RunningServer, serving, settings_of
from upstreams import Hang, ScriptedUpstream, answer, completed, json_answer

from streamedit.targets import Target

BUSY = json_answer({"error": {"message": "busy"}}, "429 Too Many Requests", **{"retry-after-ms": "1"})


@pytest.fixture
def pair(scripted: ScriptedUpstream) -> Iterator[RunningServer]:
    """Two models at the scripted upstream; the first has a header of its own in the configuration."""
    first = Target("openai", "a", "k", scripted.url, {"extra_headers": {"X-Settled": "ours"}})
    with serving(settings_of(first, Target("openai", "b", "k", scripted.url))) as running:
        yield running


def test_headers_bound_a_call(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """LiteLLM's timeout, in seconds: 408 when it is over."""
    scripted.play([Hang()])
    late = post(pair.edits_url, {"timeout": "60"}, headers={"x-litellm-timeout": "0.2"})
    assert (late.status, late.error["type"]) == (408, "timeout_error")


@pytest.mark.parametrize("how", ["a field", "a header"])
def test_callers_choose_how_often_a_model_is_asked_again(pair: RunningServer, scripted: ScriptedUpstream, how: str) -> None:
    """By themselves routes of one model are asked once; with `num_retries` once more."""
    scripted.play([BUSY], [answer(completed())])
    assert post(pair.edits_url).status == 429
    scripted.play([BUSY], [answer(completed())])
    fields, headers = ({"num_retries": "1"}, {}) if how == "a field" else ({}, {"x-litellm-num-retries": "1"})
    answered = post(pair.edits_url, fields, headers=headers)
    assert (answered.status, answered.headers["x-streamedit-retries"]) == (200, "1")


def test_a_callers_fallback_that_does_not_exist_is_named(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """Before anybody is asked."""
    refused = post(pair.edits_url, {"fallbacks": "nobody's"})
    assert (refused.status, refused.error["param"]) == (404, "fallbacks")
    assert scripted.asked == []


def test_the_configurations_headers_are_settled(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """Whatever the caller writes in that name, in any case, is not sent."""
    scripted.play([answer(completed())])
    assert post(pair.edits_url, {"extra_headers": '{"x-settled": "theirs", "x-other": "theirs"}'}).status == 200
    asked = scripted.asked[0].headers
    assert (asked["x-settled"], asked["x-other"]) == ("ours", "theirs")


def test_no_provider_hears_of_a_wish(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """Fields that this server does not know go on to providers of OpenAI's dialect; these are none of those."""
    scripted.play([answer(completed())])
    wishes = {"fallbacks": "b", "num_retries": "1", "timeout": "30", "tags": "x", "metadata[a]": "1", "unheard-of": "1"}
    headers = {"x-litellm-tags": "y", "x-litellm-trace-id": "t", "x-litellm-spend-logs-metadata": '{"a":"b"}'}
    assert post(pair.edits_url, {**wishes, "extra_headers[x-a]": "1"}, headers=headers).status == 200
    asked = scripted.asked[0]
    assert {name for name, _ in asked.fields} - {"prompt", "model", "stream", "partial_images"} == {"unheard-of"}
    assert not any(name.startswith("x-litellm") for name in asked.headers)


@pytest.mark.parametrize("name", ["timeout", "num-retries", "keepalive-seconds", "trace-id"])
def test_a_bad_header_is_a_400_that_names_it(pair: RunningServer, scripted: ScriptedUpstream, name: str) -> None:
    """Before the body is read."""
    header = f"x-litellm-{name}"
    with closing(connect(pair)) as client:
        client.sendall(post_head("content-length: 1000000", f"{header}: - -"))
        refused = read_answer(client)
    assert (refused.status, refused.error["param"]) == (400, header)
    assert scripted.asked == []


def test_a_plain_call_is_kept_alive_as_often_as_its_caller_says(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """The head and a space come in the silence; the answer is JSON as ever."""
    scripted.play([Hang()])
    body = form(prompt="p")
    with closing(connect(pair)) as client:
        client.sendall(post_head(f"content-length: {len(body)}", "x-litellm-keepalive-seconds: 1") + body)
        begun = b""
        while not begun.endswith(b"\r\n1\r\n \r\n"):
            begun += client.recv(1)
    assert begun.startswith(b"HTTP/1.1 200 OK")


def test_json_says_the_same(pair: RunningServer, scripted: ScriptedUpstream) -> None:
    """LiteLLM's clients send either."""
    scripted.play([BUSY], [answer(completed())])
    body = {"prompt": "p", "images": [{"image_url": "data:image/png;base64,QUJD"}], "fallbacks": ["b"]}
    answered = post_json(pair.edits_url, body)
    assert (answered.status, answered.headers["x-streamedit-model"]) == (200, "b")
    shown = get(f"{pair.edits_url}/{answered.headers['x-edit-id']}")
    assert shown.headers["x-streamedit-fallbacks"] == "1"
