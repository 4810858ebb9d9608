"""Contents on disk, in blocks that are used again."""

import os
from pathlib import Path

import pytest
from descriptors import threads_let_go
from hypothesis import given
from hypothesis import strategies as st

from streamedit.contents import Content
from streamedit.stores.spool import Spool

BLOCK_BYTES = 10


async def spool_in(folder: Path | None = None) -> Spool:
    """An empty one."""
    return await Spool.open(folder, BLOCK_BYTES)


async def read(content: Content, start: int = 0, stop: int | None = None) -> bytes:
    """A part of it."""
    return b"".join([slice_ async for slice_ in content.slices(start, stop)])


@given(st.lists(st.lists(st.binary(max_size=35), max_size=5), max_size=8), st.lists(st.integers(0, 7)), st.integers(0, 40))
async def test_every_content_is_what_it_was(contents: list[list[bytes]], freed: list[int], start: int) -> None:
    """Whatever was there before it, in whatever pieces it came, from anywhere on."""
    spool = await spool_in()
    kept: dict[int, tuple[bytes, Content]] = {}
    for number, pieces in enumerate(contents):
        content = Content(pieces)
        taken_bytes = await spool.take(content)
        assert taken_bytes == -(-content.size_bytes // BLOCK_BYTES) * BLOCK_BYTES
        kept[number] = (b"".join(pieces), content)
        if number < len(freed):
            kept.pop(freed[number], None)
    for whole, content in kept.values():
        assert not content.pieces
        assert await read(content) == whole
        assert await read(content, min(start, len(whole))) == whole[start:]


async def test_blocks_are_used_again() -> None:
    """The file is no larger than what was there at once."""
    spool = await spool_in()
    for _ in range(20):
        content = Content([b"x" * 3 * BLOCK_BYTES])
        await spool.take(content)
        await threads_let_go()
        del content
    assert os.fstat(spool.descriptor).st_size == 3 * BLOCK_BYTES


async def test_a_content_holds_its_file() -> None:
    """Whoever reads goes on when the spool is gone; with the last of them the file goes, too."""
    spool = await spool_in()
    content, descriptor = Content([b"abc"]), spool.descriptor
    await spool.take(content)
    del spool
    assert await read(content) == b"abc"
    del content
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)


async def test_the_file_is_private_and_has_no_name(tmp_path: Path) -> None:
    """Nobody else can read it, and nothing is left behind however the process ends."""
    spool = await spool_in(tmp_path / "folder")
    await spool.take(Content([b"abc"]))
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "folder").iterdir())
    assert os.fstat(spool.descriptor).st_mode & 0o777 == 0o600
    assert os.fstat(spool.descriptor).st_nlink == 0
