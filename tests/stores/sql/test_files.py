"""Callers' files in the database, on either kind."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import KINDS, working_database

from streamedit.errors import StorageQuotaExceeded
from streamedit.files import FileQuery, Room, StoredFile, new_file_id
from streamedit.parties import ApiKey
from streamedit.stores.sql.files import SqlFiles
from streamedit.stores.sql.registry import SqlRegistry

NOW_S = 1_790_000_000.5
ANY = Room()
CONTENT = b"c" * 32
OTHER = b"o" * 32


def file_of(owner: str = "key_a", digest: bytes = CONTENT, **fields: object) -> StoredFile:
    """A new file, but for `fields`, with a blob of its own."""
    file = StoredFile(
        new_file_id(), owner, "photo.png", "image/png", "vision", 100, digest, f"files/{secrets.token_hex(8)}", NOW_S
    )
    return replace(file, **fields)  # type: ignore[arg-type] # the fields are the test's own


@pytest.fixture(params=KINDS)
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlFiles]:
    """None yet, in each kind of database."""
    async with working_database(request.param, tmp_path) as database:
        yield SqlFiles(database)


async def stored(files: SqlFiles, file: StoredFile, room: Room = ANY) -> StoredFile:
    """A file with a blob of its own, unless another has its content."""
    await files.begin(file.blob, file.digest, NOW_S)
    blob = await files.add(file, room, is_stored=True)
    assert blob is not None
    return replace(file, blob=blob)


async def given_up(files: SqlFiles, now_s: float, grace_s: float) -> list[str]:
    """All blobs that are to be deleted then."""
    await files.expire(now_s, grace_s)
    found: list[str] = []
    while more := await files.given_up(found[-1] if found else ""):
        found += more
    return found


async def test_a_file_is_found_as_it_was_added(files: SqlFiles) -> None:
    """With all that is known of it, by its owner alone."""
    file = await stored(files, file_of(expires_at_s=NOW_S + 3600.25, filename="naïve 😀.png"))
    assert await files.find(file.id, "key_a", NOW_S) == file
    assert await files.find(file.id, "key_b", NOW_S) is None
    assert await files.find(new_file_id(), "key_a", NOW_S) is None


async def test_nothing_is_entered_before_its_content_is_stored(files: SqlFiles) -> None:
    """Whoever is told so stores it, and says so."""
    file = file_of()
    assert await files.add(file, ANY, is_stored=False) is None
    assert await files.find(file.id, "key_a", NOW_S) is None
    assert await stored(files, file) == file


async def test_the_same_content_is_stored_once(files: SqlFiles) -> None:
    """A second file has the blob of the first, also when both were stored at the same time; each has its own id and name."""
    first = await stored(files, file_of())
    again = file_of("key_b", blob="files/2", filename="other.png")
    assert await files.add(again, ANY, is_stored=False) == first.blob
    late = await stored(files, file_of("key_c", blob="files/3"))
    assert late.blob == first.blob
    assert await files.give_up("files/3")
    assert await files.find(again.id, "key_b", NOW_S) == replace(again, blob=first.blob)


async def test_a_content_is_kept_as_long_as_a_file_has_it(files: SqlFiles) -> None:
    """Then it is given up, once and for good: a later file of the same content has to be stored anew."""
    one, two = await stored(files, file_of()), file_of("key_b")
    await files.add(two, ANY, is_stored=False)
    assert await files.delete(one.id, "key_b", NOW_S) is None
    assert await files.delete(one.id, "key_a", NOW_S) == one.blob
    assert await files.delete(one.id, "key_a", NOW_S) is None
    assert not await files.give_up(one.blob)
    await files.delete(two.id, "key_b", NOW_S)
    assert await files.give_up(one.blob)
    assert await files.add(file_of(), ANY, is_stored=False) is None
    await files.forget(one.blob)
    assert await given_up(files, NOW_S, 0) == []


async def test_nobody_enters_a_file_whose_content_was_given_up(files: SqlFiles) -> None:
    """Whoever took too long to store it is told that nothing was entered."""
    await files.begin("files/1", CONTENT, NOW_S)
    assert await given_up(files, NOW_S + 3601, 3600) == ["files/1"]
    file = file_of(blob="files/1")
    assert await files.add(file, ANY, is_stored=True) is None
    assert await files.find(file.id, "key_a", NOW_S) is None


async def test_what_is_stored_too_late_is_to_be_deleted(files: SqlFiles) -> None:
    """It was given up and forgotten meanwhile: whoever has stored it is told that no file has it."""
    await files.begin("files/1", CONTENT, NOW_S)
    await given_up(files, NOW_S + 3601, 3600)
    await files.forget("files/1")
    assert await files.add(file_of(blob="files/1"), ANY, is_stored=True) is None
    assert await files.give_up("files/1")


async def test_many_are_given_up_page_by_page(files: SqlFiles) -> None:
    """Also those behind one that cannot be deleted."""
    blobs = [f"files/{number:04}" for number in range(1100)]
    for blob in blobs:
        await files.begin(blob, CONTENT, NOW_S - 4000)
    assert await given_up(files, NOW_S, 3600) == blobs


async def test_files_of_a_revoked_key_are_kept_for_a_month(files: SqlFiles) -> None:
    """Then nobody could have read them for long."""
    key = ApiKey("key_a", "one", CONTENT, NOW_S, revoked_at_s=NOW_S)
    await SqlRegistry(files._database).save_key(key)
    theirs, others = await stored(files, file_of()), await stored(files, file_of("key_b", digest=OTHER))
    assert await given_up(files, NOW_S + 29 * 24 * 3600, 3600) == []
    assert await given_up(files, NOW_S + 31 * 24 * 3600, 3600) == [theirs.blob]
    assert await files.find(others.id, "key_b", NOW_S) == others


async def test_what_was_never_stored_is_given_up_after_its_grace(files: SqlFiles) -> None:
    """Not before: somebody may be at it."""
    await files.begin("files/1", CONTENT, NOW_S)
    assert await given_up(files, NOW_S + 3599, 3600) == []
    assert await given_up(files, NOW_S + 3600, 3600) == ["files/1"]
    # Until it is deleted it is told again: who was told first may be gone.
    assert await given_up(files, NOW_S + 3600, 3600) == ["files/1"]
    await files.forget("files/1")
    assert await given_up(files, NOW_S + 3600, 3600) == []


async def test_a_file_whose_time_is_over_is_not_there(files: SqlFiles) -> None:
    """Nobody finds it, lists it or goes on behind it; its content is given up in the next round."""
    short = await stored(files, file_of(expires_at_s=NOW_S + 10))
    long = await stored(files, file_of(digest=OTHER, blob="files/2", expires_at_s=NOW_S + 20))
    assert await files.find(short.id, "key_a", NOW_S + 9) == short
    assert await files.find(short.id, "key_a", NOW_S + 10) is None
    page = await files.page("key_a", FileQuery(), NOW_S + 10)
    assert page == ([long], False)
    assert await files.page("key_a", FileQuery(after=short.id), NOW_S + 10) is None
    assert await given_up(files, NOW_S + 10, 3600) == [short.blob]
    assert await files.find(long.id, "key_a", NOW_S + 10) == long


async def test_pages_go_through_all_files_in_order(files: SqlFiles) -> None:
    """The newest first, or the oldest; those of one purpose, or of any; nobody else's; files of one moment once each."""
    made = [await stored(files, file_of(created_at_s=NOW_S + number // 2, purpose=f"p{number % 2}")) for number in range(7)]
    await stored(files, file_of("key_b"))
    in_order = sorted(made, key=lambda file: (file.created_at_s, file.id))
    for query, expected in [
        (FileQuery(limit=3, oldest_first=True), in_order),
        (FileQuery(limit=3), in_order[::-1]),
        (FileQuery("p1", limit=2), [file for file in in_order[::-1] if file.purpose == "p1"]),
    ]:
        seen: list[StoredFile] = []
        has_more = True
        while has_more:
            page = await files.page("key_a", replace(query, after=seen[-1].id if seen else None), NOW_S)
            assert page is not None
            assert 0 < len(page[0]) <= query.limit
            seen += page[0]
            has_more = page[1]
        assert seen == expected


async def test_nobody_goes_on_behind_anothers_file(files: SqlFiles) -> None:
    """It is as if it were not there."""
    theirs = await stored(files, file_of("key_b"))
    assert await files.page("key_a", FileQuery(after=theirs.id), NOW_S) is None


async def test_room_is_each_owners(files: SqlFiles) -> None:
    """So many files, so many bytes, up to the last of them; what has expired or was deleted takes none."""
    room = Room(size_bytes=250, files=3)
    one = await stored(files, file_of(), room)
    await stored(files, file_of(expires_at_s=NOW_S + 5), room)
    with pytest.raises(StorageQuotaExceeded):
        await files.add(file_of(), room, is_stored=False)
    await files.add(file_of(size_bytes=50), room, is_stored=False)
    with pytest.raises(StorageQuotaExceeded):
        await files.add(file_of(size_bytes=0), room, is_stored=False)
    await files.add(file_of("key_b"), room, is_stored=False)
    await files.add(file_of(created_at_s=NOW_S + 5), room, is_stored=False)
    await files.delete(one.id, "key_a", NOW_S)
    await files.add(file_of(created_at_s=NOW_S + 5), room, is_stored=False)


async def test_room_holds_for_those_who_come_at_the_same_time(files: SqlFiles) -> None:
    """Of many that would fit one by one, as many are entered as fit together."""
    await stored(files, file_of("key_b"))
    room = Room(size_bytes=300)
    came = [files.add(file_of(), room, is_stored=False) for _ in range(12)]
    entered = [each for each in await asyncio.gather(*came, return_exceptions=True) if not isinstance(each, Exception)]
    assert len(entered) == 3
    page = await files.page("key_a", FileQuery(), NOW_S)
    assert page is not None
    assert len(page[0]) == 3


async def test_contents_that_come_and_go_at_the_same_time_are_never_lost(files: SqlFiles) -> None:
    """Whoever was told that a blob has its content finds that blob: it is not given up while a file has it."""
    first = await stored(files, file_of())

    async def come(number: int) -> StoredFile | None:
        file = file_of(f"key_{number}")
        blob = await files.add(file, ANY, is_stored=False)
        return None if blob is None else replace(file, blob=blob)

    async def go() -> bool:
        await files.delete(first.id, "key_a", NOW_S)
        return await files.give_up(first.blob)

    *came, gone = await asyncio.gather(*(come(number) for number in range(8)), go())
    entered = [file for file in came if isinstance(file, StoredFile)]
    assert gone == (not entered)
    for file in entered:
        assert await files.find(file.id, file.owner, NOW_S) == file
