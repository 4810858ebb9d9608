"""Uploads: the same bytes from memory and from disk, and nothing left behind."""

import asyncio
import subprocess
import sys

import pytest
from descriptors import temporary_files
from hypothesis import given
from hypothesis import strategies as st

from streamedit.uploads import SLICE_BYTES, SPOOL_BYTES, Upload

MIB = 1 << 20


async def test_a_small_upload_stays_in_memory() -> None:
    """Up to the spool size no file is opened."""
    before = temporary_files()
    upload = await filled(bytes(SPOOL_BYTES))
    assert temporary_files() == before
    assert await upload.read() == bytes(SPOOL_BYTES)


async def test_a_large_upload_goes_to_a_file_without_a_name() -> None:
    """Above the spool size the content is on disk, in one unlinked file, until close."""
    before = temporary_files()
    upload = await filled(bytes(SPOOL_BYTES + 1))
    assert temporary_files() == before + 1
    upload.close()
    assert temporary_files() == before


@pytest.mark.parametrize("size_bytes", [0, SPOOL_BYTES, SPOOL_BYTES + 1])
async def test_it_can_be_filled_in_a_thread(size_bytes: int) -> None:
    """All at once, and lies where it would lie otherwise."""
    before = temporary_files()
    upload = Upload.spooled(bytes(size_bytes))
    assert (temporary_files() - before, upload.is_on_disk) == (size_bytes > SPOOL_BYTES, size_bytes > SPOOL_BYTES)
    assert (upload.size_bytes, await upload.read()) == (size_bytes, bytes(size_bytes))
    upload.close()
    assert temporary_files() == before


@given(pieces=st.lists(st.binary(max_size=20), max_size=20), spool_bytes=st.integers(0, 30))
async def test_content_does_not_depend_on_how_it_came(pieces: list[bytes], spool_bytes: int) -> None:
    """Whatever the pieces and wherever they are kept: size and content are those of the whole, the head is its beginning."""
    whole = b"".join(pieces)
    upload = Upload(spool_bytes=spool_bytes)
    for piece in pieces:
        upload.feed(piece)
        await upload.flush()
    size_bytes, content, head = upload.size_bytes, await upload.read(), await upload.head()
    upload.close()
    assert (size_bytes, content) == (len(whole), whole)
    assert whole.startswith(head)
    assert bool(head) == bool(whole)


@pytest.mark.parametrize("spool_bytes", [0, 8 * MIB])
async def test_slices_are_bounded(spool_bytes: int) -> None:
    """An upload is read in slices of at most SLICE_BYTES, none empty."""
    upload = await filled(bytes(range(256)) * (10 * MIB // 1024), spool_bytes)
    sizes = [len(piece) async for piece in upload.slices()]
    upload.close()
    assert sum(sizes) == 10 * MIB // 4
    assert 0 < min(sizes) <= max(sizes) <= SLICE_BYTES


async def test_several_readers_read_at_once() -> None:
    """Parallel calls send one upload at the same time, each of them whole."""
    content = bytes(range(256)) * (3 * MIB // 256)
    upload = await filled(content)
    copies = await asyncio.gather(*(upload.read() for _ in range(4)))
    upload.close()
    assert all(copy == content for copy in copies)


@pytest.mark.parametrize("size_bytes", [0, 5, 2 * MIB])
async def test_closing_twice_is_closing_once(size_bytes: int) -> None:
    """A closed upload is empty, and may be closed again."""
    upload = await filled(bytes(size_bytes))
    upload.close()
    upload.close()
    assert (upload.size_bytes, await upload.read(), await upload.head()) == (0, b"", b"")


async def test_the_representation_shows_no_content() -> None:
    """Logs and tracebacks may show an upload, never what is in it."""
    assert repr(Upload(b"secret")) == "<Upload 6 bytes, in memory>"
    upload = await filled(b"secret" * MIB)
    text = repr(upload)
    upload.close()
    assert text == f"<Upload {6 * MIB} bytes, on disk>"


async def filled(content: bytes, spool_bytes: int = SPOOL_BYTES) -> Upload:
    """An upload whose content is complete."""
    upload = Upload(spool_bytes=spool_bytes)
    upload.feed(content)
    await upload.flush()
    return upload


FULL = """
import asyncio, resource
from streamedit.errors import StorageFull
from streamedit.uploads import Upload

async def main():
    upload = Upload()
    upload.feed(bytes(2 << 20))
    try:
        await upload.flush()
    except StorageFull as error:
        print(error.detail.status, error.detail.code)
    finally:
        upload.close()

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
asyncio.run(main())
"""


def test_a_disk_without_room_is_told() -> None:
    """507, and no defect of this server: the system lets the process write no more."""
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "507 storage_full\n"
