"""Sixteen bits: every one of them, from every file that has them, and nothing from a torn one."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import chunk, png_of
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from streamedit.darkroom.files import Format, decode, decode_mask, decode_other, encode
from streamedit.darkroom.photograph import Photograph, Pixels, as_pixels
from streamedit.errors import InvalidRequest

SIZE_PX = (40, 30)
RGBA = np.random.default_rng(1).integers(0, 65536, (30, 40, 4), np.uint16)
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Of a PNG, by its channels."""


def _png(pixels: Pixels, *chunks: bytes) -> bytes:
    """16 bits deep; rows unfiltered."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return png_of(chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)))


def _tiff(pixels: Pixels, *, order: str = "<", tags: dict[int, object] | None = None, packed: bytes = b"") -> bytes:
    """16 bits deep, in strips of seven rows, in either order of bytes; `packed` in their place, as the tags say it is."""
    height, width, channels = pixels.shape
    strips = [pixels[top : top + 7].astype(f"{order}u2").tobytes() for top in range(0, height, 7)]
    starts = [sum(len(strip) for strip in strips[:number]) for number in range(len(strips))]
    head = b"II*\0\x08\0\0\0" if order == "<" else b"MM\0*\0\0\0\x08"
    directory = TiffImagePlugin.ImageFileDirectory_v2(head)
    bits, photometric = (16,) * channels, 2 if channels > 2 else 1
    shape = {256: width, 257: height, 258: bits, 259: 1, 262: photometric, 273: tuple(starts), 277: channels, 278: 7}
    lengths = {279: tuple(len(strip) for strip in strips)}
    for tag, value in (shape | lengths | ({338: (2,)} if channels == 4 else {}) | (tags or {})).items():
        directory[tag] = value
    return head + directory.tobytes(8) + (packed or b"".join(strips))  # which moves the starts behind itself


def _packed_tiff(pixels: Pixels, compression: int) -> bytes:
    bgr = as_pixels(pixels[..., (2, 1, 0, 3)[: pixels.shape[2]]] if pixels.shape[2] > 2 else pixels)
    return bytes(cv2.imencode(".tiff", bgr, [cv2.IMWRITE_TIFF_COMPRESSION, compression])[1])


def _files() -> Iterator[tuple[str, bytes, int]]:
    for channels in (1, 2, 3, 4):
        pixels = RGBA[..., :channels] if channels != 2 else RGBA[..., (0, 3)]
        yield f"png-{channels}", _png(pixels), channels
    for channels, order in product((1, 3, 4), "<>"):
        yield f"tiff-{channels}-{order}", _tiff(RGBA[..., :channels], order=order), channels
    for channels, compression in product((1, 3, 4), (1, 5, 8)):
        yield f"tiff-{channels}-packed-{compression}", _packed_tiff(RGBA[..., :channels], compression), channels
    tiled = BytesIO()
    Image.fromarray(RGBA[..., 0]).save(tiled, "JPEG2000")
    yield "jp2-1", tiled.getvalue(), 1


FILES = [pytest.param(data, channels, id=name) for name, data, channels in _files()]


def _refused(data: bytes) -> bool:
    try:
        decode(data)
    except InvalidRequest as refused:
        assert (refused.detail.param, refused.detail.code) == ("image", "invalid_image_file")
        return True
    return False


@pytest.mark.parametrize(("data", "channels"), FILES)
def test_every_bit_is_read(data: bytes, channels: int) -> None:
    """Grey or colour, with alpha or without, of either order of bytes, packed or not."""
    photograph = decode(data)
    assert photograph.rgb.dtype == np.uint16
    assert photograph.rgb.flags["C_CONTIGUOUS"]
    assert np.array_equal(photograph.rgb, RGBA[..., :3] if channels > 2 else RGBA[..., [0, 0, 0]])
    assert (photograph.alpha is not None) == (channels % 2 == 0)
    if photograph.alpha is not None:
        assert photograph.alpha.dtype == np.uint16
        assert np.array_equal(photograph.alpha, RGBA[..., 3])


@pytest.mark.parametrize(("data", "channels"), FILES)
def test_every_bit_is_written(data: bytes, channels: int) -> None:
    """As PNG and read again nothing is lost; the alpha is there if it was."""
    photograph = decode(data)
    again = decode(encode(photograph, Format()))
    assert np.array_equal(again.rgb, photograph.rgb)
    assert (again.alpha is None) == (photograph.alpha is None) == (channels % 2 == 1)
    if again.alpha is not None and photograph.alpha is not None:
        assert np.array_equal(again.alpha, photograph.alpha)


def test_gradient_has_no_bands() -> None:
    """65536 steps in a file are 65536 steps in the picture, and in the file that becomes of it."""
    slope = np.dstack([np.arange(65536, dtype=np.uint16).reshape(256, 256)] * 3)
    assert len(np.unique(decode(encode(decode(_png(slope)), Format())).rgb)) == 65536


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_eight_bits_are_rounded(name: str) -> None:
    """For JPEG and WebP: a code just below a step is that step, not the one before."""
    pixels = np.full((16, 16, 3), 128 * 257 - 100, np.uint16)
    assert abs(int(decode(encode(Photograph(pixels), Format(name))).rgb[8, 8, 1]) - 128) == 0


def test_one_colour_can_be_transparent() -> None:
    """A PNG may name it, in 16 bits: no other colour is, however near."""
    for channels in (1, 3):
        pixels = np.full((4, 4, channels), 40_000, np.uint16)
        pixels[0, 0] = 40_001
        alpha = decode(_png(pixels, chunk(b"tRNS", struct.pack(">H", 40_001) * channels))).alpha
        assert alpha is not None
        assert alpha.dtype == np.uint16
        assert (alpha[0, 0], alpha.sum()) == (0, 15 * 65535)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "png-late", "tiff", "tiff-packed"])
def test_picture_is_turned_upright_once(kind: str, orientation: int, depth: int) -> None:
    """By each of the eight orientations, from a PNG's eXIf chunk, before or behind its pixels, or a TIFF's tag."""
    data = _oriented(kind, orientation, depth)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    numbers = Image.fromarray(np.arange(1200, dtype=np.int32).reshape(30, 40))
    numbers.info["exif"] = exif.tobytes()
    where = np.asarray(ImageOps.exif_transpose(numbers))
    photograph = decode(data)
    assert photograph.rgb.dtype == (np.uint16 if depth == 16 else np.uint8)
    stored = RGBA[..., :3] if depth == 16 else (RGBA[..., :3] >> 8).astype(np.uint8)
    assert np.array_equal(photograph.rgb, stored.reshape(-1, 3)[where])


def _oriented(kind: str, orientation: int, depth: int) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    if depth == 8:
        buffer = BytesIO()
        options = {"compression": "tiff_lzw"} if kind == "tiff-packed" else {}
        image = Image.fromarray((RGBA[..., :3] >> 8).astype(np.uint8))
        image.save(buffer, "TIFF" if kind.startswith("tiff") else "PNG", exif=exif, **options)
        return buffer.getvalue()
    if kind == "tiff":
        return _tiff(RGBA[..., :3], tags={274: orientation})
    if kind == "tiff-packed":
        packed = zlib.compress(RGBA[..., :3].tobytes())
        tags = {274: orientation, 259: 8, 273: (0,), 278: 30, 279: (len(packed),)}
        return _tiff(RGBA[..., :3], tags=tags, packed=packed)
    turn = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    if kind == "png":
        return _png(RGBA[..., :3], turn)
    whole = _png(RGBA[..., :3])
    return whole[:-12] + turn + whole[-12:]


def test_colour_profile_is_the_same() -> None:
    """To the byte, of PNG and TIFF, whatever is in it; that of a grey picture says nothing of RGB and is left out."""
    profile = bytes(range(256)) * 9
    packed = chunk(b"iCCP", b"name\0\0" + zlib.compress(profile))
    for data in (_png(RGBA, packed), _png(RGBA[..., :3], packed), _tiff(RGBA[..., :3], tags={34675: profile})):
        photograph = decode(data)
        assert photograph.icc == profile
        assert decode(encode(photograph, Format())).icc == profile
    for data in (_png(RGBA[..., :1], packed), _png(RGBA[..., :2], packed)):
        assert decode(data).icc is None


def test_floats_become_sixteen_bits() -> None:
    """Of a grey TIFF of floats, 0 is black and 1 is white; what is beyond, or no number, is cut off."""
    values = np.linspace(0, 1, 1200).astype(np.float32).reshape(30, 40)
    values[0, :4] = (-1, 2, np.nan, np.inf)
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "TIFF")
    rgb = decode(buffer.getvalue()).rgb
    assert rgb.dtype == np.uint16
    assert rgb[0, :4, 0].tolist() == [0, 65535, 0, 65535]
    assert np.abs(rgb[1:, :, 2] / 65535 - values[1:]).max() < 1e-5


def test_masks_have_sixteen_bits_too() -> None:
    """Their transparency is as fine as their alpha."""
    weight = decode_mask(_png(RGBA), SIZE_PX)
    assert weight.dtype == np.float32
    assert np.abs(weight - (1 - RGBA[..., 3] / 65535)).max() < 1e-6
    with pytest.raises(InvalidRequest, match="no alpha channel"):
        decode_mask(_png(RGBA[..., :3]), SIZE_PX)


def test_further_images_have_sixteen_bits_too() -> None:
    """On white where they are transparent, right to half a step of sixteen bits."""
    alpha = RGBA[..., 3:] / 65535
    other = decode_other(_png(RGBA))
    assert np.abs(other - (RGBA[..., :3] / 65535 * alpha + 1 - alpha)).max() < 0.51 / 65535


@pytest.mark.parametrize(("data", "channels"), FILES)
def test_torn_files_are_refused(data: bytes, channels: int) -> None:
    """Wherever they end; behind the last pixel they may."""
    whole = decode(data)
    for size in range(0, len(data) - 32, max(1, len(data) // 60)):
        assert _refused(data[:size]) or np.array_equal(decode(data[:size]).rgb, whole.rgb)
        assert _refused(data[:size]) or size > len(data) / 2
    assert channels in COLOUR_TYPES


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from([parameters.values[0] for parameters in FILES]),
    st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 255)), max_size=8),
)
def test_damaged_files_are_read_or_refused(data: bytes, damage: list[tuple[int, int]]) -> None:
    """Whatever bytes are wrong, the answer is a picture or a 400."""
    damaged = bytearray(data)
    for place, value in damage:
        damaged[place % len(damaged)] = value
    try:
        assert decode(bytes(damaged), 1_000_000).rgb.ndim == 3
    except InvalidRequest as refused:
        assert refused.detail.param == "image"


def test_a_bomb_is_refused_by_its_header() -> None:
    """Of 16 bits like any other."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 16, 6, 0, 0, 0)
    with pytest.raises(InvalidRequest) as refused:
        decode(png_of(chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(bytes(1 << 20)))))
    assert refused.value.detail.code == "image_too_large_to_edit"
