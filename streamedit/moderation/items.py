"""The parts of a request that are judged, each by itself: what is written in it, and every file that came with it."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from streamedit.edits import EditRequest, InputImage
from streamedit.images import inspect
from streamedit.wire import moderations
from streamedit.wire.jsonbody import JsonBody

_MAX_IMAGE_BYTES = 20 << 20
"""OpenAI takes no larger ones (API reference)."""

_KINDS = frozenset({"png", "jpeg", "webp", "gif"})
"""Nor others (API reference)."""


class Item(Protocol):
    """A part of a request."""

    async def digest(self) -> bytes | None:
        """By which it is known again: SHA-256, of texts and of files apart. None for what no endpoint takes."""
        ...

    async def question(self, model: str) -> JsonBody:
        """A request to judge it, if it has a digest."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt, or other words."""

    text: str = field(repr=False)

    async def digest(self) -> bytes | None:
        # A client's JSON may have half a surrogate pair in it.
        return b"text" + hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).digest()

    async def question(self, model: str) -> JsonBody:
        return moderations.of_text(model, self.text)


@dataclass(frozen=True, slots=True)
class File:
    """An upload. It is read slice by slice, never as a whole."""

    image: InputImage

    async def digest(self) -> bytes | None:
        if self.image.upload.size_bytes > _MAX_IMAGE_BYTES or not await self._media_type():
            return None
        return b"file" + await self.image.upload.digest()

    async def question(self, model: str) -> JsonBody:
        return moderations.of_image(model, replace(self.image, media_type=await self._media_type()))

    async def _media_type(self) -> str:
        """Of its content: clients often leave it open. Empty for anything but an image of a kind that is judged."""
        info = inspect(await self.image.upload.head())
        return info.media_type if info and info.kind in _KINDS else ""


def texts_of(request: EditRequest) -> Iterator[str]:
    """All that is written in it: its prompt; then what its provider's own fields say in words."""
    yield request.prompt
    yield "\n".join(text for _, text in request.extra if any(map(str.isalpha, text)))


def items_of(texts: Iterable[str], files: Iterable[InputImage]) -> Iterator[Item]:
    """The texts first; then, in their order, the files."""
    yield from (Text(text) for text in texts if text.strip())
    yield from map(File, files)
