"""Blobs in a folder and in a bucket: they keep the same promises."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio
import buckets
import pytest

from streamedit.stores.blobs import SLICE_BYTES, Blobs
from streamedit.stores.blobs.bucket import BucketBlobs
from streamedit.stores.blobs.client import Bucket
from streamedit.stores.blobs.folder import FolderBlobs

MANY_BYTES = 20_000_000
"""More than the parts that a put has under way at once."""

BAD_KEYS = [
    "", "/", "/x", "x/", "a//b", ".", "..", "../x", "a/../b", "a/./b", ".hidden", "a/.hidden", "a\0b", "a\n", "a\\b", "ä",
    "a b", "a" * 256,
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """`everything`: whatever is there, blob or not."""

    blobs: Blobs
    everything: Callable[[], Sequence[str]]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of one for all of these tests."""
    with buckets.moto() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "bucket"])
async def place(request: pytest.FixtureRequest, tmp_path: Path, s3: str) -> AsyncIterator[Place]:
    """An empty one."""
    place = _in_folder(tmp_path / "blobs") if request.param == "folder" else _in_bucket(s3)
    async with place.blobs.serving():
        yield place


def _in_folder(folder: Path) -> Place:
    return Place(FolderBlobs(folder, 0), lambda: [path.name for path in folder.rglob("*") if not path.is_dir()])


def _in_bucket(s3: str) -> Place:
    settings = buckets.fresh_bucket(s3)
    return Place(BucketBlobs(Bucket(settings)), lambda: buckets.everything_in(settings))


def content(size_bytes: int) -> bytes:
    """Bytes of which no two slices are the same."""
    return b"".join(number.to_bytes(1_000) for number in range(-(-size_bytes // 1_000)))[:size_bytes]


async def pieces_of(data: bytes, piece_bytes: int = SLICE_BYTES) -> AsyncGenerator[bytes]:
    """As a caller may send them."""
    for begin in range(0, len(data), piece_bytes):
        yield data[begin : begin + piece_bytes]


async def put(blobs: Blobs, key: str, data: bytes = b"abc") -> None:
    """A blob of known bytes."""
    await blobs.put(key, len(data), pieces_of(data))


async def read(blobs: Blobs, key: str, start: int = 0, stop: int | None = None) -> bytes | None:
    """None where there is no blob."""
    blob = await blobs.open(key)
    if blob is None:
        return None
    try:
        slices = [slice_ async for slice_ in blob.slices(start, stop)]
    finally:
        await blob.aclose()
    assert all(0 < len(slice_) <= SLICE_BYTES for slice_ in slices)
    return b"".join(slices)


@pytest.mark.parametrize(
    ("size_bytes", "piece_bytes"),
    [(0, 1), (1, 1), (SLICE_BYTES, SLICE_BYTES), (SLICE_BYTES + 1, 1000), (5 << 20, 1 << 20), (MANY_BYTES, 77_777),
     (MANY_BYTES, MANY_BYTES)],
)  # fmt: skip
async def test_what_is_put_is_read(place: Place, size_bytes: int, piece_bytes: int) -> None:
    """Whatever its size, in whatever pieces it came, in slices that are not too large."""
    data = content(size_bytes)
    await place.blobs.put("files/ab/cd/name.png", size_bytes, pieces_of(data, piece_bytes))
    blob = await place.blobs.open("files/ab/cd/name.png")
    assert blob is not None
    assert blob.size_bytes == size_bytes
    await blob.aclose()
    assert await read(place.blobs, "files/ab/cd/name.png") == data


async def test_empty_pieces_are_nothing(place: Place) -> None:
    """A body may come with them."""

    async def slices() -> AsyncGenerator[bytes]:
        for piece in (b"", b"ab", b"", b"c", b""):
            yield piece

    await place.blobs.put("a", 3, slices())
    assert await read(place.blobs, "a") == b"abc"


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, None), (5, None), (0, 7), (SLICE_BYTES - 1, SLICE_BYTES + 1), (999_999, None), (999_999, 2_000_000), (7, 7), (9, 8),
     (1_000_000, None), (2_000_000, 3_000_000)],
)  # fmt: skip
async def test_a_part_is_read(place: Place, start: int, stop: int | None) -> None:
    """From anywhere to anywhere; there is nothing beyond the end."""
    data = content(1_000_000)
    await put(place.blobs, "a", data)
    assert await read(place.blobs, "a", start, stop) == data[start:stop]


