"""Files to pictures: which are decoded, and what becomes of those that lie."""

import random
import sys
import time
import zlib

import pytest
from pictures import BLUE, ROW, SIZE_PX, broken, chunk, ihdr, long_apng, opened, others, plain, png_of, text_bomb, written
from PIL import Image, TiffImagePlugin

from streamedit.decoders import KINDS, check_head, is_decoded, reading
from streamedit.errors import InvalidRequest

MAX_PIXELS = 1_000_000


def first_pixel(data: bytes) -> tuple[int, ...]:
    """Decoded."""
    with reading(data, MAX_PIXELS) as image:
        pixel = image.convert("RGB").getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel


def refused(data: bytes, param: str = "mask") -> tuple[str, str | None, str | None]:
    """The words, the parameter and the code."""
    with pytest.raises(InvalidRequest) as caught, reading(data, MAX_PIXELS, param) as image:
        image.load()
    detail = caught.value.detail
    return detail.message, detail.param, detail.code


def tiled(side_px: int) -> bytes:
    """A black TIFF of one pixel, in a packed tile of this size, or of what there is of it."""
    data = zlib.compress(bytes(3 * 256 * 256))
    tags = {256: 1, 257: 1, 258: (8, 8, 8), 259: 8, 262: 2, 277: 3, 322: side_px, 323: side_px, 324: 1000, 325: len(data)}
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
    return (b"II*\0\x08\0\0\0" + directory.tobytes(8)).ljust(1000, b"\0") + data


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_decoded(kind: str) -> None:
    """Also where Pillow itself knows nothing of it: no reader is registered for all."""
    data = written(plain(colour=BLUE), {"heif": "HEIC", "jp2": "JPEG2000"}.get(kind, kind.upper()))
    if kind == "heif":
        data = data.replace(b"heic", b"mif1", 2)
    assert check_head(data, MAX_PIXELS).kind == kind
    red, green, blue = first_pixel(data)
    assert (red < 10, green < 10, blue > 240) == (True, True, True)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in others()])
def test_other_kinds_are_refused(data: bytes) -> None:
    """By their first bytes, whatever Pillow could do with them."""
    message = "The mask is not a PNG, JPEG, WebP, GIF, AVIF, HEIC, BMP, TIFF or JPEG 2000 file."
    assert refused(data) == (message, "mask", "invalid_image_file")


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in broken()])
def test_broken_files_are_refused(data: bytes) -> None:
    """A 400, quickly, and with little memory for a text that was packed a thousand times."""
    started_s = time.process_time()
    assert refused(data) == ("The mask cannot be decoded.", "mask", "invalid_image_file")
    assert time.process_time() - started_s < 3


def test_a_text_bomb_is_small() -> None:
    """It would unpack to a thousand times its size."""
    assert len(text_bomb()) < 150_000


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xd8" + b"\xff\xe0\0\x02" * (2 << 20), id="jpeg-segments"),
        pytest.param(b"\xff\xd8\xff" + b"\xff" * (8 << 20), id="jpeg-padding"),
        pytest.param(b"\xff\xd8\xff\xe0\0\x02" + bytes(8 << 20), id="jpeg-junk"),
        pytest.param(png_of(ihdr(1, 1), chunk(b"aaAa", b"") * (1 << 19)), id="png-chunks"),
        pytest.param(png_of(ihdr(1, 1), chunk(b"IDAT", b"") * (1 << 19)), id="png-data"),
        pytest.param(b"GIF89a\x0a\0\x0a\0\0\0\0" + b"!\xfe\x01a\0" * (1 << 20), id="gif-comments"),
    ],
)
def test_a_file_of_endless_pieces_is_given_up(data: bytes) -> None:
    """After so many of them, not after the last: of a large file that takes minutes."""
    started_s = time.process_time()
    assert refused(data) == ("The mask cannot be decoded.", "mask", "invalid_image_file")
    assert time.process_time() - started_s < 3


def test_a_large_picture_in_fine_pieces_is_none_of_those() -> None:
    """A PNG of 3 MB whose encoder wrote a kilobyte at a time."""
    packed = zlib.compress(b"".join(b"\0" + random.Random(row).randbytes(3 * 1000) for row in range(1000)), 0)
    pieces = (chunk(b"IDAT", packed[at : at + 1024]) for at in range(0, len(packed), 1024))
    with reading(png_of(ihdr(1000, 1000), *pieces), MAX_PIXELS) as image:
        image.load()
        assert image.size == (1000, 1000)


