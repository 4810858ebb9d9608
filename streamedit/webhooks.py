"""What is told of an edit's end to those who asked for it, signed as Standard Webhooks has it; OpenAI's webhooks are the same.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, 1.0.0. Pure.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from streamedit.outcomes import CANCELLED, COMPLETED
from streamedit.records import EditRecord, Report
from streamedit.sinks import EventType


@dataclass(frozen=True, slots=True)
class Notice:
    """One event. `content`: its JSON; also a request's body. Whoever gets it twice knows it by its `id`."""

    id: str
    type: EventType
    edit_id: str
    content: bytes = field(repr=False)
    content_type = "application/json"

    @property
    def content_length(self) -> int:
        return len(self.content)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content


def notice_of(report: Report, now_s: float) -> Notice:
    """What is told of an edit that has ended at `now_s`, in Unix seconds."""
    edit = report.edit
    event_id, type_ = f"evt_{secrets.token_hex(16)}", _type_of(edit)
    event = {
        "id": event_id,
        "object": "event",
        "type": type_,
        "created_at": int(now_s),
        "data": _data_of(edit),
    }
    return Notice(event_id, type_, edit.edit_id, json.dumps(event, separators=(",", ":")).encode())


def signed(notice: Notice, key: bytes, now_s: float) -> Mapping[str, str]:
    """The headers of one try to deliver it, `now_s` being its Unix time."""
    at_s = int(now_s)
    mac = hmac.digest(key, f"{notice.id}.{at_s}.".encode() + notice.content, hashlib.sha256)
    return {
        "webhook-id": notice.id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _type_of(edit: EditRecord) -> EventType:
    if edit.outcome == COMPLETED:
        return "image_edit.completed"
    return "image_edit.cancelled" if edit.outcome == CANCELLED else "image_edit.failed"


def _data_of(edit: EditRecord) -> Mapping[str, object]:
    """Times in seconds. The pictures are read by the edit's id."""
    failed = edit.outcome != COMPLETED
    return {
        "id": edit.edit_id,
        "object": "image.edit",
        "status": _type_of(edit).removeprefix("image_edit."),
        "model": edit.model,
        "provider": edit.provider or None,
        "stream": edit.stream,
        "images": edit.images,
        "partial_images": edit.partial_images,
        "attempts": edit.attempts,
        "fallbacks": edit.fallbacks,
        "error": {"code": edit.outcome, "type": edit.error_type, "status": edit.status} if failed else None,
        "usage": {
            "input_tokens": edit.input_tokens,
            "output_tokens": edit.output_tokens,
            "total_tokens": edit.input_tokens + edit.output_tokens,
        },
        "cost_micros": edit.cost_micros,
        "first_event_s": edit.first_event_s,
        "total_s": edit.total_s,
    }
