"""OpenAI's image events as pictures."""

import base64
import binascii
import re
from collections.abc import Mapping

from streamedit.cli.editing import Picture
from streamedit.errors import UpstreamBroken
from streamedit.events import Json
from streamedit.wire.payloads import PARTIAL_IMAGE

_SIZE = re.compile(r"[0-9]{1,6}x[0-9]{1,6}")


def picture_of(event: Mapping[str, Json]) -> Picture:
    """The picture of a partial or completed event, by its fields. Raises UpstreamBroken for an event without one."""
    try:
        content = base64.b64decode(str(event.get("b64_json") or ""), validate=True)
    except binascii.Error:
        content = b""
    if not content:
        raise UpstreamBroken("An event came without a picture.", code="upstream_malformed")
    return Picture(
        content,
        is_partial=event.get("type") == PARTIAL_IMAGE,
        index=_number(event.get("partial_image_index")),
        image_index=_number(event.get("image_index")),
        size=_size(event.get("size")),
    )


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _size(value: Json) -> str | None:
    return value if isinstance(value, str) and _SIZE.fullmatch(value) else None
