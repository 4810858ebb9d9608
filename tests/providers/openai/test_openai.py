"""The provider `openai` against an upstream that speaks OpenAI's documented stream, and breaks in every known way."""

import json
from dataclasses import replace
from typing import Any

import pytest
import upstreams
from clients import PNG, Answer, post
from servers import RunningServer
from upstreams import (
    END,
    Close,
    Hang,
    Reset,
    ScriptedUpstream,
    Step,
    answer,
    chunk,
    completed,
    frame,
    head,
    json_answer,
    partial,
    raw,
)

STREAM = {"stream": "true", "partial_images": "2"}


def test_relays_each_payload_as_the_very_bytes_of_the_upstream(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """Partial and completed images reach the client with the upstream's own JSON, spacing and unknown fields included."""
    sent = [partial(0, new_field={"a": [1, 2]}), partial(1), completed(safety_identifier="u1")]
    scripted.play([answer(*sent)])
    streamed = post(relay.edits_url, STREAM)
    assert [frame.split(b"data: ")[1] for frame in streamed.frames] == [raw(payload) for payload in sent]
    assert streamed.names == ["partial_image", "partial_image", "completed"]


def test_asks_the_upstream_for_exactly_what_the_caller_asked(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """Fields, unknown fields, files with their names, credentials and organization arrive; the caller's key does not."""
    scripted.play([answer(completed())])
    files = [
        ("image[]", ('a"b.png', PNG, "application/octet-stream")),
        ("image[]", ("b.jpg", b"\xff\xd8\xff\xe0jpeg", "image/jpeg")),
        ("mask", ("m.png", PNG, "image/png")),
        ("markup", ("k.png", PNG, "image/png")),
        ("style_image", ("s.bin", b"style", "application/octet-stream")),
    ]
    fields = {
        **STREAM,
        "size": "1024x1024",
        "quality": "high",
        "svg[reasoning][effort]": "low",
        "frame_count": "3",
        "user": "u",
    }
    post(relay.edits_url, fields, files, {"authorization": "Bearer sk-of-the-caller"})
    asked = scripted.asked[0]
    assert asked.path == "/v1/images/edits"
    assert asked.headers["authorization"] == "Bearer sk-upstream"
    assert (asked.headers["openai-organization"], asked.headers["openai-project"]) == ("org-1", "proj-1")
    assert dict(asked.fields) == {**fields, "prompt": "sepia", "model": "gpt-image-2"}
    assert asked.files == [
        ("image[]", "a%22b.png", "image/png", PNG),
        ("image[]", "b.jpg", "image/jpeg", b"\xff\xd8\xff\xe0jpeg"),
        ("mask", "m.png", "image/png", PNG),
        ("markup", "k.png", "image/png", PNG),
        ("style_image", "s.bin", "application/octet-stream", b"style"),
    ]


def test_a_plain_call_is_collapsed_from_a_stream_without_partial_images(
    relay: RunningServer, scripted: ScriptedUpstream
) -> None:
    """A caller who does not stream pays for no partial image and gets one ImagesResponse, `auto` dropped."""
    scripted.play([answer(completed(background="auto", safety_identifier="u1"), x_ratelimit_remaining_requests="7")])
    plain = post(relay.edits_url, {"partial_images": "3"})
    assert (scripted.asked[0].field("stream"), scripted.asked[0].field("partial_images")) == ("true", "0")
    assert plain.json == {
        "created": 1_790_000_000,
        "data": [{"b64_json": upstreams.IMAGE}],
        "size": "1024x1024",
        "quality": "high",
        "output_format": "png",
        "safety_identifier": "u1",
        "usage": upstreams.USAGE,
    }
    assert plain.headers["x-ratelimit-remaining-requests"] == "7"


@pytest.mark.parametrize("media_type", ["application/json", "text/plain"])
def test_a_json_answer_to_a_streamed_call_becomes_a_completed_event(
    relay: RunningServer, scripted: ScriptedUpstream, media_type: str
) -> None:
    """A server that ignores `stream` is told by its content type, or by its first byte, and its answer is expanded."""
    body = {
        "created": 7,
        "data": [{"b64_json": upstreams.IMAGE, "revised_prompt": "p"}],
        "size": "1x1",
        "usage": upstreams.USAGE,
    }
    scripted.play([head(media_type) + chunk(json.dumps(body).encode()) + END])
    name, payload = post(relay.edits_url, STREAM).events[0]
    assert name == payload["type"] == "image_edit.completed"
    assert (payload["b64_json"], payload["created_at"], payload["revised_prompt"]) == (upstreams.IMAGE, 7, "p")


def test_several_images_of_a_plain_call_are_one_upstream_call(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """n = 3 without a stream goes upstream as n = 3 without a stream, which is the only form that OpenAI takes."""
    body = {"created": 7, "data": [{"b64_json": image} for image in ("AAAA", "BBBB", "CCCC")], "usage": upstreams.USAGE}
    scripted.play([json_answer(body)])
    plain = post(relay.edits_url, {"n": "3"})
    assert len(scripted.asked) == 1
    assert (scripted.asked[0].field("n"), scripted.asked[0].field("stream")) == ("3", None)
    assert [item["b64_json"] for item in plain.json["data"]] == ["AAAA", "BBBB", "CCCC"]
    assert plain.json["usage"] == upstreams.USAGE


def test_several_images_of_a_stream_are_as_many_streams(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """n = 3 with a stream is three single-image streams side by side, each event saying which image it belongs to."""
    scripted.play([answer(partial(0), completed())])
    streamed = post(relay.edits_url, {**STREAM, "n": "3"})
    assert [asked.field("n") for asked in scripted.asked] == [None] * 3
    indexes = {
        kind: sorted(p["image_index"] for name, p in streamed.events if name.endswith(kind))
        for kind in ("partial_image", "completed")
    }
    assert indexes == {"partial_image": [0, 1, 2], "completed": [0, 1, 2]}


def test_images_that_were_made_are_given_though_another_failed(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """One of two streams fails: the other's image arrives, then the error; nothing that was paid for is lost."""
    scripted.play(
        [answer(completed())], [json_answer({"error": {"message": "no", "code": "moderation_blocked"}}, "400 Bad Request")]
    )
    streamed = post(relay.edits_url, {**STREAM, "n": "2"})
    assert streamed.names == ["completed", "error"]
    assert streamed.error["code"] == "moderation_blocked"


STREAM_FORMS: dict[str, bytes] = {
    "no last blank line": head() + chunk(frame(partial())) + chunk(frame(completed())[:-1]) + END,
    "no last line end": head() + chunk(frame(partial())) + chunk(frame(completed())[:-2]) + END,
    "[DONE]": head() + chunk(frame(partial()) + frame(completed()) + b"data: [DONE]\n\n") + END,
    "CRLF": head() + chunk(frame(partial(), end=b"\r\n") + frame(completed(), end=b"\r\n")) + END,
    "CR": head() + chunk(frame(partial(), end=b"\r") + frame(completed(), end=b"\r")) + END,
    "BOM": head() + chunk(b"\xef\xbb\xbf" + frame(partial()) + frame(completed())) + END,
    "comments": head() + chunk(b": hello\n\n" + frame(partial()) + b":\n\n: x\n" + frame(completed())) + END,
    "ids and retries": head() + chunk(b"id: 1\nretry: 5\n" + frame(partial()) + b"id: 2\n\n" + frame(completed())) + END,
    "pings": head() + chunk(b"event: ping\n\nevent: ping\ndata: {}\n\n" + frame(partial()) + frame(completed())) + END,
    "no event names": head() + chunk(b"data: " + raw(partial()) + b"\n\ndata: " + raw(completed()) + b"\n\n") + END,
    "events after the end": head() + chunk(frame(partial()) + frame(completed()) + frame(completed())) + END,
    "an error after the end": head()
    + chunk(frame(partial()) + frame(completed()) + b'event: error\ndata: {"error":{}}\n\n')
    + END,
    "split at every byte": head() + b"".join(chunk(bytes([b])) for b in frame(partial()) + frame(completed())) + END,
    "two data lines": head() + chunk(frame(partial()) + frame(completed()).replace(b", ", b",\ndata: ", 1)) + END,
}


@pytest.mark.parametrize("form", STREAM_FORMS)
def test_every_legal_form_of_a_stream_gives_the_same_events(
    relay: RunningServer, scripted: ScriptedUpstream, form: str
) -> None:
    """However the upstream frames its events, the client sees one partial and one completed image, framed as promised."""
    scripted.play([STREAM_FORMS[form]])
    streamed = post(relay.edits_url, STREAM)
    assert [payload for _, payload in streamed.events] == [partial(), completed()]
    relay.wait_until_idle()
    assert relay.left_behind() == (0, 0)


def _error(code: str | None = "moderation_blocked", **fields: Any) -> dict[str, Any]:
    return {"message": "refused", "type": "image_generation_user_error", "param": None, "code": code, **fields}


def _sse(data: object, name: str = "error") -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), json.dumps(data).encode())


FAULTS: dict[str, tuple[list[Step], int, str]] = {
    "refused before the stream": ([json_answer({"error": _error()}, "400 Bad Request")], 400, "moderation_blocked"),
    "error inside a 200 stream": (
        [head() + chunk(_sse({"type": "error", "error": _error()})) + END],
        400,
        "moderation_blocked",
    ),
    "error without a name": ([head() + chunk(_sse({"error": _error()}, "message")) + END], 400, "moderation_blocked"),
    "flat error": ([head() + chunk(_sse(_error())) + END], 400, "moderation_blocked"),
    "error inside a 200 JSON": ([json_answer({"error": _error()})], 400, "moderation_blocked"),
    "our key is wrong": (
        [json_answer({"error": _error(message="sk-up***am")}, "401 Unauthorized")],
        502,
        "upstream_unauthorized",
    ),
    "HTML": ([head("text/html", "503 Service Unavailable") + chunk(b"<html>") + END], 503, None),  # type: ignore[dict-item]
    "HTML with 200": ([head("text/html") + chunk(b"<html>") + END], 502, "upstream_incomplete"),
    "redirect": ([head("text/html", "302 Found", location="http://127.0.0.1:1/") + END], 502, None),  # type: ignore[dict-item]
    "reset before the head": ([Reset()], 502, "upstream_broken"),
    "close before the head": ([Close()], 502, "upstream_broken"),
    "not HTTP": ([b"hello\r\n\r\n", Close()], 502, "upstream_broken"),
    "empty stream": ([head() + END], 502, "upstream_incomplete"),
    "only [DONE]": ([head() + chunk(b"data: [DONE]\n\n") + END], 502, "upstream_incomplete"),
    "no image": ([head() + chunk(frame(completed(image=""))) + END], 502, "upstream_empty"),
    "no data": ([json_answer({"created": 1, "data": []})], 502, "upstream_empty"),
    "no JSON": ([head() + chunk(b"event: image_edit.completed\ndata: {oops\n\n") + END], 502, "upstream_malformed"),
    "broken JSON answer": ([head("application/json") + chunk(b'{"data": [') + END], 502, "upstream_malformed"),
    "10 minutes of silence": ([head(), Hang()], 504, "upstream_timeout"),
    "silence before the head": ([Hang()], 504, "upstream_timeout"),
    "a 200 MB event": ([head() + b"fffffff\r\n" + b"data: " + b"A" * (5 << 20), Hang()], 502, "upstream_event_too_large"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_before_the_first_event_is_a_status_of_its_own(
    relay: RunningServer, scripted: ScriptedUpstream, fault: str
) -> None:
    """Each fault has one documented status and code, streamed or not, and leaves no connection and no task behind."""
    steps, status, code = FAULTS[fault]
    for fields in ({}, {"stream": "true", "partial_images": "1"}):
        scripted.play(steps)
        failed = post(relay.edits_url, fields)
        if failed.status == 200:
            failed = late(failed)
        assert (failed.status, failed.error["code"]) == (status, code), failed.body
        assert "sk-up" not in failed.error["message"]
        assert len(scripted.asked) == 1
        relay.wait_until_idle()
        assert relay.left_behind() == (0, 0)


def late(streamed: Answer) -> Answer:
    """A failure that came after the first heartbeat: the status is spent, its error event tells the same."""
    assert streamed.frames[0] == b": keep-alive"
    statuses = {"upstream_timeout": 504}
    return replace(streamed, status=statuses[streamed.error["code"]])


BROKEN_STREAMS: dict[str, tuple[list[Step], str]] = {
    "reset between events": ([head() + chunk(frame(partial())), Reset()], "upstream_broken"),
    "reset in the middle of an event": (
        [head() + chunk(frame(partial()) + frame(completed())[:90]), Reset()],
        "upstream_broken",
    ),
    "close in the middle of an event": (
        [head() + chunk(frame(partial()) + frame(completed())[:90]), Close()],
        "upstream_broken",
    ),
    "end in the middle of an event": ([head() + chunk(frame(partial()) + frame(completed())[:90]) + END], "upstream_malformed"),
    "end without completed": ([head() + chunk(frame(partial())) + END], "upstream_incomplete"),
    "[DONE] without completed": ([head() + chunk(frame(partial()) + b"data: [DONE]\n\n") + END], "upstream_incomplete"),
    "an error": ([head() + chunk(frame(partial()) + _sse({"error": _error()})) + END], "moderation_blocked"),
    "silence": ([head() + chunk(frame(partial())), Hang()], "upstream_timeout"),
}


@pytest.mark.parametrize("fault", BROKEN_STREAMS)
def test_a_fault_after_the_first_event_is_an_error_event(relay: RunningServer, scripted: ScriptedUpstream, fault: str) -> None:
    """The client keeps the whole events it has and learns what happened; half an event never reaches it."""
    steps, code = BROKEN_STREAMS[fault]
    scripted.play(steps)
    streamed = post(relay.edits_url, STREAM)
    assert streamed.status == 200
    assert streamed.names == ["partial_image", "error"]
    assert streamed.error["code"] == code
    assert len(scripted.asked) == 1
    relay.wait_until_idle()
    assert relay.left_behind() == (0, 0)


@pytest.mark.parametrize("at_once", [1, 20_000])
def test_comments_keep_a_connection_alive_but_not_an_edit(
    relay: RunningServer, scripted: ScriptedUpstream, at_once: int
) -> None:
    """An upstream that sends nothing but comments is given up like a silent one, however many come at a time."""
    scripted.play(_endless_comments(at_once))
    streamed = post(relay.edits_url, STREAM)
    assert streamed.error["code"] == "upstream_timeout"
    relay.wait_until_idle()
    assert relay.left_behind() == (0, 0)


def _endless_comments(at_once: int) -> Any:
    yield head()
    comments = chunk(b": still here\n\n" * at_once)
    while True:
        yield comments


def test_a_busy_upstream_is_passed_on_with_its_headers(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """429 keeps status, envelope, retry-after and rate-limit headers; other upstream headers stay behind."""
    busy = {"error": {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}}
    headers = {"retry_after": "3", "x_ratelimit_limit_images": "5", "set_cookie": "a=b", "openai_organization": "org-secret"}
    scripted.play([json_answer(busy, "429 Too Many Requests", **headers)])
    refused = post(relay.edits_url, STREAM)
    assert (refused.status, refused.json) == (429, busy)
    assert (refused.headers["retry-after"], refused.headers["x-ratelimit-limit-images"]) == ("3", "5")
    assert not {"set-cookie", "openai-organization", "x-should-retry"} & set(refused.headers)


def test_a_stream_that_may_have_been_paid_says_not_to_retry(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """`x-should-retry: false` keeps both SDKs from buying an edit twice when the upstream broke off after taking it."""
    scripted.play([Reset()])
    assert post(relay.edits_url).headers["x-should-retry"] == "false"


def test_an_upstream_that_is_not_there_cost_nothing(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """No connection: 502 that may be retried."""
    scripted.stop()
    refused = post(relay.edits_url)
    assert (refused.status, refused.error["code"]) == (502, "upstream_unreachable")
    assert "x-should-retry" not in refused.headers


def test_a_stream_s_rate_limit_headers_reach_the_client(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """Allow-listed headers of the upstream's stream are the answer's headers."""
    scripted.play([answer(completed(), x_ratelimit_remaining_requests="7", openai_processing_ms="12", x_secret="no")])
    headers = post(relay.edits_url, STREAM).headers
    assert (headers["x-ratelimit-remaining-requests"], headers["openai-processing-ms"]) == ("7", "12")
    assert "x-secret" not in headers


def test_a_connection_serves_the_next_edit_too(relay: RunningServer, scripted: ScriptedUpstream) -> None:
    """After a completed edit the upstream's connection goes back to the pool."""
    scripted.play([answer(completed())])
    for _ in range(3):
        assert post(relay.edits_url, STREAM).names == ["completed"]
    assert scripted.connections == 1
