"""Callers' files: what is known of them is in the database, their contents are among the blobs, the same content once."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

import anyio

from streamedit.errors import InvalidRequest, NotFound, StoreUnavailable
from streamedit.files import FileQuery, Room, StoredFile, is_file_id
from streamedit.images import inspect
from streamedit.stores.blobs import Blob, Blobs
from streamedit.stores.sql.files import SqlFiles
from streamedit.uploads import Upload

_BYTES = "application/octet-stream"
"""What is no image is just bytes, whatever it was sent as."""

_GRACE_S = 3600.0
"""No upload is stored for longer: what is not whole by then was given up."""

_FAREWELL_S = 5.0
"""To take back what was stored for nothing. The janitor does what is not done by then."""


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some of an owner's files, in order. `has_more`: behind them."""

    files: Sequence[StoredFile]
    has_more: bool


class Filing:
    """Keeps files. `room`: what each owner's may come to. `now_s` gives Unix time. All methods raise StoreUnavailable."""

    def __init__(self, files: SqlFiles, blobs: Blobs, now_s: Callable[[], float], room: Room) -> None:
        self._files = files
        self._blobs = blobs
        self._now_s = now_s
        self._room = room

    async def keep(self, file: StoredFile, upload: Upload) -> StoredFile:
        """Keep an upload as `file`, whose media type, digest and blob are found here.

        Raises StorageQuotaExceeded, StorageFull.
        """
        info = inspect(await upload.head())
        media_type = info.media_type if info else _BYTES
        file = replace(file, media_type=media_type, digest=await upload.digest(), blob=_new_key())
        blob = await self._files.add(file, self._room, is_stored=False)
        if blob is None:
            blob = await self._store(file, upload)
        return replace(file, blob=blob)

    async def find(self, file_id: str, owner: str) -> StoredFile:
        """A file of this owner. Raises NotFound for one that is not there, and for somebody else's: nobody can tell which."""
        file = await self._files.find(file_id, owner, self._now_s()) if is_file_id(file_id) else None
        if file is None:
            raise _no_such_file()
        return file

    async def open(self, file: StoredFile) -> Blob:
        """Its content, to be closed by who opens it. Raises NotFound when it was deleted meanwhile."""
        blob = await self._blobs.open(file.blob)
        if blob is None:
            raise _no_such_file()
        return blob

    async def page(self, owner: str, query: FileQuery) -> FilePage:
        """An owner's files. Raises InvalidRequest when `after` is none of them."""
        known = query.after is None or is_file_id(query.after)
        page = await self._files.page(owner, query, self._now_s()) if known else None
        if page is None:
            raise InvalidRequest("There is no such file to go on behind.", param="after", code="file_not_found")
        return FilePage(*page)

    async def delete(self, file_id: str, owner: str) -> None:
        """It is not there any more, and its content is gone when no other file has it. Raises NotFound."""
        blob = await self._files.delete(file_id, owner, self._now_s()) if is_file_id(file_id) else None
        if blob is None:
            raise _no_such_file()
        # It is deleted: what is left of it is the janitor's.
        with suppress(StoreUnavailable):
            await self._give_up(blob)

    async def clear(self) -> None:
        """Away with files whose time is over, and with contents that no file has, as far as they can be deleted now."""
        await self._files.expire(self._now_s(), _GRACE_S)
        failure: StoreUnavailable | None = None
        after = ""
        while blobs := await self._files.given_up(after):
            for blob in blobs:
                try:
                    await self._away_with(blob)
                except StoreUnavailable as error:
                    failure = error
            after = blobs[-1]
        if failure is not None:
            raise failure

    async def _store(self, file: StoredFile, upload: Upload) -> str:
        """Store a content, enter the file, and give the blob that has it."""
        async with AsyncExitStack() as undo:
            undo.push_async_callback(self._take_back, file.blob)
            await self._files.begin(file.blob, file.digest, self._now_s())
            await self._blobs.put(file.blob, upload.size_bytes, upload.slices())
            blob = await self._files.add(file, self._room, is_stored=True)
            if blob == file.blob:
                undo.pop_all()
        if blob is None:
            raise StoreUnavailable("The file took too long to be stored. Try again later.")
        return blob

    async def _take_back(self, blob: str) -> None:
        """Cancelled or not, within a bound."""
        with suppress(StoreUnavailable), anyio.move_on_after(_FAREWELL_S, shield=True):
            await self._give_up(blob)

    async def _give_up(self, blob: str) -> None:
        """Delete it, unless a file has it: who did not hear that it was entered may be mistaken."""
        if await self._files.give_up(blob):
            await self._away_with(blob)

    async def _away_with(self, blob: str) -> None:
        await self._blobs.delete(blob)
        await self._files.forget(blob)


def _new_key() -> str:
    """Sharded, so that no folder has too many files in it. Never used twice: nobody deletes what somebody else stores anew."""
    name = secrets.token_hex(16)
    return f"files/{name[:2]}/{name[2:4]}/{name}"


def _no_such_file() -> NotFound:
    return NotFound("There is no such file.", param="id", code="file_not_found")
