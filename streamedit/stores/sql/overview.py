"""The ledger at a glance: edits, spend, latencies and failures by the hour or the day; who and what is busiest.

A bucket is read by itself, so that no statement sorts more than one bucket's edits. One that is over is read once: it is read
again when its number of edits, which an index tells, has changed.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, or_, select

from streamedit.outcomes import COMPLETED
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import ATTEMPTS, EDITS

Quantiles: TypeAlias = Sequence[tuple[float, float]]
"""Values in ascending order, each with how many it stands for."""

_POINTS = 200
"""Of a bucket's latencies: exact up to so many edits, beyond that within half a percent of the ranks."""

_MOST = 50
"""Models of a bucket, and kinds of failures. Models' names can be the callers' own choice."""

_BUSIEST = 10
_KEPT_BUCKETS = 500
_LATEST_S = 3600
"""A bucket that was over for so long has got all of its edits, but for those that the ledger could not be told in time."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Of some edits. `spend_micros`: what counts against budgets."""

    edits: int = 0
    completed: int = 0
    images: int = 0
    spend_micros: int = 0

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(
            self.edits + other.edits,
            self.completed + other.completed,
            self.images + other.images,
            self.spend_micros + other.spend_micros,
        )


@dataclass(frozen=True, slots=True)
class Bucket:
    """The edits that began in a stretch of time. `models`: by model and provider; `failures`: attempts by provider and outcome.

    `total`: seconds that completed edits took; `first_event`: until the first event, where there was one.
    """

    start_s: int
    sums: Sums
    models: Mapping[tuple[str, str], Sums]
    failures: Mapping[tuple[str, str], int]
    first_event: Quantiles
    total: Quantiles


@dataclass(frozen=True, slots=True)
class Busiest:
    """The end users, or keys, with the most edits, in that order."""

    name: str
    sums: Sums


def _within(started_at_s: ColumnElement[float]) -> ColumnElement[bool]:
    return and_(started_at_s >= bindparam("start_s"), started_at_s < bindparam("end_s"))


_EDITED = _within(EDITS.c.started_at_s)
_SUMS = (
    func.count().label("edits"),
    func.count().filter(EDITS.c.outcome == COMPLETED).label("completed"),
    func.coalesce(func.sum(EDITS.c.images), 0).label("images"),
    func.coalesce(func.sum(EDITS.c.charge_micros), 0).label("spend_micros"),
)
_COUNT = select(func.count()).select_from(EDITS).where(_EDITED)
_ALL = select(*_SUMS).where(_EDITED)
_MODELS = (
    select(EDITS.c.model, EDITS.c.provider, *_SUMS)
    .where(_EDITED)
    .group_by(EDITS.c.model, EDITS.c.provider)
    .order_by(func.count().desc(), EDITS.c.model, EDITS.c.provider)
    .limit(_MOST)
)
_FAILURES = (
    select(ATTEMPTS.c.provider, ATTEMPTS.c.outcome, func.count())
    .where(_within(ATTEMPTS.c.started_at_s), ATTEMPTS.c.outcome != COMPLETED)
    .group_by(ATTEMPTS.c.provider, ATTEMPTS.c.outcome)
    .order_by(func.count().desc(), ATTEMPTS.c.provider, ATTEMPTS.c.outcome)
    .limit(_MOST)
)


def _quantiles(seconds: ColumnElement[Any], *which: ColumnElement[bool]) -> Select[Any]:
    """The first of each of _POINTS parts of the ranks, and how many there are in all."""
    rank = (func.row_number().over(order_by=seconds) - 1).label("rank")
    ranked = select(seconds.label("seconds"), rank, func.count().over().label("all")).where(_EDITED, *which).subquery()
    part = ranked.c.rank * _POINTS // ranked.c.all
    before = (ranked.c.rank - 1) * _POINTS // ranked.c.all
    return select(ranked.c.seconds, ranked.c.all).where(or_(ranked.c.rank == 0, part != before)).order_by(ranked.c.rank)


