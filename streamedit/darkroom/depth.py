"""Sixteen bits: pictures of them out of Pillow, which has no pixels of three or four times 16 bits.

Of each number it takes the upper byte. Told of the other order of bytes it takes the lower one instead: two looks at a file
give all of it, and nothing but Pillow, with what `decoders` checks, reads files.
"""

import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

import cv2
import numpy as np
from PIL import Image, ImageFile

from streamedit.darkroom.photograph import Photograph, Pixels, as_pixels

_LOWER: Mapping[str, str] = MappingProxyType(
    {
        "RGB;16B": "RGB;16L",
        "RGB;16L": "RGB;16B",
        "RGBX;16B": "RGBX;16L",
        "RGBX;16L": "RGBX;16B",
        "RGBA;16B": "RGBA;16L",
        "RGBA;16L": "RGBA;16B",
        "LA;16B": "RGBA",  # an LA;16L is not there: its four bytes as they are
    }
)
"""Pillow's names of how numbers are stored, with the one by which it takes the lower bytes."""

_LOWER_OF_GREY = (1, 1, 1, 3)
"""Where they are in the four bytes of grey and alpha."""

_WHITE = 65535


def lower_rawmode(image: Image.Image) -> str | None:
    """How to read the lower bytes of a file that is not decoded yet; None if it has none, or Pillow all of them."""
    return _LOWER.get(_ordered(next(iter(_rawmodes(image)), "")))


def read_as(image: Image.Image, rawmode: str) -> Image.Image:
    """The same image, whose bytes will be taken in another way."""
    file = cast(ImageFile.ImageFile, image)
    file.tile = [tile._replace(args=_renamed(tile.args, rawmode)) for tile in file.tile]
    return file


def joined(upper: Image.Image, lower: Image.Image, rawmode: str) -> Photograph:
    """The photograph whose upper bytes and whose lower ones, by this `rawmode`, these are."""
    is_grey = rawmode == _LOWER["LA;16B"]
    halves = np.empty((upper.height, upper.width, len(upper.getbands()), 2), np.uint8)
    at = int(sys.byteorder == "little")
    halves[..., at] = np.asarray(upper)
    halves[..., 1 - at] = np.asarray(lower)[..., _LOWER_OF_GREY] if is_grey else np.asarray(lower)
    pixels = halves.view(np.uint16)[..., 0]
    icc = None if is_grey else upper.info.get("icc_profile")
    if pixels.shape[2] == 4:
        return Photograph(np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3]), icc)
    return Photograph(pixels, _keyed(pixels, upper), icc)


def grey(image: Image.Image) -> Photograph:
    """The photograph in an image of 16-bit or larger whole numbers, or of floats from 0 to 1."""
    values = np.asarray(image)
    if values.dtype.kind == "f":
        values = np.nan_to_num(np.clip(values, 0, 1)) * np.float32(_WHITE) + np.float32(0.5)
    plane = np.clip(values, 0, _WHITE).astype(np.uint16)
    return Photograph(as_pixels(cv2.merge([plane, plane, plane])), _keyed(plane[..., None], image))


def _rawmodes(image: Image.Image) -> list[str]:
    tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
    names = [tile.args[0] if isinstance(tile.args, tuple) and tile.args else tile.args for tile in tiles]
    return [name for name in names if isinstance(name, str)]


def _ordered(rawmode: str) -> str:
    """What is named for the order of this machine, named by it."""
    return rawmode[:-1] + sys.byteorder[0].upper() if rawmode.endswith(";16N") else rawmode


def _renamed(args: tuple[object, ...] | str | None, rawmode: str) -> tuple[object, ...] | str:
    return (rawmode, *args[1:]) if isinstance(args, tuple) else rawmode


def _keyed(pixels: Pixels, image: Image.Image) -> Pixels | None:
    """The alpha of a PNG in which one colour is transparent."""
    key = image.info.get("transparency")
    if key is None:
        return None
    return np.where((pixels == np.array(key)).all(axis=2), 0, _WHITE).astype(np.uint16)
