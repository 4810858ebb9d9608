"""No blobs: for who has no folder and no bucket, and keeps no files."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

from streamedit.errors import StorageFull
from streamedit.stores.blobs import Blob


class NoBlobs:
    """There is never any."""

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Nothing is needed."""
        yield

    async def put(self, key: str, size_bytes: int, slices: AsyncIterator[bytes]) -> None:
        """Raises StorageFull."""
        raise StorageFull("No files are kept here.")

    async def open(self, key: str) -> Blob | None:
        return None

    async def delete(self, key: str) -> None:
        """It is not there."""

    async def below(self, prefix: str) -> Sequence[str]:
        return ()

    async def delete_below(self, prefix: str) -> None:
        """There is none."""

    async def tidy(self, older_than_s: float) -> None:
        """There is nothing."""
