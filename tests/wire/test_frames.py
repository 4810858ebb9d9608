"""Server-sent events, both ways."""

import base64
import json
from typing import Any

import drained
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder
from wire.streams import completed_of, frame_of, frames_of, scan, split

from streamedit.contents import SLICE_BYTES
from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Failed, PartialImage
from streamedit.wire import payloads
from streamedit.wire.frames import comment, decode, encode
from streamedit.wire.scanner import Frame

IMAGE = base64.b64encode(bytes(range(256)))
PARTIAL = {"type": "image_edit.partial_image", "partial_image_index": 0, "b64_json": IMAGE.decode()}
COMPLETED = {"type": "image_edit.completed", "b64_json": IMAGE.decode(), "usage": {"total_tokens": 3}}


class TestDecode:
    """A provider's frame -> event."""

    @pytest.mark.parametrize("before", [b"data:\n", b"data:  \n", b"data: {\n"])
    def test_json_may_begin_in_any_line(self, before: bytes) -> None:
        """A payload in several data lines, of which the first may be blank, is one JSON text."""
        data = dumps({"b64_json": IMAGE.decode()})[1 if b"{" in before else 0 :]
        (frame,) = frames_of([b"event: image_edit.completed\n" + before + b"data: " + data + b"\n\n"])
        event = decode(frame, {})
        assert isinstance(event, Completed)
        assert json.loads(drained.raw(event.payload)) == {"type": "image_edit.completed", "b64_json": IMAGE.decode()}

    @pytest.mark.parametrize("name", ["", "message", "image_edit.partial_image"])
    def test_the_type_in_the_json_decides(self, name: str) -> None:
        """With or without a name, whatever the name."""
        event = decode(frame_of(name, (dumps(COMPLETED),)), {"x-request-id": "r"})
        assert isinstance(event, Completed)
        assert event.headers == {"x-request-id": "r"}
        assert (drained.raw(event.payload), drained.image(event.payload)) == (dumps(COMPLETED), IMAGE)

    def test_the_name_helps_where_the_json_is_silent(self) -> None:
        """A payload without a type gets one, so that our clients need not guess."""
        fields = {name: value for name, value in PARTIAL.items() if name != "type"}
        event = decode(frame_of("image_edit.partial_image", (dumps(fields),)), {})
        assert isinstance(event, PartialImage)
        assert json.loads(drained.raw(event.payload)) == PARTIAL
        assert drained.image(event.payload) == IMAGE

    @pytest.mark.parametrize(
        "frame",
        [
            frame_of("", (b"[DONE]",)),
            frame_of("", (b" [DONE] ",)),
            frame_of("ping", (b"",)),
            frame_of("ping", (b"", b" ", b"")),
            frame_of("ping", (b"{}",)),
            frame_of("", (b'{"type":"ping"}',)),
            frame_of("", (b'{"type":"image_generation.completed","b64_json":"QUJD"}',)),
            frame_of("image_edit.completed", (b'{"type":"other"}',)),
            frame_of("", (b'{"type":7}',)),
            frame_of("", (b'{"type":["error"]}',)),
        ],
    )
    def test_what_is_no_event_of_an_edit_is_passed_over(self, frame: Frame) -> None:
        """The end marker, pings and types of other calls."""
        assert decode(frame, {}) is None

    @pytest.mark.parametrize(
        ("name", "shape"),
        [
            ("", {"error": "{}"}),
            ("error", {"error": "{}"}),
            ("", {"type": "error", "error": "{}"}),
            ("image_edit.completed", {"type": "error", "error": "{}", "sequence_number": 3}),
            ("error", "{}"),
        ],
    )
    def test_every_shape_of_error_is_told(self, name: str, shape: Any) -> None:
        """Nested, typed, or flat under its name: message, type, param and code come through, and the headers."""
        error = {"message": "no", "type": "image_generation_user_error", "param": "input", "code": "moderation_blocked"}
        text = json.dumps(shape).replace('"{}"', json.dumps(error)).encode()
        detail = refusal(frame_of(name, (text,)), {"x-request-id": "r"})
        assert detail == ErrorDetail(
            400, "image_generation_user_error", "no", "input", "moderation_blocked", headers={"x-request-id": "r"}
        )

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b'{"error":"out of paint"}', "out of paint"),
            (b'{"type":"error","message":"out of paint"}', "out of paint"),
            (b'{"type":"error","error":null,"message":"out of paint"}', "out of paint"),
            (b'{"type":"error","error":{}}', "The provider answered with status 502."),
        ],
    )
    def test_an_error_that_says_little_is_an_upstream_error(self, data: bytes, message: str) -> None:
        """Its text is kept; `error` is the type of the event, not of the error; it may have been paid."""
        detail = refusal(frame_of("", (data,)), {})
        assert detail == ErrorDetail(502, "upstream_error", message, None, None, retryable=True, charged=True)

    @pytest.mark.parametrize("image", [{}, {"b64_json": ""}, {"b64_json": None}, {"url": ""}, {"url": None}])
    def test_completed_without_an_image_is_broken(self, image: dict[str, Any]) -> None:
        """An edit that claims to be done and shows nothing is an error."""
        with pytest.raises(UpstreamBroken) as caught:
            decode(frame_of("", (dumps({"type": "image_edit.completed", **image}),)), {})
        assert caught.value.detail.code == "upstream_empty"

    def test_an_image_by_url_is_an_image(self) -> None:
        """A provider may point at its image; `"error": null` in an event is no error."""
        fields = {"type": "image_edit.completed", "url": "https://x/y.png", "error": None}
        assert isinstance(decode(frame_of("", (dumps(fields),)), {}), Completed)

    @pytest.mark.parametrize(
        "data", [b"busy", b"{", b"[1]", b'"text"', b'{"b64_json":"QUJD', b'{"b64_json":"QQ==","x":{"b64_json":"QQ=="}}']
    )
    def test_what_is_not_json_is_broken(self, data: bytes) -> None:
        """Half a payload is a clean error, never half an image."""
        with pytest.raises(UpstreamBroken) as caught:
            decode(frame_of("image_edit.completed", (data,)), {})
        assert caught.value.detail.code == "upstream_malformed"


