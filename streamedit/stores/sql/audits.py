"""The ledger's edits one by one, with their attempts and tags: for audits."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, Connection, Select, bindparam, select, tuple_

from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS
from streamedit.stores.sql.usage import bounds_of, conditions
from streamedit.usage import UsageQuery

_Row: TypeAlias = dict[str, Any]

COLUMNS = (*(column.name for column in EDITS.columns), "tags")
"""Of an edit."""

_IDS: BindParameter[Any] = bindparam("ids", expanding=True)
_PLACE = select(EDITS.c.started_at_s).where(EDITS.c.edit_id == bindparam("after"))
_TAGS = select(EDIT_TAGS).where(EDIT_TAGS.c.edit_id.in_(_IDS)).order_by(EDIT_TAGS.c.tag)
_ATTEMPTS = select(ATTEMPTS).where(ATTEMPTS.c.edit_id.in_(_IDS)).order_by(ATTEMPTS.c.position)


@dataclass(frozen=True, slots=True)
class Page:
    """Edits, the newest first, each with its `tags`, and instead of their number its `attempts`. `has_more`: behind them."""

    edits: Sequence[Mapping[str, Any]]
    has_more: bool


class SqlAudits:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(self, query: UsageQuery, limit: int, after: str | None = None) -> Page | None:
        """The edits of a query, the newest first, at most so many; those behind the edit `after`; None when there is no such.

        Raises StoreUnavailable.
        """
        values = {**bounds_of(query.span), **query.filters, "limit": limit + 1}
        filters = tuple(sorted(query.filters))

        def step(connection: Connection) -> Page | None:
            place = None if after is None else connection.execute(_PLACE, {"after": after}).scalar()
            if after is not None and place is None:
                return None
            told = values if after is None else {**values, "after": after, "place": place}
            edits = _rows(connection, _statement(filters, after is not None), told)
            return Page(_with_parts(connection, edits[:limit]), len(edits) > limit)

        return await self._database.read(step)


@lru_cache(maxsize=256)
def _statement(filters: tuple[str, ...], is_behind: bool) -> Select[Any]:
    """Built once for each shape of a query."""
    place = tuple_(EDITS.c.started_at_s, EDITS.c.edit_id)
    behind = [place < tuple_(bindparam("place"), bindparam("after"))] if is_behind else []
    order = (EDITS.c.started_at_s.desc(), EDITS.c.edit_id.desc())
    return select(EDITS).where(*conditions(filters), *behind).order_by(*order).limit(bindparam("limit"))


def _with_parts(connection: Connection, edits: Sequence[_Row]) -> Sequence[_Row]:
    ids = {"ids": [edit["edit_id"] for edit in edits]}
    tags: Mapping[str, list[str]] = defaultdict(list)
    attempts: Mapping[str, list[_Row]] = defaultdict(list)
    for row in _rows(connection, _TAGS, ids):
        tags[row["edit_id"]].append(row["tag"])
    for row in _rows(connection, _ATTEMPTS, ids):
        attempts[row.pop("edit_id")].append(row)
    return [{**edit, "tags": tags[edit["edit_id"]], "attempts": attempts[edit["edit_id"]]} for edit in edits]


def _rows(connection: Connection, statement: Select[Any], values: Mapping[str, Any]) -> list[_Row]:
    return [dict(row) for row in connection.execute(statement, values).mappings()]
