"""Blobs in a folder: whose they are, what a full disk does, and what is left of a process that was killed."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streamedit.errors import StorageFull, StoreUnavailable
from streamedit.stores.blobs.folder import FolderBlobs

KILLED = """
import anyio, sys
from pathlib import Path
from streamedit.stores.blobs.folder import FolderBlobs

async def slices():
    yield bytes(1 << 20)
    yield bytes(1 << 20)
    print("written", flush=True)
    await anyio.sleep_forever()

async def main():
    blobs = FolderBlobs(Path(sys.argv[1]), 0)
    async with blobs.serving():
        await blobs.put("a/b", 3 << 20, slices())

anyio.run(main)
"""

TOO_LARGE = """
import anyio, resource, sys
from pathlib import Path
from streamedit.errors import StorageFull
from streamedit.stores.blobs.folder import FolderBlobs

async def slices():
    yield bytes(3 << 20)

async def main():
    blobs = FolderBlobs(Path(sys.argv[1]), 0)
    async with blobs.serving():
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        try:
            await blobs.put("a/b", 3 << 20, slices())
        except StorageFull as error:
            print(error.__cause__.errno)

anyio.run(main)
"""


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FolderBlobs]:
    """In `folder`, with room to the last byte."""
    blobs = FolderBlobs(tmp_path / "data" / "blobs", 0)
    async with blobs.serving():
        yield blobs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that is not there yet, nor is the one above it."""
    return tmp_path / "data" / "blobs"


async def slices_of(*slices: bytes | Callable[[], object]) -> AsyncGenerator[bytes]:
    """What is called is done between the slices."""
    for slice_ in slices:
        if callable(slice_):
            slice_()
        else:
            yield slice_


async def put(blobs: FolderBlobs, key: str, data: bytes = b"abc") -> None:
    """A blob in one slice."""
    await blobs.put(key, len(data), slices_of(data))


def files_in(folder: Path) -> list[Path]:
    """All of them, blob or not."""
    return [path for path in folder.rglob("*") if not path.is_dir()]


def names_in(folder: Path) -> list[str]:
    """Of all files and folders."""
    return sorted(path.name for path in folder.rglob("*"))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Another one inside."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


