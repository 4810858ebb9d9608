"""What the leading bytes of an image tell: its media type, its size in pixels, and whether it moves. Nothing is decoded here.

Sources: PNG (W3C REC-png-3 5.3, 11.2.1, 11.3.5.1), GIF89a section 18, WebP container (RFC 9649 section 2), JPEG (ITU-T T.81
annex B); for AVIF and HEIC ISO/IEC 14496-12 4.3 (`ftyp`), ISO/IEC 23008-12 6.5.3 (`ispe`) and annex B (brands), and AVIF 1.1
section 8.
"""

import re
import struct
from dataclasses import dataclass

from streamedit.uploads import HEAD_BYTES

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The start-of-frame markers; the three left out share their range but carry tables."""

_WEBP_ANIMATION = 0x02
_FTYP_BYTES = 256
"""As much of a list of brands as is looked at."""

_BRANDS = {
    "image/avif": frozenset({b"avif", b"avis"}),
    "image/heic": frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}),
    "image/heif": frozenset({b"mif1", b"msf1"}),
}
"""The codec's own brands first: the last two are of any."""

_SEQUENCES = frozenset({b"avis", b"hevc", b"hevx", b"hevm", b"hevs", b"msf1"})
_ISPE = re.compile(rb"\0\0\0\x14ispe\0{4}(.{8})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A media type, and the size in pixels where the bytes at hand reach far enough to tell it, else zeros.

    The size is that of what is stored: who shows it may have to turn it. `is_animated`: there are further frames, as far as
    the bytes tell; those of a GIF do not.
    """

    media_type: str
    width_px: int = 0
    height_px: int = 0
    is_animated: bool = False

    @property
    def pixels(self) -> int:
        return self.width_px * self.height_px

    @property
    def kind(self) -> str:
        """`png`, `jpeg`, `webp`, `gif`, `avif`, `heic` or `heif`."""
        return self.media_type.removeprefix("image/")


def inspect(head: bytes) -> ImageInfo | None:
    """What kind of image begins with `head`, of which no more than `HEAD_BYTES` are looked at.

    None for anything that is not PNG, JPEG, WebP, GIF, AVIF or HEIC (HEIF of other codecs is told as such).
    """
    head = head[:HEAD_BYTES]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return ImageInfo("image/png", *_unpack(">II", head, 16), is_animated=_is_apng(head))
    if head.startswith(b"\xff\xd8\xff"):
        return ImageInfo("image/jpeg", *_jpeg_size(head))
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return ImageInfo("image/webp", *_webp_size(head), is_animated=_is_animated_webp(head))
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return ImageInfo("image/gif", *_unpack("<HH", head, 6))
    if head[4:8] == b"ftyp":
        return _of_brands(head)
    return None


def _unpack(layout: str, head: bytes, offset: int) -> tuple[int, int]:
    if len(head) < offset + struct.calcsize(layout):
        return 0, 0
    first, second = struct.unpack_from(layout, head, offset)
    return first, second


def _is_apng(head: bytes) -> bool:
    """An animation says so before its first picture."""
    at = 8
    while at + 12 <= len(head):
        length, chunk = int.from_bytes(head[at : at + 4], "big"), head[at + 4 : at + 8]
        if chunk == b"IDAT":
            return False
        if chunk == b"acTL":
            return int.from_bytes(head[at + 8 : at + 12], "big") > 1
        at += 12 + length
    return False


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


def _is_animated_webp(head: bytes) -> bool:
    return head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & _WEBP_ANIMATION)


def _of_brands(head: bytes) -> ImageInfo | None:
    """By the brands of an ISO base media file, which videos are too; these are none of ours."""
    end = min(int.from_bytes(head[:4], "big"), _FTYP_BYTES)
    brands = {head[at : at + 4] for at in (8, *range(16, end, 4))}
    media_type = next((name for name, own in _BRANDS.items() if brands & own), None)
    return ImageInfo(media_type, *_largest(head), is_animated=bool(brands & _SEQUENCES)) if media_type else None


def _largest(head: bytes) -> tuple[int, int]:
    """Of all pictures in the file: tiles and thumbnails are smaller than what they are of."""
    sizes = (struct.unpack(">II", found[1]) for found in _ISPE.finditer(head))
    return max(((width, height) for width, height in sizes), key=lambda size: size[0] * size[1], default=(0, 0))