class TestEncode:
    """An event -> the slices of its frame."""

    @pytest.mark.parametrize("event_id", [None, 1, 12345])
    @pytest.mark.parametrize("around", [-1, 0, 1])
    @pytest.mark.parametrize("slices", [0, 1, 2, 24])
    def test_slices_are_bounded_and_make_the_frame(self, slices: int, around: int, event_id: int | None) -> None:
        """Together they are `id`, `event`, one line of `data` and a blank line; none is much larger than a slice."""
        event = completed_of(max(200, slices * SLICE_BYTES + around))
        pieces = drained.drained(encode(event, event_id))
        head = b"" if event_id is None else b"id: %d\n" % event_id
        assert b"".join(pieces) == head + b"event: image_edit.completed\ndata: " + drained.raw(event.payload) + b"\n\n"
        assert max(map(len, pieces)) <= SLICE_BYTES + 100
        assert min(map(len, pieces)) > 0

    @given(st.binary(min_size=1, max_size=300), st.sampled_from([0, SLICE_BYTES]), st.lists(st.integers(0, 2 * SLICE_BYTES)))
    def test_a_frame_comes_back_as_the_same_bytes(self, image: bytes, padding: int, cuts: list[int]) -> None:
        """Encoded, cut anywhere, scanned, decoded and encoded again: the payload is untouched."""
        text = base64.b64encode(bytes(padding) + image)
        sent: list[Event] = [
            PartialImage(payloads.build({"type": "image_edit.partial_image", "unknown": "é"}, text)),
            Completed(payloads.build({"type": "image_edit.completed"}, text)),
        ]
        stream = b"".join(piece for event in sent for piece in (*drained.drained(encode(event, 1)), comment("keep-alive")))
        received = [decode(frame, {}) for frame in frames_of(split(stream, cuts))]
        assert [told(event) for event in received] == [told(event) for event in sent]
        for event, original in zip(received, sent, strict=True):
            assert event is not None
            pieces = drained.drained(encode(event, 1))
            assert b"".join(pieces) == b"".join(drained.drained(encode(original, 1)))
            assert max(map(len, pieces)) <= SLICE_BYTES + 100

    def test_a_failure_comes_back_as_what_it_was(self) -> None:
        """Our error event is one that every reader of the dialect understands, we too."""
        error = ErrorDetail(400, "invalid_request_error", "é\nno", "mask", "unsupported_parameter")
        (frame,) = frames_of(drained.drained(encode(Failed(error))))
        assert frame.name == "error"
        assert set(json.loads(frame.data)["error"]) == {"message", "type", "param", "code"}
        assert refusal(frame, {}) == error

    def test_the_openai_sdk_reads_our_frames(self) -> None:
        """Its decoder sees each event with its name and JSON, and nothing of the heartbeats between them."""
        events: list[Event] = [
            PartialImage(payloads.parse((dumps(PARTIAL),), (True,))),
            completed_of(3 * SLICE_BYTES),
            Failed(ErrorDetail(502, "upstream_error", "x")),
        ]
        stream = [comment("keep-alive") + b"".join(drained.drained(encode(event))) for event in events]
        seen = list(SSEDecoder().iter_bytes(iter(stream)))
        assert [sse.event for sse in seen] == ["image_edit.partial_image", "image_edit.completed", "error"]
        assert [sse.json()["type"] for sse in seen] == [sse.event for sse in seen]

    def test_a_comment_is_no_event(self) -> None:
        """A heartbeat is a block of its own that gives no frame."""
        assert comment("x") == b": x\n\n"
        assert scan([comment("keep-alive")] * 3) == []


def told(event: Event | None) -> tuple[object, ...]:
    """An event's kind, its bytes, its fields and its image: all that it tells, whatever pieces it is in."""
    assert isinstance(event, PartialImage | Completed)
    payload = event.payload
    return type(event), drained.raw(payload), payload.fields, drained.image(payload)


def refusal(frame: Frame, headers: dict[str, str]) -> ErrorDetail:
    """What a provider's error frame tells."""
    with pytest.raises(UpstreamRefused) as caught:
        decode(frame, headers)
    return caught.value.detail


def dumps(value: object) -> bytes:
    """JSON as providers write it."""
    return json.dumps(value, separators=(",", ":")).encode()
