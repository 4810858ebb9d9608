"""Picture files of every kind, harmless ones and others."""

import io
import struct
import zlib
from collections.abc import Iterator

import pillow_heif
from PIL import ExifTags, Image

SIZE_PX = (60, 40)
RED, BLUE = (250, 0, 0), (0, 0, 250)


def plain(mode: str = "RGB", colour: tuple[int, ...] | int = RED, size_px: tuple[int, int] = SIZE_PX) -> Image.Image:
    """One colour."""
    return Image.new(mode, size_px, colour)


def written(image: Image.Image, image_format: str, **options: object) -> bytes:
    """As Pillow writes it; HEIC as libheif does."""
    file = io.BytesIO()
    if image_format == "HEIC":
        pillow_heif.from_pillow(image).save(file, **options)
    else:
        image.save(file, image_format, **options)
    return file.getvalue()


def animated(image_format: str) -> bytes:
    """Red, then blue."""
    return written(plain(), image_format, save_all=True, append_images=[plain(colour=BLUE)])


def turned(image_format: str, orientation: int) -> bytes:
    """A picture with a blue upper left corner of 20x10 pixels as it is shown, stored as a camera stores it."""
    shown = plain()
    shown.paste(BLUE, (0, 0, 20, 10))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = shown.transpose(back[orientation]) if orientation in back else shown
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return written(stored, image_format, exif=exif.tobytes(), quality=95)


def opened(data: bytes) -> Image.Image:
    """A file's picture."""
    return Image.open(io.BytesIO(data))


def chunk(name: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(*chunks: bytes) -> bytes:
    """A PNG of these chunks and an end."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def ihdr(width_px: int, height_px: int) -> bytes:
    """The header of 8-bit RGB."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0))


ROW = b"\0" + bytes(RED)
"""Of a picture of one pixel."""


def long_apng(frames: int) -> bytes:
    """One red pixel, and behind it frames that nobody can decode."""
    control = (struct.pack(">IIIIIHHBB", number, 1, 1, 0, 0, 1, 10, 0, 0) for number in range(2 * frames - 1))
    first, *rest = control
    later = (
        chunk(b"fcTL", each) + chunk(b"fdAT", each[:4] + b"garbage") for each in rest[:: max(1, len(rest) // (frames - 1))]
    )
    pixel = chunk(b"IDAT", zlib.compress(ROW))
    return png_of(ihdr(1, 1), chunk(b"acTL", struct.pack(">II", frames, 0)), chunk(b"fcTL", first), pixel, *later)


def text_bomb() -> bytes:
    """A text of 100 MB that was packed to 100 KB."""
    return png_of(
        ihdr(1, 1), chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(100 << 20))), chunk(b"IDAT", zlib.compress(ROW))
    )


def broken() -> Iterator[tuple[str, bytes]]:
    """Files that begin as pictures and are none, each with its name."""
    good = written(plain(), "PNG")
    at = good.index(b"IDAT")
    yield "truncated", good[: at + 10]
    yield "wrong-crc", good[: at + 6] + bytes([good[at + 6] ^ 1]) + good[at + 7 :]
    yield "nothing-in-it", png_of(ihdr(0, 0), chunk(b"IDAT", zlib.compress(b"")))
    yield "text-bomb", text_bomb()
    yield "no-frame", b"GIF89a\x0a\0\x0a\0\0\0\0;"
    yield "avif-head", written(plain(), "AVIF")[:200]
    yield "heic-head", written(plain(), "HEIC")[:200]
    yield "heif-of-nothing", b"\0\0\0\x14ftypmif1\0\0\0\0msf1" + bytes(50)


def others() -> Iterator[tuple[str, bytes]]:
    """Kinds that nobody here decodes, though Pillow could."""
    yield "eps", written(plain(), "EPS")
    yield "ico", written(plain(), "ICO")
    yield "ppm", written(plain(), "PPM")
    yield "svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    yield "psd", b"8BPS\0\1" + bytes(40)
    yield "pdf", b"%PDF-1.7\n"
    yield "mp4", b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(20)
    yield "words", b"Example data"
