"""What is read without waiting, for tests that need no event loop."""

from collections.abc import AsyncIterator, Sequence

from streamedit.contents import Excerpt
from streamedit.events import Payload


def drained(slices: AsyncIterator[bytes]) -> list[bytes]:
    """All that an iterator gives."""

    async def drain() -> list[bytes]:
        return [slice_ async for slice_ in slices]

    step = drain()
    try:
        step.send(None)
    except StopIteration as done:
        found: list[bytes] = done.value
        return found
    step.close()
    raise AssertionError("it waits")


def raw(payload: Payload) -> bytes:
    """An event's JSON text."""
    return b"".join(drained(payload.content.slices()))


def image(payload: Payload) -> bytes:
    """Its image as base64 text."""
    return joined([payload.image_base64])


def joined(parts: Sequence[Excerpt]) -> bytes:
    """Parts one after the other."""
    return b"".join(slice_ for part in parts for slice_ in drained(part.slices()))
