"""Who keeps no files says so, and has none."""

from collections.abc import AsyncGenerator

import pytest

from streamedit.errors import StorageFull
from streamedit.stores.blobs import Blobs
from streamedit.stores.blobs.no_blobs import NoBlobs


async def test_nothing_is_kept() -> None:
    """It can be asked for all the same."""

    async def slices() -> AsyncGenerator[bytes]:
        yield b"x"

    blobs: Blobs = NoBlobs()
    async with blobs.serving():
        with pytest.raises(StorageFull):
            await blobs.put("results/1/x", 1, slices())
        assert (await blobs.open("results/1/x"), await blobs.below("results")) == (None, ())
        await blobs.delete("results/1/x")
        await blobs.delete_below("results")
        await blobs.tidy(1)