async def test_an_open_blob_is_read_again_and_again(place: Place) -> None:
    """From the beginning each time; also when the one before was given up."""
    data = content(3 * SLICE_BYTES)
    await put(place.blobs, "a", data)
    blob = await place.blobs.open("a")
    assert blob is not None
    for _ in range(2):
        async with aclosing(blob.slices()) as slices:
            assert data.startswith(await anext(slices))
    assert b"".join([slice_ async for slice_ in blob.slices()]) == data
    await blob.aclose()
    await blob.aclose()


async def test_what_is_not_there_is_none(place: Place) -> None:
    """Nor are folders of blobs a blob; what is deleted is not there any more, and may be deleted again."""
    await put(place.blobs, "a/b")
    assert await read(place.blobs, "a") is None
    assert await read(place.blobs, "a/b/c") is None
    assert await read(place.blobs, "c") is None
    for _ in range(2):
        await place.blobs.delete("a/b")
        assert await read(place.blobs, "a/b") is None
    await place.blobs.delete("never/was")
    assert not place.everything()


async def test_a_key_in_use_is_refused(place: Place) -> None:
    """And what it stands for stays."""
    await put(place.blobs, "a", b"first")
    with pytest.raises(ValueError, match="in use"):
        await put(place.blobs, "a", b"second")
    assert await read(place.blobs, "a") == b"first"
    assert len(place.everything()) == 1


async def test_what_is_open_is_read_to_its_end(place: Place) -> None:
    """Though it is deleted before, and while, it is read."""
    data = content(MANY_BYTES)
    await put(place.blobs, "a/b", data)
    blob = await place.blobs.open("a/b")
    assert blob is not None
    slices = blob.slices()
    first = await anext(slices)
    await place.blobs.delete("a/b")
    assert await place.blobs.open("a/b") is None
    assert first + b"".join([slice_ async for slice_ in slices]) == data
    await blob.aclose()


@pytest.mark.parametrize("size_bytes", [10, MANY_BYTES])
@pytest.mark.parametrize("more", [-1, 1])
async def test_other_bytes_than_announced_are_not_kept(place: Place, size_bytes: int, more: int) -> None:
    """Fewer or more."""
    with pytest.raises(ValueError, match="announced"):
        await place.blobs.put("a/b", size_bytes, pieces_of(bytes(size_bytes + more)))
    assert not place.everything()
    assert not await place.blobs.below("a")


@pytest.mark.parametrize("size_bytes", [10, MANY_BYTES])
@pytest.mark.parametrize("error", [RuntimeError("gone"), OSError("gone"), anyio.BrokenResourceError("gone")])
async def test_what_breaks_off_is_not_kept(place: Place, size_bytes: int, error: Exception) -> None:
    """What the slices raise is passed on as it is."""

    async def slices() -> AsyncGenerator[bytes]:
        yield bytes(size_bytes - 1)
        raise error

    with pytest.raises(type(error), match="gone") as raised:
        await place.blobs.put("a", size_bytes, slices())
    assert raised.value is error
    assert not place.everything()


@pytest.mark.parametrize("size_bytes", [10, MANY_BYTES])
@pytest.mark.parametrize("by_scope", [False, True])
async def test_what_is_cancelled_is_not_kept(place: Place, size_bytes: int, by_scope: bool) -> None:
    """Neither the blob nor what was written of it, whoever cancels."""
    waits = asyncio.Event()

    async def slices() -> AsyncGenerator[bytes]:
        yield bytes(size_bytes - 1)
        waits.set()
        await asyncio.Event().wait()

    scope = anyio.CancelScope()

    async def putting() -> None:
        with scope:
            await place.blobs.put("a", size_bytes, slices())

    task = asyncio.create_task(putting())
    await waits.wait()
    if by_scope:
        scope.cancel()
    else:
        task.cancel()
    await asyncio.wait([task])
    assert task.cancelled() is not by_scope
    assert not place.everything()


