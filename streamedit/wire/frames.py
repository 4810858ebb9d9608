"""Server-sent events, both ways: a provider's frame -> an event, an event -> the bytes of its frame."""

from collections.abc import AsyncIterator, Mapping

from streamedit.errors import UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Failed, Json, PartialImage, Payload
from streamedit.wire import bodies, payloads
from streamedit.wire.payloads import COMPLETED, ERROR, PARTIAL_IMAGE
from streamedit.wire.scanner import JOINED_BYTES, Frame


def decode(frame: Frame, headers: Mapping[str, str]) -> Event | None:
    """The event in a provider's frame; None for `[DONE]`, pings and types that are not an edit's.

    The JSON's `type` decides, else the frame's name. Raises UpstreamRefused for an error event in any of the shapes that are
    seen in the wild, UpstreamBroken for data that is not an event.
    """
    if frame.is_mark:
        return None
    payload = _parse(frame)
    if frame.name == ERROR or payload.fields.get("type") == ERROR or payload.fields.get("error"):
        raise UpstreamRefused(bodies.parse_stream_error(payload.fields, headers))
    kind = payload.fields.get("type") or frame.name
    if kind not in (PARTIAL_IMAGE, COMPLETED):
        return None
    if "type" not in payload.fields:
        payload = payloads.with_field(payload, "type", kind)
    if kind == PARTIAL_IMAGE:
        return PartialImage(payload, headers)
    if not payload.has_image and not payload.fields.get("url"):
        raise UpstreamBroken("The provider completed the edit without an image.", code="upstream_empty")
    return Completed(payload, headers)


async def encode(event: Event, event_id: int | None = None, more: Mapping[str, Json] | None = None) -> AsyncIterator[bytes]:
    """The frame of an event in slices of at most `SLICE_BYTES`, with an `id:` line where one is given.

    `more`: fields that its object has behind its own, which keep their bytes.
    """
    head = f"event: {name_of(event)}\ndata: ".encode()
    if event_id is not None:
        head = f"id: {event_id}\n".encode() + head
    if isinstance(event, Failed):
        yield head + bodies.stream_error(event.error) + b"\n\n"
        return
    held, held_bytes = [head], len(head)
    slices = event.payload.content.slices()
    async for slice_ in _extended(slices, more) if more else slices:
        if held and held_bytes + len(slice_) > JOINED_BYTES:
            yield b"".join(held)
            held, held_bytes = [], 0
        held.append(slice_)
        held_bytes += len(slice_)
    if held_bytes > JOINED_BYTES:
        yield b"".join(held)
        held = []
    yield b"".join([*held, b"\n\n"])


async def _extended(text: AsyncIterator[bytes], fields: Mapping[str, Json]) -> AsyncIterator[bytes]:
    """An object's text with more fields, the last, which are the ones that parsers take."""
    held = b""
    async for slice_ in text:
        if slice_.isspace():
            held += slice_
            continue
        yield held
        held = slice_
    yield held[: held.rindex(b"}")]
    yield b"," + payloads.dumps(fields)[1:]


def name_of(event: Event) -> str:
    """The event's type as the dialect names it."""
    if isinstance(event, PartialImage):
        return PARTIAL_IMAGE
    return COMPLETED if isinstance(event, Completed) else ERROR


def reset(first_event_id: int) -> bytes:
    """Tells a reader that its events do not go on where it left off: what it has is void, all that there is follows."""
    return b"event: reset\ndata: %b\n\n" % payloads.dumps({"type": "reset", "first_event_id": first_event_id})


def retry(delay_ms: int) -> bytes:
    """Tells an EventSource how long to wait before it comes back."""
    return b"retry: %d\n\n" % delay_ms


def comment(text: str) -> bytes:
    """A heartbeat: clients skip it, proxies count it as traffic."""
    return f": {text}\n\n".encode()


def _parse(frame: Frame) -> Payload:
    try:
        return payloads.parse(frame.pieces, frame.quoted)
    except ValueError as error:
        raise UpstreamBroken("The provider sent an event that is not JSON.", code="upstream_malformed") from error
