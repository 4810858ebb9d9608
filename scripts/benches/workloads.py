"""What is asked for: the streams that the upstream answers with, and how each kind of request wants them."""

import json
import random
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .pictures import picture

MEBIBYTE = 1 << 20
PIECE = 16 << 10
_LOOK = {"size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
_USAGE = {
    "total_tokens": 4510,
    "input_tokens": 350,
    "output_tokens": 4160,
    "input_tokens_details": {"text_tokens": 27, "image_tokens": 323},
}


@dataclass(frozen=True)
class Stream:
    """A scripted stream: previews and one result, each of `image_bytes` base64 text, or the result of `last_bytes`."""

    name: str
    events: int
    image_bytes: int
    last_bytes: int | None = None

    def write(self, folder: Path) -> Path:
        """The SSE frames, as the upstream sends them and the load generator expects them."""
        path = folder / f"{self.name}.sse"
        path.write_bytes(b"".join(self._frame(index) for index in range(self.events)))
        return path

    def _frame(self, index: int) -> bytes:
        last = index == self.events - 1
        kind = "image_edit.completed" if last else "image_edit.partial_image"
        tail = {"usage": _USAGE} if last else {"partial_image_index": index}
        size = self.last_bytes if last and self.last_bytes else self.image_bytes
        image = b64encode(picture(size // 4 * 3, random.Random(index))).decode()  # noqa: S311 - content, not a secret
        event = {"type": kind, "b64_json": image, "created_at": 1763700000, **_LOOK, **tail}
        return f"event: {kind}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


_HEAVY = Stream("heavy", 4, 3 * MEBIBYTE)
_HALF = Stream("half", 4, MEBIBYTE * 3 // 2)
_LARGE = Stream("large", 1, 3 * MEBIBYTE)
_SMALL = Stream("small", 1, 8 << 10)
_SINGLE = Stream("single", 2, 2 * MEBIBYTE, last_bytes=8 << 10)
_PAIR = Stream("pair", 3, 2 * MEBIBYTE, last_bytes=8 << 10)
_HELD = Stream("held", 2, 4 * MEBIBYTE)

STREAMS = (_HEAVY, _HALF, _LARGE, _SMALL, _SINGLE, _PAIR, _HELD)
"""In the order in which the upstream numbers them."""


@dataclass(frozen=True)
class Workload:
    """One kind of request: what answers it, how that is delivered, and what is uploaded. `plain` ones ask for no stream.

    `delivery` is what the upstream reads in the prompt beside the numbers: `rate=` in bytes per second, `gap_ms=` between
    two events, `end_ms=` before which the last event does not come.
    """

    name: str
    stream: Stream
    piece: int = PIECE
    delivery: str = ""
    plain: bool = False
    images: int = 1
    image_bytes: int = 1500

    @property
    def prompt(self) -> str:
        number = STREAMS.index(self.stream)
        sizes = f"images={self.images} bytes={self.image_bytes} piece={self.piece}"
        return f"workload={number} {sizes} {self.delivery}, please"


_ALL: Sequence[Workload] = [
    Workload("edit", _HEAVY),
    Workload("edit-half", _HALF),
    Workload("edit-1400", _HEAVY, piece=1400),
    Workload("edit-64k", _HEAVY, piece=64 << 10),
    Workload("large", _LARGE),
    Workload("small", _SMALL),
    Workload("plain", _LARGE, plain=True),
    Workload("upload-1", _SMALL, image_bytes=MEBIBYTE),
    Workload("upload-10", _SMALL, image_bytes=10 * MEBIBYTE),
    Workload("upload-50", _SMALL, image_bytes=50 * MEBIBYTE),
    Workload("upload-16x10", _SMALL, images=16, image_bytes=10 * MEBIBYTE),
    Workload("paced", _PAIR, delivery="rate=1500000"),
    Workload("trickle", _SINGLE, delivery="rate=500000 end_ms=6000"),
    Workload("burst", _PAIR, delivery="gap_ms=1000 end_ms=6000"),
    Workload("held", _HELD, delivery="end_ms=3600000"),
]
WORKLOADS: Mapping[str, Workload] = {workload.name: workload for workload in _ALL}
LARGEST_UPLOAD = max(workload.image_bytes for workload in _ALL)
