"""What is done here to the pixels of pictures and masks, for providers that cannot. All of it runs in a thread.

A mask is OpenAI's: transparent where to edit, of the first image's size. Providers have it as a grey picture, most of them
white where to edit.
"""

from io import BytesIO

from PIL import ExifTags, Image, ImageChops, ImageOps

from streamedit.decoders import reading
from streamedit.errors import InvalidRequest, UpstreamBroken

MAX_PIXELS = 64_000_000
"""Nothing larger is decoded."""

STILL_PNG_BYTES = 8 << 20
"""Beyond this a still without transparency is a JPEG: a phone's HEIC is one of 2 MB, and 30 MB as PNG. Providers take 10."""

_SIDEWAYS = frozenset({5, 6, 7, 8})
"""The EXIF orientations that swap width and height."""
_ENCODING_LEVELS = 8
"""How much, of 255, an encoding changes a patch of a picture at most."""
_FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}


def grey_mask(mask: bytes, image: bytes, *, edit: int = 255, strict: bool = False) -> bytes:
    """OpenAI's mask as a grey PNG of the same size: `edit` (255 or 0) where to edit, and the opposite where to keep.

    Half transparent is grey, or with `strict` one of the two. Raises InvalidRequest, also for another size than `image` has.
    """
    where = _transparency(mask, _opened(image, "image").size)
    if strict:
        where = where.point(lambda level: 255 if level >= 128 else 0)
    return encoded(where if edit else ImageChops.invert(where), "png")


def two_way_mask(mask: bytes | None, image: bytes) -> bytes:
    """OpenAI's mask as a PNG whose colours say what its transparency says: white where to edit, black where to keep.

    Whichever of the two is read. Without a mask everything is to be edited. Raises InvalidRequest.
    """
    where = _where(mask, _opened(image, "image").size)
    return encoded(Image.merge("RGBA", (where, where, where, ImageChops.invert(where))), "png")


def transparent_where_edited(mask: bytes | None, image: bytes) -> bytes:
    """The image as a PNG that is transparent where to edit, without losing the colours there. Raises InvalidRequest."""
    picture = _opened(image, "image").convert("RGB")
    picture.putalpha(ImageChops.invert(_where(mask, picture.size)))
    return encoded(picture, "png")


def composited(edited: bytes, original: bytes, mask: bytes) -> bytes:
    """The edited picture in the original's size, with the original wherever the mask is opaque. PNG.

    Raises InvalidRequest, UpstreamBroken for an edited picture that cannot be decoded.
    """
    kept = _opened(original, "image").convert("RGBA")
    where = _transparency(mask, kept.size)
    made = _made(edited).convert("RGBA").resize(kept.size, Image.Resampling.LANCZOS)
    return encoded(Image.composite(made, kept, where), "png")


def converted(picture: bytes, output_format: str, compression: int | None) -> bytes:
    """A provider's picture in another format; `compression` in percent of quality, for jpeg and webp. Raises UpstreamBroken."""
    return encoded(_made(picture), output_format, compression)


def look_alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures show the same, however large and in whatever format; never so for what cannot be decoded."""
    try:
        difference = ImageChops.difference(_thumbnail(one), _thumbnail(other))
    except InvalidRequest:
        return False
    return all(count == 0 for band in difference.split() for count in band.histogram()[_ENCODING_LEVELS + 1 :])


def upright_size(image: bytes) -> tuple[int, int]:
    """Width and height of the image as it is shown; it is not decoded. Raises InvalidRequest."""
    with reading(image, MAX_PIXELS) as opened:
        width_px, height_px = opened.size
        return (height_px, width_px) if _orientation(opened) in _SIDEWAYS else (width_px, height_px)


def still(image: bytes, param: str) -> bytes:
    """The image, of an animation its first frame, upright as a file that every provider takes. Raises InvalidRequest.

    A PNG, which loses nothing; see `STILL_PNG_BYTES` for when it is a JPEG.
    """
    picture = _opened(image, param)
    png = encoded(picture, "png")
    if len(png) <= STILL_PNG_BYTES or picture.has_transparency_data:
        return png
    return encoded(picture, "jpeg")


def flattened(image: bytes) -> bytes:
    """The image as an opaque PNG, on white, for providers that take no transparency. Raises InvalidRequest."""
    return encoded(_on_white(_opened(image, "image")), "png")


def opaque(image: bytes) -> bytes:
    """The image as providers want it that take only PNG and JPEG of 8-bit RGB: itself, or flattened. Raises InvalidRequest."""
    return image if _is_plain(image) else flattened(image)


def encoded(image: Image.Image, output_format: str, compression: int | None = None) -> bytes:
    """The picture as a file; on white where the format has no transparency."""
    buffer = BytesIO()
    if output_format == "png":
        image.save(buffer, "PNG", compress_level=1)  # ten times as fast as 6, a tenth larger
    else:
        flat = _on_white(image) if output_format == "jpeg" else image
        profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
        quality = min(95, 95 if compression is None else compression)
        flat.save(buffer, _FORMATS[output_format], quality=quality, icc_profile=profile)
    return buffer.getvalue()


def _is_plain(image: bytes) -> bool:
    """Upright PNG or JPEG of 8-bit RGB; only its head is looked at."""
    try:
        with reading(image, MAX_PIXELS) as opened:
            is_rgb = opened.format in ("PNG", "JPEG") and opened.mode == "RGB" and not opened.has_transparency_data
            return is_rgb and _orientation(opened) == 1
    except InvalidRequest:
        return False


def _where(mask: bytes | None, size_px: tuple[int, int]) -> Image.Image:
    """255 where to edit: everywhere, without a mask."""
    return Image.new("L", size_px, 255) if mask is None else _transparency(mask, size_px)


def _transparency(mask: bytes, size_px: tuple[int, int]) -> Image.Image:
    """255 where the mask is transparent."""
    image = _opened(mask, "mask")
    if not image.has_transparency_data:
        message = "The mask has no alpha channel: make it transparent where to edit."
        raise InvalidRequest(message, param="mask", code="invalid_mask")
    if image.size != size_px:
        message = f"The mask is {_text(image.size)} pixels and the image {_text(size_px)}: they must be the same."
        raise InvalidRequest(message, param="mask", code="mask_size_mismatch")
    return ImageChops.invert(image.convert("RGBA").getchannel("A"))


def _opened(data: bytes, param: str) -> Image.Image:
    """A picture, upright. Raises InvalidRequest."""
    with reading(data, MAX_PIXELS, param) as image:
        ImageOps.exif_transpose(image, in_place=True)  # without a copy, of 256 MB
        return image


def _made(data: bytes) -> Image.Image:
    """The provider's picture. Raises UpstreamBroken."""
    try:
        return _opened(data, "picture")
    except InvalidRequest as error:
        raise UpstreamBroken("The provider's picture cannot be decoded.", code="upstream_malformed") from error


def _thumbnail(data: bytes) -> Image.Image:
    """32x32 pixels, upright, each the mean of its surroundings. Raises InvalidRequest."""
    with reading(data, MAX_PIXELS) as image:
        image.draft("RGB", (256, 256))
        return ImageOps.exif_transpose(image.convert("RGB").resize((32, 32), Image.Resampling.BILINEAR))


def _orientation(image: Image.Image) -> int:
    """EXIF's: 1 is upright, as Pillow makes every TIFF by itself."""
    return 1 if image.format == "TIFF" else int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB")


def _text(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"
