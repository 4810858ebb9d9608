"""Callers' files, whatever goes wrong while they are kept: nothing is lost, and nothing is left behind."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from clients import PNG
from databases import working_database

from streamedit.errors import EditError, NotFound, StorageFull, StorageQuotaExceeded, StoreUnavailable
from streamedit.files import FileQuery, Room, StoredFile, new_file_id
from streamedit.filing import Filing
from streamedit.stores.blobs import Blob, Blobs
from streamedit.stores.blobs.folder import FolderBlobs
from streamedit.stores.sql.files import SqlFiles
from streamedit.uploads import Upload

CONTENT = bytes(range(256)) * 3000
NOW_S = 1_790_000_000.0


class Moody:
    """Blobs that fail, or take for ever, when they are told to."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self.failure: EditError | None = None
        self.fails_late = False
        self.hangs = False
        self.is_asked = asyncio.Event()
        self.undeletable: set[str] = set()

    def serving(self) -> AbstractAsyncContextManager[None]:
        return self._blobs.serving()

    async def put(self, key: str, size_bytes: int, slices: AsyncIterator[bytes]) -> None:
        self.is_asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure and not self.fails_late:
            raise self.failure
        await self._blobs.put(key, size_bytes, slices)
        if self.failure:
            raise self.failure

    async def open(self, key: str) -> Blob | None:
        return await self._blobs.open(key)

    async def delete(self, key: str) -> None:
        if key in self.undeletable:
            raise StoreUnavailable("It is away.")
        await self._blobs.delete(key)

    async def below(self, prefix: str) -> Sequence[str]:
        return await self._blobs.below(prefix)

    async def delete_below(self, prefix: str) -> None:
        await self._blobs.delete_below(prefix)

    async def tidy(self, older_than_s: float) -> None:
        await self._blobs.tidy(older_than_s)


class Case:
    """Files in a database and a folder. `now_s`: what time it is."""

    def __init__(self, files: SqlFiles, folder: Path, room: Room) -> None:
        self.now_s = NOW_S
        self.files = files
        self.folder = folder
        self.blobs = Moody(FolderBlobs(folder, 0))
        self.filing = Filing(files, self.blobs, lambda: self.now_s, room)

    async def keep(self, content: bytes = CONTENT, owner: str = "key_a", life_s: float | None = None) -> StoredFile:
        """A file with this content."""
        upload = Upload(content)
        expires_at_s = None if life_s is None else self.now_s + life_s
        file = StoredFile(new_file_id(), owner, "a.png", "", "vision", len(content), b"", "", self.now_s, expires_at_s)
        try:
            return await self.filing.keep(file, upload)
        finally:
            upload.close()

    async def read(self, file: StoredFile) -> bytes:
        """Its content."""
        blob = await self.filing.open(await self.filing.find(file.id, file.owner))
        try:
            return b"".join([slice_ async for slice_ in blob.slices()])
        finally:
            await blob.aclose()

    @property
    def stored(self) -> int:
        """How many contents there are, whole or not."""
        return sum(1 for path in self.folder.rglob("*") if path.is_file())

    async def known(self) -> int:
        """How many blobs the database knows that should not be there."""
        await self.files.expire(self.now_s + 3601, 3600)
        return len(await self.files.given_up())


@pytest.fixture
async def case(tmp_path: Path) -> AsyncGenerator[Case]:
    """No file yet."""
    async with working_database("sqlite", tmp_path) as database:
        case = Case(SqlFiles(database), tmp_path / "blobs", Room(size_bytes=4 * len(CONTENT)))
        async with case.blobs.serving():
            yield case


async def test_a_file_is_kept_and_read(case: Case) -> None:
    """The same content once, however often it comes."""
    one, two = await case.keep(), await case.keep(owner="key_b")
    assert await case.read(one) == await case.read(two) == CONTENT
    assert (one.blob, one.digest) == (two.blob, two.digest)
    assert case.stored == 1


async def test_the_same_content_at_the_same_time_is_stored_once(case: Case) -> None:
    """All of them are whole, and what was stored for nothing is gone."""
    files = await asyncio.gather(*(case.keep(owner=f"key_{number}") for number in range(6)))
    assert len({file.blob for file in files}) == 1
    assert [await case.read(file) for file in files] == [CONTENT] * 6
    assert case.stored == 1
    assert await case.known() == 0


@pytest.mark.parametrize("fails_late", [False, True])
async def test_what_cannot_be_stored_leaves_nothing(case: Case, fails_late: bool) -> None:
    """Neither a file nor a content, also when the store failed behind its work."""
    case.blobs.failure, case.blobs.fails_late = StorageFull("There is no room."), fails_late
    with pytest.raises(StorageFull):
        await case.keep()
    assert case.stored == 0
    assert await case.known() == 0
    assert (await case.filing.page("key_a", FileQuery())).files == []


