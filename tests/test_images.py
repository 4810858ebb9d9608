"""What leading bytes tell of an image, checked against images that Pillow wrote."""

import time
from collections.abc import Iterator

import pictures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from streamedit.images import ImageInfo, inspect
from streamedit.uploads import HEAD_BYTES


def written(image_format: str, size_px: tuple[int, int] = (300, 200), mode: str = "RGB", **options: object) -> bytes:
    """An image as its encoder writes it."""
    return pictures.written(Image.new(mode, size_px, (200, 30, 60)), image_format, **options)


def jpeg_with_exif() -> bytes:
    """A photograph as cameras write it: a block of metadata before the frame's header."""
    exif = Image.Exif()
    exif[0x010E] = "x" * 3000
    return written("JPEG", exif=exif)


def jpeg_with_tables_first() -> bytes:
    """An encoder may write its Huffman tables before the frame's header; their markers lie among the frames'."""
    data = written("JPEG")
    return data[:2] + b"\xff\xc4\x00\x14\x00\x01" + bytes(16) + data[2:]


def samples() -> Iterator[tuple[str, str, bytes]]:
    """One image of each kind: a name, its media type and its bytes."""
    yield "png", "image/png", written("PNG")
    yield "jpeg", "image/jpeg", written("JPEG")
    yield "jpeg-progressive", "image/jpeg", written("JPEG", progressive=True)
    yield "jpeg-exif", "image/jpeg", jpeg_with_exif()
    yield "jpeg-tables", "image/jpeg", jpeg_with_tables_first()
    yield "webp-lossy", "image/webp", written("WEBP")
    yield "webp-lossless", "image/webp", written("WEBP", lossless=True)
    yield "webp-extended", "image/webp", written("WEBP", exif=b"Exif\0\0x")
    yield "gif", "image/gif", written("GIF")
    yield "avif", "image/avif", written("AVIF")
    yield "avif-alpha", "image/avif", written("AVIF", mode="RGBA")
    yield "heic", "image/heic", written("HEIC")
    yield "heic-alpha", "image/heic", written("HEIC", mode="RGBA")
    yield "heif", "image/heif", written("HEIC").replace(b"heic", b"mif1", 2)


SAMPLES = [pytest.param(media_type, data, id=name) for name, media_type, data in samples()]


@pytest.mark.parametrize(("media_type", "data"), SAMPLES)
def test_kind_and_size_are_told(media_type: str, data: bytes) -> None:
    """The media type and both sides in pixels."""
    info = inspect(data)
    assert info == ImageInfo(media_type, 300, 200)
    assert info.pixels == 60_000


@pytest.mark.parametrize(("media_type", "data"), SAMPLES)
def test_a_shorter_head_tells_less_and_nothing_wrong(media_type: str, data: bytes) -> None:
    """Every prefix gives the truth, the kind alone, or nothing."""
    truths = (None, ImageInfo(media_type), ImageInfo(media_type, 300, 200))
    told = [truths.index(inspect(data[:length])) for length in range(min(len(data), 4000) + 1)]
    assert told == sorted(told)
    assert set(told) == {0, 1, 2}


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("size_px", [(1, 1), (16383, 1), (1, 16383), (257, 513)])
def test_webp_sizes_reach_to_their_limit(size_px: tuple[int, int], lossless: bool) -> None:
    """WebP's packed 14-bit sizes are read exactly."""
    assert inspect(written("WEBP", size_px, lossless=lossless)) == ImageInfo("image/webp", *size_px)


@pytest.mark.parametrize(
    "head", [b"", b"Example data", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"RIFF\0\0\0\0WAVEfmt ", b"BM6", b"\xff\xd8"]
)
def test_other_content_is_no_image(head: bytes) -> None:
    """Neither text, nor sound, nor formats that are not accepted."""
    assert inspect(head) is None


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "AVIF"])
def test_an_animation_is_told(image_format: str) -> None:
    """Beside the kind and the size of the first frame."""
    info = inspect(pictures.animated(image_format))
    assert info == ImageInfo(f"image/{image_format.lower()}", *pictures.SIZE_PX, is_animated=True)


def test_an_animation_of_one_frame_is_none() -> None:
    """Nor is one that begins behind the picture: viewers take no notice of it."""
    control = pictures.chunk(b"acTL", bytes(3) + b"\x01" + bytes(4))
    pixel, late = pictures.chunk(b"IDAT", b""), control.replace(b"\x01", b"\x09")
    for data in (pictures.png_of(pictures.ihdr(5, 6), control, pixel), pictures.png_of(pictures.ihdr(5, 6), pixel, late)):
        assert inspect(data) == ImageInfo("image/png", 5, 6)


@pytest.mark.parametrize("brand", [b"avis", b"hevc", b"hevx", b"msf1"])
def test_a_sequence_is_told_by_any_of_its_brands(brand: bytes) -> None:
    """It need not be the first that the file names."""
    info = inspect(b"\0\0\0\x18ftypmif1\0\0\0\0mif1" + brand)
    assert info is not None
    assert info.is_animated


def test_of_several_sizes_the_picture_has_the_largest() -> None:
    """A phone's HEIC is made of tiles, and has a thumbnail beside."""
    sizes = (
        b"\0\0\0\x14ispe\0\0\0\0" + bytes([0, 0, width, 0, 0, 0, height, 0]) for width, height in ((2, 2), (16, 12), (1, 1))
    )
    assert inspect(b"\0\0\0\x14ftypheic\0\0\0\0mif1" + b"".join(sizes)) == ImageInfo("image/heic", 4096, 3072)


@pytest.mark.parametrize(
    "crafted",
    [
        b"\x89PNG\r\n\x1a\n" + bytes(20 << 20),
        b"\xff\xd8" + b"\xff\xe0\0\x02" * (5 << 20),
        b"\xff\xff\xff\xffftypheic" + b"\0\0\0\x14ispe\0\0\0\0" * (1 << 20),
        b"\xff\xff\xff\xffftyp" + b"isom" * (5 << 20),
    ],
)
def test_no_file_is_looked_at_for_long(crafted: bytes) -> None:
    """However many chunks, segments or boxes it has: a head is all that is read of it."""
    started_s = time.perf_counter()
    assert inspect(crafted) == inspect(crafted[:HEAD_BYTES])
    assert time.perf_counter() - started_s < 0.2


@given(
    st.sampled_from(
        [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8L", b"GIF89a", b"\0\0\0 ftypheic"]
    ),
    st.binary(max_size=300),
)
def test_garbage_behind_a_signature_is_survived(signature: bytes, garbage: bytes) -> None:
    """Whatever follows, the answer comes, and sizes are never negative."""
    info = inspect(signature + garbage)
    assert info is not None
    assert min(info.width_px, info.height_px) >= 0
