"""What the ledger's edits come to, summed up by the database.

Percentiles are those of the nearest rank: by windows, because SQLite has no function for them.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, FromClause, Integer, Label, Select, bindparam, case, cast, func, select

from streamedit import usage
from streamedit.outcomes import COMPLETED
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import EDIT_TAGS, EDITS
from streamedit.usage import Row, Span, Usage, UsageQuery

_Column: TypeAlias = ColumnElement[Any]

_NAMED: Mapping[str, _Column] = {
    "day": EDITS.c.day,
    "model": EDITS.c.model,
    "provider": EDITS.c.provider,
    "key": EDITS.c.key_id,
    "group": EDITS.c.group_id,
    "end_user": EDITS.c.end_user,
    "tag": EDIT_TAGS.c.tag,
}

_IS_COMPLETED = EDITS.c.outcome == COMPLETED

_COUNTS: Mapping[str, _Column] = {
    "edits": cast(1, Integer),
    "completed": case((_IS_COMPLETED, 1), else_=0),
    "failed": case((_IS_COMPLETED, 0), else_=1),
}
_SUMMED: Mapping[str, _Column] = {**{name: EDITS.c[name] for name in usage.SUMS if name not in _COUNTS}, **_COUNTS}

_TIMES: Mapping[str, _Column] = {"first_event": EDITS.c.first_event_s, "total": case((_IS_COMPLETED, EDITS.c.total_s))}


class SqlUsage:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, query: UsageQuery) -> Usage:
        """The sums of a query. Raises StoreUnavailable."""
        values = {**bounds_of(query.span), **query.filters}
        filters = tuple(sorted(query.filters))

        def step(connection: Connection) -> Usage:
            rows = _rows(connection, _statement(query.group_by, filters), values) if query.group_by else []
            [total] = _rows(connection, _statement((), filters), values)
            return Usage(rows[: usage.MOST_ROWS], total, len(rows) > usage.MOST_ROWS)

        return await self._database.read(step)


def bounds_of(span: Span) -> Mapping[str, int]:
    """The values for `conditions`, beside those of the filters."""
    return {"start_s": span.start_s, "end_s": span.end_s}


def conditions(filters: Sequence[str]) -> list[ColumnElement[bool]]:
    """Of the edits that began between `start_s` and `end_s`, those that are as the values of these names say."""
    began = EDITS.c.started_at_s
    tagged = select(EDIT_TAGS.c.edit_id).where(EDIT_TAGS.c.tag == bindparam("tag"))
    return [
        began >= bindparam("start_s"),
        began < bindparam("end_s"),
        *(_NAMED[name] == bindparam(name) for name in filters if name != "tag"),
        *([EDITS.c.edit_id.in_(tagged)] if "tag" in filters else []),
    ]


@lru_cache(maxsize=256)
def _statement(group_by: tuple[str, ...], filters: tuple[str, ...]) -> Select[Any]:
    """Built once for each shape of a query."""
    ranked = _ranked(group_by, filters).subquery()
    groups = [ranked.c[name] for name in group_by]
    sums = [cast(func.coalesce(func.sum(ranked.c[name]), 0), EDITS.c.charge_micros.type).label(name) for name in usage.SUMS]
    percentiles = [_percentile(ranked, name, share) for name in _TIMES for share in (50, 95)]
    order = [ranked.c.day] if "day" in group_by else []
    dearest = (func.sum(ranked.c.charge_micros).desc(), func.count().desc())
    grouped = select(*groups, *sums, *percentiles).group_by(*groups)
    return grouped.order_by(*order, *dearest, *groups).limit(usage.MOST_ROWS + 1)


def _ranked(group_by: tuple[str, ...], filters: tuple[str, ...]) -> Select[Any]:
    """Each edit with its numbers, and with the ranks of its times within its group."""
    groups = [_NAMED[name].label(name) for name in group_by]
    values = [value.label(name) for name, value in _SUMMED.items()]
    ranks = [rank for name, time in _TIMES.items() for rank in _ranks(name, time, [_NAMED[name] for name in group_by])]
    where = conditions(filters)
    source: FromClause = EDITS
    if "tag" in group_by:
        source = EDITS.outerjoin(EDIT_TAGS, EDITS.c.edit_id == EDIT_TAGS.c.edit_id)
        where += [EDIT_TAGS.c.tag == bindparam("tag")] if "tag" in filters else []
    return select(*groups, *values, *ranks).select_from(source).where(*where)


def _ranks(name: str, time: _Column, groups: Sequence[_Column]) -> Sequence[Label[Any]]:
    """Of the edits of a group that have this time: how many they are, and this one's place among them."""
    within = list(groups) or None
    return (
        time.label(f"{name}_s"),
        func.row_number().over(partition_by=within, order_by=[time.is_(None), time]).label(f"{name}_rank"),
        func.count(time).over(partition_by=within).label(f"{name}_count"),
    )


def _percentile(ranked: FromClause, name: str, share: int) -> Label[Any]:
    rank = (ranked.c[f"{name}_count"] * share + 99) // 100
    return func.max(case((ranked.c[f"{name}_rank"] == rank, ranked.c[f"{name}_s"]))).label(f"{name}_p{share}_s")


def _rows(connection: Connection, statement: Select[Any], values: Mapping[str, object]) -> list[Row]:
    return [dict(row) for row in connection.execute(statement, values).mappings()]