async def test_who_leaves_in_the_middle_leaves_nothing(case: Case) -> None:
    """The upload was cancelled."""
    case.blobs.hangs = True
    keeping = asyncio.create_task(case.keep())
    await case.blobs.is_asked.wait()
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert case.stored == 0
    assert await case.known() == 0


async def test_a_file_without_room_leaves_nothing(case: Case) -> None:
    """It is refused before its content is stored, or right behind it."""
    for number in range(4):
        await case.keep(bytes([number]) + CONTENT[1:])
    with pytest.raises(StorageQuotaExceeded):
        await case.keep(b"new" + CONTENT[3:])
    assert case.stored == 4
    assert await case.known() == 0


async def test_what_a_dead_process_has_left_is_cleared_away(case: Case) -> None:
    """After an hour: until then somebody may be at it."""
    await case.files.begin("files/aa/bb/left", b"d" * 32, case.now_s)
    await case.blobs.put("files/aa/bb/left", 4, Upload(b"left").slices())
    await case.filing.clear()
    assert case.stored == 1
    case.now_s += 3601
    await case.filing.clear()
    assert case.stored == 0
    assert await case.known() == 0


async def test_a_clearing_that_was_broken_off_is_done_again(case: Case) -> None:
    """The content was given up, and nobody deleted it."""
    file = await case.keep()
    await case.files.delete(file.id, "key_a", case.now_s)
    assert await case.files.give_up(file.blob)
    assert case.stored == 1
    await case.filing.clear()
    assert case.stored == 0


async def test_time_that_is_over_is_cleared_away(case: Case) -> None:
    """The file is not there from that moment on; its content goes in the next round, unless another file has it."""
    short, other = await case.keep(life_s=10), await case.keep(b"other", life_s=10)
    long = await case.keep(owner="key_b")
    case.now_s += 10
    with pytest.raises(NotFound):
        await case.filing.find(short.id, "key_a")
    await case.filing.clear()
    assert case.stored == 1
    assert await case.read(long) == CONTENT
    with pytest.raises(NotFound):
        await case.read(other)


async def test_who_reads_a_deleted_file_reads_to_its_end(case: Case) -> None:
    """It was there when the reading began."""
    file = await case.keep()
    blob = await case.filing.open(await case.filing.find(file.id, "key_a"))
    slices = blob.slices()
    first = await anext(slices)
    await case.filing.delete(file.id, "key_a")
    assert first + b"".join([slice_ async for slice_ in slices]) == CONTENT
    await blob.aclose()
    assert case.stored == 0


async def test_an_entry_that_may_have_come_through_is_not_destroyed(case: Case) -> None:
    """Who was not told that its file was entered takes nothing away that a file has."""
    file = await case.keep()
    await case.filing._take_back(file.blob)
    assert await case.read(file) == CONTENT


async def test_a_content_that_was_given_up_while_it_was_stored_is_no_file(case: Case) -> None:
    """Whoever was too slow is told to try again; nothing is left, though nobody knew of it any more."""

    class Hasty(SqlFiles):
        """Somebody clears up before the content is entered."""

        async def add(self, file: StoredFile, room: Room, *, is_stored: bool) -> str | None:
            if is_stored:
                await self.expire(case.now_s + 3601, 3600)
                for blob in await self.given_up():
                    await self.forget(blob)
            return await super().add(file, room, is_stored=is_stored)

    case.filing = Filing(Hasty(case.files._database), case.blobs, lambda: case.now_s, Room())
    with pytest.raises(StoreUnavailable):
        await case.keep()
    assert case.stored == 0


async def test_an_empty_file_is_a_file(case: Case) -> None:
    """As OpenAI has it; only an edit refuses it."""
    file = await case.keep(b"")
    assert await case.read(file) == b""
    assert replace(file, blob="") == replace(await case.filing.find(file.id, "key_a"), blob="")


async def test_a_file_is_deleted_though_its_content_cannot_be(case: Case) -> None:
    """Whoever deletes it is not told otherwise; the content goes when it can, and keeps no other in its place."""
    file, other = await case.keep(), await case.keep(b"other")
    case.blobs.undeletable = {file.blob}
    await case.filing.delete(file.id, "key_a")
    with pytest.raises(NotFound):
        await case.filing.find(file.id, "key_a")
    await case.files.delete(other.id, "key_a", case.now_s)
    with pytest.raises(StoreUnavailable):
        await case.filing.clear()
    assert case.stored == 1
    case.blobs.undeletable = set()
    await case.filing.clear()
    assert case.stored == 0


async def test_a_file_is_known_by_its_content(case: Case) -> None:
    """Whatever it was sent as."""
    assert (await case.keep(b"<html>")).media_type == "application/octet-stream"
    assert (await case.keep(PNG)).media_type == "image/png"