async def test_it_is_kept_or_cancelled(place: Place) -> None:
    """Whenever it is cancelled: there is all of it when its put came to its end, and nothing when not."""
    kept = cancelled = 0
    while kept < 3:
        key = f"a/{kept + cancelled}"
        task = asyncio.create_task(put(place.blobs, key))
        for _ in range(int(1.1 ** (kept + cancelled))):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        kept += not task.cancelled()
        cancelled += task.cancelled()
        assert await read(place.blobs, key) == (None if task.cancelled() else b"abc")
    assert len(place.everything()) == kept
    assert cancelled > 3


async def test_many_are_put_at_once(place: Place) -> None:
    """And each is what it was."""
    contents = {f"many/{number % 5}/{number}": content(100_000 + number) for number in range(40)}
    async with asyncio.TaskGroup() as tasks:
        for key, data in contents.items():
            tasks.create_task(put(place.blobs, key, data))
    assert {key: await read(place.blobs, key) for key in contents} == contents
    assert len(place.everything()) == len(contents)


async def test_below_are_names(place: Place) -> None:
    """Of blobs and of what further ones are below, each once, and none of what only begins alike."""
    for key in ("a/b/c", "a/b/e", "a/d", "ab/x", "a-b"):
        await put(place.blobs, key)
    assert sorted(await place.blobs.below("a")) == ["b", "d"]
    assert sorted(await place.blobs.below("a/b")) == ["c", "e"]
    assert list(await place.blobs.below("a/d")) == []
    assert list(await place.blobs.below("c")) == []
    await place.blobs.delete("a/b/c")
    await place.blobs.delete("a/b/e")
    assert list(await place.blobs.below("a")) == ["d"]


async def test_all_below_is_deleted(place: Place) -> None:
    """However much it is, and nothing beside it."""
    async with asyncio.TaskGroup() as tasks:
        for number in range(120):
            tasks.create_task(put(place.blobs, f"results/1790000000/{number}.png"))
    for key in ("results/1790000000/deep/er", "results/17900000001", "results/1790000001/a"):
        await put(place.blobs, key)
    for _ in range(2):
        await place.blobs.delete_below("results/1790000000")
        assert sorted(await place.blobs.below("results")) == ["17900000001", "1790000001"]
    assert len(place.everything()) == 2
    await place.blobs.delete_below("results/17900000001")
    assert await read(place.blobs, "results/17900000001") == b"abc"


async def test_putting_where_all_is_deleted_succeeds(place: Place) -> None:
    """What is put while, or after, everything around it goes."""
    for round_ in range(10):
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(put(place.blobs, f"a/b/{round_}-{number}"))
                tasks.create_task(place.blobs.delete_below("a"))
                tasks.create_task(place.blobs.delete(f"a/b/{round_}-{number}"))
        await put(place.blobs, f"a/b/{round_}")
        assert await read(place.blobs, f"a/b/{round_}") == b"abc"
    await place.blobs.delete_below("a")
    assert not place.everything()


@pytest.mark.parametrize("key", BAD_KEYS)
async def test_other_keys_are_refused(place: Place, key: str) -> None:
    """By every method, and nothing is done."""
    blobs = place.blobs
    for step in (put(blobs, key), blobs.open(key), blobs.delete(key), blobs.below(key), blobs.delete_below(key)):
        with pytest.raises(ValueError, match="names"):
            await step
    assert not place.everything()


async def test_tidying_leaves_blobs(place: Place) -> None:
    """However old they are."""
    await put(place.blobs, "a/b")
    await place.blobs.tidy(0)
    assert await read(place.blobs, "a/b") == b"abc"
