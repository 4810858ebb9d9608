"""JSON bodies, both ways: ImagesResponse, error envelope, error event."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import drained
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import ImageEditCompletedEvent, ImagesResponse

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed
from streamedit.wire import bodies, payloads

USAGE = {
    "total_tokens": 30,
    "input_tokens": 10,
    "output_tokens": 20,
    "input_tokens_details": {"text_tokens": 4, "image_tokens": 6},
}
FIELDS = {
    "type": "image_edit.completed",
    "created_at": 1_700_000_000,
    "size": "1024x1024",
    "quality": "high",
    "background": "opaque",
    "output_format": "png",
    "usage": USAGE,
}
IMAGES = st.lists(st.binary(min_size=1, max_size=40).map(base64.b64encode), min_size=1, max_size=5)


class TestImagesResponse:
    """Completed events -> one answer."""

    @pytest.mark.parametrize("auto", [(), ("quality",), ("background", "size", "quality")])
    @pytest.mark.parametrize("n", [1, 3])
    def test_the_sdk_accepts_it_strictly(self, n: int, auto: Sequence[str]) -> None:
        """What the SDK's strict mode validates; `auto`, which it refuses here, is dropped."""
        fields = {**FIELDS, **dict.fromkeys(auto, "auto")}
        body = response([completed(b"QUJD", fields) for _ in range(n)])
        answer = ImagesResponse.model_validate_json(body)
        assert [image.b64_json for image in answer.data or []] == ["QUJD"] * n
        assert answer.created == 1_700_000_000
        kept = {name: getattr(answer, name) for name in ("size", "quality", "background", "output_format")}
        assert kept == {name: None if name in auto else FIELDS[name] for name in kept}

    def test_usage_is_the_sum(self) -> None:
        """Counts and their details are added; details that only one image has are kept."""
        more = {**USAGE, "output_tokens_details": {"image_tokens": 20, "text_tokens": 0}}
        answer = json.loads(response([completed(b"QQ==", {**FIELDS, "usage": usage}) for usage in (USAGE, more, None)]))
        assert answer["usage"] == {
            "total_tokens": 60,
            "input_tokens": 20,
            "output_tokens": 40,
            "input_tokens_details": {"text_tokens": 8, "image_tokens": 12},
            "output_tokens_details": {"image_tokens": 20, "text_tokens": 0},
        }

    def test_what_belongs_to_an_image_stays_with_it(self) -> None:
        """`revised_prompt` and `url` are each image's own; an image by URL needs no base64."""
        images = [
            completed(b"QQ==", {**FIELDS, "revised_prompt": "one"}),
            completed(b"Qg==", {**FIELDS, "revised_prompt": None}),
            Completed(payloads.build({**FIELDS, "url": "https://x/y"})),
        ]
        assert json.loads(response(images))["data"] == [
            {"b64_json": "QQ==", "revised_prompt": "one"},
            {"b64_json": "Qg=="},
            {"url": "https://x/y"},
        ]

    def test_unknown_fields_travel_on(self) -> None:
        """What the provider adds is kept; what describes the event alone is not."""
        fields = {**FIELDS, "safety_identifier": "u", "vendor": {"a": [1]}, "partial_image_index": 1, "image_index": 0}
        answer = json.loads(response([completed(b"QQ==", fields)]))
        assert (answer["safety_identifier"], answer["vendor"]) == ("u", {"a": [1]})
        assert not {"type", "created_at", "image_index", "partial_image_index"} & set(answer)

    @pytest.mark.parametrize("fields", [{"type": "image_edit.completed"}, {**FIELDS, "usage": None}])
    def test_an_answer_needs_no_more_than_an_image(self, fields: dict[str, Any]) -> None:
        """Without usage, or without any field, the answer is still a valid one."""
        assert ImagesResponse.model_validate_json(response([completed(b"QQ==", fields)])).usage is None

    @pytest.mark.parametrize("created_at", [1_700_000_000, 1_700_000_000.7])
    def test_created_is_whole_seconds(self, created_at: float) -> None:
        """A provider that writes fractions does not send its image to the year 1970."""
        assert json.loads(response([completed(b"QQ==", {**FIELDS, "created_at": created_at})]))["created"] == 1_700_000_000

    def test_the_image_is_not_copied(self) -> None:
        """The answer refers to the event's own bytes."""
        event = completed(b"QUJD" * 1000, FIELDS)
        assert event.payload.image_base64 in bodies.images_response([event])


