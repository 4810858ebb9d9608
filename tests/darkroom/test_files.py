"""Files to pixels and back; masks and formats."""

import time
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from streamedit.darkroom.files import Format, decode, decode_mask, decode_other, encode, parse_format
from streamedit.darkroom.photograph import Photograph, floats_of
from streamedit.darkroom.scaling import fit
from streamedit.errors import InvalidRequest

PHOTOS = Path(__file__).parent.parent / "photos"
CHELSEA = (PHOTOS / "chelsea.png").read_bytes()


def _file(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _chelsea(mode: str = "RGB") -> Image.Image:
    return Image.open(PHOTOS / "chelsea.png").convert(mode)


def _refusal(data: bytes, max_pixels: int = 50_000_000) -> tuple[int, str | None, str | None]:
    with pytest.raises(InvalidRequest) as refused:
        decode(data, max_pixels)
    detail = refused.value.detail
    return detail.status, detail.param, detail.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_formats_are_read(kind: str) -> None:
    """PNG, JPEG, WebP and GIF give the photograph in its size and, roughly, its colours."""
    photograph = decode(_file(_chelsea(), kind))
    assert photograph.size_px == (451, 300)
    assert photograph.alpha is None
    assert np.abs(photograph.rgb.astype(int) - np.asarray(_chelsea(), int)).mean() < 12


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette, sixteen bits and print colours are shown as they look."""
    image = Image.fromarray(np.asarray(_chelsea("L")).astype(np.uint16) * 257) if mode == "I;16" else _chelsea(mode)
    photograph = decode(_file(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert photograph.rgb.shape == (300, 451, 3)
    assert photograph.rgb.dtype == (np.uint16 if mode == "I;16" else np.uint8)
    assert floats_of(photograph.rgb).mean() * 255 == pytest.approx(np.asarray(_chelsea("L")).mean(), abs=6)
    assert (photograph.alpha is not None) == ("A" in mode)


def test_first_frame_of_an_animation_is_taken() -> None:
    """Of a GIF that moves, the first frame."""
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    photograph = decode(_file(red, "GIF", save_all=True, append_images=[blue]))
    assert photograph.rgb[10, 10].tolist() == [255, 0, 0]


def test_picture_is_turned_upright() -> None:
    """A camera's EXIF orientation is honoured."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(_file(_chelsea(), "JPEG", exif=exif)).size_px == (300, 451)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"<svg/>", CHELSEA[:30], CHELSEA[:5000], CHELSEA[:-5000], b"\xff\xd8\xff", b"GIF89a", b"RIFF0000WEBPVP8 "],
)
def test_broken_files_are_refused(data: bytes) -> None:
    """No image, a torn one, a head without a body: 400 on the image, never a crash, never half a picture."""
    assert _refusal(data) == (400, "image", "invalid_image_file")


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=12)
)
def test_damaged_files_are_read_or_refused(kind: str, damage: list[tuple[int, int]]) -> None:
    """Whatever bytes are wrong, the answer is a picture or a 400."""
    data = bytearray(_file(_chelsea().resize((40, 30)), kind))
    for place, value in damage:
        data[place % len(data)] = value
    try:
        assert decode(bytes(data), 1_000_000).rgb.ndim == 3
    except InvalidRequest as refused:
        assert refused.detail.param == "image"


def test_too_many_pixels_are_refused_without_decoding() -> None:
    """169 megapixels in a small PNG: refused by its head, in milliseconds."""
    bomb = _file(Image.new("1", (13_000, 13_000)), "PNG")
    started = time.perf_counter()
    assert _refusal(bomb) == (400, "image", "image_too_large_to_edit")
    assert time.perf_counter() - started < 0.1


def test_size_that_the_head_hides_is_checked_before_decoding() -> None:
    """A JPEG or GIF that tells its true size late is refused as well, and no warning of Pillow's gets out."""
    image = Image.new("L", (1200, 1000))
    late = _file(image, "JPEG", icc_profile=bytes(1 << 17))
    assert _refusal(late, 1_000_000) == (400, "image", "image_too_large_to_edit")
    gif = bytearray(_file(Image.new("P", (10, 10)), "GIF"))
    at = gif.index(b",", 13)
    gif[at + 5 : at + 9] = (10_000).to_bytes(2, "little") * 2
    assert _refusal(bytes(gif)) == (400, "image", "image_too_large_to_edit")


def test_mask_is_the_transparency() -> None:
    """Where the mask is transparent, the image is to be edited: 1 for alpha 0, 0 for alpha 255."""
    alpha = Image.linear_gradient("L")
    mask = Image.merge("RGBA", (*[alpha] * 3, alpha))
    weight = decode_mask(_file(mask, "PNG"), (256, 256))
    assert weight.dtype == np.float32
    assert np.allclose(weight, 1 - np.asarray(alpha, np.float32) / 255)
    assert (weight[0, 0], weight[255, 255]) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("mask", "code", "words"),
    [
        (_file(_chelsea(), "PNG"), "invalid_mask", "alpha"),
        (_file(Image.new("RGBA", (100, 50)), "PNG"), "mask_size_mismatch", "100x50 pixels and the image 451x300"),
        (b"no mask", "invalid_image_file", "mask"),
        (_file(_chelsea("RGBA"), "PNG")[:-3000], "invalid_image_file", "mask"),
    ],
)
def test_bad_masks_are_refused(mask: bytes, code: str, words: str) -> None:
    """No alpha, another size, no image: 400 on the mask that says what is wrong."""
    with pytest.raises(InvalidRequest) as refused:
        decode_mask(mask, (451, 300))
    detail = refused.value.detail
    assert (detail.param, detail.code) == ("mask", code)
    assert words in detail.message


