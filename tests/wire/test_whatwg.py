"""The WHATWG's rules for event streams (HTML living standard 9.2.5 and 9.2.6), held against both directions.

In: what FrameScanner finds in a provider's bytes is what a browser would dispatch, but for a few differences on purpose: of an
event it needs nothing but name and data. Out: what this server emits is read by a strict reading of the standard, which is
written down here, and by httpx-sse.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import drained
import httpx
import httpx_sse
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.streams import Told, completed_of, scan, split

from streamedit.contents import SLICE_BYTES
from streamedit.errors import ErrorDetail
from streamedit.events import Event, Failed, PartialImage
from streamedit.wire import frames, payloads
from streamedit.wire.scanner import FrameScanner


@dataclass(frozen=True, slots=True)
class Message:
    """What a browser dispatches."""

    type: str
    data: str
    last_event_id: str


class Browser:
    """An EventSource's reading of a stream, step by step as the standard has it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._type, self._data, self._id = "", "", ""

    def read(self, stream: bytes) -> None:
        """A whole stream. What its last blank line does not end is given up."""
        text = stream.decode("utf-8-sig", "replace")
        *lines, _ = re.split(r"\r\n|\n|\r", text)
        for line in lines:
            name, _, value = line.partition(":")
            if not line:
                self._dispatch()
            elif name:
                self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry_ms = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            self.messages.append(Message(self._type or "message", self._data[:-1], self.last_event_id))
        self._type, self._data = "", ""


def browsed(stream: bytes) -> list[Message]:
    """What a browser dispatches of a stream."""
    browser = Browser()
    browser.read(stream)
    return browser.messages


