"""FrameScanner: bytes in any pieces -> frames."""

import tracemalloc
from collections.abc import Sequence

import drained
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.streams import Told, completed_of, feed, scan, split

from streamedit.contents import SLICE_BYTES
from streamedit.errors import UpstreamBroken
from streamedit.wire.scanner import FrameScanner

STREAM = (
    b"\xef\xbb\xbf: hello\n\n"
    b"event: image_edit.partial_image\ndata: {'a long enough first line of data':1}\nid: 7\n\n"
    b"retry: 10\n: comment\n\nevent:x\ndata:{\ndata: }\n\ndata: [DONE]\n\ndata: no blank line behind this"
)
FRAMES = [
    ("image_edit.partial_image", b"{'a long enough first line of data':1}"),
    ("x", b"{ }"),
    ("", b"[DONE]"),
    ("", b"no blank line behind this"),
]

LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
NAMES = st.sampled_from(["", "image_edit.partial_image", "error", "x" * 40])
TEXTS = st.binary(max_size=40).map(lambda data: data.translate(None, b"\r\n")) | st.just(b"x" * 200)
EVENTS = st.lists(st.tuples(NAMES, st.lists(TEXTS, min_size=1, max_size=3), st.booleans()), max_size=5)


class TestScanner:
    """FrameScanner: bytes in any pieces -> frames."""

    @pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
    def test_every_split_gives_the_same_frames(self, line_end: bytes) -> None:
        """Cut in two anywhere, byte by byte, or whole, with any line end: the frames are the same."""
        stream = STREAM.replace(b"\n", line_end)
        assert scan([stream]) == FRAMES
        assert scan(stream[at : at + 1] for at in range(len(stream))) == FRAMES
        for at in range(len(stream)):
            assert scan([stream[:at], stream[at:]]) == FRAMES, at

    @pytest.mark.parametrize("cut", range(1, 20))
    def test_ids_and_retries_are_remembered(self, cut: int) -> None:
        """Each frame has the last id before its end, its own or an earlier one's; what is no id or no number is nothing."""
        stream = (
            b"id: 7\ndata: a\n\ndata: b\nid:8\nretry: 50\n\nid: x\0y\nretry: soon\ndata: c\n\nid\ndata: d\n\nid: 9\n\ndata: cut"
        )
        scanner = FrameScanner(1 << 20)
        frames = feed(scanner, [stream[at : at + cut] for at in range(0, len(stream), cut)])
        assert [(frame.data, frame.last_id) for frame in frames] == [(b"a", "7"), (b"b", "8"), (b"c", "8"), (b"d", "")]
        assert scanner.retry_ms == 50

    @given(EVENTS, st.lists(LINE_ENDS, min_size=1), st.lists(st.integers(0, 400)))
    def test_frames_survive_any_pieces_and_line_ends(
        self, events: list[tuple[str, list[bytes], bool]], ends: list[bytes], cuts: list[int]
    ) -> None:
        """Names and data come out as they went in, whatever the mixture of line ends and wherever reads begin."""
        stream = joined([line for event in events for line in block(*event)], ends)
        expected = [(name, b" ".join(data)) for name, data, _ in events]
        assert scan(split(stream, cuts)) == expected

    @pytest.mark.parametrize("first_bytes", range(30))
    @pytest.mark.parametrize("read_bytes", [1400, SLICE_BYTES - 1, SLICE_BYTES, SLICE_BYTES + 1])
    def test_megabytes_are_found_in_reads_of_any_size(self, first_bytes: int, read_bytes: int) -> None:
        """A short read in a field's name, then reads as large as they come: nothing is lost."""
        event = completed_of(3 * SLICE_BYTES)
        stream = b"data: " + drained.raw(event.payload) + b"\n\n"
        pieces = split(stream, [first_bytes, *range(first_bytes, len(stream), read_bytes)])
        assert scan(pieces) == [("", drained.raw(event.payload))]

    @pytest.mark.parametrize(
        ("stream", "frames"),
        [
            (b"data: a\n\n", [("", b"a")]),
            (b"data:a\n\n", [("", b"a")]),
            (b"data:  a \n\n", [("", b" a ")]),
            (b"data: a:b\n\n", [("", b"a:b")]),
            (b"\xef\xbb\xbfdata: a\n\n", [("", b"a")]),
            (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("", b"b")]),
            (b"\n\xef\xbb\xbfdata: a\n\ndata: b\n\n", [("", b"b")]),
            (b"Data: a\n data: b\ndatax: c\n\n", []),
            (b":data: a\n: b\n\n", []),
            (b"data: a\nevent: x\nevent: y\n\n", [("y", b"a")]),
            (b"event: x\n\ndata: a\n\n", [("", b"a")]),
            (b"event: x\ndata: a\n\ndata: b\n\n", [("x", b"a"), ("", b"b")]),
            (b"id: 1\n\nid: 2\nretry: 3\ndata: a\n\n\n\n", [("", b"a")]),
            (b"data: a\xe2\x80\xa8b\x0b\x0c\x00\xc2\x85\n\n", [("", b"a\xe2\x80\xa8b\x0b\x0c\x00\xc2\x85")]),
            (b"event: \xff\ndata: a\n\n", [("\N{REPLACEMENT CHARACTER}", b"a")]),
            (b"data: a\r\ndata: b\r\r\ndata: c\r\n\r\n", [("", b"a b"), ("", b"c")]),
            (b"", []),
        ],
    )
    def test_lines_are_read_as_browsers_read_them(self, stream: bytes, frames: list[Told]) -> None:
        """The WHATWG's rules, with values of its test suite."""
        assert scan([stream]) == frames
        assert scan(stream[at : at + 1] for at in range(len(stream))) == frames

    @pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"\r\n", b"\n\n", b"\r\n\r\n"])
    def test_a_missing_blank_line_loses_nothing(self, end: bytes) -> None:
        """The last event counts when the stream ends before its blank line, wherever it ends."""
        stream = b"event: x\ndata: a" + end
        assert scan([stream]) == [("x", b"a")]
        assert scan(stream[at : at + 1] for at in range(len(stream))) == [("x", b"a")]

    @pytest.mark.parametrize(
        "event",
        [
            b"data: " + b"x" * 95,
            b"x" * 101,
            b": " + b"x" * 99,
            b"event: a\ndata: " + b"x" * 87,
            b"data: " + b"x" * 40 + b"\n" + b"data: x\n" * 8,
        ],
    )
    @pytest.mark.parametrize("piece_bytes", [1, 7, 1000])
    def test_an_event_beyond_the_bound_is_refused(self, event: bytes, piece_bytes: int) -> None:
        """One line or many, ended or not, in any pieces: memory is bounded."""
        scanner = FrameScanner(100)
        with pytest.raises(UpstreamBroken) as caught:
            feed(scanner, (event[at : at + piece_bytes] for at in range(0, len(event), piece_bytes)))
        assert caught.value.detail.code == "upstream_event_too_large"

    def test_many_lines_cost_no_more_than_their_bytes(self) -> None:
        """An event of a hundred thousand empty data lines is kept as the few bytes that it is."""
        scanner = FrameScanner(1 << 20)
        tracemalloc.start()
        for _ in range(6):
            scanner.feed(b"data:\n" * (1 << 14))
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak_bytes < 16 << 20
        assert scanner.feed(b"\n")
        assert [frame.data.strip() for frame in scanner.take()] == [b""]

    def test_an_event_at_the_bound_is_taken(self) -> None:
        """The bound is per event and inclusive."""
        event = b"data: " + b"x" * 94 + b"\n\n"
        assert [frame.data for frame in feed(FrameScanner(100), [event] * 5)] == [b"x" * 94] * 5

    @pytest.mark.parametrize("line", [b": still there\n", b": still there\n\n", b"id: 1\n", b"retry: 1\r\n", b"unknown\n"])
    def test_heartbeats_may_go_on_for_ever(self, line: bytes) -> None:
        """Comments, and lines that are ignored, do not count against the bound once they have ended."""
        assert scan([line] * 100 + [b"data: a\n\n"], max_event_bytes=20) == [("", b"a")]


def block(name: str, data: Sequence[bytes], commented: bool) -> list[bytes]:
    """The lines of one event, the blank one too."""
    lines = [b": comment"] if commented else []
    lines += [b"event: " + name.encode()] if name else []
    return [*lines, *(b"data: " + line for line in data), b""]


def joined(lines: Sequence[bytes], ends: Sequence[bytes]) -> bytes:
    """The lines with those ends in turn; but CR and then the LF of an empty line would be one end, so that becomes CRLF."""
    stream = b""
    for index, line in enumerate(lines):
        end = ends[index % len(ends)]
        stream += line + (b"\r\n" if end == b"\n" and not line and stream.endswith(b"\r") else end)
    return stream