@pytest.mark.parametrize("name", ["gif", "svg", "PNG", "jpg"])
def test_other_output_formats_are_refused(name: str) -> None:
    """400 on `output_format`, which names the three."""
    with pytest.raises(InvalidRequest, match="png, jpeg, webp") as refused:
        parse_format(name, None)
    assert refused.value.detail.param == "output_format"


@pytest.mark.parametrize("compression", [-1, 101])
def test_compression_is_a_percentage(compression: int) -> None:
    """400 on `output_compression` outside 0-100."""
    with pytest.raises(InvalidRequest) as refused:
        parse_format("jpeg", compression)
    assert refused.value.detail.param == "output_compression"


def test_png_gives_back_every_pixel() -> None:
    """PNG loses nothing, transparency included."""
    photograph = decode(_file(_chelsea("RGBA"), "PNG"))
    again = decode(encode(photograph, Format("png", 3)))
    assert np.array_equal(again.rgb, photograph.rgb)
    assert again.alpha is not None


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_compression_trades_bytes_for_quality(name: str) -> None:
    """A lower quality is a smaller file, of the same picture."""
    photograph = decode(CHELSEA)
    files = [encode(photograph, parse_format(name, quality)) for quality in (10, 60, None)]
    errors = [np.abs(decode(file).rgb.astype(int) - photograph.rgb).mean() for file in files]
    assert [len(file) for file in files] == sorted(len(file) for file in files)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 4


def test_jpeg_is_laid_on_white() -> None:
    """What was transparent is white in a JPEG; WebP keeps it transparent."""
    hole = Photograph(np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8))
    assert decode(encode(hole, Format("jpeg"))).rgb.min() == 255
    alpha = decode(encode(hole, Format("webp"))).alpha
    assert alpha is not None
    assert alpha.max() == 0


@pytest.mark.parametrize("name", ["png", "jpeg", "webp"])
def test_colour_profile_is_kept(name: str) -> None:
    """Colours stay what the camera meant; a print or grey profile would lie about RGB and is left out."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photograph = decode(_file(_chelsea(), "PNG", icc_profile=profile))
    assert decode(encode(fit(photograph, (64, 64)), Format(name))).icc == profile
    assert decode(_file(_chelsea("L"), "PNG", icc_profile=profile)).icc is None


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_profile_is_left_out(mode: str) -> None:
    """Of grey with transparency too: it says nothing about the RGB that becomes of it."""
    assert decode(_file(_chelsea(mode), "PNG", icc_profile=b"grey")).icc is None


def test_print_colours_are_converted() -> None:
    """A CMYK JPEG becomes RGB, without the profile of its inks; its cyan stays one."""
    photograph = decode(_file(Image.new("CMYK", (20, 20), (255, 0, 0, 0)), "JPEG", icc_profile=b"inks"))
    assert photograph.icc is None
    assert photograph.rgb[10, 10].tolist() == pytest.approx([0, 255, 255], abs=3)


def test_transparent_palette_colour_is_transparent() -> None:
    """A palette's own transparency becomes alpha, of 8 bits."""
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 10, 20))
    photograph = decode(_file(image, "PNG", transparency=1))
    assert photograph.alpha is not None
    assert (photograph.alpha[:, :10].max(), photograph.alpha[:, 10:].min()) == (0, 255)
    assert photograph.rgb[0, 19].tolist() == [255, 0, 0]


def test_black_and_white_mask_is_told_of_transparency() -> None:
    """As OpenAI does: a mask of ink alone says nothing, and is refused."""
    with pytest.raises(InvalidRequest, match="transparent where to edit") as refused:
        decode_mask(_file(Image.new("L", (8, 8)), "PNG"), (8, 8))
    assert refused.value.detail.code == "invalid_mask"


def test_further_image_is_laid_on_white() -> None:
    """RGB floats from 0 to 1; what is half transparent is half white; one that is larger than it need be is scaled down."""
    clear = Image.new("RGBA", (4, 2), (0, 0, 0, 0))
    clear.putpixel((1, 1), (255, 0, 0, 255))
    clear.putpixel((2, 1), (0, 0, 0, 128))
    other = decode_other(_file(clear, "PNG"), 100)
    assert other.dtype == np.float32
    assert other.shape == (2, 4, 3)
    assert other[0, 0].tolist() == [1, 1, 1]
    assert other[1, 1].tolist() == [1, 0, 0]
    assert other[1, 2, 0] == pytest.approx(127 / 255)
    assert decode_other(_file(clear, "PNG"), 100, 2).shape == (1, 2, 3)
    with pytest.raises(InvalidRequest) as refused:
        decode_other(_file(clear, "PNG"), 5)
    assert refused.value.detail.param == "image"


def test_drawings_and_photographs_are_packed_well() -> None:
    """A PNG is at most a tenth larger than Pillow's at its fastest, whatever it shows."""
    drawing = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(drawing)
    for y in range(0, 300, 14):
        draw.text((y % 40, y), "a drawing is flat, and has edges; " * 3, fill="black")
    gradient = Image.linear_gradient("L").resize((400, 300)).convert("RGB")
    for image in (drawing, gradient, _chelsea()):
        written = encode(Photograph(np.asarray(image)), Format())
        assert len(written) < 1.1 * len(_file(image, "PNG", compress_level=1))