class TestExpand:
    """An answer -> completed events."""

    @given(IMAGES, st.none() | st.text(max_size=5))
    def test_an_answer_expands_to_what_it_was_made_of(self, images: list[bytes], revised: str | None) -> None:
        """expand(images_response(x)) has x's images in x's order; usage is told once."""
        events = [completed(image, {**FIELDS, "revised_prompt": revised}) for image in images]
        body = response(events)
        expanded = bodies.expand(body, len(images), {"x-request-id": "r"}, 0)
        assert [drained.image(event.payload) for event in expanded] == images
        assert [event.image_index for event in expanded] == list(range(len(images)))
        assert {event.payload.fields.get("revised_prompt") for event in expanded} == {revised}
        assert all(event.headers == {"x-request-id": "r"} for event in expanded)
        assert json.loads(response(expanded)) == json.loads(body)

    def test_an_expanded_event_is_a_whole_one(self) -> None:
        """The SDK's model of a streamed event accepts each, the second without usage of its own too."""
        body = response([completed(b"QQ==", FIELDS), completed(b"Qg==", FIELDS)])
        for event in bodies.expand(body, 2, {}, 0):
            assert ImageEditCompletedEvent.model_validate_json(drained.raw(event.payload)).created_at == 1_700_000_000

    def test_more_images_than_asked_for_are_left(self) -> None:
        """At most n events."""
        body = response([completed(b"QQ==", FIELDS)] * 3)
        assert len(bodies.expand(body, 2, {}, 0)) == 2

    def test_fewer_images_are_told_as_they_are(self) -> None:
        """Two images for n=4 are two events: whoever asked decides what that means."""
        body = response([completed(b"QQ==", FIELDS)] * 2)
        assert len(bodies.expand(body, 4, {}, 0)) == 2

    def test_an_answer_in_many_lines_becomes_events_on_one(self) -> None:
        """Pretty-printed answers, null and URL items are read; the time is ours where the provider gives none."""
        answer = {"data": [{"b64_json": None, "url": "https://x/y", "revised_prompt": None}, {"b64_json": "QUJD"}]}
        first, second = bodies.expand(json.dumps(answer, indent=2).encode(), 2, {}, 1234)
        assert first.payload.fields["url"] == "https://x/y"
        assert drained.image(second.payload) == b"QUJD"
        assert all(b"\n" not in drained.raw(event.payload) for event in (first, second))
        assert first.payload.fields["created_at"] == 1234

    def test_an_event_is_what_we_call_it(self) -> None:
        """A `type` in the provider's answer does not become the type of the event."""
        answer = b'{"type":"list","created":5,"data":[{"type":"image","b64_json":"QQ=="}]}'
        (event,) = bodies.expand(answer, 1, {}, 0)
        assert json.loads(drained.raw(event.payload))["type"] == "image_edit.completed"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"", "upstream_malformed"),
            (b"<html>busy</html>", "upstream_malformed"),
            (b'{"data":[{"b64_json":"QUJD', "upstream_malformed"),
            (b'{"data":["QUJD"]}', "upstream_malformed"),
            (b"[" * 100_000, "upstream_malformed"),
            (b"[]", "upstream_empty"),
            (b"{}", "upstream_empty"),
            (b'{"data":[]}', "upstream_empty"),
            (b'{"data":null}', "upstream_empty"),
            (b'{"data":[{}]}', "upstream_empty"),
            (b'{"data":[{"b64_json":""}]}', "upstream_empty"),
            (b'{"data":[{"b64_json":"QQ=="},{"b64_json":null}]}', "upstream_empty"),
        ],
    )
    def test_an_answer_without_its_images_is_broken(self, body: bytes, code: str) -> None:
        """Empty, filtered, cut off or not JSON: an error that says that it may have been paid."""
        with pytest.raises(UpstreamBroken) as caught:
            bodies.expand(body, 2, {}, 0)
        assert (caught.value.detail.code, caught.value.detail.charged) == (code, True)

    def test_an_error_in_a_200_is_an_error(self) -> None:
        """The status of the answer does not make an error a success."""
        body = b'{"error":{"message":"no","type":"x","code":"moderation_blocked","param":null},"data":[]}'
        with pytest.raises(UpstreamRefused) as caught:
            bodies.expand(body, 1, {}, 0)
        assert (caught.value.detail.status, caught.value.detail.message) == (400, "no")


