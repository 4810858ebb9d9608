"""The same pictures by bare calls of Pillow, OpenCV and numpy, as one would write them by hand: nothing is read from words."""

import base64
from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floor: TypeAlias = Callable[[bytes], bytes]
"""From a file to one in base64."""

_LUMA = np.array([[0.2126, 0.7152, 0.0722]], np.float32)
_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)


def resized(data: bytes) -> bytes:
    """Black and white, brighter, half the size, where light is averaged."""
    rgb = _opened(data)
    rgb = cv2.merge([cv2.transform(rgb, _LUMA)] * 3)
    rgb = cv2.pow(rgb, 2.0**-0.3)
    return _written(cv2.pow(cv2.resize(cv2.pow(rgb, 2.2), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), 1 / 2.2))


def blurred(data: bytes) -> bytes:
    """Less colour, flatter, blurred."""
    rgb = _opened(data)
    grey = cv2.merge([cv2.transform(rgb, _LUMA)] * 3)
    rgb = cv2.addWeighted(rgb, 0.6, grey, 0.4, 0)
    mean = float(cv2.mean(grey)[0])
    rgb = cv2.addWeighted(rgb, 0.66, np.full_like(rgb, mean), 0.34, 0)
    return _written(cv2.pow(cv2.GaussianBlur(cv2.pow(rgb, 2.2), (0, 0), 3), 1 / 2.2))


def turned(data: bytes) -> bytes:
    """Sepia, turned by 5 degrees and cut, mirrored."""
    sepia = np.array([[0.303, 0.592, 0.146], [0.251, 0.494, 0.121], [0.185, 0.363, 0.089]], np.float32)
    rgb = _opened(data)
    rgb = cv2.addWeighted(rgb, 0.1, cv2.transform(rgb, sepia), 0.9, 0)
    height, width = rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 5, 1)
    rgb = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC)
    rim = round(width * 0.08 / 2)
    return _written(cv2.flip(np.ascontiguousarray(rgb[rim:-rim, rim:-rim]), 1))


FLOORS: Mapping[str, Floor] = MappingProxyType(
    {
        "black and white, brightness +20%, resize to 50%": resized,
        "saturation -40%, contrast -40%, blur by 3 px": blurred,
        "sepia, rotate 5 degrees left, flip it": turned,
    }
)
"""By the prompts that ask the darkroom for the same."""


def _opened(data: bytes) -> NDArray[np.float32]:
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.float32) * np.float32(1 / 255)


def _written(rgb: cv2.typing.MatLike) -> bytes:
    pixels = cv2.convertScaleAbs(rgb, alpha=255)
    return base64.b64encode(cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _PNG)[1].tobytes())
