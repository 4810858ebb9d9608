"""What is sent: one small edit request, and the streams that the upstream answers with."""

import base64
import json
import random
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MEBIBYTE = 1 << 20
_BOUNDARY = "streamedit-bench"
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_LOOK = {"size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png"}
_NO_HEADERS: Mapping[str, str] = {}
_USAGE = {
    "total_tokens": 4510,
    "input_tokens": 350,
    "output_tokens": 4160,
    "input_tokens_details": {"text_tokens": 27, "image_tokens": 323},
}


@dataclass(frozen=True)
class Workload:
    """One scripted stream: `partials` previews and the result, each of `image_bytes` base64 text."""

    name: str
    partials: int
    image_bytes: int
    hold: bool = False

    def write(self, folder: Path) -> Path:
        """The SSE frames, as the upstream sends them and the load generator expects them."""
        path = folder / f"{self.name}.sse"
        path.write_bytes(b"".join(self._frame(index) for index in range(self.partials + 1)))
        return path

    def _frame(self, index: int) -> bytes:
        last = index == self.partials
        kind = "image_edit.completed" if last else "image_edit.partial_image"
        tail = {"usage": _USAGE} if last else {"partial_image_index": index}
        event = {"type": kind, "b64_json": _image(self.image_bytes, seed=index), "created_at": 1763700000, **_LOOK, **tail}
        return f"event: {kind}\ndata: {json.dumps(event, separators=(',', ':'))}\n\n".encode()


def _image(size: int, seed: int) -> str:
    """Base64 of a PNG's first bytes and noise: as incompressible as a photo, the same in every run."""
    noise = _noise(size // 4 * 3 - len(_PNG_SIGNATURE), seed)
    return base64.b64encode(_PNG_SIGNATURE + noise).decode()


def _noise(size: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - content, not a secret


def write_request(folder: Path, path: str, number: int, workload: Workload, headers: Mapping[str, str] = _NO_HEADERS) -> Path:
    """The HTTP request for `workload`, which is the upstream's stream `number`; the prompt carries the choice."""
    extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body = _form(f"workload={number}{' hold' if workload.hold else ''}, please")
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer bench\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    )
    file = folder / f"{workload.name}{path.replace('/', '-')}.http"
    file.write_bytes(head.encode() + body)
    return file


def _form(prompt: str) -> bytes:
    fields = {"model": "bench", "prompt": prompt, "stream": "true", "partial_images": "3"}
    parts = [_part(f'name="{name}"', value.encode()) for name, value in fields.items()]
    parts.append(_part('name="image"; filename="photo.png"\r\nContent-Type: image/png', _png(22)))
    return b"".join([*parts, f"--{_BOUNDARY}--\r\n".encode()])


def _part(disposition: str, content: bytes) -> bytes:
    return f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode() + content + b"\r\n"


def _png(side_px: int) -> bytes:
    """A real picture, of noise: a relay may look at what it passes on."""
    rows = b"".join(b"\0" + _noise(3 * side_px, seed=row) for row in range(side_px))
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return _PNG_SIGNATURE[:8] + b"".join(_png_chunk(kind, content) for kind, content in chunks)


def _png_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def workloads(event_mb: float, stuck_event_mb: float) -> Sequence[Workload]:
    """All streams of one run, in the order in which the upstream numbers them."""
    return [
        Workload("edit", 3, int(event_mb * MEBIBYTE)),
        Workload("large", 0, int(event_mb * MEBIBYTE)),
        Workload("small", 0, 8 << 10),
        Workload("held", 1, int(stuck_event_mb * MEBIBYTE), hold=True),
    ]
