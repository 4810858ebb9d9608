"""A JSON body to send, with uploads in it as base64 that is made while it is sent: megabytes of text are never joined."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import pybase64

from streamedit.edits import InputImage
from streamedit.events import Json
from streamedit.uploads import Upload


@dataclass(frozen=True, slots=True)
class Base64:
    """Stands in a body's value for an upload's base64, as one string, with `prefix` before it."""

    upload: Upload
    prefix: str = ""

    @classmethod
    def data_url(cls, image: InputImage) -> "Base64":
        """The upload as a data URL (RFC 2397) of its media type."""
        return cls(image.upload, f"data:{image.media_type};base64,")

    @property
    def size_bytes(self) -> int:
        return len(self.prefix.encode()) + (self.upload.size_bytes + 2) // 3 * 4

    async def pieces(self) -> AsyncIterator[bytes]:
        """The text in pieces, as the upload is read."""
        yield self.prefix.encode()
        rest = b""
        async for piece in self.upload.slices():
            data = rest + piece
            whole = len(data) // 3 * 3
            rest = data[whole:]
            yield pybase64.b64encode(memoryview(data)[:whole])
        yield pybase64.b64encode(rest)


class JsonBody:
    """The JSON of `value`, in which `Base64` may stand for a string. It can be sent any number of times."""

    content_type = "application/json"

    def __init__(self, value: Mapping[str, Json]) -> None:
        images: list[Base64] = []
        mark = secrets.token_hex(16)

        def cut(image: object) -> str:
            if not isinstance(image, Base64):
                raise TypeError(type(image).__name__)
            images.append(image)
            return mark

        texts = re.split(mark, json.dumps(value, default=cut, separators=(",", ":")))
        self._texts = [text.encode() for text in texts]
        self._images = images

    @property
    def content_length(self) -> int:
        return sum(map(len, self._texts)) + sum(image.size_bytes for image in self._images)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for text, image in zip(self._texts, self._images, strict=False):
            yield text
            async for piece in image.pieces():
                yield piece
        yield self._texts[-1]
