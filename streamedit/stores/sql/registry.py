"""Keys, groups and end users in the database."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, Table, bindparam, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from streamedit import allowances
from streamedit.parties import Allowance, ApiKey, EndUser, Group
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import API_KEYS, END_USERS, GROUPS

_Row: TypeAlias = Mapping[str, Any]

_ONE = {table: select(table).where(table.c.id == bindparam("wanted")) for table in (API_KEYS, GROUPS, END_USERS)}
_ALL = {table: select(table).order_by(table.c.created_at_s, table.c.id) for table in (API_KEYS, GROUPS, END_USERS)}
_INSERT = {table: insert(table) for table in (API_KEYS, GROUPS, END_USERS)}
_UPDATE = {table: update(table).where(table.c.id == bindparam("wanted")) for table in (API_KEYS, GROUPS, END_USERS)}
_DELETE = {table: delete(table).where(table.c.id == bindparam("wanted")) for table in (API_KEYS, GROUPS, END_USERS)}
_KEY_TO_CHANGE = _ONE[API_KEYS].with_for_update()
"""Nobody else changes it meanwhile; in SQLite nobody else writes anyway."""

_HAS_KEYS = select(exists(select(API_KEYS.c.id)))


class SqlRegistry:
    """See the module. What it gives is what is there now. All methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def key(self, key_id: str) -> ApiKey | None:
        row = await self._row(API_KEYS, key_id)
        return _key(row) if row else None

    async def group(self, group_id: str) -> Group | None:
        row = await self._row(GROUPS, group_id)
        return _group(row) if row else None

    async def end_user(self, end_user_id: str) -> EndUser | None:
        row = await self._row(END_USERS, end_user_id)
        return _end_user(row) if row else None

    async def has_keys(self) -> bool:
        return bool(await self._database.read(lambda connection: connection.execute(_HAS_KEYS).scalar()))

    async def keys(self) -> Sequence[ApiKey]:
        """All, the oldest first; revoked ones, too."""
        return [_key(row) for row in await self._rows(API_KEYS)]

    async def groups(self) -> Sequence[Group]:
        """All, the oldest first."""
        return [_group(row) for row in await self._rows(GROUPS)]

    async def end_users(self) -> Sequence[EndUser]:
        """All that were ever saved, the oldest first."""
        return [_end_user(row) for row in await self._rows(END_USERS)]

    async def save_key(self, key: ApiKey) -> None:
        """Add it, or put it in the place of the one with its id."""
        await self._save(API_KEYS, key.id, _columns(key))

    async def change_key(self, key_id: str, step: Callable[[ApiKey], ApiKey]) -> ApiKey | None:
        """Put in a key's place what `step` makes of it, in one go; what it raises is raised. None when there is no such key."""

        def change(connection: Connection) -> ApiKey | None:
            row = connection.execute(_KEY_TO_CHANGE, {"wanted": key_id}).mappings().first()
            if row is None:
                return None
            key = step(_key(dict(row)))
            connection.execute(_UPDATE[API_KEYS], {"wanted": key_id, **_columns(key)})
            return key

        return await self._database.write(change)

    async def save_group(self, group: Group) -> None:
        """As a key."""
        own = {
            "platforms": _list(group.platforms), "models": _list(group.models), "images": group.images,
            "created_at_s": group.created_at_s,
        }  # fmt: skip
        await self._save(GROUPS, group.id, {**own, **_dumped(group.allowance, group.metadata)})

    async def save_end_user(self, end_user: EndUser) -> None:
        """As a key."""
        own = {"is_blocked": end_user.is_blocked, "created_at_s": end_user.created_at_s}
        await self._save(END_USERS, end_user.id, {**own, **_dumped(end_user.allowance, end_user.metadata)})

    async def delete_group(self, group_id: str) -> bool:
        """Whether it was there."""
        return await self._delete(GROUPS, group_id)

    async def delete_end_user(self, end_user_id: str) -> bool:
        """Whether it was there."""
        return await self._delete(END_USERS, end_user_id)

    async def _row(self, table: Table, wanted: str) -> _Row | None:
        def step(connection: Connection) -> _Row | None:
            row = connection.execute(_ONE[table], {"wanted": wanted}).mappings().first()
            return None if row is None else dict(row)

        return await self._database.read(step)

    async def _rows(self, table: Table) -> Sequence[_Row]:
        def step(connection: Connection) -> Sequence[_Row]:
            return [dict(row) for row in connection.execute(_ALL[table]).mappings()]

        return await self._database.read(step)

    async def _save(self, table: Table, wanted: str, values: _Row) -> None:
        def step(connection: Connection) -> None:
            if connection.execute(_UPDATE[table], {"wanted": wanted, **values}).rowcount:
                return
            try:
                with connection.begin_nested():
                    connection.execute(_INSERT[table], {"id": wanted, **values})
            except IntegrityError:
                # Somebody else has added it since.
                connection.execute(_UPDATE[table], {"wanted": wanted, **values})

        await self._database.write(step)

    async def _delete(self, table: Table, wanted: str) -> bool:
        gone = await self._database.write(lambda connection: connection.execute(_DELETE[table], {"wanted": wanted}).rowcount)
        return gone > 0


def _columns(key: ApiKey) -> _Row:
    own = {
        "name": key.name, "digest": key.digest, "previous_digest": key.previous_digest,
        "previous_until_s": key.previous_until_s, "expires_at_s": key.expires_at_s, "revoked_at_s": key.revoked_at_s,
        "group_id": key.group, "models": _list(key.models), "created_at_s": key.created_at_s,
    }  # fmt: skip
    return {**own, **_dumped(key.allowance, key.metadata)}


def _dumped(allowance: Allowance, metadata: Mapping[str, str]) -> _Row:
    return {
        "limits": allowances.dump_limits(allowance),
        "budgets": allowances.dump_budgets(allowance),
        "metadata": dict(metadata),
    }


def _list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _names(names: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(names)


def _key(row: _Row) -> ApiKey:
    previous = row["previous_digest"]
    return ApiKey(
        row["id"],
        row["name"],
        bytes(row["digest"]),
        row["created_at_s"],
        expires_at_s=row["expires_at_s"],
        revoked_at_s=row["revoked_at_s"],
        group=row["group_id"],
        models=_names(row["models"]),
        allowance=allowances.load(row["limits"], row["budgets"]),
        metadata=row["metadata"],
        previous_digest=None if previous is None else bytes(previous),
        previous_until_s=row["previous_until_s"],
    )


def _group(row: _Row) -> Group:
    return Group(
        row["id"],
        _names(row["platforms"]),
        _names(row["models"]),
        images=row["images"],
        allowance=allowances.load(row["limits"], row["budgets"]),
        metadata=row["metadata"],
        created_at_s=row["created_at_s"],
    )


def _end_user(row: _Row) -> EndUser:
    return EndUser(
        row["id"],
        is_blocked=row["is_blocked"],
        allowance=allowances.load(row["limits"], row["budgets"]),
        metadata=row["metadata"],
        created_at_s=row["created_at_s"],
    )
