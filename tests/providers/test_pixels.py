"""What is done to pixels here."""

from io import BytesIO

import pillow_heif
import pytest
from pictures import BLUE, RED, SIZE_PX, plain, turned, written
from PIL import ExifTags, Image, ImageDraw

from streamedit.errors import InvalidRequest, UpstreamBroken
from streamedit.providers import pixels

SIZE = (40, 30)
WINDOW = (10, 5, 19, 14)


def file(image: Image.Image, output_format: str = "PNG") -> bytes:
    """A picture's file."""
    buffer = BytesIO()
    image.save(buffer, output_format)
    return buffer.getvalue()


def opened(data: bytes) -> Image.Image:
    """A file's picture."""
    return Image.open(BytesIO(data))


def mask(size: tuple[int, int] = SIZE, inside: int = 0) -> bytes:
    """Opaque but for the window."""
    image = Image.new("RGBA", size, (9, 9, 9, 255))
    ImageDraw.Draw(image).rectangle(WINDOW, (9, 9, 9, inside))
    return file(image)


PHOTO = file(Image.linear_gradient("L").resize(SIZE).convert("RGB"))


@pytest.mark.parametrize("edit", [255, 0])
def test_a_mask_is_grey_in_either_polarity(edit: int) -> None:
    """`edit` where the mask is transparent, the opposite elsewhere, pixel by pixel."""
    grey = opened(pixels.grey_mask(mask(), PHOTO, edit=edit))
    expected = Image.new("L", SIZE, 255 - edit)
    ImageDraw.Draw(expected).rectangle(WINDOW, edit)
    assert grey.mode == "L"
    assert grey.tobytes() == expected.tobytes()


def test_half_transparent_is_grey_unless_strict() -> None:
    """Strength where providers take it; one of the two where they do not."""
    half = mask(inside=100)
    assert opened(pixels.grey_mask(half, PHOTO)).getpixel((12, 8)) == 155
    assert opened(pixels.grey_mask(half, PHOTO, strict=True)).getpixel((12, 8)) == 255
    assert opened(pixels.grey_mask(mask(inside=200), PHOTO, strict=True)).getpixel((12, 8)) == 0


@pytest.mark.parametrize(
    ("broken", "code"),
    [(mask((41, 30)), "mask_size_mismatch"), (PHOTO, "invalid_mask"), (b"x", "invalid_image_file")],
)
def test_a_mask_that_cannot_be_used_is_told(broken: bytes, code: str) -> None:
    """A 400 for `mask`."""
    with pytest.raises(InvalidRequest) as caught:
        pixels.grey_mask(broken, PHOTO)
    assert (caught.value.detail.param, caught.value.detail.code) == ("mask", code)


def test_a_palette_with_a_transparent_colour_is_a_mask() -> None:
    """Small PNGs often are."""
    image = opened(mask()).quantize(8)
    where = opened(pixels.grey_mask(file(image), PHOTO, strict=True))
    assert (where.getpixel((12, 8)), where.getpixel((0, 0))) == (255, 0)


def test_outside_the_mask_the_original_is_untouched() -> None:
    """Every pixel, though the provider's picture has another size; inside is the provider's."""
    edited = file(Image.new("RGB", (80, 60), (250, 0, 0)), "JPEG")
    made = opened(pixels.composited(edited, PHOTO, mask())).convert("RGB")
    original = opened(PHOTO).convert("RGB")
    assert made.size == SIZE
    for x in range(SIZE[0]):
        for y in range(SIZE[1]):
            inside = WINDOW[0] <= x <= WINDOW[2] and WINDOW[1] <= y <= WINDOW[3]
            assert (made.getpixel((x, y)) == original.getpixel((x, y))) != inside


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_formats_are_converted(output_format: str) -> None:
    """With transparency on white where the format has none."""
    clear = file(Image.new("RGBA", SIZE, (0, 0, 0, 0)))
    made = opened(pixels.converted(clear, output_format, 50))
    assert made.format == output_format.upper()
    shown = Image.alpha_composite(Image.new("RGBA", SIZE, "red"), made.convert("RGBA")).convert("RGB")
    assert shown.getpixel((1, 1)) == ((255, 255, 255) if output_format == "jpeg" else (255, 0, 0))


def test_compression_makes_it_smaller() -> None:
    """Percent of quality."""
    photo = file(Image.effect_noise((200, 200), 80))
    assert len(pixels.converted(photo, "jpeg", 20)) < len(pixels.converted(photo, "jpeg", 90)) / 2


def test_a_flattened_image_is_opaque() -> None:
    """On white."""
    flat = opened(pixels.flattened(mask()))
    assert not flat.has_transparency_data
    assert flat.getpixel((12, 8)) == (255, 255, 255)


@pytest.mark.parametrize("output_format", ["BMP", "TIFF", "JPEG2000"])
def test_pictures_of_further_kinds_are_worked_on(output_format: str) -> None:
    """A provider's too, which has been paid."""
    photo = Image.open(BytesIO(PHOTO))
    assert opened(pixels.converted(file(photo, output_format), "png", None)).tobytes() == photo.tobytes()
    assert opened(pixels.opaque(file(photo, output_format))).format == "PNG"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_tiff_is_upright(orientation: int) -> None:
    """However it is stored, by its own tag."""
    tiff = turned("TIFF", orientation)
    still = opened(pixels.still(tiff, "image"))
    assert still.size == pixels.upright_size(tiff) == SIZE_PX
    assert [still.getpixel(at) for at in ((5, 5), (55, 35))] == [BLUE, RED]
    assert pixels.look_alike(tiff, turned("TIFF", 1))


@pytest.mark.parametrize("frames", [1, 2])
def test_the_first_of_several_pictures_in_a_heic_is_upright(frames: int) -> None:
    """It is decoded once, and stays as it was turned."""
    stored = plain(size_px=SIZE_PX[::-1])
    exif, rest = opened(turned("PNG", 6)).getexif().tobytes(), [pillow_heif.from_pillow(stored)[0]] * (frames - 1)
    heic = written(stored, "HEIC", exif=exif, save_all=True, append_images=rest)
    still = opened(pixels.still(heic, "image"))
    assert still.size == pixels.upright_size(heic) == SIZE_PX


def test_pictures_are_compared_as_they_are_shown() -> None:
    """One that is stored lying and told to be turned is the same as one that stands."""
    picture = opened(PHOTO)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    buffer = BytesIO()
    picture.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    assert pixels.look_alike(PHOTO, buffer.getvalue())
    assert not pixels.look_alike(PHOTO, file(picture.transpose(Image.Transpose.ROTATE_90)))


def test_a_providers_broken_picture_is_the_providers_fault() -> None:
    """Not a 400."""
    with pytest.raises(UpstreamBroken):
        pixels.converted(b"x", "png", None)


def test_huge_pictures_are_not_decoded() -> None:
    """65 million pixels are refused by their head."""
    bomb = file(Image.new("1", (8100, 8100)))
    with pytest.raises(InvalidRequest):
        pixels.flattened(bomb)
