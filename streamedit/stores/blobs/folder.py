"""Blobs in a local folder: each is a file, and its key the path below the folder."""

import asyncio
import errno
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from streamedit import writes
from streamedit.stores.blobs import SLICE_BYTES, Blob
from streamedit.stores.blobs.puts import exactly, names_of, to_its_end, unavailable
from streamedit.stores.blobs.tree import Part, Tree
from streamedit.uploads import aclosed_unless_done

_Result = TypeVar("_Result")

_THREADS = 8
"""That read and write at a time."""


class FolderBlobs:
    """Below `folder`, on whose disk `reserve_bytes` stay free for whatever else is written there."""

    def __init__(self, folder: Path, reserve_bytes: int) -> None:
        self._tree = Tree(folder)
        self._reserve_bytes = reserve_bytes
        # Of its own, so that it waits for nobody else's work.
        self._threads = CapacityLimiter(_THREADS)

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """The folder is there inside. Raises OSError."""
        await to_thread.run_sync(self._tree.make, limiter=self._threads)
        yield

    async def put(self, key: str, size_bytes: int, slices: AsyncIterator[bytes]) -> None:
        names = names_of(key)
        part = Part(self._tree, self._reserve_bytes)
        # Nothing is waited for when it is kept: a cancellation would say that it is not.
        async with aclosed_unless_done(partial(self._change, part.discard)):
            await self._change(partial(part.begin, size_bytes))
            async with aclosing(exactly(size_bytes, slices)) as blocks:
                async for block in blocks:
                    await self._change(partial(part.write, block))
            await self._change(partial(part.keep, names))

    async def open(self, key: str) -> Blob | None:
        file = await self._read(partial(self._tree.open, names_of(key)))
        return None if file is None else _FileBlob(file, self._threads)

    async def delete(self, key: str) -> None:
        await self._change(partial(self._tree.delete, names_of(key)))

    async def below(self, prefix: str) -> Sequence[str]:
        return await self._read(partial(self._tree.names_in, names_of(prefix)))

    async def delete_below(self, prefix: str) -> None:
        await self._change(partial(self._tree.delete_below, names_of(prefix)))

    async def tidy(self, older_than_s: float) -> None:
        await self._change(partial(self._tree.tidy, older_than_s))

    async def _read(self, step: Callable[[], _Result]) -> _Result:
        with _told():
            return await to_thread.run_sync(step, limiter=self._threads)

    async def _change(self, step: Callable[[], _Result]) -> _Result:
        """A step's result. A step that is cancelled has ended before the next one begins."""
        with _told():
            return await to_its_end(asyncio.ensure_future(to_thread.run_sync(step, limiter=self._threads)))


class _FileBlob:
    """A file that is open: it can be deleted, and still be read."""

    def __init__(self, file: writes.OpenFile, threads: CapacityLimiter) -> None:
        self._file: writes.OpenFile | None = file
        self._threads = threads
        self.size_bytes = file.size_bytes

    async def slices(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes]:
        at, stop = start, self.size_bytes if stop is None else min(stop, self.size_bytes)
        while at < stop:
            slice_ = await self._slice(at, min(SLICE_BYTES, stop - at))
            at += len(slice_)
            yield slice_

    async def aclose(self) -> None:
        self._file = None

    async def _slice(self, offset: int, limit_bytes: int) -> bytes:
        if self._file is None:
            raise ValueError("the blob is closed")
        with _told():
            slice_ = await to_thread.run_sync(self._file.read, offset, limit_bytes, limiter=self._threads)
            if not slice_:
                raise OSError(errno.EIO, "a file is shorter than it was")
        return slice_


@contextmanager
def _told() -> Iterator[None]:
    """What a system says, in this project's words."""
    try:
        with writes.telling_when_full("This server has no room for more files now."):
            yield
    except OSError as error:
        raise unavailable() from error
