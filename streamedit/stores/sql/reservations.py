"""Reservations and spends as rows: what is done with them in one transaction.

A spend is locked by whoever changes it, until they are done: all take spends in one order, so that nobody waits in a circle.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, text, update

from streamedit import overdrafts
from streamedit.budgets import Budget, Period, Spend, period_of
from streamedit.parties import Scope
from streamedit.stores.sql.shortcut import Shortcut, compiled
from streamedit.stores.sql.tables import RESERVATIONS, SPENDS

_ANY_MICROS = 2**62
"""More than any limit."""

_LAPSED_AT_ONCE = 500
_KEPT_S = 24 * 3600
"""For so long a settlement that comes late finds what it has to put right."""

_Key: TypeAlias = tuple[str, str, int]
"""A spend's: its scope, period and start."""
_Values: TypeAlias = Mapping[str, Any]
"""A statement's parameters."""

_IS_SPEND = (
    (SPENDS.c.scope == bindparam("of_scope"))
    & (SPENDS.c.period == bindparam("of_period"))
    & (SPENDS.c.start_s == bindparam("of_start_s"))
)
_TAKE = (
    update(SPENDS)
    .where(_IS_SPEND, SPENDS.c.spent_micros + SPENDS.c.reserved_micros + bindparam("micros") <= bindparam("limit_micros"))
    .values(reserved_micros=SPENDS.c.reserved_micros + bindparam("micros"))
)
_MOVE = (
    update(SPENDS)
    .where(_IS_SPEND)
    .values(
        spent_micros=SPENDS.c.spent_micros + bindparam("spent"),
        reserved_micros=SPENDS.c.reserved_micros + bindparam("reserved"),
    )
)
# Both databases take these words; SQLAlchemy has them for each of the two alone.
_OPEN = text(
    "INSERT INTO streamedit_spends (scope, period, start_s, spent_micros, reserved_micros)"
    " VALUES (:of_scope, :of_period, :of_start_s, 0, 0) ON CONFLICT DO NOTHING"
)
_LOOK = select(SPENDS.c.spent_micros, SPENDS.c.reserved_micros).where(_IS_SPEND)
_RESERVE = insert(RESERVATIONS)
_CALLED = (
    update(RESERVATIONS)
    .where(RESERVATIONS.c.edit_id == bindparam("edit"), RESERVATIONS.c.is_lapsed.is_(False))
    .values(is_called=True)
)
_OF_EDITS = select(RESERVATIONS).where(RESERVATIONS.c.edit_id.in_(bindparam("edits", expanding=True))).with_for_update()
_DONE = delete(RESERVATIONS).where(RESERVATIONS.c.edit_id == bindparam("edit"))
_OVERDUE = (
    select(RESERVATIONS)
    .where(RESERVATIONS.c.until_s < bindparam("now_s"), RESERVATIONS.c.is_lapsed.is_(False))
    .limit(_LAPSED_AT_ONCE)
    .with_for_update(skip_locked=True)
)
_LAPSE = (
    update(RESERVATIONS)
    .where(
        RESERVATIONS.c.edit_id == bindparam("edit"),
        RESERVATIONS.c.scope == bindparam("of_scope"),
        RESERVATIONS.c.period == bindparam("of_period"),
    )
    .values(is_lapsed=True, micros=bindparam("spent"))
)
_FORGET = delete(RESERVATIONS).where(RESERVATIONS.c.is_lapsed.is_(True), RESERVATIONS.c.until_s < bindparam("before_s"))


_TAKE_IN_SQLITE, _RESERVE_IN_SQLITE = compiled(_TAKE), compiled(_RESERVE)


@dataclass(frozen=True, slots=True)
class Purse:
    """One budget of a scope, in its running period."""

    scope: Scope
    budget: Budget
    running: Period

    @property
    def key(self) -> _Key:
        return self.scope.name, self.budget.period, self.running.start_s


@dataclass(frozen=True, slots=True)
class Terms:
    """What is reserved for an edit, until when, and whether its provider may have charged it by then."""

    edit_id: str
    micros: int
    until_s: float
    is_called: bool


def purses_of(scopes: Iterable[Scope], now_s: float) -> Sequence[Purse]:
    """All budgets of these scopes, in the order in which spends are taken."""
    purses = [Purse(scope, each, period_of(each.period, now_s)) for scope in scopes for each in scope.allowance.budgets]
    return sorted(purses, key=lambda purse: purse.key)


class Short(Exception):
    """Not all of the budgets have room; or some have not been spent of before."""


