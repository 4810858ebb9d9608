"""Callers' files in the database, and which blobs their contents are in.

A blob's row is there before the blob is, and goes after it: whatever is stored can be found here, and cleared away. Contents
are entered and taken away one after the other, so that nobody enters a file whose content is just being deleted.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, bindparam, delete, exists, func, insert, or_, select, text, tuple_, update

from streamedit.errors import StorageQuotaExceeded
from streamedit.files import FileQuery, Room, StoredFile
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import API_KEYS, BLOBS, FILES

_Row: TypeAlias = dict[str, Any]

_CONTENTS = 0x5EED18
"""The lock under which contents are entered and taken away; SQLite lets one write at a time anyway."""

_SWEPT = 500
"""Blobs at a time."""

_REVOKED_S = 30 * 24 * 3600.0
"""So long the files of a revoked key are kept: it may have been revoked by mistake."""

_THERE = or_(FILES.c.expires_at_s.is_(None), FILES.c.expires_at_s > bindparam("now_s"))
_OWN = FILES.c.owner == bindparam("whose")
_ONE = select(FILES).where(FILES.c.id == bindparam("wanted"), _OWN, _THERE)
_USED = select(func.count(), func.coalesce(func.sum(FILES.c.size_bytes), 0)).where(_OWN, _THERE)
_INSERT = insert(FILES)
_DELETE = delete(FILES).where(FILES.c.id == bindparam("wanted"), _OWN, _THERE).returning(FILES.c.blob)
_EXPIRE = delete(FILES).where(FILES.c.expires_at_s <= bindparam("now_s"))
_REVOKED = select(API_KEYS.c.id).where(API_KEYS.c.revoked_at_s <= bindparam("revoked_s"))
_DISOWN = delete(FILES).where(FILES.c.owner.in_(_REVOKED))

_WHOLE = select(BLOBS.c.key).where(BLOBS.c.digest == bindparam("wanted"), BLOBS.c.is_whole).order_by(BLOBS.c.key).limit(1)
_BEGIN = insert(BLOBS)
_COMPLETE = update(BLOBS).where(BLOBS.c.key == bindparam("wanted"), BLOBS.c.begun_at_s > 0).values(is_whole=True)
_HAS_FILES = exists(select(FILES.c.id).where(FILES.c.blob == BLOBS.c.key))
_GIVE_UP = update(BLOBS).where(~_HAS_FILES).values(is_whole=False, begun_at_s=0.0)
_GIVE_UP_ONE = _GIVE_UP.where(BLOBS.c.key == bindparam("wanted"))
_FILE_OF = select(FILES.c.id).where(FILES.c.blob == bindparam("wanted")).limit(1)
_GIVE_UP_OLD = _GIVE_UP.where(BLOBS.c.begun_at_s > 0, or_(BLOBS.c.is_whole, BLOBS.c.begun_at_s <= bindparam("before_s")))
_GIVEN_UP = (
    select(BLOBS.c.key).where(BLOBS.c.begun_at_s == 0, BLOBS.c.key > bindparam("after")).order_by(BLOBS.c.key).limit(_SWEPT)
)
_FORGET = delete(BLOBS).where(BLOBS.c.key == bindparam("wanted"), BLOBS.c.begun_at_s == 0)


class SqlFiles:
    """See the module. Files whose time is over are not there. All methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, blob: str, digest: bytes, now_s: float) -> None:
        """A blob of this content is about to be stored."""
        values = {"key": blob, "digest": digest, "is_whole": False, "begun_at_s": now_s}
        await self._database.write(lambda connection: connection.execute(_BEGIN, values))

    async def add(self, file: StoredFile, room: Room, *, is_stored: bool) -> str | None:
        """Enter a file, and give the blob that has its content; None when none has, and nothing was entered.

        `is_stored`: its own blob is whole now. It is not needed when another has the same content, and that one is given.
        Raises StorageQuotaExceeded when its owner's files have no room for it.
        """

        def step(connection: Connection) -> str | None:
            self._one_at_a_time(connection)
            _check_room(connection, file, room)
            blob = connection.execute(_WHOLE, {"wanted": file.digest}).scalar()
            if blob is None and is_stored and connection.execute(_COMPLETE, {"wanted": file.blob}).rowcount:
                blob = file.blob
            if blob is not None:
                connection.execute(_INSERT, {**_columns(file), "blob": blob})
            return blob

        return await self._database.write(step)

    async def find(self, file_id: str, owner: str, now_s: float) -> StoredFile | None:
        """A file of this owner."""
        values = {"wanted": file_id, "whose": owner, "now_s": now_s}

        def step(connection: Connection) -> StoredFile | None:
            row = connection.execute(_ONE, values).mappings().first()
            return StoredFile(**row) if row else None

        return await self._database.read(step)

    async def page(self, owner: str, query: FileQuery, now_s: float) -> tuple[Sequence[StoredFile], bool] | None:
        """An owner's files, and whether there are more behind them; None when there is no file that they should be behind."""
        values: _Row = {"whose": owner, "now_s": now_s, "limit": query.limit + 1}
        values |= {"purpose": query.purpose} if query.purpose is not None else {}

        def step(connection: Connection) -> tuple[Sequence[StoredFile], bool] | None:
            told = values
            if query.after is not None:
                after = connection.execute(_ONE, {**values, "wanted": query.after}).mappings().first()
                if after is None:
                    return None
                told = {**values, "after_s": after["created_at_s"], "after": after["id"]}
            rows = connection.execute(_page_of(query.purpose is not None, query.after is not None, query.oldest_first), told)
            files = [StoredFile(**row) for row in rows.mappings()]
            return files[: query.limit], len(files) > query.limit

        return await self._database.read(step)

    async def delete(self, file_id: str, owner: str, now_s: float) -> str | None:
        """The blob of a file that is not there any more; None when it was not there before."""
        values = {"wanted": file_id, "whose": owner, "now_s": now_s}
        return await self._database.write(lambda connection: connection.execute(_DELETE, values).scalar())

    async def give_up(self, blob: str) -> bool:
        """Whether a blob is to be deleted, because no file has it: none will have it any more."""

        def step(connection: Connection) -> bool:
            self._one_at_a_time(connection)
            connection.execute(_GIVE_UP_ONE, {"wanted": blob})
            return connection.execute(_FILE_OF, {"wanted": blob}).first() is None

        return await self._database.write(step)

    async def expire(self, now_s: float, grace_s: float) -> None:
        """Give up all blobs that no file has, but for those that may still be stored: begun less than `grace_s` ago.

        Files whose time is over are gone from now on, and so are those of keys that were revoked a month ago.
        """

        def step(connection: Connection) -> None:
            self._one_at_a_time(connection)
            connection.execute(_EXPIRE, {"now_s": now_s})
            connection.execute(_DISOWN, {"revoked_s": now_s - _REVOKED_S})
            connection.execute(_GIVE_UP_OLD, {"before_s": now_s - grace_s})

        await self._database.write(step)

    async def given_up(self, after: str = "") -> Sequence[str]:
        """The next of the blobs that are to be deleted, in order, behind the blob `after`; none behind the last."""
        return await self._database.read(lambda connection: list(connection.execute(_GIVEN_UP, {"after": after}).scalars()))

    async def forget(self, blob: str) -> None:
        """It was given up, and is deleted."""
        await self._database.write(lambda connection: connection.execute(_FORGET, {"wanted": blob}))

    def _one_at_a_time(self, connection: Connection) -> None:
        if not self._database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CONTENTS})


