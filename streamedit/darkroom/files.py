"""Photographs as files: from bytes, 8 or 16 bits deep, and to bytes; masks and further images too."""

import struct
import zlib
from dataclasses import dataclass, replace
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, ImageOps

from streamedit.darkroom import depth
from streamedit.darkroom.photograph import (
    MAX_PIXELS,
    Bytes8,
    Floats,
    Photograph,
    Pixels,
    bands,
    floats_of,
    pixels_of,
    transparency,
)
from streamedit.darkroom.scaling import shrunk
from streamedit.decoders import reading
from streamedit.errors import InvalidRequest

FORMATS = ("png", "jpeg", "webp")

_COLOUR_MODES = frozenset({"RGB", "RGBA", "P", "PA"})
_ROW_ABOVE = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)
_IHDR_END = 33
"""Where the header of a PNG ends: 8 bytes of signature, and a chunk of 13."""

_FLATS = 0.5
"""A picture with more pixels than that which are like their neighbours was drawn; photographs have a tenth of them."""


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a picture. `quality` 0-100 for jpeg and webp."""

    name: str = "png"
    quality: int = 100


def decode(data: bytes, max_pixels: int = MAX_PIXELS, param: str = "image") -> Photograph:
    """The picture in a file, upright, as deep as it is; the first frame of an animation. Raises InvalidRequest."""
    with reading(data, max_pixels, param) as image:
        lower = depth.lower_rawmode(image)
        upright = _upright(image)
        if lower is None:
            return depth.grey(upright) if upright.mode.startswith(("I", "F")) else _photograph(upright)
    with reading(data, max_pixels, param) as image:
        return depth.joined(upright, _upright(depth.read_as(image, lower)), lower)


def decode_mask(data: bytes, size_px: tuple[int, int], max_pixels: int = MAX_PIXELS) -> Floats:
    """How much each pixel is to be edited, 0..1, from a file whose transparency says so. Raises InvalidRequest."""
    mask = decode(data, max_pixels, "mask")
    if mask.alpha is None:
        raise InvalidRequest(
            "The mask has no alpha channel: make it transparent where to edit.", param="mask", code="invalid_mask"
        )
    if mask.size_px != size_px:
        message = f"The mask is {_text(mask.size_px)} pixels and the image {_text(size_px)}: they must be the same."
        raise InvalidRequest(message, param="mask", code="mask_size_mismatch")
    return transparency(mask.alpha)


def decode_other(data: bytes, max_pixels: int = MAX_PIXELS, most_px: int = MAX_PIXELS) -> Floats:
    """A further image of a request: RGB, 0..1, on white where it is transparent, scaled to `most_px` pixels where it has more.

    Raises InvalidRequest.
    """
    return floats_of(on_white(shrunk(decode(data, max_pixels), most_px)).rgb)


def on_white(photograph: Photograph) -> Photograph:
    """The picture without transparency."""
    if photograph.alpha is None:
        return photograph
    return replace(photograph, rgb=_on_white(photograph.rgb, photograph.alpha), alpha=None)


def parse_format(name: str | None, compression: int | None) -> Format:
    """The output format asked for; png and full quality where nothing is. Raises InvalidRequest."""
    if (name or "png") not in FORMATS:
        raise InvalidRequest(
            f"output_format must be one of {', '.join(FORMATS)}.", param="output_format", code="invalid_output_format"
        )
    if compression is not None and not 0 <= compression <= 100:
        raise InvalidRequest(
            "output_compression must be from 0 to 100.", param="output_compression", code="invalid_output_compression"
        )
    return Format(name or "png", 100 if compression is None else compression)


def encode(photograph: Photograph, output: Format) -> bytes:
    """The picture as a file: PNG as deep as the picture is, the others with 8 bits. JPEG has no transparency: there it is
    laid on white."""
    if output.name == "png":
        return _png(photograph)
    image, buffer = _image(photograph if output.name == "webp" else on_white(photograph)), BytesIO()
    if output.name == "webp":
        image.save(buffer, "WEBP", quality=output.quality, method=1, icc_profile=photograph.icc or b"")
    else:
        # above 95 a JPEG only grows (Pillow's handbook, "JPEG saving")
        image.save(buffer, "JPEG", quality=min(95, output.quality), icc_profile=photograph.icc)
    return buffer.getvalue()


def _upright(image: Image.Image) -> Image.Image:
    """The image itself, turned as its camera was held."""
    ImageOps.exif_transpose(image, in_place=True)
    return image


def _photograph(image: Image.Image) -> Photograph:
    icc = image.info.get("icc_profile") if image.mode in _COLOUR_MODES else None
    if not image.has_transparency_data:
        return Photograph(_pixels(image, "RGB"), None, icc)
    pixels = _pixels(image, "RGBA")
    return Photograph(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]), icc)


def _pixels(image: Image.Image, mode: str) -> Bytes8:
    """In bands: at once Pillow would make copies of the whole picture."""
    pixels = np.empty((image.height, image.width, len(mode)), np.uint8)
    image.load()
    for rows in bands(image.height, image.width):
        band = image.crop((0, rows.start, image.width, rows.stop))
        pixels[rows] = np.asarray(band if band.mode == mode else band.convert(mode))
    return pixels


def _png(photograph: Photograph) -> bytes:
    """By OpenCV: in a third of Pillow's time for photographs, half of it for drawings, and in 16 bits at all."""
    strategy = cv2.IMWRITE_PNG_STRATEGY_DEFAULT if _is_drawn(photograph.rgb) else cv2.IMWRITE_PNG_STRATEGY_RLE
    options = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, strategy, *_ROW_ABOVE]
    written = cv2.imencode(".png", _bgr(photograph), options)[1].tobytes()
    return written if photograph.icc is None else written[:_IHDR_END] + _iccp(photograph.icc) + written[_IHDR_END:]


def _is_drawn(rgb: Pixels) -> bool:
    """Whether most of it is flat: as runs alone (RLE) that would be large."""
    some = rgb[::16]
    return float((some[:, 1:] == some[:, :-1]).mean()) > _FLATS


def _bgr(photograph: Photograph) -> cv2.typing.MatLike:
    """As OpenCV has its channels."""
    if photograph.alpha is None:
        return cv2.cvtColor(photograph.rgb, cv2.COLOR_RGB2BGR)
    red, green, blue = cv2.split(photograph.rgb)
    return cv2.merge([blue, green, red, photograph.alpha])


def _iccp(icc: bytes) -> bytes:
    """The chunk with a colour profile (PNG, third edition, 11.3.2.3), whatever is in it: OpenCV fails where it doubts one."""
    body = b"iCCPicc\0\0" + zlib.compress(icc)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))


def _image(photograph: Photograph) -> Image.Image:
    rgb = _eight_bit(photograph.rgb)
    return Image.fromarray(rgb if photograph.alpha is None else np.dstack([rgb, _eight_bit(photograph.alpha)]))


def _eight_bit(pixels: Pixels) -> Bytes8:
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=1 / 257), np.uint8)


def _on_white(rgb: Pixels, alpha: Pixels) -> Pixels:
    laid = np.empty_like(rgb)
    for rows in bands(*rgb.shape[:2]):
        opaque = floats_of(alpha[rows])[..., None]
        laid[rows] = pixels_of(floats_of(rgb[rows]) * opaque + (1 - opaque), rgb.dtype)
    return laid


def _text(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"
