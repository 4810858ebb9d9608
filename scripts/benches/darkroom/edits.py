"""One edit by the provider itself, in this process, timed event by event."""

import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.providers.darkroom import Darkroom
from streamedit.targets import Target
from streamedit.uploads import Upload

PHOTO = Path("tests/photos/astronaut.jpg")
_TARGET = Target("darkroom", "darkroom")


def photograph(size_px: tuple[int, int]) -> bytes:
    """The astronaut in that size, with the noise of a camera, as PNG."""
    with Image.open(PHOTO) as image:
        pixels = np.asarray(image.convert("RGB").resize(size_px, Image.Resampling.LANCZOS), np.float32)
    noise = np.random.default_rng(1).normal(0, 2.5, pixels.shape)
    return _png(Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8)))


def mask(size_px: tuple[int, int], share: float) -> bytes:
    """Transparent in a square of that share of the picture, beside its middle."""
    width, height = size_px
    side = round((share * width * height) ** 0.5)
    alpha = np.full((height, width), 255, np.uint8)
    alpha[height // 3 : height // 3 + side, width // 6 : width // 6 + side] = 0
    return _png(Image.fromarray(np.dstack([np.zeros((height, width, 3), np.uint8), alpha])))


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


async def timed(
    prompt: str, image: bytes, mask: bytes | None = None, partials: int = 0, others: Sequence[bytes] = ()
) -> Sequence[float]:
    """When each event of the edit had come, in ms."""
    request = EditRequest(
        prompt=prompt,
        images=tuple(map(_input, (image, *others))),
        stream=True,
        options=EditOptions(partial_images=partials),
        mask=None if mask is None else _input(mask),
    )
    darkroom = Darkroom(time.time, threads=1)
    started = time.perf_counter()
    return [(time.perf_counter() - started) * 1e3 async for _ in darkroom.edit(request, _TARGET)]


def _input(data: bytes) -> InputImage:
    return InputImage(Upload(data), "image.png", "image/png")
