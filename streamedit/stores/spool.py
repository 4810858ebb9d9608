"""What a log has no room for in memory, on disk: a file without a name, so that nothing can be left behind.

It is made of blocks that are used again and again, the last that was freed first: writing where the system has memory for the
file already costs a tenth of what new files cost.
"""

import os
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from anyio import CapacityLimiter, to_thread

from streamedit import writes
from streamedit.contents import SLICE_BYTES, Content

_THREADS = 8
"""That read and write at a time."""


class Spool:
    """Contents in a file, which is there as long as one of them is held by anybody, or the spool is."""

    def __init__(self, descriptor: int, block_bytes: int = SLICE_BYTES) -> None:
        self.block_bytes = block_bytes
        self.descriptor = descriptor
        self._free: list[int] = []
        self._blocks = 0
        # Of its own, so that it waits for nobody else's work.
        self.threads = CapacityLimiter(_THREADS)
        weakref.finalize(self, writes.close, descriptor)

    @classmethod
    async def open(cls, folder: Path | None, block_bytes: int = SLICE_BYTES) -> "Spool":
        """A new file in `folder`, in the system's own when that is None. Raises OSError."""
        return cls(await to_thread.run_sync(writes.open_unnamed, folder), block_bytes)

    async def take(self, content: Content) -> int:
        """Move a content from memory into whole blocks, and give their size in bytes. Raises OSError; then it stays there."""
        place = _Place(self, sorted(self._block() for _ in range(-(-content.size_bytes // self.block_bytes))))
        await to_thread.run_sync(place.write, content.pieces, limiter=self.threads)
        content.move(place.read)
        return len(place.blocks) * self.block_bytes

    def give_back(self, blocks: Sequence[int]) -> None:
        self._free.extend(blocks)

    def _block(self) -> int:
        if self._free:
            return self._free.pop()
        self._blocks += 1
        return self._blocks - 1


class _Place:
    """Where one content is. Its blocks are free again when nobody, no thread that writes either, holds it any more."""

    def __init__(self, spool: Spool, blocks: list[int]) -> None:
        self.blocks = blocks
        self._spool = spool
        weakref.finalize(self, spool.give_back, blocks)

    def write(self, pieces: Sequence[bytes]) -> None:
        """In as few steps as there are runs of blocks: after each, a thread may wait long for its turn."""
        left = deque(memoryview(piece) for piece in pieces)
        for begin, blocks in _runs(self.blocks):
            offset, size_bytes = begin * self._spool.block_bytes, blocks * self._spool.block_bytes
            writes.write_all(self._spool.descriptor, offset, writes.take(left, size_bytes))

    async def read(self, offset: int, size_bytes: int) -> bytes:
        number, within = divmod(offset, self._spool.block_bytes)
        begin = self.blocks[number] * self._spool.block_bytes + within
        limit_bytes = min(size_bytes, self._spool.block_bytes - within)
        pread = partial(os.pread, self._spool.descriptor, limit_bytes, begin)
        data = await to_thread.run_sync(pread, limiter=self._spool.threads)
        if not data:
            raise EOFError("an event's file is shorter than the event")
        return data


def _runs(blocks: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first block and the length of each run of neighbours."""
    for _, run in groupby(enumerate(blocks), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        yield numbers[0], len(numbers)