async def test_all_of_it_is_private(tmp_path: Path) -> None:
    """Whatever the umask is: also what is not whole yet."""
    folder = tmp_path / "blobs"
    modes: dict[Path, int] = {}

    def note() -> None:
        modes.update({path: path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")]})

    with umask(0):
        blobs = FolderBlobs(folder, 0)
        async with blobs.serving():
            await blobs.put("files/ab/name", 6, slices_of(b"abc", note, b"def"))
    note()
    assert {mode for path, mode in modes.items() if not path.is_dir()} <= {0o600, 0o700}
    assert modes[folder / "files" / "ab" / "name"] == 0o600
    assert {modes[path] for path in (folder, folder / ".part", folder / "files", folder / "files" / "ab")} == {0o700}
    assert any(path.parent.name == ".part" and mode == 0o600 for path, mode in modes.items())


async def test_folders_go_with_what_is_in_them(blobs: FolderBlobs, folder: Path) -> None:
    """So that an hour of results leaves nothing behind."""
    await put(blobs, "a/b/c")
    await put(blobs, "a/d")
    await blobs.delete("a/b/c")
    assert names_in(folder) == [".part", "a", "d"]
    await blobs.delete_below("a")
    assert names_in(folder) == [".part"]


async def test_a_folder_that_cannot_be_is_told_at_once(tmp_path: Path) -> None:
    """A server does not begin without it."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        async with FolderBlobs(tmp_path / "file" / "blobs", 0).serving():
            pass


async def test_a_folder_that_goes_is_told(blobs: FolderBlobs, folder: Path) -> None:
    """In this project's words."""
    shutil.rmtree(folder)
    with pytest.raises(StoreUnavailable):
        await put(blobs, "a")


class TestLinks:
    """Whoever can place symbolic links does not lead anybody out of the folder."""

    @pytest.fixture
    def outside(self, tmp_path: Path) -> Path:
        (tmp_path / "outside").mkdir()
        (tmp_path / "outside" / "secret").write_bytes(b"secret")
        return tmp_path / "outside"

    async def test_nothing_is_read_over_them(self, blobs: FolderBlobs, folder: Path, outside: Path) -> None:
        """They are no blobs, nor folders of them."""
        (folder / "a").symlink_to(outside)
        assert await blobs.open("a/secret") is None
        assert list(await blobs.below("a")) == []

    async def test_a_link_is_no_blob(self, blobs: FolderBlobs, folder: Path, outside: Path) -> None:
        """It is refused."""
        (folder / "b").symlink_to(outside / "secret")
        with pytest.raises(StoreUnavailable):
            await blobs.open("b")

    async def test_nothing_is_written_over_them(self, blobs: FolderBlobs, folder: Path, outside: Path) -> None:
        """Nor is what they stand for replaced."""
        (folder / "a").symlink_to(outside)
        (folder / "b").symlink_to(outside / "secret")
        with pytest.raises(StoreUnavailable):
            await put(blobs, "a/new")
        with pytest.raises(ValueError, match="in use"):
            await put(blobs, "b")
        assert [path.read_bytes() for path in files_in(outside)] == [b"secret"]

    async def test_nothing_is_deleted_over_them(self, blobs: FolderBlobs, folder: Path, outside: Path) -> None:
        """Only they themselves."""
        await put(blobs, "c/d")
        (folder / "a").symlink_to(outside)
        (folder / "c" / "link").symlink_to(outside)
        (folder / "b").symlink_to(outside / "secret")
        for key in ("a/secret", "b"):
            await blobs.delete(key)
        for prefix in ("a", "c"):
            await blobs.delete_below(prefix)
        assert (outside / "secret").read_bytes() == b"secret"
        assert not (folder / "c").exists()

    async def test_the_folder_itself_may_be_one(self, tmp_path: Path) -> None:
        """Its operator has placed it."""
        (tmp_path / "disk").mkdir()
        (tmp_path / "blobs").symlink_to(tmp_path / "disk")
        blobs = FolderBlobs(tmp_path / "blobs", 0)
        async with blobs.serving():
            await put(blobs, "a/b")
        assert (tmp_path / "disk" / "a" / "b").read_bytes() == b"abc"


async def test_what_is_no_file_is_no_blob(blobs: FolderBlobs, folder: Path) -> None:
    """And nobody waits for the other end of a pipe."""
    os.mkfifo(folder / "pipe")
    assert await blobs.open("pipe") is None


async def test_what_is_closed_is_not_read(blobs: FolderBlobs) -> None:
    """Another file may have its descriptor by then."""
    await put(blobs, "a")
    blob = await blobs.open("a")
    assert blob is not None
    await blob.aclose()
    with pytest.raises(ValueError, match="closed"):
        await anext(blob.slices())


async def test_what_becomes_shorter_is_told(blobs: FolderBlobs, folder: Path) -> None:
    """Nobody reads less than was announced and takes it for all."""
    await put(blobs, "a")
    blob = await blobs.open("a")
    assert blob is not None
    os.truncate(folder / "a", 1)
    slices = blob.slices()
    assert await anext(slices) == b"a"
    with pytest.raises(StoreUnavailable):
        await anext(slices)
    await blob.aclose()


async def test_what_a_killed_process_leaves_is_tidied(blobs: FolderBlobs, folder: Path) -> None:
    """It is no blob, and is deleted once it is old; what is not is left, because it may still be written."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"written\n"
    process.send_signal(signal.SIGKILL)
    await process.wait()
    assert await blobs.open("a/b") is None
    left = files_in(folder)
    assert [path.stat().st_size for path in left] == [2 << 20]
    await blobs.tidy(3600)
    assert files_in(folder) == left
    await blobs.tidy(0)
    assert not files_in(folder)


async def test_a_deleting_that_was_killed_is_tidied(blobs: FolderBlobs, folder: Path) -> None:
    """What it had moved out of reach was a folder."""
    await put(blobs, "a/b/c")
    (folder / "a").rename(folder / ".part" / "0")
    await blobs.tidy(0)
    assert names_in(folder) == [".part"]


async def test_megabytes_are_not_held(blobs: FolderBlobs) -> None:
    """Neither while they are put nor while they are read."""

    async def slices() -> AsyncGenerator[bytes]:
        for _ in range(200):
            yield bytes(1_000_000)

    tracemalloc.start()
    try:
        await blobs.put("a", 200_000_000, slices())
        blob = await blobs.open("a")
        assert blob is not None
        read_bytes = sum([len(slice_) async for slice_ in blob.slices()])
        await blob.aclose()
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read_bytes == 200_000_000
    assert peak_bytes < 4_000_000


class TestFullDisk:
    """A disk without room refuses, and what else is written there has its reserve."""

    async def test_the_reserve_stays_free(self, tmp_path: Path) -> None:
        """Also when it is not free to begin with; what is there can be read and deleted."""
        await self._filled(tmp_path)
        blobs = FolderBlobs(tmp_path, 1 << 60)
        async with blobs.serving():
            with pytest.raises(StorageFull):
                await put(blobs, "b")
            blob = await blobs.open("a")
            assert blob is not None
            assert [slice_ async for slice_ in blob.slices()] == [b"abc"]
            await blob.aclose()
            await blobs.delete("a")
        assert not files_in(tmp_path)

    async def test_what_is_larger_than_the_disk_is_refused_before_it_comes(self, blobs: FolderBlobs, folder: Path) -> None:
        """Its first byte is not taken."""
        slices = slices_of(bytes(1 << 20))
        with pytest.raises(StorageFull):
            await blobs.put("a", 1 << 60, slices)
        assert await anext(slices) == bytes(1 << 20)
        assert not files_in(folder)

    async def test_others_may_fill_it_meanwhile(self, small_disk: Path) -> None:
        """What was written until then is deleted."""
        blobs = FolderBlobs(small_disk / "blobs", 0)
        async with blobs.serving():
            fill = slices_of(bytes(300_000), lambda: (small_disk / "other").write_bytes(bytes(400_000)), bytes(400_000))
            with pytest.raises(StorageFull):
                await blobs.put("a", 700_000, fill)
            assert not files_in(small_disk / "blobs")
            (small_disk / "other").unlink()
            await put(blobs, "a", bytes(700_000))

    async def test_what_the_system_refuses_is_told_alike(self, small_disk: Path) -> None:
        """Here there is room for bytes, and none for one more file."""
        blobs = FolderBlobs(small_disk / "blobs", 0)
        async with blobs.serving():
            await put(blobs, "a/b")
            _fill_with_files(small_disk)
            with pytest.raises(StorageFull, match="room"):
                await put(blobs, "c")
            await blobs.delete("a/b")

    def test_a_limit_for_files_is_no_room_either(self, tmp_path: Path) -> None:
        """EFBIG; nothing is left."""
        script = [sys.executable, "-c", TOO_LARGE, str(tmp_path)]
        told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
        assert told.split() == ["27"]
        assert not files_in(tmp_path)

    @pytest.fixture
    def small_disk(self, tmp_path: Path) -> Iterator[Path]:
        disk = tmp_path / "disk"
        disk.mkdir()
        mount: list[str | Path] = ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=20", "tmpfs", disk]
        if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("a small disk cannot be mounted here: a really full one is NOT tested")
        try:
            yield disk
        finally:
            subprocess.run(["umount", disk], check=True)

    @staticmethod
    async def _filled(folder: Path) -> None:
        blobs = FolderBlobs(folder, 0)
        async with blobs.serving():
            await put(blobs, "a")


def _fill_with_files(folder: Path) -> None:
    with pytest.raises(OSError, match="No space left"):
        for number in range(100):
            (folder / str(number)).touch()
