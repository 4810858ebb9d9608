"""Blobs in a bucket: how it is reached, and what is said when it cannot be."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator

import buckets
import httpx
import pytest

from streamedit.errors import StorageFull, StoreUnavailable
from streamedit.storage import BucketSettings
from streamedit.stores.blobs.bucket import BucketBlobs
from streamedit.stores.blobs.client import Bucket

STEP_S = 0.3
SOON_S = 10
"""For a step that is tried again and again, and the farewell to what it may have done."""

LARGE_BYTES = 200_000_000


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """The address of one for all of these tests."""
    with buckets.moto() as endpoint:
        yield endpoint


@pytest.fixture
def guarded(s3: str) -> Iterator[BucketSettings]:
    """A bucket into which only known users come, of whom there are none."""
    settings = buckets.fresh_bucket(s3)
    before = httpx.post(f"{s3}/moto-api/reset-auth", content="0").json()["PREVIOUS_INITIAL_NO_AUTH_ACTION_COUNT"]
    try:
        yield settings
    finally:
        httpx.post(f"{s3}/moto-api/reset-auth", content=str(before))


async def slices_of(size_bytes: int) -> AsyncGenerator[bytes]:
    """Of 100 kB."""
    for begin in range(0, size_bytes, 100_000):
        yield bytes(min(100_000, size_bytes - begin))


async def refused(blobs: BucketBlobs, error: type[Exception]) -> None:
    """Every method fails so, and soon."""
    begin_s = time.monotonic()
    steps = (
        blobs.put("a", 10, slices_of(10)), blobs.put("a", 6 << 20, slices_of(6 << 20)), blobs.open("a"), blobs.delete("a"),
        blobs.below("a"), blobs.delete_below("a"),
    )  # fmt: skip
    results = await asyncio.gather(*steps, return_exceptions=True)
    assert [type(result) for result in results] == [error] * len(steps)
    assert time.monotonic() - begin_s < SOON_S


async def test_without_a_bucket_there_is_no_beginning(s3: str) -> None:
    """Nor is a blob missing when it is the bucket that is."""
    blobs = BucketBlobs(Bucket(buckets.settings_of(s3, "there-is-none")))
    with pytest.raises(StoreUnavailable):
        async with blobs.serving():
            pass
    await refused(blobs, StoreUnavailable)


async def test_whoever_is_not_let_in_is_told(guarded: BucketSettings) -> None:
    """At the beginning, and by every method."""
    blobs = BucketBlobs(Bucket(guarded))
    with pytest.raises(StoreUnavailable) as raised:
        async with blobs.serving():
            pass
    assert "secret" not in f"{raised.value!r} {raised.value.__cause__!r}"
    await refused(blobs, StoreUnavailable)


async def test_where_nobody_answers_it_is_told() -> None:
    """Nothing listens at the address."""
    with buckets.always(200).serving() as settings:
        blobs = BucketBlobs(Bucket(settings, STEP_S))
    await refused(blobs, StoreUnavailable)


async def test_whoever_is_silent_is_not_waited_for() -> None:
    """However long it would take."""
    with buckets.silent().serving() as settings:
        await refused(BucketBlobs(Bucket(settings, STEP_S)), StoreUnavailable)


async def test_errors_are_tried_again_and_told() -> None:
    """Each request as often as it may be, and no more."""
    bucket = buckets.always(500, "<Error><Code>InternalError</Code></Error>")
    with bucket.serving() as settings:
        blobs = BucketBlobs(Bucket(settings, 1))
        await refused(blobs, StoreUnavailable)
        bucket.seen.clear()
        with pytest.raises(StoreUnavailable):
            await blobs.open("a")
    assert [method for method, *_ in bucket.seen] == ["GET"] * 3


@pytest.mark.parametrize(
    ("status", "code"), [(507, ""), (507, "XMinioStorageFull"), (403, "QuotaExceeded"), (400, "XMinioAdminBucketQuotaExceeded")]
)
@pytest.mark.parametrize("size_bytes", [10, 6 << 20])
async def test_a_full_bucket_is_told(status: int, code: str, size_bytes: int) -> None:
    """As the makers of buckets say it."""
    with buckets.full(status, f"<Error><Code>{code}</Code></Error>").serving() as settings:
        blobs = BucketBlobs(Bucket(settings, 2))
        with pytest.raises(StorageFull):
            await blobs.put("a", size_bytes, slices_of(size_bytes))


async def test_megabytes_are_not_held() -> None:
    """From who puts no more is taken than two parts under way and one in the making, while the bucket takes none."""
    taken_bytes = 0

    async def slices() -> AsyncGenerator[bytes]:
        nonlocal taken_bytes
        async for slice_ in slices_of(LARGE_BYTES):
            taken_bytes += len(slice_)
            yield slice_

    with buckets.stuck().serving() as settings, pytest.raises(StoreUnavailable):
        await BucketBlobs(Bucket(settings, STEP_S)).put("a", LARGE_BYTES, slices())
    assert taken_bytes < 17 << 20


async def test_what_was_begun_is_aborted() -> None:
    """Parts of which nothing becomes are not left to be paid for."""
    bucket = buckets.stuck()
    with bucket.serving() as settings, pytest.raises(StoreUnavailable):
        await BucketBlobs(Bucket(settings, STEP_S)).put("a", 20_000_000, slices_of(20_000_000))
    assert ("DELETE", "/bucket/a?uploadId=1") in [(method, path) for method, path, _ in bucket.seen]


async def test_a_blob_that_stops_is_told() -> None:
    """Its reader does not wait for ever, and takes nothing for all of it."""
    with buckets.half("x" * 1_000_000).serving() as settings:
        blob = await BucketBlobs(Bucket(settings, STEP_S)).open("a")
        assert blob is not None
        read_bytes = 0
        with pytest.raises(StoreUnavailable):
            async for slice_ in blob.slices():
                read_bytes += len(slice_)
        await blob.aclose()
    assert 0 < read_bytes <= 1_000_000


async def test_a_part_of_what_is_gone_is_told(s3: str) -> None:
    """Reading it had not begun."""
    blobs = BucketBlobs(Bucket(buckets.fresh_bucket(s3)))
    await blobs.put("a", 10, slices_of(10))
    blob = await blobs.open("a")
    assert blob is not None
    await blobs.delete("a")
    with pytest.raises(StoreUnavailable):
        await anext(blob.slices(5, 7))
    await blob.aclose()


async def test_the_settings_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's address, or session, would not do."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-environment")
    bucket = buckets.always(204)
    with bucket.serving() as settings:
        await BucketBlobs(Bucket(settings)).delete("a")
    ((method, path, headers),) = bucket.seen
    assert (method, path) == ("DELETE", "/bucket/a")
    assert "Credential=id/" in headers["authorization"]
    assert "x-amz-security-token" not in headers


async def test_the_environment_has_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a bucket without any of its own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    bucket = buckets.always(204)
    with bucket.serving() as settings:
        own = settings.model_copy(update={"access_key_id": None, "secret_access_key": None})
        await BucketBlobs(Bucket(own)).delete("a")
    ((*_, headers),) = bucket.seen
    assert "Credential=of-the-environment/" in headers["authorization"]
    assert headers["x-amz-security-token"] == "token"
