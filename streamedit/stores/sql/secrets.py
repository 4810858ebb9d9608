"""Secrets that the processes with one database have in common, without anybody having to think of one."""

import secrets

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import SECRETS

_STREAM_TOKENS = "stream tokens"
_SECRET_BYTES = 32

_INSERT_SQLITE = sqlite.insert(SECRETS).on_conflict_do_nothing()
_INSERT_POSTGRESQL = postgresql.insert(SECRETS).on_conflict_do_nothing()
_ONE = select(SECRETS.c.value).where(SECRETS.c.name == bindparam("wanted"))


async def token_secret(database: Database) -> str:
    """What stream tokens are signed with: 256 random bits, the same for whoever asks, ever. Raises StoreUnavailable."""
    return await _secret(database, _STREAM_TOKENS)


async def _secret(database: Database, name: str) -> str:
    insert = _INSERT_SQLITE if database.is_sqlite else _INSERT_POSTGRESQL

    def step(connection: Connection) -> str:
        # Of those who come at the same time one is first; the others wait for it here, and find what it has written.
        connection.execute(insert, {"name": name, "value": secrets.token_hex(_SECRET_BYTES)})
        return str(connection.execute(_ONE, {"wanted": name}).scalar_one())

    return await database.write(step)