@pytest.mark.parametrize("size_px", [(13_000, 13_000), (2**31, 2**31), (1, MAX_PIXELS + 1)])
def test_a_bomb_is_refused_by_its_header(size_px: tuple[int, int]) -> None:
    """169 megapixels, and more than memory has: nothing is allocated for them."""
    message, param, code = refused(png_of(ihdr(*size_px)))
    assert message == f"The mask is {size_px[0]}x{size_px[1]} pixels; at most {MAX_PIXELS} pixels are decoded here."
    assert (param, code) == ("mask", "image_too_large_to_edit")


@pytest.mark.parametrize("image_format", ["BMP", "TIFF", "JPEG2000"])
def test_a_size_that_only_the_decoder_tells_is_checked_too(image_format: str) -> None:
    """Of the kinds whose leading bytes are not read here; nothing is decoded."""
    data = written(plain(size_px=(1200, 900)), image_format)
    with pytest.raises(InvalidRequest) as caught, reading(data, MAX_PIXELS):
        raise AssertionError("it was given")
    assert caught.value.detail.code == "image_too_large_to_edit"


@pytest.mark.parametrize("image_format", ["BMP", "TIFF", "JPEG2000"])
def test_what_is_left_of_other_files_is_refused(image_format: str) -> None:
    """However much of them is missing."""
    data = written(Image.effect_noise(SIZE_PX, 120), image_format)
    for size in (4, 12, 40, len(data) // 2):
        assert refused(data[:size])[2] == "invalid_image_file"


def test_a_tile_is_no_larger_than_anybody_writes() -> None:
    """It would be unpacked as a whole, of a picture of one pixel."""
    assert first_pixel(tiled(256)) == (0, 0, 0)
    for side_px in (4097, 1 << 31):
        assert refused(tiled(side_px)) == ("The mask cannot be decoded.", "mask", "invalid_image_file")


def test_a_codestream_without_its_box_is_jpeg_2000() -> None:
    """As some files are."""
    boxed = written(plain(colour=BLUE), "JPEG2000")
    assert check_head(boxed[boxed.index(b"\xff\x4f\xff\x51") :], MAX_PIXELS).kind == "jp2"


@pytest.mark.parametrize("image_format", ["AVIF", "HEIC"])
def test_a_size_that_the_header_does_not_tell_is_found_before_decoding(image_format: str) -> None:
    """Its decoder knows; what the leading bytes say is not all that is looked at."""
    data = written(plain(size_px=(1200, 900)), image_format)
    ftyp_bytes = int.from_bytes(data[:4], "big")
    late = data[:ftyp_bytes] + (70_008).to_bytes(4, "big") + b"free" + bytes(70_000) + data[ftyp_bytes:]
    assert check_head(late, MAX_PIXELS).pixels == 0
    assert refused(late)[2] == "image_too_large_to_edit"


def test_one_frame_of_ten_thousand_is_decoded() -> None:
    """The others are broken, and nobody notices."""
    data = long_apng(10_000)
    started_s = time.process_time()
    assert getattr(opened(data), "n_frames", 1) == 10_000
    assert first_pixel(data) == (250, 0, 0)
    assert time.process_time() - started_s < 3


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (written(plain(), "PNG") + b"PK\x03\x04" + bytes(30), "png"),
        (written(plain(), "GIF") + b"*/=1;alert(1)//", "gif"),
        (written(plain(), "JPEG", comment=b"<script>alert(1)</script>"), "jpeg"),
    ],
)
def test_a_file_of_two_kinds_is_the_picture_that_its_head_says(data: bytes, kind: str) -> None:
    """What else is in it is not looked at."""
    assert check_head(data, MAX_PIXELS).kind == kind
    with reading(data, MAX_PIXELS) as image:
        assert image.size == SIZE_PX


def test_heic_without_its_extra_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 400 that says what helps; whatever else there is stays readable."""
    assert is_decoded("heic")
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # as Python knows what is not installed
    assert [kind for kind in KINDS if not is_decoded(kind)] == ["heic", "heif"]
    message, param, code = refused(written(plain(), "HEIC"))
    assert message == "The mask is HEIC, which this server cannot read without its extra 'heif': convert it to PNG or JPEG."
    assert (param, code) == ("mask", "invalid_image_file")
    assert first_pixel(png_of(ihdr(1, 1), chunk(b"IDAT", zlib.compress(ROW)))) == (250, 0, 0)
