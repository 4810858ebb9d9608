"""Bodies of requests as pieces that are sent one behind the other, and never joined."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from scripts.benches import forms

Piece = bytes | memoryview


@dataclass(frozen=True)
class Body:
    """What is sent, and as what."""

    content_type: str
    pieces: Sequence[Piece]

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.pieces))


def form(fields: Mapping[str, str], name: str, images: Sequence[memoryview]) -> Body:
    """Fields, then images, all of this name."""
    texts = (forms.part(f'name="{field}"', value.encode()) for field, value in fields.items())
    files = (forms.part(f'name="{name}"; {forms.PNG}', image) for image in images)
    pieces = [*chain.from_iterable(chain(texts, files)), forms.END]
    return Body(f"multipart/form-data; boundary={forms.BOUNDARY}", pieces)


def named(fields: Mapping[str, str], images: Sequence[Mapping[str, str]]) -> Body:
    """JSON with images that are elsewhere."""
    return Body("application/json", [json.dumps({**fields, "images": images}).encode()])


def inlined(fields: Mapping[str, str], images: Sequence[memoryview]) -> Body:
    """JSON with images as data URLs, of what is base64 already."""
    return Body("application/json", list(_inlined(fields, images)))


def _inlined(fields: Mapping[str, str], images: Sequence[memoryview]) -> Iterator[Piece]:
    yield json.dumps(fields).encode().removesuffix(b"}") + b',"images":['
    for number, image in enumerate(images):
        yield b"," * bool(number) + b'{"image_url":"data:image/png;base64,'
        yield image
        yield b'"}'
    yield b"]}"
