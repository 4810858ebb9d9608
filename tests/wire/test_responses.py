"""A response's events become an edit's, whatever pieces they come in, and nothing of a picture is parsed."""

import base64
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from types import FrameType
from typing import Any

import pytest
from drained import image, raw
from openai.types.responses import Response, ResponseStreamEvent
from providers.fakes import png
from providers.fakes.openai_responses import MODERATION, OpenAIResponses, message, numbered, raw_stream
from pydantic import TypeAdapter
from wire.streams import frames_of

from streamedit.contents import SLICE_BYTES
from streamedit.errors import Blocked, EditError, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, PartialImage, Usage
from streamedit.wire.cutouts import Cutout
from streamedit.wire.responses import Reply, failure
from streamedit.wire.scanner import FrameScanner

BODY = {"model": "gpt-5.2", "tools": [{"type": "image_generation", "partial_images": 2}], "tool_choice": "auto"}
FAKE = OpenAIResponses()
HEADERS = {"openai-processing-ms": "7"}
PICTURE = "QUJD" * (3 << 20)
"""12 MB of base64."""


def told(pieces: Iterable[bytes]) -> list[Event]:
    """The events of an edit in a stream that comes in these pieces."""
    reply = Reply(HEADERS, 1_790_000_000)
    return [event for frame in frames_of(pieces, 64 << 20) if (event := reply.take(frame)) is not None]


def whole(*events: Mapping[str, Any]) -> list[Event]:
    """The events of an edit in a stream of these events."""
    return told([raw_stream(events)])


def ended(**fields: Any) -> dict[str, Any]:
    """The end of a response, with these fields."""
    return {"type": "response.completed", "response": {**FAKE.response(BODY, []), **fields}}


def done(item: Mapping[str, Any]) -> dict[str, Any]:
    """The event that an item is done."""
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def raised(*events: Mapping[str, Any]) -> EditError:
    """The error that a stream ends with."""
    with pytest.raises(EditError) as error:
        whole(*events)
    return error.value


def test_the_played_events_are_the_official_ones() -> None:
    """What the fake says is what OpenAI's own client reads: every event, and a whole response."""
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    events = [*FAKE.events(BODY), done({**FAKE.call(BODY, None, "failed"), "error": MODERATION})]
    for event in numbered(events):
        read = adapter.validate_python(event)
        assert type(read) is not dict
        assert read.to_dict(mode="json") == {**event, **({"response": read.response.to_dict()} if "response" in event else {})}
    response = Response.model_validate(FAKE.response(BODY, [FAKE.call(BODY, "QUJD"), message("no", "refusal")]))
    assert response.tool_usage is not None
    assert response.tool_usage.image_gen.output_tokens == 1000


def test_a_stream_cut_anywhere_is_the_same_edit() -> None:
    """At every byte of it."""
    stream = raw_stream(FAKE.events(BODY))
    expected = [event.payload.fields for event in pictured(told([stream]))]
    pictures = [image(event.payload) for event in pictured(told([stream]))]
    assert [fields["type"] for fields in expected] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    for cut in range(len(stream)):
        events = pictured(told([stream[:cut], stream[cut:]]))
        assert [event.payload.fields for event in events] == expected
        assert [image(event.payload) for event in events] == pictures


def test_an_interim_picture_says_all_that_is_known() -> None:
    """What the upstream leaves out is seen in the picture; a payload is the JSON that its fields say."""
    first, second, _ = pictured(whole(*FAKE.events(BODY)))
    assert isinstance(first, PartialImage)
    assert first.headers == HEADERS
    assert first.payload.fields == {
        "type": "image_edit.partial_image",
        "partial_image_index": 0,
        "created_at": 1_790_000_000,
        "size": "64x48",
        "quality": "auto",
        "background": "auto",
        "output_format": "png",
        "b64_json": "",
    }
    assert (second.payload.fields["partial_image_index"], second.payload.fields["quality"]) == (1, "high")
    assert json.loads(raw(first.payload)) == {**first.payload.fields, "b64_json": image(first.payload).decode()}


def test_usage_is_that_of_both_models() -> None:
    """The text model's tokens are text, the tool's are told by kind; what each has said stands beside the sum."""
    [completed] = [event for event in whole(*FAKE.events(BODY)) if isinstance(event, Completed)]
    assert Usage.of(completed.payload) == Usage(
        input_tokens=800,
        output_tokens=1040,
        total_tokens=1840,
        input_image_tokens=480,
        cached_tokens=160,
        cached_image_tokens=50,
        output_text_tokens=50,
    )
    usage = completed.payload.fields["usage"]
    assert (usage["text_model"]["output_tokens_details"], usage["image_gen"]["cached_tokens"]) == ({"reasoning_tokens": 30}, 60)
    assert completed.payload.fields["revised_prompt"] == "a night"