def _check_room(connection: Connection, file: StoredFile, room: Room) -> None:
    files, size_bytes = connection.execute(_USED, {"whose": file.owner, "now_s": file.created_at_s}).one()
    if room.files is not None and files >= room.files:
        raise StorageQuotaExceeded(f"This key has {files} files, and may have {room.files}.", param="file")
    if room.size_bytes is not None and size_bytes + file.size_bytes > room.size_bytes:
        told = f"This key has files of {size_bytes} bytes, and with this one more than {room.size_bytes}."
        raise StorageQuotaExceeded(told, param="file")


@lru_cache(maxsize=8)
def _page_of(is_of_purpose: bool, is_behind: bool, oldest_first: bool) -> Select[Any]:
    """Built once for each shape of a query."""
    place, after = tuple_(FILES.c.created_at_s, FILES.c.id), tuple_(bindparam("after_s"), bindparam("after"))
    behind = [place > after if oldest_first else place < after] if is_behind else []
    purpose = [FILES.c.purpose == bindparam("purpose")] if is_of_purpose else []
    order = [column.asc() if oldest_first else column.desc() for column in (FILES.c.created_at_s, FILES.c.id)]
    return select(FILES).where(_OWN, _THERE, *purpose, *behind).order_by(*order).limit(bindparam("limit"))


def _columns(file: StoredFile) -> _Row:
    return {column.name: getattr(file, column.name) for column in FILES.columns}
