"""What is noted of edits, as rows of the ledger. Pure.

Callers make up names, providers make up numbers: what a column has no room for is cut, so that every note can be entered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, String, Table

from streamedit.errors import Interrupted
from streamedit.parties import Party
from streamedit.records import AttemptRecord, EditRecord, Report
from streamedit.stores.notes import Begun
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS

Row: TypeAlias = Mapping[str, Any]

_MOST = 10**12
"""Of tokens, bytes, micro-dollars: millions of the largest of them can still be added up."""

_MOST_OF_FEW = 2**31 - 1
_LATEST_S = 253_402_300_799
"""The last second of the year 9999."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Of edits that nobody appears twice in, in the order in which their tables can be filled."""

    edits: list[Row] = field(default_factory=list)
    tags: list[Row] = field(default_factory=list)
    attempts: list[Row] = field(default_factory=list)

    @property
    def edit_ids(self) -> list[str]:
        return [row["edit_id"] for row in self.edits]


def of_reports(reports: Iterable[Report]) -> Rows:
    """The rows of reports; of several of one edit, the last one's."""
    newest = {report.edit.edit_id: report for report in reports}
    rows = Rows()
    for report in newest.values():
        edit = report.edit
        rows.edits.append(_edit_row(edit, report.party))
        rows.tags.extend(_tag_rows(edit.edit_id, report.party))
        rows.attempts.extend(
            _attempt_row(edit.edit_id, position, each) for position, each in enumerate(report.attempts, start=1)
        )
    return rows


def of_interrupted(edits: Iterable[Begun]) -> Rows:
    """The rows of edits of which nothing is known but that they began."""
    rows = Rows()
    for begun in edits:
        rows.edits.append(_edit_row(_interrupted(begun), begun.party))
        rows.tags.extend(_tag_rows(begun.edit_id, begun.party))
    return rows


def fitted(table: Table, values: Row) -> Row:
    """Values for all columns of a table, each as its column can hold it; numbers are finite, no text has a NUL."""
    return {column.name: _fitted(column, values[column.name]) for column in table.columns}


def day_of(time_s: float) -> str:
    """The day of a Unix time, UTC's."""
    return datetime.fromtimestamp(max(_bounded(time_s, _LATEST_S), 0), UTC).date().isoformat()


def _edit_row(edit: EditRecord, party: Party) -> Row:
    values = {name: getattr(edit, name) for name in _OF_EDIT}
    own = {"day": day_of(edit.started_at_s), "flagged": list(edit.flagged), "metadata": dict(party.metadata)}
    whose = {"key_id": party.key_id, "group_id": party.group_id, "end_user": party.end_user}
    return fitted(EDITS, {**values, **own, **whose})


def _attempt_row(edit_id: str, position: int, attempt: AttemptRecord) -> Row:
    values = {name: getattr(attempt, name) for name in _OF_ATTEMPT}
    return fitted(ATTEMPTS, {**values, "edit_id": edit_id, "position": position})


def _tag_rows(edit_id: str, party: Party) -> Iterable[Row]:
    """Two tags that begin alike may be the same when they are cut."""
    rows = [fitted(EDIT_TAGS, {"edit_id": edit_id, "tag": tag}) for tag in party.tags]
    return {row["tag"]: row for row in rows}.values()


def _interrupted(begun: Begun) -> EditRecord:
    return EditRecord(
        edit_id=begun.edit_id, model=begun.model, provider="", attempts=0, fallbacks=0, overhead_s=None, stream=False,
        outcome=str(Interrupted.code), partial_images=0, images=0, size_bytes=0, first_event_s=None, total_s=0.0,
        input_tokens=0, output_tokens=0, cost_micros=None, started_at_s=begun.started_at_s, status=Interrupted.status,
        error_type=Interrupted.type,
    )  # fmt: skip


def _fitted(column: Column[Any], value: Any) -> Any:
    kind = column.type
    if value is None:
        return None
    if isinstance(kind, String):
        return _clean(value)[: kind.length]
    if isinstance(kind, Boolean):
        return bool(value)
    if isinstance(kind, Integer):
        return int(_bounded(value, _MOST if isinstance(kind, BigInteger) else _MOST_OF_FEW))
    if isinstance(kind, Float):
        return float(_bounded(value, _MOST))
    return _cleaned(value)


def _bounded(number: float, most: int) -> float:
    return 0 if number != number else min(max(number, -most), most)  # noqa: PLR0124 - what is not a number


def _clean(text: object) -> str:
    """Neither database takes half a surrogate pair, PostgreSQL no NUL."""
    return str(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _cleaned(value: Any) -> Any:
    """JSON with clean texts."""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, Mapping):
        return {_clean(name): _cleaned(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    return value


_OF_PARTY = frozenset({"day", "key_id", "group_id", "end_user", "flagged", "metadata"})
_OF_EDIT = tuple(column.name for column in EDITS.columns if column.name not in _OF_PARTY)
_OF_ATTEMPT = tuple(column.name for column in ATTEMPTS.columns if column.name not in ("edit_id", "position"))
