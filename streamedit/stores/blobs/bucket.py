"""Blobs in a bucket of S3, or of what speaks as S3 does.

A large blob is sent in parts, and is there when all of them are. A put that is broken off takes back what it has sent, if it
can reach the bucket and is not killed. Else parts stay, which obstore cannot list, until a rule for the bucket's lifecycle
aborts them (AbortIncompleteMultipartUpload); or, if the put was at its very end, a whole blob that nobody knows of.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

import anyio
import obstore
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from streamedit.errors import StorageFull, StoreUnavailable
from streamedit.stores.blobs import SLICE_BYTES, Blob
from streamedit.stores.blobs.client import Bucket, told
from streamedit.stores.blobs.puts import ended, exactly, names_of, to_its_end, unavailable
from streamedit.uploads import aclosed_unless_done

if TYPE_CHECKING:
    from obstore import GetResult

_PART_BYTES = 5 << 20
"""The smallest part that S3 takes; what is not larger is sent at once."""

_MOST_PARTS = 10_000
"""Of one blob (S3's)."""

_PARTS_AT_ONCE = 2
"""Under way, and one in the making: a put holds 15 MiB, and its last slices, at most."""

_DELETED = 100
"""In one step."""

_FAREWELL_S = 5.0


class BucketBlobs:
    """All that is in `bucket`, below its prefix."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """The bucket is there, and lets us in. Raises StoreUnavailable."""
        await self.below("files")
        yield

    async def put(self, key: str, size_bytes: int, slices: AsyncIterator[bytes]) -> None:
        names_of(key)
        if await self._bucket.ask(obstore.head_async(self._bucket.writer, key)) is not None:
            raise ValueError("the key is in use")
        take_back = partial(self._take_back, key)
        async with aclosing(exactly(size_bytes, slices)) as blocks, aclosed_unless_done(take_back):
            if size_bytes <= _PART_BYTES:
                await self._put_at_once(key, b"".join([block async for block in blocks]))
            else:
                await self._put_in_parts(key, size_bytes, blocks)

    async def open(self, key: str) -> Blob | None:
        """Reading all of it begins here."""
        names_of(key)
        begun = await self._bucket.ask(obstore.get_async(self._bucket.reader, key))
        return None if begun is None else _BucketBlob(self._bucket, key, begun)

    async def delete(self, key: str) -> None:
        names_of(key)
        await self._bucket.ask(obstore.delete_async(self._bucket.writer, key))

    async def below(self, prefix: str) -> Sequence[str]:
        names_of(prefix)
        paths, folders = await self._listed(prefix)
        return list({path.rpartition("/")[2] for path in (*paths, *folders)})

    async def delete_below(self, prefix: str) -> None:
        names_of(prefix)
        await self._delete_below(prefix)

    async def tidy(self, older_than_s: float) -> None:
        """That is the bucket's own."""

    async def _delete_below(self, prefix: str) -> None:
        paths, folders = await self._listed(prefix)
        for begin in range(0, len(paths), _DELETED):
            await self._bucket.ask(obstore.delete_async(self._bucket.writer, paths[begin : begin + _DELETED]))
        for folder in folders:
            await self._delete_below(folder)

    async def _listed(self, prefix: str) -> tuple[Sequence[str], Sequence[str]]:
        """The blobs and the folders directly below. (obstore's recursive list does not bear to be cancelled.)"""
        found = await self._bucket.ask(obstore.list_with_delimiter_async(self._bucket.writer, prefix))
        return ([each["path"] for each in found["objects"]], found["common_prefixes"]) if found else ([], [])

    async def _take_back(self, key: str) -> None:
        """A put that fails may have come through."""
        with suppress(StoreUnavailable, StorageFull), anyio.move_on_after(_FAREWELL_S, shield=True):
            await self.delete(key)

    async def _put_at_once(self, key: str, data: bytes) -> None:
        with told():
            sending = asyncio.ensure_future(obstore.put_async(self._bucket.writer, key, data, use_multipart=False))
            await to_its_end(sending, _FAREWELL_S)

    async def _put_in_parts(self, key: str, size_bytes: int, blocks: AsyncIterator[bytes]) -> None:
        giving, taking = anyio.create_memory_object_stream[bytes](0)
        feed = _Feed(taking)
        part_bytes = max(_PART_BYTES, -(-size_bytes // _MOST_PARTS))
        sending = asyncio.ensure_future(
            obstore.put_async(
                self._bucket.writer, key, feed, use_multipart=True, chunk_size=part_bytes, max_concurrency=_PARTS_AT_ONCE
            )
        )
        sending.add_done_callback(lambda _: taking.close())
        try:
            with giving:
                feed.is_whole = await _given(blocks, giving)
            with told():
                await to_its_end(sending, _FAREWELL_S)
        finally:
            await ended(sending, _FAREWELL_S)


async def _given(blocks: AsyncIterator[bytes], giving: MemoryObjectSendStream[bytes]) -> bool:
    """Whether all of them were taken."""
    async for block in blocks:
        try:
            await giving.send(block)
        except anyio.BrokenResourceError:
            return False
    return True


class _BrokenOffError(Exception):
    """There comes nothing more, and it was not all: with this obstore aborts what it has begun."""


class _Feed:
    """What obstore takes blocks from, in tasks of its own; those that come in are read in the task that puts."""

    def __init__(self, taking: MemoryObjectReceiveStream[bytes]) -> None:
        self.is_whole = False
        self._taking = taking

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await self._taking.receive()
        except anyio.EndOfStream:
            raise (StopAsyncIteration if self.is_whole else _BrokenOffError) from None


class _BucketBlob:
    """`begun`: the answer with all of it, of which nothing is read yet."""

    def __init__(self, bucket: Bucket, key: str, begun: "GetResult") -> None:
        self.size_bytes = begun.meta["size"]
        self._bucket = bucket
        self._key = key
        self._begun: GetResult | None = begun

    async def slices(self, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes]:
        at, stop = start, self.size_bytes if stop is None else min(stop, self.size_bytes)
        if at >= stop:
            return
        stream = (await self._answer(at, stop)).stream(min_chunk_size=SLICE_BYTES // 2)
        while chunk := await self._bucket.read(stream):
            at += len(chunk)
            for begin in range(0, len(chunk), SLICE_BYTES):
                yield bytes(chunk[begin : begin + SLICE_BYTES])
        if at < stop:
            raise unavailable()

    async def aclose(self) -> None:
        self._begun = None

    async def _answer(self, start: int, stop: int) -> "GetResult":
        begun, self._begun = self._begun, None
        if begun is not None and (start, stop) == (0, self.size_bytes):
            return begun
        asked = obstore.get_async(self._bucket.reader, self._key, options={"range": (start, stop)})
        answer = await self._bucket.ask(asked)
        if answer is None:
            raise unavailable()
        return answer