def test_a_picture_passes_unread() -> None:
    """Of 12 MB events less than 4 kB is parsed, and what lies between their ends is not copied."""
    events = [FAKE.partial(BODY, 0) | {"partial_image_b64": PICTURE}, done(FAKE.call(BODY, PICTURE)), ended(usage=None)]
    stream = raw_stream(events)
    pieces = [stream[at : at + SLICE_BYTES] for at in range(0, len(stream), SLICE_BYTES)]
    parsed: list[int] = []
    fed: set[int] = set()

    def watch(running: FrameType, kind: str, _: Any) -> None:
        if kind == "call" and running.f_code.co_name == "loads" and "json" in running.f_code.co_filename:
            parsed.append(len(running.f_locals["s"]))

    scanner, reply = FrameScanner(64 << 20), Reply({}, 0)
    sys.setprofile(watch)
    try:
        found: list[Event] = []
        for piece in pieces:
            scanner.feed(piece)
            for frame in scanner.take():
                fed |= {id(kept) for kept in frame.pieces}
                found += [event for event in [reply.take(frame)] if event is not None]
    finally:
        sys.setprofile(None)
    assert max(parsed) < 4096
    for event in pictured(found):
        assert image(event.payload).decode() == PICTURE
        copied = [piece for piece in event.payload.content.pieces if id(piece) not in fed]
        assert sum(map(len, copied)) <= 2 * SLICE_BYTES
    assert len(found) == 2


def test_events_that_do_not_matter_are_not_parsed() -> None:
    """The first ones repeat the request, with megabytes of a mask; and what is no JSON hurts nobody there."""
    stream = b"event: response.created\ndata: {not json\n\ndata: [DONE]\n\n: ping\n\n" + raw_stream(FAKE.events(BODY))
    assert len(told([stream])) == 3


@pytest.mark.parametrize("status", ["generating", "in_progress", "completed"])
def test_a_picture_counts_whatever_its_status(status: str) -> None:
    """Upstreams are seen to call a finished picture `generating`."""
    [completed] = pictured(whole(done(FAKE.call(BODY, "QUJD", status)), ended()))
    assert image(completed.payload) == b"QUJD"


def test_the_first_picture_is_the_edit() -> None:
    """A model that calls its tool again has made another picture: neither that nor its interim ones belong to this edit."""
    first = done(FAKE.call(BODY, "QUJD"))
    events = pictured(whole(first, FAKE.partial(BODY, 0), done(FAKE.call(BODY, "QUJE")), ended()))
    assert [image(event.payload) for event in events] == [b"QUJD"]


def test_a_picture_at_the_end_alone_is_taken() -> None:
    """Of an upstream that tells its items only in the whole response."""
    [completed] = pictured(whole(ended(output=[FAKE.call(BODY, "QUJD")], safety_identifier="u1")))
    assert image(completed.payload) == b"QUJD"
    assert completed.payload.fields["safety_identifier"] == "u1"


@pytest.mark.parametrize("kind", ["response.failed", "response.incomplete"])
def test_a_picture_is_given_though_the_response_failed(kind: str) -> None:
    """The model's last words are not what was paid for."""
    end = {**ended(status=kind[9:], error={"code": "server_error", "message": "no"}), "type": kind}
    [completed] = pictured(whole(done(FAKE.call(BODY, "QUJD")), end))
    assert image(completed.payload) == b"QUJD"


def test_a_filtered_answer_is_blocked_with_its_picture() -> None:
    """Whatever the filter has found, it is not handed on."""
    end = ended(status="incomplete", incomplete_details={"reason": "content_filter"})
    assert isinstance(raised(done(FAKE.call(BODY, "QUJD")), {**end, "type": "response.incomplete"}), Blocked)


def test_a_block_names_its_categories() -> None:
    """With the stage, in the words of the provider."""
    error = raised(done({**FAKE.call(BODY, None, "failed"), "error": MODERATION}))
    assert isinstance(error, Blocked)
    told = "Your request was rejected by the safety system. Moderation of the output: violence, self-harm."
    assert error.detail.message == told


