"""A provider's bytes -> whole server-sent events.

The line rules are the WHATWG's (HTML living standard 9.2.6): lines end with CRLF, LF or CR, one leading BOM is dropped, a
line that starts with a colon is a comment. An image is one line of megabytes, so lines stay the pieces that were read;
only small ones are joined. A last event without its blank line counts when its JSON is whole: somebody has paid for it.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from streamedit.errors import UpstreamBroken

JOINED_BYTES = 1 << 16
"""Pieces are joined up to this size: a network delivers 1,400 bytes at a time, and each piece costs."""

_LEAST_BYTES = 1 << 12
"""No piece stays smaller, whatever follows it: what stands before an image is found in the first piece."""

_BOM = b"\xef\xbb\xbf"
_FIELDS = (b"event", b"data", b"id", b"retry")
_MARK_BYTES = 16
"""No mark is as long."""

_PREFIX_BYTES = 16
"""Enough for a BOM, the name of such a field and what stands between it and its value."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One dispatched SSE event: its name, empty when it has none, and its data on one line, in pieces.

    `quoted`: whether there is a quote in each piece, looked up while the piece was in the processor's cache. `last_id`: the id
    that a reconnect behind this event sends, which is an earlier event's where this one has none; empty without any.
    """

    name: str
    pieces: tuple[bytes, ...]
    quoted: tuple[bool, ...]
    last_id: str = ""

    @property
    def data(self) -> bytes:
        """The whole data, as a copy when it has several pieces."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    @property
    def is_mark(self) -> bool:
        """It says nothing, or only that the stream ends: `[DONE]`. Megabytes are not joined to know that."""
        return all(len(piece) < _MARK_BYTES for piece in self.pieces) and self.data.strip() in (b"", b"[DONE]")


class _Value:
    """A field's value in pieces, of which only small ones are joined."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.quoted: list[bool] = []
        self._small: list[bytes] = []
        self._small_bytes = 0
        self._small_quoted = False

    def add(self, piece: bytes) -> None:
        if self._small_bytes >= _LEAST_BYTES and self._small_bytes + len(piece) > JOINED_BYTES:
            self._join()
        self._small.append(piece)
        self._small_bytes += len(piece)
        self._small_quoted = self._small_quoted or b'"' in piece

    def end(self) -> None:
        """Nothing follows: there is at least one piece, which may be empty."""
        if self._small or not self.pieces:
            self._join()

    def _join(self) -> None:
        self.pieces.append(self._small[0] if len(self._small) == 1 else b"".join(self._small))
        self.quoted.append(self._small_quoted)
        self._small, self._small_bytes, self._small_quoted = [], 0, False


class _Line:
    """A line while it arrives: its field's name as soon as that is there and, of fields that count, the value."""

    def __init__(self, bom: bytes = b"") -> None:
        self.name: bytes | None = None
        self.value = _Value()
        self.is_blank = False
        self._bom = bom
        self._prefix = b""

    def add(self, chunk: bytes, start: int, end: int) -> None:
        """Take `chunk[start:end]`, in one copy at most."""
        if self.name is None:
            start = self._find_value(chunk, start, end)
        if start < end and self.name in _FIELDS:
            self.value.add(chunk[start:end])

    def end(self) -> None:
        """The line is whole, however short."""
        if self.name is None:
            self.is_blank = not self._prefix.removeprefix(self._bom)
            self._split_prefix()
            self.value.add(self._prefix)
        self.value.end()

    def _find_value(self, chunk: bytes, start: int, end: int) -> int:
        """Where in `chunk` the value goes on; `end` while the line is too short to tell."""
        missing = _PREFIX_BYTES - len(self._prefix)
        self._prefix += chunk[start : min(end, start + missing)]
        if len(self._prefix) < _PREFIX_BYTES:
            return end
        self._split_prefix()
        begins = start + missing - len(self._prefix)
        if begins < start and self.name in _FIELDS:
            self.value.add(self._prefix[: start - begins])
        return max(begins, start)

    def _split_prefix(self) -> None:
        """Know the field's name, which is all of a line without a colon; what is left in the prefix is the value's."""
        self.name, _, value = self._prefix.removeprefix(self._bom).partition(b":")
        self._prefix = value.removeprefix(b" ")


