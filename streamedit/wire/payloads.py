"""JSON objects with images in them, read and written without touching the images.

A 3 MB event is 3 MB of base64 and 300 bytes of JSON. `cut` finds each `b64_json` string by its quotes, sets it aside and
parses the rest; `build` is the way back. Base64 contains no quote, so the next quote always ends the string.
"""

import json
import re
from collections.abc import Mapping, Sequence

from streamedit.events import Json, Payload

_IMAGE_STRING = re.compile(rb'\s*:\s*"')
_KEY = b'"b64_json"'


def cut(raw: bytes) -> tuple[Json, Sequence[slice]]:
    """`raw` parsed with every `b64_json` string empty, and where those strings lie, in order. Raises ValueError."""
    rest, images, kept = [], [], 0
    for image in _images(raw):
        rest.append(raw[kept : image.start])
        images.append(image)
        kept = image.stop
    rest.append(raw[kept:])
    return json.loads(b"".join(rest)), images


def parse(raw: bytes) -> Payload:
    """One event's JSON object as a Payload. Raises ValueError when it is not an object with at most one image."""
    fields, images = cut(raw)
    if not isinstance(fields, dict) or len(images) > 1:
        raise ValueError("an event is a JSON object with one image")
    return Payload(raw, fields, images[0] if images else slice(0, 0))


def build(fields: Mapping[str, Json], image: bytes | memoryview | None = None) -> Payload:
    """A Payload of `fields` and, as the last of them, `image` (base64 text) as `b64_json`."""
    if image is None:
        return Payload(_dumps(fields), fields)
    fields = {**fields, "b64_json": ""}
    shell = _dumps(fields)
    at = len(shell) - len(b'"}')
    return Payload(b"".join([shell[:at], image, shell[at:]]), fields, slice(at, at + len(image)))


def with_field(payload: Payload, name: str, value: Json) -> Payload:
    """The same payload with one more field in front; the rest keeps its bytes."""
    start = payload.raw.index(b"{") + 1
    front = _dumps({name: value})[:-1] + (b"," if payload.fields else b"")
    shift = len(front) - start
    image = slice(payload.image.start + shift, payload.image.stop + shift) if payload.image.stop else payload.image
    return Payload(front + payload.raw[start:], {name: value, **payload.fields}, image)


def _images(raw: bytes) -> Sequence[slice]:
    found: list[slice] = []
    at = raw.find(_KEY)
    while at >= 0:
        opening = _IMAGE_STRING.match(raw, at + len(_KEY))
        at += len(_KEY)
        if opening is not None:
            end = raw.find(b'"', opening.end())
            if end < 0:
                raise ValueError("a string that does not end")
            found.append(slice(opening.end(), end))
            at = end
        at = raw.find(_KEY, at)
    return found


def _dumps(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
