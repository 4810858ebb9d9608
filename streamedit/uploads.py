"""One uploaded file while its edit needs it: small in memory, large in an unlinked temporary file.

An unlinked file has no name, so nothing can be left behind, however the process ends. Every read and write of the file
happens in a thread; reads name their offset, so that several upstream calls can send one upload at the same time.
"""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Self

from anyio import to_thread

from streamedit import writes
from streamedit.turns import LARGE_BYTES

SPOOL_BYTES = 1 << 20
"""An upload larger than this goes to disk, in writes of about this size."""

SLICE_BYTES = 1 << 20
"""The largest slice that `Upload.slices` gives."""

HEAD_BYTES = 1 << 16
"""What `Upload.head` gives at most."""

_MANY_PIECES = 512
"""More than these are joined before they are many."""

_FULL = "This server has no room for uploads now."


@contextmanager
def closed_unless_done(close: Callable[[], None]) -> Iterator[None]:
    """Calls `close` when the block is left by an exception, whatever it is; when it is done, what it made is kept."""
    with ExitStack() as stack:
        stack.callback(close)
        yield
        stack.pop_all()


@asynccontextmanager
async def aclosed_unless_done(aclose: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """The same for what is closed by waiting."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(aclose)
        yield
        stack.pop_all()


class Upload:
    """The bytes of one file part. Fill with `feed` + `flush`, read with `slices` or `read`, end with `close`.

    What came after the last full spool stays in memory, behind what is on disk.
    """

    def __init__(self, data: bytes = b"", spool_bytes: int = SPOOL_BYTES) -> None:
        self._pieces: list[bytes | memoryview] = [data]
        self._memory_bytes = len(data)
        self._spool_bytes = spool_bytes
        self._file: writes.OpenFile | None = None
        self._spooled_bytes = 0

    @classmethod
    def spooled(cls, data: bytes) -> Self:
        """Filled already, for whoever is in a thread. Raises StorageFull."""
        upload = cls(data)
        if len(data) > upload._spool_bytes:
            with writes.telling_when_full(_FULL):
                upload._file = _open_unnamed()
                upload._file.write(0, [data])
            upload._pieces, upload._memory_bytes, upload._spooled_bytes = [], 0, len(data)
        return upload

    def __repr__(self) -> str:
        return f"<Upload {self.size_bytes} bytes, {'on disk' if self.is_on_disk else 'in memory'}>"

    @property
    def is_on_disk(self) -> bool:
        return self._file is not None

    @property
    def size_bytes(self) -> int:
        return self._spooled_bytes + self._memory_bytes

    def feed(self, data: bytes | memoryview) -> None:
        """Add bytes, which must not change any more, in memory and without a copy; follow with `flush`."""
        self._pieces.append(data)
        self._memory_bytes += len(data)
        if len(self._pieces) >= _MANY_PIECES:
            self._join()

    async def flush(self) -> None:
        """Move what is in memory to disk once it is more than the spool size. Raises StorageFull."""
        if self._memory_bytes > self._spool_bytes:
            await self._spill()

    async def slices(self) -> AsyncIterator[bytes]:
        """The content in order, in slices of at most `SLICE_BYTES`; any number of readers at once."""
        offset = 0
        while offset < self.size_bytes:
            piece = await self._read_at(offset, SLICE_BYTES)
            offset += len(piece)
            yield piece

    async def read(self) -> bytes:
        """The whole content."""
        return b"".join([piece async for piece in self.slices()])

    async def digest(self) -> bytes:
        """SHA-256 of the whole content, which is never in memory as a whole."""
        digest = hashlib.sha256()
        await self.hash_into(digest)
        return digest.digest()

    async def hash_into(self, digest: "hashlib._Hash") -> None:
        """Go on with a hash that is under way, by the whole content."""
        async for piece in self.slices():
            # The way to a thread and back takes as long as a small piece.
            if len(piece) < LARGE_BYTES:
                digest.update(piece)
            else:
                await to_thread.run_sync(digest.update, piece)

    async def head(self) -> bytes:
        """The first bytes, enough to recognise a media type and, mostly, a pixel size."""
        return await self._read_at(0, HEAD_BYTES) if self.size_bytes else b""

    async def aclose(self) -> None:
        """The same as `close`; the system takes milliseconds to free what is on disk: no work for the event loop."""
        if self.is_on_disk:
            await to_thread.run_sync(self.close)
        else:
            self.close()

    def close(self) -> None:
        """Give memory and disk back. Idempotent."""
        self._pieces = []
        self._memory_bytes = self._spooled_bytes = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _spill(self) -> None:
        with writes.telling_when_full(_FULL):
            if self._file is None:
                self._file = await to_thread.run_sync(_open_unnamed)
            pieces, self._pieces = self._pieces, []
            begin = self._spooled_bytes
            self._spooled_bytes, self._memory_bytes = self.size_bytes, 0
            await to_thread.run_sync(self._file.write, begin, pieces)

    async def _read_at(self, offset: int, limit_bytes: int) -> bytes:
        if self._file is None or offset >= self._spooled_bytes:
            start = offset - self._spooled_bytes
            return self._join()[start : start + limit_bytes]
        return await to_thread.run_sync(self._file.read, offset, limit_bytes)

    def _join(self) -> bytes:
        """What is in memory, in one piece from now on."""
        joined = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = [bytes(joined)]
        return bytes(joined)


def _open_unnamed() -> writes.OpenFile:
    """Whole already in the thread: a bare descriptor would stay open when nobody waits for it any more."""
    return writes.OpenFile(writes.open_unnamed())