class TestErrors:
    """Errors, both ways."""

    @pytest.mark.parametrize("error", [ErrorDetail(400, "t", "m", "p", "c"), ErrorDetail(500, "t", "m")])
    def test_an_envelope_has_all_four_keys(self, error: ErrorDetail) -> None:
        """OpenAI's ErrorResponse, in an answer and in a stream."""
        expected = {"message": "m", "type": "t", "param": error.param, "code": error.code}
        assert json.loads(bodies.error_envelope(error)) == {"error": expected}
        assert json.loads(bodies.stream_error(error)) == {"type": "error", "error": expected}

    @pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 503])
    def test_our_envelope_is_read_as_it_was(self, status: int) -> None:
        """parse_error_body(error_envelope(x)) is x, with the headers of the answer."""
        retryable = status in (409, 429, 500, 503)
        error = ErrorDetail(status, "t", "m", "p", "c", retryable=retryable, headers={"retry-after": "1"})
        assert bodies.parse_error_body(status, bodies.error_envelope(error), {"retry-after": "1"}) == error

    @pytest.mark.parametrize(
        "body", [b"", b"<html>secret</html>", b"[1]", b'"secret"', b'{"error":["secret"]}', b"[" * 100_000]
    )
    def test_a_body_that_is_no_envelope_is_not_shown(self, body: bytes) -> None:
        """Only the status is told."""
        detail = bodies.parse_error_body(503, body, {})
        assert (detail.status, detail.type, detail.message) == (503, "upstream_error", "The provider answered with status 503.")

    def test_a_refused_key_of_ours_is_not_the_callers_fault(self) -> None:
        """A provider's 401 is a 502, and its message, which quotes the key, stays here."""
        body = b'{"error":{"message":"Incorrect API key: sk-sec*ret","type":"x","code":"invalid_api_key"}}'
        detail = bodies.parse_error_body(401, body, {})
        assert (detail.status, detail.type, detail.code) == (502, "upstream_error", "upstream_unauthorized")
        assert "sk-" not in repr(detail)

    @pytest.mark.parametrize(("status", "told"), [(302, 502), (200, 502), (418, 418), (599, 599)])
    def test_a_status_that_is_no_error_becomes_one(self, status: int, told: int) -> None:
        """Redirects and successes that came as errors are a bad gateway."""
        assert bodies.parse_error_body(status, b"{}", {}).status == told

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            ({"code": "moderation_blocked"}, 400),
            ({"code": "rate_limit_exceeded", "type": "requests"}, 429),
            ({"code": None, "type": "rate_limit_error"}, 429),
            ({"code": "server_error"}, 502),
            ({"code": 7, "type": ["x"]}, 502),
        ],
    )
    def test_an_error_in_a_stream_gets_the_status_of_its_code(self, error: dict[str, Any], status: int) -> None:
        """By its code, else by its type, else a bad gateway; from 500 on somebody may have paid."""
        detail = bodies.parse_stream_error({"error": error}, {})
        assert (detail.status, detail.charged) == (status, status >= 500)


def completed(image: bytes, fields: dict[str, Any]) -> Completed:
    """A completed event with an image as base64 text."""
    return Completed(payloads.build(fields, image))


def response(events: Sequence[Completed]) -> bytes:
    """The whole body of an answer."""
    return drained.joined(bodies.images_response(events))