def reserve(connection: Connection, purses: Sequence[Purse], terms: Terms) -> None:
    """Take it of every budget. Raises Short; then nothing may be kept of the transaction."""
    takes = [_take(purse, terms.micros) for purse in purses]
    if connection.execute(_TAKE, takes).rowcount < len(purses):
        raise Short
    connection.execute(_RESERVE, _rows(purses, terms))


def reserve_at_once(shortcut: Shortcut, purses: Sequence[Purse], terms: Terms) -> None:
    """As `reserve`. Raises Short, and Busy."""
    with shortcut.transaction():
        if shortcut.execute(_TAKE_IN_SQLITE, [_take(purse, terms.micros) for purse in purses]) < len(purses):
            raise Short
        shortcut.execute(_RESERVE_IN_SQLITE, _rows(purses, terms))


def reserve_one_by_one(connection: Connection, purses: Sequence[Purse], terms: Terms, now_s: float) -> None:
    """The same after `Short`: raises BudgetExceeded for the first budget that has no room."""
    for purse in purses:
        # Whoever else opens the spend in this moment may leave room in it.
        connection.execute(_OPEN, _named(purse.key))
        if not connection.execute(_TAKE, _take(purse, terms.micros)).rowcount:
            raise overdrafts.refusal(purse.scope.kind, _look(connection, purse), terms.micros, now_s)
    connection.execute(_RESERVE, _rows(purses, terms))


def called(connection: Connection, edit_id: str) -> bool:
    """The edit's provider may charge it from now on; not when what was reserved has lapsed."""
    return connection.execute(_CALLED, {"edit": edit_id}).rowcount > 0


def settle(connection: Connection, costs: Mapping[str, int]) -> None:
    """Edits have cost so much, by their ids. Those that are settled have no reservation any more: nothing happens twice."""
    moves: dict[_Key, list[int]] = defaultdict(lambda: [0, 0])
    for row in connection.execute(_OF_EDITS, {"edits": list(costs)}).mappings():
        cost, held = costs[row["edit_id"]], row["micros"]
        _add(moves, row, *((cost - held, 0) if row["is_lapsed"] else (cost, -held)))
    if moves:
        _move(connection, moves)
        connection.execute(_DONE, [{"edit": edit_id} for edit_id in costs])


def lapse(connection: Connection, now_s: float) -> None:
    """What was not settled in time is spent if a provider may have charged it, else free. Either can still be put right."""
    moves: dict[_Key, list[int]] = defaultdict(lambda: [0, 0])
    overdue = connection.execute(_OVERDUE, {"now_s": now_s}).mappings().all()
    for row in overdue:
        _add(moves, row, _lost(row), -row["micros"])
    if overdue:
        _move(connection, moves)
        named = ({"edit": row["edit_id"], **_named(_key(row)), "spent": _lost(row)} for row in overdue)
        connection.execute(_LAPSE, list(named))
    connection.execute(_FORGET, {"before_s": now_s - _KEPT_S})


def look(connection: Connection, purses: Iterable[Purse]) -> Sequence[Spend]:
    """What each of these has come to."""
    return [_look(connection, purse) for purse in purses]


def _take(purse: Purse, micros: int) -> _Values:
    """What costs nothing is taken of any budget, so that a cost which turns up later has its place."""
    return {**_named(purse.key), "micros": micros, "limit_micros": purse.budget.limit_micros if micros else _ANY_MICROS}


def _rows(purses: Iterable[Purse], terms: Terms) -> Sequence[_Values]:
    own = {
        "edit_id": terms.edit_id, "micros": terms.micros, "until_s": terms.until_s, "is_called": terms.is_called,
        "is_lapsed": False,
    }  # fmt: skip
    keys = (purse.key for purse in purses)
    return [{**own, "scope": scope, "period": period, "start_s": start_s} for scope, period, start_s in keys]


def _look(connection: Connection, purse: Purse) -> Spend:
    row = connection.execute(_LOOK, _named(purse.key)).first()
    return Spend(purse.budget, purse.running, *(row or ()))


def _lost(row: RowMapping) -> int:
    return row["micros"] if row["is_called"] else 0


def _add(moves: dict[_Key, list[int]], row: RowMapping, spent: int, reserved: int) -> None:
    move = moves[_key(row)]
    move[0] += spent
    move[1] += reserved


def _move(connection: Connection, moves: Mapping[_Key, Sequence[int]]) -> None:
    rows = [{**_named(key), "spent": spent, "reserved": reserved} for key, (spent, reserved) in sorted(moves.items())]
    connection.execute(_MOVE, rows)


def _key(row: RowMapping) -> _Key:
    return row["scope"], row["period"], row["start_s"]


def _named(key: _Key) -> _Values:
    return dict(zip(("of_scope", "of_period", "of_start_s"), key, strict=True))
