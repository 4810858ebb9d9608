"""What keeping a blob takes in any store: a key that is one, as many bytes as were announced, and an end that is waited for."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Any, TypeVar

import anyio

from streamedit.errors import StoreUnavailable
from streamedit.stores.blobs import SLICE_BYTES

_Result = TypeVar("_Result")

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}")


def names_of(key: str) -> Sequence[str]:
    """The names in a key or a prefix. Raises ValueError for what is neither."""
    names = key.split("/")
    if not all(map(_NAME.fullmatch, names)):
        raise ValueError("a key is made of names, with slashes between them")
    return names


async def exactly(size_bytes: int, slices: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """The same bytes, in blocks of `SLICE_BYTES` at least, but for the last. Raises ValueError unless there are so many."""
    pieces: list[bytes] = []
    waiting_bytes, left_bytes = 0, size_bytes
    async for piece in slices:
        pieces.append(piece)
        waiting_bytes += len(piece)
        left_bytes -= len(piece)
        if left_bytes < 0:
            raise ValueError("there are more bytes than were announced")
        if waiting_bytes >= SLICE_BYTES:
            yield b"".join(pieces)
            pieces, waiting_bytes = [], 0
    if left_bytes:
        raise ValueError("there are fewer bytes than were announced")
    if waiting_bytes:
        yield b"".join(pieces)


async def to_its_end(work: asyncio.Future[_Result], within_s: float | None = None) -> _Result:
    """The result of what cannot be called back: who is cancelled meanwhile goes on when it has ended; as for `ended`."""
    try:
        return await asyncio.shield(work)
    finally:
        await ended(work, within_s)


async def ended(work: asyncio.Future[Any], within_s: float | None = None) -> None:
    """It has ended, well or not, or takes longer than `within_s` and is left. A cancellation is heeded afterwards."""
    with anyio.move_on_after(within_s, shield=True):
        if not work.done():
            await asyncio.wait([work])
    work.cancel()
    if work.done() and not work.cancelled():
        # Told elsewhere: asyncio complains of what nobody has asked for.
        work.exception()


def unavailable() -> StoreUnavailable:
    """For what needs the blobs, and cannot have them now."""
    return StoreUnavailable("The files of this server cannot be reached. Try again later.", headers={"retry-after": "5"})
