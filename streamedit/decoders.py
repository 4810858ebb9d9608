"""The decoders of pictures: chosen by what a file's leading bytes say, for the kinds that `images` knows and three more.

Not `Image.open`: that one warns of sizes by a limit of its own, and tries formats that nobody asked for.
"""

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from io import BytesIO
from types import MappingProxyType

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from streamedit.errors import InvalidRequest
from streamedit.images import ImageInfo, inspect

_MOST_READS = 200_000
"""A PNG of 100 MB that is written as finely as any is read in half of these."""

_TILE_WIDTH, _TILE_LENGTH = 322, 323
_TILE_SIDES_PX = range(4097)
"""Of a TIFF's tiles: the usual ones have 256."""


class _File(BytesIO):
    """Read in so many pieces at most: Pillow would follow millions of empty segments or chunks one by one, for minutes."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise OSError("read in too many pieces")
        return super().read(size)


def _heif(file: BytesIO) -> Image.Image:
    from pi_heif import HeifImageFile  # type: ignore[import-untyped] # noqa: PLC0415 - an optional extra without types

    image: Image.Image = HeifImageFile(file)
    return image


def _tiff(file: BytesIO) -> Image.Image:
    """A tile is decoded as a whole, however little of it is shown."""
    image = TiffImagePlugin.TiffImageFile(file)
    if any(image.tag_v2.get(tag, 0) not in _TILE_SIDES_PX for tag in (_TILE_WIDTH, _TILE_LENGTH)):
        raise OSError("tiles that nobody writes")
    return image


_DECODERS: Mapping[str, Callable[[BytesIO], Image.Image]] = MappingProxyType(
    {
        "png": PngImagePlugin.PngImageFile,
        "jpeg": JpegImagePlugin.JpegImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
        "gif": GifImagePlugin.GifImageFile,
        "avif": AvifImagePlugin.AvifImageFile,
        "heic": _heif,
        "heif": _heif,
        "bmp": BmpImagePlugin.BmpImageFile,
        "tiff": _tiff,
        "jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
    }
)

KINDS = tuple(_DECODERS)
"""What can be decoded; HEIC and HEIF need the extra `heif`."""

_BEGINNINGS: Mapping[bytes, str] = MappingProxyType(
    {
        b"BM": "bmp",
        b"II*\0": "tiff",
        b"MM\0*": "tiff",
        b"\0\0\0\x0cjP  \r\n\x87\n": "jp2",
        b"\xff\x4f\xff\x51": "jp2",
    }
)
"""Of the kinds that `images` does not know: their sizes are not told before they are opened."""

_BOMB = (Image.DecompressionBombError, Image.DecompressionBombWarning)
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, RuntimeError, struct.error, zlib.error, Warning)
"""What Pillow raises for files that lie; its warnings too, where a program has made errors of them."""


def is_decoded(kind: str) -> bool:
    """Whether this server can decode a kind: what it needs for that is installed."""
    return kind in _DECODERS and (_DECODERS[kind] is not _heif or find_spec("pi_heif") is not None)


def check_head(head: bytes, max_pixels: int, param: str = "image") -> ImageInfo:
    """What the leading bytes say. Raises InvalidRequest for anything that is no image, or has too many pixels to decode."""
    info = inspect(head) or _further(head)
    if info is None:
        message = f"The {param} is not a PNG, JPEG, WebP, GIF, AVIF, HEIC, BMP, TIFF or JPEG 2000 file."
        raise InvalidRequest(message, param=param, code="invalid_image_file")
    _check_pixels((info.width_px, info.height_px), max_pixels, param)
    return info


@contextmanager
def reading(data: bytes, max_pixels: int, param: str = "image") -> Iterator[Image.Image]:
    """The picture in a file, which has not been decoded yet; of an animation the first frame.

    Raises InvalidRequest, also for what goes wrong when it is decoded inside the block.
    """
    info = check_head(data, max_pixels, param)
    try:
        with _DECODERS[info.kind](_File(data)) as image:
            _check_pixels(image.size, max_pixels, param)
            yield image
    except ImportError as error:
        message = f"The {param} is HEIC, which this server cannot read without its extra 'heif': convert it to PNG or JPEG."
        raise InvalidRequest(message, param=param, code="invalid_image_file") from error
    except _BOMB as error:  # a GIF whose first frame is larger than its screen
        raise _too_large(param, "more than its head says", max_pixels) from error
    except _BROKEN as error:
        raise InvalidRequest(f"The {param} cannot be decoded.", param=param, code="invalid_image_file") from error


def _further(head: bytes) -> ImageInfo | None:
    kind = next((kind for beginning, kind in _BEGINNINGS.items() if head.startswith(beginning)), None)
    return ImageInfo(f"image/{kind}") if kind else None


def _check_pixels(size_px: tuple[int, int], max_pixels: int, param: str) -> None:
    width_px, height_px = size_px
    if width_px * height_px > max_pixels:
        raise _too_large(param, f"{width_px}x{height_px} pixels", max_pixels)


def _too_large(param: str, size: str, max_pixels: int) -> InvalidRequest:
    message = f"The {param} is {size}; at most {max_pixels} pixels are decoded here."
    return InvalidRequest(message, param=param, code="image_too_large_to_edit")
