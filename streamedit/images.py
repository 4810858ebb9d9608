"""What the leading bytes of an image tell: its media type and its size in pixels. Nothing is decoded here.

Sources: PNG (W3C REC-png 11.2.2), GIF89a section 18, WebP container (RFC 9649 section 2), JPEG (ITU-T T.81 annex B).
"""

import struct
from dataclasses import dataclass

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The start-of-frame markers; the three left out share their range but carry tables."""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A media type, and the size in pixels where the bytes at hand reach far enough to tell it, else zeros."""

    media_type: str
    width_px: int = 0
    height_px: int = 0

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px


def inspect(head: bytes) -> ImageInfo | None:
    """What kind of image begins with `head`; None for anything that is not PNG, JPEG, WebP or GIF."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageInfo("image/png", *_unpack(">II", head, 16))
    if head.startswith(b"\xff\xd8\xff"):
        return ImageInfo("image/jpeg", *_jpeg_size(head))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageInfo("image/webp", *_webp_size(head))
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return ImageInfo("image/gif", *_unpack("<HH", head, 6))
    return None


def _unpack(layout: str, head: bytes, offset: int) -> tuple[int, int]:
    if len(head) < offset + struct.calcsize(layout):
        return 0, 0
    first, second = struct.unpack_from(layout, head, offset)
    return first, second


def _jpeg_size(head: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(head):
        marker, length = head[at + 1], int.from_bytes(head[at + 2 : at + 4], "big")
        if head[at] != 0xFF or length < 2:
            return 0, 0
        if marker in _JPEG_FRAMES:
            height, width = _unpack(">HH", head, at + 5)
            return width, height
        at += 2 + length
    return 0, 0


def _webp_size(head: bytes) -> tuple[int, int]:
    kind = head[12:16]
    if kind == b"VP8X" and len(head) >= 30:
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and len(head) >= 30:
        width, height = _unpack("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
