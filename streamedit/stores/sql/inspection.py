"""A look at a database that changes nothing of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from streamedit.parties import ApiKey
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.stores.sql.tables import RESERVATIONS

_OVERDUE = (
    select(func.count(RESERVATIONS.c.edit_id.distinct()))
    .where(RESERVATIONS.c.until_s < bindparam("before_s"))
    .where(RESERVATIONS.c.is_lapsed.is_(False))
)


@dataclass(frozen=True, slots=True)
class Inspection:
    """`revision`: of its schema, None when it has none; `newest`: the one that this version has.

    Of another revision nothing else is known. `overdue`: edits whose reservation nobody has settled in time, or let lapse.
    """

    revision: str | None
    newest: str | None
    keys: Sequence[ApiKey] = ()
    overdue: int = 0


async def inspect(url: str, before_s: float) -> Inspection:
    """What is in a database; what should have been settled before then is overdue. Raises StoreUnavailable, OSError."""
    database = Database(url)
    async with database.serving(migrates=False):
        revision, newest = await database.revisions()
        if revision != newest:
            return Inspection(revision, newest)
        overdue = await database.read(lambda connection: connection.execute(_OVERDUE, {"before_s": before_s}).scalar())
        return Inspection(revision, newest, await SqlRegistry(database).keys(), overdue or 0)