class FrameScanner:
    """Finds whole SSE events in bytes that come in any pieces: a sink for an answer's body.

    `retry_ms`: how long to wait before a reconnect, as the stream has last said; None where it has not.
    """

    def __init__(self, max_event_bytes: int) -> None:
        self._max_event_bytes = max_event_bytes
        self._frames: deque[Frame] = deque()
        self._line = _Line(_BOM)
        self._event_bytes = 0
        self._is_too_large = False
        self._after_cr = False
        self._name = ""
        self._last_id = ""
        self._data: _Value | None = None
        self.retry_ms: int | None = None

    def feed(self, chunk: bytes, /) -> bool:
        """Take the next bytes; true when `take` has something to give or to complain of."""
        start = 1 if self._after_cr and chunk.startswith(b"\n") else 0
        self._after_cr = self._after_cr and not chunk
        for end, following in _line_ends(chunk, start):
            self._grow(chunk, start, end)
            self._end_line()
            start = following
        self._after_cr = self._after_cr or chunk.endswith(b"\r")
        self._grow(chunk, start, len(chunk))
        return bool(self._frames) or self._is_too_large

    def take(self) -> Iterator[Frame]:
        """The events that are whole by now, in order. Raises UpstreamBroken once one has grown beyond the bound."""
        while self._frames:
            yield self._frames.popleft()
        if self._is_too_large:
            raise UpstreamBroken(
                f"The provider sent an event of more than {self._max_event_bytes} bytes.", code="upstream_event_too_large"
            )

    def finish(self) -> None:
        """The stream has ended: an event that waits for its blank line is whole now."""
        self._end_line()
        self._dispatch()

    def _grow(self, chunk: bytes, start: int, end: int) -> None:
        if start >= end or self._is_too_large:
            return
        self._event_bytes += end - start
        self._is_too_large = self._event_bytes > self._max_event_bytes
        self._line.add(chunk, start, end)

    def _end_line(self) -> None:
        if self._is_too_large:
            return
        line, self._line = self._line, _Line()
        line.end()
        if line.is_blank:
            self._dispatch()
        elif line.name == b"data":
            self._add_data(line.value)
        elif line.name == b"event":
            self._name = b"".join(line.value.pieces).decode("utf-8", "replace")
        else:
            self._heed(line)

    def _heed(self, line: _Line) -> None:
        """What is said of the stream rather than of one event.

        An id with a NUL in it does not count, nor a retry that is no number.
        """
        text = b"".join(line.value.pieces).decode("utf-8", "replace")
        if line.name == b"id" and "\0" not in text:
            self._last_id = text
        elif line.name == b"retry" and text.isascii() and text.isdecimal():
            self.retry_ms = int(text)
        if self._data is None:
            self._event_bytes = 0

    def _add_data(self, value: _Value) -> None:
        """Several data lines are one JSON text broken at its white space: a space keeps it whole and on one line."""
        if self._data is None:
            self._data = value
            return
        for piece in (b" ", *value.pieces):
            self._data.add(piece)

    def _dispatch(self) -> None:
        if self._is_too_large:
            return
        name, data = self._name, self._data
        self._name, self._data, self._event_bytes = "", None, 0
        if data is not None:
            data.end()
            self._frames.append(Frame(name, tuple(data.pieces), tuple(data.quoted), self._last_id))


def _line_ends(chunk: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where each line in `chunk` ends and where the next one begins."""
    lf, cr = chunk.find(b"\n", start), chunk.find(b"\r", start)
    while lf >= 0 or cr >= 0:
        end = lf if cr < 0 or 0 <= lf < cr else cr
        following = end + 2 if end == cr and lf == cr + 1 else end + 1
        yield end, following
        lf = chunk.find(b"\n", following) if 0 <= lf < following else lf
        cr = chunk.find(b"\r", following) if 0 <= cr < following else cr
