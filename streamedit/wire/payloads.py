"""JSON objects with images in them, read and written without touching the images.

A 3 MB event is 3 MB of base64 and 300 bytes of JSON. `cut` finds each `b64_json` string by its quotes, sets it aside and
parses the rest; `build` is the way back. Base64 contains no quote, so the next quote always ends the string.
"""

import json
import re
from collections.abc import Mapping, Sequence

from streamedit.contents import Content
from streamedit.events import Json, Payload

PARTIAL_IMAGE = "image_edit.partial_image"
COMPLETED = "image_edit.completed"
ERROR = "error"

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
    return loads(b"".join(rest)), images


def loads(text: bytes) -> Json:
    """Parsed JSON. Raises ValueError, for endless nesting too."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def parse(pieces: tuple[bytes, ...], quoted: Sequence[bool]) -> Payload:
    """One event's JSON object as a Payload; `quoted` tells which pieces have a quote in them.

    Raises ValueError unless it is an object with at most one image.
    """
    fields, images = _cut_across(pieces, quoted) or cut(b"".join(pieces))
    if not isinstance(fields, dict) or len(images) > 1:
        raise ValueError("an event is a JSON object with one image")
    return Payload(Content(pieces), fields, images[0] if images else slice(0, 0))


def build(fields: Mapping[str, Json], image: bytes | memoryview | None = None) -> Payload:
    """A Payload of `fields` and, as the last of them, `image` (base64 text) as `b64_json`."""
    if image is None:
        return Payload(Content((dumps(fields),)), fields)
    fields, head, tail = _shell(fields)
    return Payload(Content((b"".join([head, image, tail]),)), fields, slice(len(head), len(head) + len(image)))


def around(fields: Mapping[str, Json], image: Sequence[bytes | memoryview]) -> Payload:
    """As `build`, of base64 in pieces: those that are bytes stay the objects that they are."""
    fields, head, tail = _shell(fields)
    content = Content((head, *map(bytes, image), tail))
    return Payload(content, fields, slice(len(head), content.size_bytes - len(tail)))


def _shell(fields: Mapping[str, Json]) -> tuple[Mapping[str, Json], bytes, bytes]:
    """The fields with an empty image as the last of them, and their JSON before and behind the image's text."""
    fields = {**{name: value for name, value in fields.items() if name != "b64_json"}, "b64_json": ""}
    text = dumps(fields)
    return fields, text[:-2], text[-2:]


def with_field(payload: Payload, name: str, value: Json) -> Payload:
    """The same payload with one more field, the last, which is the one that parsers take; the rest keeps its bytes."""
    pieces = payload.content.pieces
    number = next(number for number in reversed(range(len(pieces))) if b"}" in pieces[number])
    tail = (b"," if payload.fields else b"") + dumps({name: value})[1:]
    longer = (*pieces[:number], pieces[number][: pieces[number].rindex(b"}")] + tail)
    return Payload(Content(longer), {**payload.fields, name: value}, payload.image)


def _cut_across(pieces: Sequence[bytes], quoted: Sequence[bool]) -> tuple[Json, Sequence[slice]] | None:
    """`cut` for an image that begins in the first piece and ends in a later one: nearly all there is, joined by nobody."""
    first = pieces[0]
    at = first.find(_KEY)
    opening = _IMAGE_STRING.match(first, at + len(_KEY)) if at >= 0 else None
    last = next((number for number in range(1, len(pieces)) if quoted[number]), None)
    if opening is None or last is None or first.find(b'"', opening.end()) >= 0:
        return None
    end = pieces[last].find(b'"')
    rest, more = cut(b"".join((first[: opening.end()], pieces[last][end:], *pieces[last + 1 :])))
    # The first of them is the emptied string itself.
    return rest, [slice(opening.end(), sum(len(piece) for piece in pieces[:last]) + end), *more[1:]]


def _images(raw: bytes) -> Sequence[slice]:
    found: list[slice] = []
    at = raw.find(_KEY)
    while at >= 0:
        opening = _IMAGE_STRING.match(raw, at + len(_KEY))
        at += len(_KEY)
        if opening is not None:
            end = raw.find(b'"', opening.end())
            if end < 0 or any(raw.find(line_end, opening.end(), end) >= 0 for line_end in (b"\n", b"\r")):
                raise ValueError("a string that does not end on its line")
            found.append(slice(opening.end(), end))
            at = end
        at = raw.find(_KEY, at)
    return found


def dumps(value: Mapping[str, Json]) -> bytes:
    """JSON on one line."""
    return json.dumps(value, separators=(",", ":")).encode()
