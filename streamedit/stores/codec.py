"""Events and edits as small JSON texts, for stores outside the process; an event's content is kept beside its text."""

import json
from dataclasses import asdict
from typing import Any

from streamedit.contents import Content
from streamedit.edits import Edit
from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Event, Failed, PartialImage, Payload


def dump_event(event: Event, *, last: bool) -> bytes:
    """All of an event but its content."""
    if isinstance(event, Failed):
        return _dumps({"kind": "failed", "error": asdict(event.error), "last": last, "size": 0})
    kind = "partial" if isinstance(event, PartialImage) else "completed"
    fields: dict[str, Any] = {"kind": kind, "fields": event.payload.fields, "last": last, "size": event.payload.size_bytes}
    image = event.payload.image
    fields |= {"image": (image.start, image.stop), "headers": dict(event.headers), "index": event.image_index}
    if isinstance(event, Completed):
        fields["cost_micros"] = event.cost_micros
    return _dumps(fields)


def load_event(text: bytes, content: bytes) -> tuple[Event, bool]:
    """The event, and whether it is its edit's last."""
    fields = json.loads(text)
    if fields["kind"] == "failed":
        return Failed(ErrorDetail(**fields["error"])), fields["last"]
    payload = Payload(Content((content,)), fields["fields"], slice(*fields["image"]))
    told = (payload, fields["headers"], fields["index"])
    event = PartialImage(*told) if fields["kind"] == "partial" else Completed(*told, fields.get("cost_micros"))
    return event, fields["last"]


def size_of(text: bytes) -> int:
    """How many bytes of content belong to an event's text."""
    size_bytes: int = json.loads(text)["size"]
    return size_bytes


def dump_edit(edit: Edit) -> bytes:
    """An edit as text."""
    return _dumps(asdict(edit))


def load_edit(text: bytes) -> Edit:
    """The edit of a text."""
    return Edit(**json.loads(text))


def _dumps(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