ENDS: list[tuple[Mapping[str, Any], int, str | None, bool, str]] = [
    ({"status": "failed", "error": {"code": "server_error", "message": "oops"}}, 502, "server_error", True, "oops"),
    ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "m"}}, 429, "rate_limit_exceeded", False, "m"),
    ({"status": "failed", "error": {"code": "invalid_prompt", "message": "m"}}, 400, "invalid_prompt", False, "m"),
    ({"status": "failed", "error": {"code": "image_too_small", "message": "m"}}, 400, "image_too_small", False, "m"),
    ({"status": "failed", "error": {"code": "bio_policy", "message": "m"}}, 400, "moderation_blocked", False, "m"),
    ({"error": {"code": "image_content_policy_violation", "message": "m"}}, 400, "moderation_blocked", False, "m"),
    (
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        502,
        "upstream_incomplete",
        True,
        "The provider's response is incomplete: max_output_tokens.",
    ),
    ({"status": "cancelled"}, 502, "upstream_incomplete", True, "The provider's response is cancelled."),
    ({"output": [message("I will not.", "refusal")]}, 400, "moderation_blocked", False, "The model refused: I will not."),
    (
        {"output": [message("Which cat?")]},
        502,
        "upstream_empty",
        True,
        "The model answered without an image: Which cat?",
    ),
    ({"output": [message("x" * 9000)]}, 502, "upstream_empty", True, "The model answered without an image: " + "x" * 500),
    ({"output": []}, 502, "upstream_empty", True, "The provider answered without an image."),
    ({"output": None}, 502, "upstream_empty", True, "The provider answered without an image."),
]


@pytest.mark.parametrize(("fields", "status", "code", "charged", "text"), ENDS)
def test_an_end_without_a_picture_says_why(
    fields: Mapping[str, Any], status: int, code: str | None, charged: bool, text: str
) -> None:
    """A refusal is moderation; other words may be a question or an excuse, and are told as what they are."""
    detail = raised(ended(**fields)).detail
    assert (detail.status, detail.code, detail.charged, detail.message) == (status, code, charged, text)


def test_words_are_told_though_the_end_does_not_repeat_them() -> None:
    """Upstreams may leave the items out of the whole response."""
    assert "refused: never" in raised(done(message("never", "refusal")), ended(output=[])).detail.message


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "rate_limit_exceeded", "message": "slow", "param": None},
        {"type": "error", "error": {"code": "rate_limit_exceeded", "message": "slow", "type": "rate_limit_error"}},
    ],
)
def test_an_error_event_is_read_in_both_its_shapes(event: Mapping[str, Any]) -> None:
    """Flat as it is documented, nested as proxies send it."""
    error = raised(event)
    assert isinstance(error, UpstreamRefused)
    assert (error.detail.status, error.detail.code, error.detail.message) == (429, "rate_limit_exceeded", "slow")
    assert error.detail.type in ("invalid_request_error", "rate_limit_error")


@pytest.mark.parametrize("data", [b"{", b"[1]", b'"text"', b'{"a":"b'])
def test_an_event_that_is_no_object_is_malformed(data: bytes) -> None:
    """It may have been the picture that was paid for."""
    with pytest.raises(UpstreamBroken) as broken:
        told([b"event: response.completed\ndata: %b\n\n" % data])
    assert (broken.value.detail.code, broken.value.detail.charged) == ("upstream_malformed", True)


@pytest.mark.parametrize("odd", [None, 7, "text", [], [None, 7, {}], {"a": 1}])
def test_nothing_odd_breaks_the_reading(odd: Any) -> None:
    """Fields of a wrong type are fields that are not there."""
    response = {"output": odd, "usage": odd, "tool_usage": odd, "incomplete_details": odd}
    events = pictured(
        whole({**FAKE.partial(BODY, 0), "partial_image_b64": odd}, done(odd), done({"content": odd}), {"type": odd})
    )
    assert len(events) == (odd == "text")
    assert raised({"type": "response.completed", "response": response}).detail.code == "upstream_empty"
    assert raised({"type": "response.completed", "response": odd}).detail.code == "upstream_empty"
    assert raised(done({"type": "message", "content": odd}), ended()).detail.code == "upstream_empty"
    assert raised({"type": "error", "code": odd, "message": odd}).detail.status == 502
    error = {"code": "moderation_blocked", "moderation_details": {"categories": odd}}
    assert isinstance(raised(done({**FAKE.call(BODY, None), "error": error})), Blocked)


def test_a_whole_response_is_read_like_a_stream() -> None:
    """Of an upstream that does not stream."""
    text = base64.b64encode(png((1, 2, 3), (3000, 20))).decode()
    answer = Cutout(json.dumps(FAKE.response(BODY, [FAKE.call(BODY, text)])).encode())
    completed = Reply({}, 7).end(answer.json, answer)
    assert image(completed.payload).decode() == text
    assert completed.payload.fields["created_at"] == 7


def test_a_failure_may_be_a_text() -> None:
    """Nothing but words."""
    assert failure("gone", {}).detail.message == "gone"


def pictured(events: Sequence[Event]) -> list[PartialImage | Completed]:
    """The events, all of which have a picture."""
    assert all(isinstance(event, PartialImage | Completed) for event in events)
    return [event for event in events if isinstance(event, PartialImage | Completed)]
