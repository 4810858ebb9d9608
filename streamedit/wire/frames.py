"""Server-sent events, both ways: a provider's bytes -> events, an event -> the bytes of its frame.

The line rules are the WHATWG's (HTML living standard 9.2.6): lines end with CRLF, LF or CR, one leading BOM is dropped, a
line that starts with a colon is a comment. An image is one line of megabytes, so lines stay the pieces that were read;
only small ones are joined. A last event without its blank line counts when its JSON is whole: somebody has paid for it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from streamedit.errors import UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Failed, PartialImage, Payload
from streamedit.wire import bodies, payloads
from streamedit.wire.payloads import COMPLETED, ERROR, PARTIAL_IMAGE

SLICE_BYTES = 1 << 18
"""The largest piece in which a frame is handed to the server: what one stuck reader costs."""

_JOINED_BYTES = 1 << 16
"""Pieces are joined up to this size."""

_BOM = b"\xef\xbb\xbf"
_PREFIX_BYTES = 16
"""No piece of a line is joined to less than this: enough for a BOM and a field's name."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One dispatched SSE event: its name, empty when it has none, and its data on one line, in pieces."""

    name: str
    pieces: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        """The whole data, as a copy when it has several pieces."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


class _Line:
    """A line while it arrives. Only small pieces are joined: a network delivers 1,400 bytes at a time, and each copy costs."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._small: list[bytes] = []
        self._small_bytes = 0

    def add(self, piece: bytes) -> None:
        if self._small_bytes >= _PREFIX_BYTES and self._small_bytes + len(piece) > _JOINED_BYTES:
            self._join()
        self._small.append(piece)
        self._small_bytes += len(piece)

    def take(self) -> list[bytes]:
        """The line in pieces, the first of them long enough to hold a field's name; at least one, which may be empty."""
        self._join()
        pieces, self._pieces = self._pieces, []
        return pieces or [b""]

    def _join(self) -> None:
        if self._small:
            self._pieces.append(self._small[0] if len(self._small) == 1 else b"".join(self._small))
            self._small, self._small_bytes = [], 0


class FrameScanner:
    """Finds whole SSE events in bytes that come in any pieces. Raises UpstreamBroken when one grows beyond the bound."""

    def __init__(self, max_event_bytes: int) -> None:
        self._max_event_bytes = max_event_bytes
        self._line = _Line()
        self._event_bytes = 0
        self._after_cr = False
        self._at_start = True
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The events that `chunk` completes, in order."""
        start = 1 if self._after_cr and chunk.startswith(b"\n") else 0
        self._after_cr = self._after_cr and not chunk
        for end, following in _line_ends(chunk, start):
            self._grow(chunk[start:end])
            start = following
            frame = self._end_line()
            if frame is not None:
                yield frame
        self._after_cr = self._after_cr or chunk.endswith(b"\r")
        if start < len(chunk):
            self._grow(chunk[start:] if start else chunk)

    def finish(self) -> Frame | None:
        """The event that the end of the stream left without its blank line."""
        return self._end_line() or self._dispatch()

    def _grow(self, piece: bytes) -> None:
        self._event_bytes += len(piece)
        if self._event_bytes > self._max_event_bytes:
            raise UpstreamBroken(
                f"The provider sent an event of more than {self._max_event_bytes} bytes.", code="upstream_event_too_large"
            )
        self._line.add(piece)

    def _end_line(self) -> Frame | None:
        first, *rest = self._line.take()
        if self._at_start:
            self._at_start = False
            first = first.removeprefix(_BOM)
        if not first:
            return self._dispatch()
        self._take_field(first, rest)
        return None

    def _take_field(self, first: bytes, rest: list[bytes]) -> None:
        if first.startswith(b"data:"):
            # Several data lines are one JSON text broken at its white space: a space keeps it whole and on one line.
            self._data += [*([b" "] if self._data else []), _value(first), *rest]
        elif first.startswith(b"event:"):
            self._name = b"".join((_value(first), *rest)).decode("utf-8", "replace")
        elif not self._data:
            self._event_bytes = 0

    def _dispatch(self) -> Frame | None:
        name, data = self._name, self._data
        self._name, self._data, self._event_bytes = "", [], 0
        return Frame(name, tuple(data)) if data else None


def _value(field: bytes) -> bytes:
    """What stands behind the colon, less one space."""
    return field[field.index(b":") + 1 :].removeprefix(b" ")


def _line_ends(chunk: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Where each line in `chunk` ends and where the next one begins."""
    lf, cr = chunk.find(b"\n", start), chunk.find(b"\r", start)
    while lf >= 0 or cr >= 0:
        end = lf if cr < 0 or 0 <= lf < cr else cr
        following = end + 2 if end == cr and lf == cr + 1 else end + 1
        yield end, following
        lf = chunk.find(b"\n", following) if 0 <= lf < following else lf
        cr = chunk.find(b"\r", following) if 0 <= cr < following else cr


def decode(frame: Frame, headers: Mapping[str, str]) -> Event | None:
    """The event in a provider's frame; None for `[DONE]`, pings and types that are not an edit's.

    The JSON's `type` decides, else the frame's name. Raises UpstreamRefused for an error event in any of the shapes that are
    seen in the wild, UpstreamBroken for data that is not an event.
    """
    if all(len(piece) < 16 for piece in frame.pieces) and frame.data.strip() in (b"", b"[DONE]"):
        return None
    payload = _parse(frame)
    if frame.name == ERROR or payload.fields.get("type") == ERROR or payload.fields.get("error"):
        raise UpstreamRefused(bodies.parse_stream_error(payload.fields, headers))
    kind = payload.fields.get("type") or frame.name
    if kind not in (PARTIAL_IMAGE, COMPLETED):
        return None
    if "type" not in payload.fields:
        payload = payloads.with_field(payload, "type", kind)
    if kind == PARTIAL_IMAGE:
        return PartialImage(payload, headers)
    if not payload.has_image and not payload.fields.get("url"):
        raise UpstreamBroken("The provider completed the edit without an image.", code="upstream_empty")
    return Completed(payload, headers)


def encode(event: Event, event_id: int | None = None) -> Iterator[bytes]:
    """The frame of an event in slices of at most about `SLICE_BYTES`, with an `id:` line where one is given."""
    head = f"event: {name_of(event)}\ndata: ".encode()
    if event_id is not None:
        head = f"id: {event_id}\n".encode() + head
    pieces = [bodies.stream_error(event.error)] if isinstance(event, Failed) else event.payload.pieces
    held = head
    for slice_ in (piece[at : at + SLICE_BYTES] for piece in pieces for at in range(0, len(piece), SLICE_BYTES)):
        if held is not head:
            yield held
            held = slice_
        else:
            held = head + slice_
    yield held + b"\n\n"


def name_of(event: Event) -> str:
    """The event's type as the dialect names it."""
    if isinstance(event, PartialImage):
        return PARTIAL_IMAGE
    return COMPLETED if isinstance(event, Completed) else ERROR


def comment(text: str) -> bytes:
    """A heartbeat: clients skip it, proxies count it as traffic."""
    return f": {text}\n\n".encode()


def _parse(frame: Frame) -> Payload:
    try:
        return payloads.parse(*frame.pieces)
    except ValueError as error:
        raise UpstreamBroken("The provider sent an event that is not JSON.", code="upstream_malformed") from error
