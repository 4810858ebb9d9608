"""What the ledger's edits come to, summed up by the database.

Percentiles are those of the nearest rank: by windows, because SQLite has no function for them.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, bindparam, case, cast, func, select

from streamedit import usage
from streamedit.outcomes import COMPLETED
from streamedit.stores.sql.database import Database, unavailable
from streamedit.stores.sql.tables import EDIT_TAGS, EDITS
from streamedit.usage import Row, Span, Usage, UsageQuery

_Column: TypeAlias = ColumnElement[Any]
_Group: TypeAlias = tuple[Any, ...]

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
    "edits": func.count(),
    "completed": func.count(case((_IS_COMPLETED, 1))),
    "failed": func.count(case((~_IS_COMPLETED, 1))),
}

_TIMES: Mapping[str, tuple[_Column, ColumnElement[bool]]] = {
    "first_event": (EDITS.c.first_event_s, EDITS.c.first_event_s.is_not(None)),
    "total": (EDITS.c.total_s, _IS_COMPLETED),
}
"""Which times, and of which edits."""

_SHARES = (50, 95)

_AT_ONCE = 2
"""Of all edits that takes seconds: some of the database's readers are for others."""

_TURN_S = 20.0
_NO_TIMES: Row = dict.fromkeys(usage.PERCENTILES)


class SqlUsage:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def of(self, query: UsageQuery) -> Usage:
        """The sums of a query. Raises StoreUnavailable."""
        async with self._turn():
            rows = await self._summed(query) if query.group_by else []
            [total] = await self._summed(replace(query, group_by=()))
        return Usage(rows[: usage.MOST_ROWS], total, len(rows) > usage.MOST_ROWS)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_TURN_S):
                await self._turns.acquire()
        except TimeoutError:
            raise unavailable() from None
        try:
            yield
        finally:
            self._turns.release()

    async def _summed(self, query: UsageQuery) -> Sequence[Row]:
        """One row more than there may be, if there are more; then there may be any number of groups, and no times are told."""
        sums = await self._rows(_sums(query.group_by, tuple(sorted(query.filters))), query)
        times = await self._times(query) if len(sums) <= usage.MOST_ROWS else {}
        return [{**row, **_NO_TIMES, **times.get(_group(row, query), {})} for row in sums]

    async def _times(self, query: UsageQuery) -> Mapping[_Group, Row]:
        """The percentiles of each group that has any; each time on its own, because sorting takes the longest."""
        found: dict[_Group, Row] = {}
        for name in _TIMES:
            for row in await self._rows(_percentiles(name, query.group_by, tuple(sorted(query.filters))), query):
                group = _group(row, query)
                found[group] = {**found.get(group, {}), **row}
        return found

    async def _rows(self, statement: Select[Any], query: UsageQuery) -> Sequence[Row]:
        values = {**bounds_of(query.span), **query.filters}

        def step(connection: Connection) -> Sequence[Row]:
            return [dict(row) for row in connection.execute(statement, values).mappings()]

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
def _sums(group_by: tuple[str, ...], filters: tuple[str, ...]) -> Select[Any]:
    """Built once for each shape of a query, as the other one."""
    groups = [_NAMED[name].label(name) for name in group_by]
    sums = [cast(_sum(name), BigInteger).label(name) for name in usage.SUMS]
    order = [EDITS.c.day] if "day" in group_by else []
    dearest = (func.sum(EDITS.c.charge_micros).desc(), func.count().desc(), *groups)
    return _of(group_by, filters, *groups, *sums).group_by(*groups).order_by(*order, *dearest).limit(usage.MOST_ROWS + 1)


@lru_cache(maxsize=512)
def _percentiles(name: str, group_by: tuple[str, ...], filters: tuple[str, ...]) -> Select[Any]:
    """Each group's values of one time, ranked; of them those at the ranks that are asked for."""
    time, is_there = _TIMES[name]
    within = [_NAMED[each] for each in group_by]
    groups = [_NAMED[each].label(each) for each in group_by]
    rank = func.row_number().over(partition_by=within or None, order_by=time).label("rank")
    count = func.count().over(partition_by=within or None).label("count")
    ranked = _of(group_by, filters, *groups, time.label("time_s"), rank, count).where(is_there).subquery()
    values = [
        func.max(case((ranked.c.rank == (ranked.c.count * share + 99) // 100, ranked.c.time_s))).label(f"{name}_p{share}_s")
        for share in _SHARES
    ]
    names = [ranked.c[each] for each in group_by]
    return select(*names, *values).group_by(*names).having(func.count() > 0)


def _sum(name: str) -> _Column:
    return _COUNTS[name] if name in _COUNTS else func.coalesce(func.sum(EDITS.c[name]), 0)


def _of(group_by: Sequence[str], filters: Sequence[str], *columns: _Column) -> Select[Any]:
    """Of the edits that are asked for, once for each tag when they are told apart by tags."""
    chosen = select(*columns).where(*conditions(filters))
    if "tag" not in group_by:
        return chosen.select_from(EDITS)
    tagged = chosen.select_from(EDITS.outerjoin(EDIT_TAGS, EDITS.c.edit_id == EDIT_TAGS.c.edit_id))
    return tagged.where(EDIT_TAGS.c.tag == bindparam("tag")) if "tag" in filters else tagged


def _group(row: Row, query: UsageQuery) -> _Group:
    return tuple(row[name] for name in query.group_by)
