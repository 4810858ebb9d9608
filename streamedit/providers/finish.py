"""From a provider's picture to its event: composited, in the format that was asked for, and described by what it is.

For providers whose answers are not OpenAI's. A picture that needs nothing is not decoded, and not copied: its base64 goes on
in the pieces in which it came.
"""

import binascii
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import pybase64
from anyio import to_thread

from streamedit.edits import EditRequest
from streamedit.errors import UpstreamBroken
from streamedit.events import Completed, Json, PartialImage, Usage
from streamedit.images import ImageInfo, inspect
from streamedit.providers import pixels
from streamedit.providers.base import Picture
from streamedit.wire.cutouts import Pieces

Base64: TypeAlias = bytes | memoryview | Pieces
"""A picture's base64, whole or in pieces."""

_HEAD_CHARS = 1 << 16
"""Enough of a picture's base64 to know its type and size; a multiple of 4."""


class Finish:
    """Makes the events of one call. `now_s`: Unix time. `composite`: outside the mask the original is put back."""

    def __init__(self, request: EditRequest, now_s: float, *, composite: bool = False, background: str = "opaque") -> None:
        self._request = request
        self._picture = Picture(int(now_s), "", "", request.options.quality or "auto", background)
        self._composite = composite and request.mask is not None

    async def partial(self, image: Base64, index: int) -> PartialImage:
        """The interim picture number `index`, from its base64. Raises UpstreamBroken."""
        picture, image = await self._finished(image)
        return picture.partial(image, index)

    async def completed(self, image: Base64, usage: Usage | None = None, image_index: int = 0, **fields: Json) -> Completed:
        """The finished picture, from its base64; `fields`: what else its event says.

        `image_index`: which of the pictures of this call it is; the usage of them all comes with the first. Raises
        UpstreamBroken.
        """
        picture, image = await self._finished(image)
        return replace(picture.completed(image, usage or Usage(), **fields), image_index=image_index)

    async def base64(self, data: bytes) -> bytes:
        """A file's base64."""
        return await to_thread.run_sync(pybase64.b64encode, data)

    async def _finished(self, image: Base64) -> tuple[Picture, Base64]:
        if not len(image):
            raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
        if self._composite:
            original, mask = await self._masked()
            image = await to_thread.run_sync(lambda: pybase64.b64encode(pixels.composited(_file(image), original, mask)))
        info = _described(image)
        wanted = self._request.options.output_format
        if wanted and info.media_type != f"image/{wanted}":
            compression = self._request.options.output_compression
            image = await to_thread.run_sync(lambda: pybase64.b64encode(pixels.converted(_file(image), wanted, compression)))
            info = _described(image)
        size = f"{info.width_px}x{info.height_px}" if info.pixels else "auto"
        return replace(self._picture, size=size, output_format=info.media_type.removeprefix("image/")), image

    async def _masked(self) -> tuple[bytes, bytes]:
        assert self._request.mask is not None  # noqa: S101 - without a mask nothing is composited
        return await self._request.images[0].upload.read(), await self._request.mask.upload.read()


def _described(image: Base64) -> ImageInfo:
    """What kind of picture this base64 is. Raises UpstreamBroken when it is none."""
    head = b"".join(_beginning(image))[:_HEAD_CHARS]
    try:
        info = inspect(binascii.a2b_base64(head[: len(head) // 4 * 4]))
    except binascii.Error:
        info = None
    if info is None:
        raise UpstreamBroken("The provider answered with something that is no image.", code="upstream_malformed")
    return info


def _beginning(image: Base64) -> Iterator[bytes]:
    """Its first pieces, as many as are looked at."""
    left = _HEAD_CHARS
    for piece in _pieces(image):
        yield bytes(piece[:left])
        left -= len(piece)
        if left <= 0:
            return


def _pieces(image: Base64) -> Pieces:
    return [image] if isinstance(image, bytes | memoryview) else image


def _file(image: Base64) -> bytes:
    """Raises UpstreamBroken for broken base64."""
    try:
        return pybase64.b64decode(b"".join(_pieces(image)))
    except binascii.Error as error:
        raise UpstreamBroken("The provider's picture is broken base64.", code="upstream_malformed") from error
