"""The parts of a request that are judged, each by itself: its prompt and every file that came with it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from anyio import to_thread

from streamedit.edits import EditRequest, InputImage
from streamedit.images import inspect
from streamedit.wire import moderations
from streamedit.wire.jsonbody import JsonBody

_MAX_IMAGE_BYTES = 20 << 20
"""OpenAI takes no larger ones (API reference)."""


class Item(Protocol):
    """A part of a request."""

    async def digest(self) -> bytes:
        """By which it is known again: SHA-256, of texts and of files apart."""
        ...

    async def question(self, model: str) -> JsonBody | None:
        """A request to judge it; None for what no endpoint takes."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt."""

    text: str = field(repr=False)

    async def digest(self) -> bytes:
        # A client's JSON may have half a surrogate pair in it.
        return b"text" + hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()

    async def question(self, model: str) -> JsonBody | None:
        return moderations.of_text(model, self.text)


@dataclass(frozen=True, slots=True)
class File:
    """An upload. It is read slice by slice, never as a whole."""

    image: InputImage

    async def digest(self) -> bytes:
        digest = hashlib.sha256()
        async for piece in self.image.upload.slices():
            await to_thread.run_sync(digest.update, piece)
        return b"file" + digest.digest()

    async def question(self, model: str) -> JsonBody | None:
        info = inspect(await self.image.upload.head())
        if info is None or self.image.upload.size_bytes > _MAX_IMAGE_BYTES:
            return None
        return moderations.of_image(model, replace(self.image, media_type=info.media_type))


def items_of(request: EditRequest, *, with_images: bool) -> Iterator[Item]:
    """The prompt first; then, in their order, the files."""
    if request.prompt.strip():
        yield Text(request.prompt)
    if with_images:
        yield from (File(image) for image in request.files())