_FIRST_EVENT = _quantiles(EDITS.c.first_event_s, EDITS.c.first_event_s.is_not(None))
_TOTAL = _quantiles(EDITS.c.total_s, EDITS.c.outcome == COMPLETED)


def _busiest(column: ColumnElement[Any]) -> Select[Any]:
    """Counted in an index alone."""
    counted = func.count().label("edits")
    return select(column).where(_EDITED, column.is_not(None)).group_by(column).order_by(counted.desc(), column).limit(_BUSIEST)


_BY = {"end_user": EDITS.c.end_user, "key_id": EDITS.c.key_id}
_NAMES = {name: _busiest(column) for name, column in _BY.items()}
_OF_ONE = {name: _ALL.where(column == bindparam("wanted")) for name, column in _BY.items()}
_LAST_USED = select(func.max(EDITS.c.started_at_s)).where(EDITS.c.key_id == bindparam("wanted"))


class SqlOverview:
    """See the module. All methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._over: OrderedDict[tuple[int, int], Bucket] = OrderedDict()

    async def bucket(self, start_s: int, length_s: int, now_s: float) -> Bucket:
        """One bucket, as it is at the moment."""
        known = self._over.get((start_s, length_s))
        bucket = await self._database.read(lambda connection: _bucket(connection, start_s, start_s + length_s, known))
        if start_s + length_s + _LATEST_S < now_s:
            self._keep((start_s, length_s), bucket)
        return bucket

    async def sums(self, start_s: float, end_s: float) -> Sums:
        """Of all edits that began in between."""
        span = {"start_s": start_s, "end_s": end_s}
        return await self._database.read(lambda connection: _sums(connection, _ALL, span))

    async def busiest(self, by: str, start_s: float, end_s: float) -> Sequence[Busiest]:
        """At most ten, by `end_user` or by `key_id`."""
        span = {"start_s": start_s, "end_s": end_s}

        def step(connection: Connection) -> Sequence[Busiest]:
            names = connection.scalars(_NAMES[by], span).all()
            return [Busiest(name, _sums(connection, _OF_ONE[by], {**span, "wanted": name})) for name in names]

        return await self._database.read(step)

    async def last_used(self, key_ids: Sequence[str]) -> Mapping[str, float | None]:
        """When the newest edit of each key began, in Unix seconds."""

        def step(connection: Connection) -> Mapping[str, float | None]:
            return {key_id: connection.scalar(_LAST_USED, {"wanted": key_id}) for key_id in key_ids}

        return await self._database.read(step)

    def _keep(self, place: tuple[int, int], bucket: Bucket) -> None:
        self._over[place] = bucket
        self._over.move_to_end(place)
        if len(self._over) > _KEPT_BUCKETS:
            self._over.popitem(last=False)


def _bucket(connection: Connection, start_s: int, end_s: int, known: Bucket | None) -> Bucket:
    span = {"start_s": start_s, "end_s": end_s}
    if known is not None and known.sums.edits == connection.scalar(_COUNT, span):
        return known
    return Bucket(
        start_s,
        _sums(connection, _ALL, span),
        {(model, provider): _summed(sums) for model, provider, *sums in connection.execute(_MODELS, span)},
        {(provider, outcome): count for provider, outcome, count in connection.execute(_FAILURES, span)},
        _read_quantiles(connection, _FIRST_EVENT, span),
        _read_quantiles(connection, _TOTAL, span),
    )


def _sums(connection: Connection, statement: Select[Any], told: Mapping[str, Any]) -> Sums:
    return _summed(connection.execute(statement, told).one())


def _summed(values: Sequence[Any]) -> Sums:
    """PostgreSQL gives decimals for sums of large integers."""
    return Sums(*(int(value) for value in values))


def _read_quantiles(connection: Connection, statement: Select[Any], span: Mapping[str, Any]) -> Quantiles:
    rows = connection.execute(statement, span).all()
    return [(seconds, count / len(rows)) for seconds, count in rows]
