"""A photograph in memory: from the bytes of a file, to the bytes of a file, and its mask."""

import re
from dataclasses import dataclass, replace
from io import BytesIO
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from streamedit.decoders import reading
from streamedit.errors import InvalidRequest

Bytes8: TypeAlias = NDArray[np.uint8]
Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Floats: TypeAlias = NDArray[np.float32]

MAX_PIXELS = 25_000_000
FORMATS = ("png", "jpeg", "webp")
SIDE_PX = range(16, 4097)
"""The sides that an output may be asked to have."""

_COLOUR_MODES = frozenset({"RGB", "RGBA", "P", "PA"})


@dataclass(frozen=True, slots=True)
class Photograph:
    """Decoded pixels: `rgb` height x width x 3, `alpha` height x width or None, `icc` the colour profile of `rgb`."""

    rgb: Bytes8
    alpha: Bytes8 | None = None
    icc: bytes | None = None

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self.rgb.shape[1], self.rgb.shape[0]


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a picture. `quality` 0-100 for jpeg and webp."""

    name: str = "png"
    quality: int = 100


def decode(data: bytes, max_pixels: int = MAX_PIXELS, param: str = "image") -> Photograph:
    """The picture in a file, upright; the first frame of an animation. Raises InvalidRequest."""
    with reading(data, max_pixels, param) as image:
        return _photograph(ImageOps.exif_transpose(image))


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
    return _transparency(mask.alpha)


def filled(photograph: Photograph) -> tuple[Photograph, Floats]:
    """A picture with holes as an opaque one, and its holes as the mask to erase by. Raises InvalidRequest if it has none."""
    if photograph.alpha is None or photograph.alpha.all():
        message = "To erase, the darkroom needs a mask, or an image that is transparent where to erase."
        raise InvalidRequest(message, param="mask", code="mask_required")
    return replace(photograph, alpha=None), _transparency(photograph.alpha)


def parse_size(text: str | None) -> tuple[int, int] | None:
    """Width and height in pixels; None for the size of the input. Raises InvalidRequest."""
    if text in (None, "", "auto"):
        return None
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", str(text), re.ASCII)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if size[0] not in SIDE_PX or size[1] not in SIDE_PX:
        message = (
            f"size is 'auto' or 'WIDTHxHEIGHT' with sides of {SIDE_PX.start} to {SIDE_PX.stop - 1} pixels, such as '1024x1024'."
        )
        raise InvalidRequest(message, param="size", code="invalid_size")
    return size


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


def fit(photograph: Photograph, size_px: tuple[int, int]) -> Photograph:
    """The picture scaled and cropped about its centre to exactly this size."""
    if size_px == photograph.size_px:
        return photograph
    image = ImageOps.fit(_image(photograph), size_px, Image.Resampling.LANCZOS)
    return replace(_photograph(image), icc=photograph.icc)


def fit_weight(mask: Floats, size_px: tuple[int, int]) -> Floats:
    """The mask, brought to the same size in the same way."""
    if size_px == mask.shape[::-1]:
        return mask
    image = ImageOps.fit(Image.fromarray((mask * 255 + 0.5).astype(np.uint8)), size_px, Image.Resampling.BILINEAR)
    return np.asarray(image, np.float32) * np.float32(1 / 255)


def encode(photograph: Photograph, output: Format) -> bytes:
    """The picture as a file. JPEG has no transparency: there it is laid on white."""
    image, buffer = _image(photograph), BytesIO()
    if output.name == "png":
        image.save(buffer, "PNG", compress_level=1, icc_profile=photograph.icc)  # ten times as fast as 6, a tenth larger
    elif output.name == "webp":
        image.save(buffer, "WEBP", quality=output.quality, method=1, icc_profile=photograph.icc or b"")
    else:
        flat = _on_white(image)
        # above 95 a JPEG only grows (Pillow's handbook, "JPEG saving")
        flat.save(buffer, "JPEG", quality=min(95, output.quality), icc_profile=photograph.icc)
    return buffer.getvalue()


def _photograph(image: Image.Image) -> Photograph:
    icc = image.info.get("icc_profile") if image.mode in _COLOUR_MODES else None
    image = _eight_bit(image)
    if not image.has_transparency_data:
        return Photograph(np.asarray(image.convert("RGB")), None, icc)
    pixels = np.asarray(image.convert("RGBA"))
    return Photograph(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]), icc)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Sixteen-bit grey scaled down: Pillow's own conversion would cut it off at 255."""
    if not image.mode.startswith("I"):
        return image
    return Image.fromarray((np.asarray(image, np.float32) * np.float32(1 / 257) + 0.5).astype(np.uint8))


def _image(photograph: Photograph) -> Image.Image:
    if photograph.alpha is None:
        return Image.fromarray(photograph.rgb)
    return Image.fromarray(np.dstack([photograph.rgb, photograph.alpha]))


def _transparency(alpha: Bytes8) -> Floats:
    return (255 - alpha) * np.float32(1 / 255)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _text(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]}x{size_px[1]}"
