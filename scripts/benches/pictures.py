"""The images that travel: a PNG's head and noise, as incompressible as a photo, the same in every run."""

import random
import struct
import zlib

_SIDE_PX = 1024


def picture(size: int, source: random.Random) -> bytes:
    """The first `size` bytes of a picture: signature, header, and pixels that never end."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", _SIDE_PX, _SIDE_PX, 8, 2, 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", 0x7FFFFFFF) + b"IDAT"
    return start + source.randbytes(size - len(start))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