CASES: dict[str, tuple[bytes, list[Told]]] = {
    "a field without a colon has an empty value": (
        b"data\n\ndata:\n\ndata\ndata\n\ndata:x\n\n",
        [("", b""), ("", b""), ("", b" "), ("", b"x")],
    ),
    "an event without a colon has no name": (b"event: x\nevent\ndata: a\n\n", [("", b"a")]),
    "an empty name is no name": (b"event:\ndata: a\n\nevent: \ndata: b\n\n", [("", b"a"), ("", b"b")]),
    "a space more is part of the name": (b"event:  x\ndata: a\n\n", [(" x", b"a")]),
    "one space is taken away and no tab": (b"data:\ta\r\ndata:  b\r\ndata: \r\n\r\n", [("", b"\ta  b ")]),
    "names of fields are exact": (b"DATA:1\nda ta:2\ndata :3\ndata\0:4\n\0data:5\ndata:6\n\n", [("", b"6")]),
    "a field may begin like another": (b"dat: 1\ndata-: 2\nevents: x\nevent-: y\ndata: 3\n\n", [("", b"3")]),
    "long lines without a colon are unknown": (b"x" * 40 + b"\ndata" + b"x" * 40 + b"\ndata: a\n\n", [("", b"a")]),
    "a colon alone is a comment": (b"data: 1\n:\ndata: 2\r:\rdata: 3\n\n", [("", b"1 2 3")]),
    "long comments between data": (b"data: 1\n:" + b"x" * 3000 + b"\rdata: 2\n:data: 3\n\n", [("", b"1 2")]),
    "line ends in any mixture": (b"data: 1\rdata: 2\ndata: 3\r\ndata: 4\n\rdata: 5\r\n\r", [("", b"1 2 3 4"), ("", b"5")]),
    "LF CR is two ends": (b"data: 1\n\rdata: 2\n\r", [("", b"1"), ("", b"2")]),
    "nothing else ends a line": (
        "data: \u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e.\n\n".encode(),
        [("", "\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e.".encode())],
    ),
    "NUL is data": (b"data: \0\n\ndata:\0\0\n\n", [("", b"\0"), ("", b"\0\0")]),
    "a byte order mark alone is an empty line": (b"\xef\xbb\xbf\n\ndata: a\n\n", [("", b"a")]),
    "half a byte order mark is an unknown field": (b"\xef\xbbdata: a\n\ndata: b\n\n", [("", b"b")]),
    "a byte order mark in data stays": (b"data: \xef\xbb\xbfa\n\n", [("", b"\xef\xbb\xbfa")]),
    "blank lines without data dispatch nothing": (b"\n\n\r\r\r\n\r\nevent: x\n\n: c\n\nid: 1\n\nretry: 5\n\n", []),
    "a name does not outlive its block": (b"event: x\n\n\ndata: a\n\n", [("", b"a")]),
    "an id is none of ours: whatever it holds": (b"id: 1\0\nid\nid: \xff\ndata: a\n\n", [("", b"a")]),
    "a retry is none of ours: whatever it holds": (
        b"retry: -1\nretry: 1x\nretry\nretry: " + b"9" * 50 + b"\ndata: a\n\n",
        [("", b"a")],
    ),
    "on purpose: lines of data are joined by a space, they are JSON": (b"data: {\ndata: }\n\n", [("", b"{ }")]),
    "on purpose: bytes that are no UTF-8 are left to the JSON": (b"data: \xc3(\n\n", [("", b"\xc3(")]),
    "on purpose: a last block without its blank line counts": (b"data: a\n\nevent: x\ndata: b", [("", b"a"), ("x", b"b")]),
    "on purpose: so does one that ends in a field without a colon": (b"data: a\n\ndata", [("", b"a"), ("", b"")]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_provider_s_stream_is_read_by_the_standard(case: str) -> None:
    """Whole, byte by byte and cut in two anywhere: the same frames."""
    stream, expected = CASES[case]
    assert scan([stream]) == expected
    assert scan(stream[at : at + 1] for at in range(len(stream))) == expected
    for at in range(len(stream)):
        assert scan([stream[:at], stream[at:]]) == expected, at


@pytest.mark.parametrize("case", [case for case in CASES if not case.startswith("on purpose")])
def test_a_browser_reads_the_same(case: str) -> None:
    """The table is the standard's: a strict reading of it dispatches the same events."""
    stream, expected = CASES[case]
    assert as_browsed(expected) == [(message.type, message.data.replace("\n", " ")) for message in browsed(stream)]


FIELDS = [
    b"data",
    b"data:",
    b"data: a",
    b"data:  b",
    b"data:c:d",
    b"event",
    b"event:",
    b"event: x",
    b"event:y",
    b"id: 1",
    b"retry: 1",
]
OTHERS = [b": comment", b":", b" data: e", b"eventual: z", b"x" * 20, b"da", b"data: \xff\xc3", b"data: \xe2\x80\xa8"]
LINES = st.sampled_from([*FIELDS, *OTHERS]) | st.just(b"")


@given(
    st.booleans(), st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r", b"\r\n"]))), LINES, st.lists(st.integers(0, 200))
)
def test_scanner_and_standard_agree(bom: bool, lines: list[tuple[bytes, bytes]], rest: bytes, cuts: list[int]) -> None:
    """Any lines with any ends in any pieces: what the scanner finds is what a browser dispatches, and the last block counts."""
    stream = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines) + rest
    found = as_browsed(scan(split(stream, cuts)))
    assert found == [(message.type, message.data.replace("\n", " ")) for message in browsed(stream + b"\n\n")]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\r", b"\r\n\r\n", b"\r\n\r", b"\n\r"])
def test_an_event_is_not_held_back(end: bytes) -> None:
    """It is there with the first byte that ends its blank line, even if a CR might become a CRLF."""
    scanner = FrameScanner(1 << 20)
    assert scanner.feed(b"data: a" + end)
    assert [frame.data for frame in scanner.take()] == [b"a"]
    assert not scanner.feed(b"\n" if end.endswith(b"\r") else b": more\n")


PARTIAL: Event = PartialImage(payloads.build({"type": "image_edit.partial_image", "unknown": "\u2028é"}, b"QUJD"))
EVENTS: list[Event] = [
    PARTIAL,
    completed_of(2 * SLICE_BYTES + 1),
    Failed(ErrorDetail(499, "invalid_request_error", "é\nno", None, "cancelled")),
]


def view_of(events: Sequence[Event]) -> bytes:
    """A view as the events route writes it, with everything that it may hold."""
    blocks = [frames.reset(1), frames.comment("edit_1")]
    for event_id, event in enumerate(events, 1):
        blocks += [*drained.drained(frames.encode(event, event_id)), frames.comment("keep-alive")]
    return b"".join([*blocks, frames.retry(1500)])


def test_a_browser_reads_our_views() -> None:
    """Reset, ids with their events, comments and retry are what an EventSource makes of them."""
    browser = Browser()
    browser.read(view_of(EVENTS))
    reset, *messages = browser.messages
    assert reset == Message("reset", '{"type":"reset","first_event_id":1}', "")
    assert [(each.type, each.last_event_id) for each in messages] == named(EVENTS)
    assert [each.data for each in messages[:2]] == [text_of(event) for event in EVENTS[:2]]
    assert json.loads(messages[2].data)["error"]["message"] == "é\nno"
    assert (browser.last_event_id, browser.retry_ms) == ("3", 1500)


def test_a_stream_s_frames_have_neither_id_nor_retry() -> None:
    """The POST route's frames leave a browser's id and delay alone."""
    browser = Browser()
    browser.read(b"".join(piece for event in EVENTS for piece in (*drained.drained(frames.encode(event)), frames.comment("x"))))
    assert [each.type for each in browser.messages] == [name for name, _ in named(EVENTS)]
    assert (browser.last_event_id, browser.retry_ms) == ("", None)


@given(st.integers(0, 400))
def test_a_view_that_breaks_off_shows_no_half_event(cut: int) -> None:
    """Wherever a view is cut, a browser has whole events only, and the id of the last of them is where it goes on."""
    stream = view_of([PARTIAL, EVENTS[2], PARTIAL])
    whole, browser = browsed(stream), Browser()
    browser.read(stream[:cut])
    assert browser.messages == whole[: len(browser.messages)]
    assert browser.last_event_id == (browser.messages[-1].last_event_id if browser.messages else "")


@given(st.lists(st.integers(0, 3 * SLICE_BYTES), max_size=5))
def test_httpx_sse_reads_our_views(cuts: list[int]) -> None:
    """In any pieces, the same names, ids and data; it takes comments behind an id for events, which have no data then."""
    response = httpx.Response(
        200, headers={"content-type": "text/event-stream; charset=utf-8"}, content=iter(split(view_of(EVENTS), cuts))
    )
    read = [each for each in httpx_sse.EventSource(response).iter_sse() if each.data]
    assert [(each.event, each.id) for each in read] == [("reset", ""), *named(EVENTS)]
    assert [each.data for each in read[1:3]] == [text_of(event) for event in EVENTS[:2]]


def named(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Each event's name and id."""
    return [(frames.name_of(event), str(event_id)) for event_id, event in enumerate(events, 1)]


def text_of(event: Event) -> str:
    """An event's JSON text."""
    assert not isinstance(event, Failed)
    return drained.raw(event.payload).decode()


def as_browsed(told: Sequence[Told]) -> list[tuple[str, str]]:
    """Frames as a browser names and decodes them."""
    return [(name or "message", data.decode("utf-8", "replace")) for name, data in told]
