"""Streams for the tests of the wire: cut anywhere, scanned, and told as they are."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from streamedit.events import Completed
from streamedit.wire import payloads
from streamedit.wire.scanner import Frame, FrameScanner

Told = tuple[str, bytes]
"""A frame's name and its data in one piece."""


def frame_of(name: str, pieces: tuple[bytes, ...]) -> Frame:
    """A frame as the scanner finds it."""
    return Frame(name, pieces, tuple(b'"' in piece for piece in pieces))


def scan(pieces: Iterable[bytes], max_event_bytes: int = 1 << 20) -> list[Told]:
    """What all frames of a stream tell."""
    return [(frame.name, frame.data) for frame in frames_of(pieces, max_event_bytes)]


def frames_of(pieces: Iterable[bytes], max_event_bytes: int = 1 << 20) -> list[Frame]:
    """All frames of a stream that ends."""
    scanner = FrameScanner(max_event_bytes)
    frames = feed(scanner, pieces)
    scanner.finish()
    return [*frames, *scanner.take()]


def feed(scanner: FrameScanner, pieces: Iterable[bytes]) -> list[Frame]:
    """The frames that the pieces complete."""
    return [frame for piece in pieces if scanner.feed(piece) for frame in scanner.take()]


def split(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The stream in the pieces between the cuts, empty ones too."""
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]


def completed_of(size_bytes: int) -> Completed:
    """A completed event whose JSON is exactly this long."""
    bare = payloads.build({"type": "image_edit.completed"}, b"").size_bytes
    return Completed(payloads.build({"type": "image_edit.completed"}, b"A" * (size_bytes - bare)))
