"""Rows of the ledger: every report has some that the tables can hold."""

from hypothesis import given
from hypothesis import strategies as st
from reports import EDIT
from sqlalchemy import BigInteger, Float, Integer, String, Table

from streamedit.parties import Party
from streamedit.records import AttemptRecord, EditRecord, Report
from streamedit.stores.sql import rows
from streamedit.stores.sql.rows import Row
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS

_NAMES = st.none() | st.text()
_PARTIES = st.builds(Party, st.text(), _NAMES, _NAMES, st.lists(st.text()).map(tuple), st.dictionaries(st.text(), st.text()))
_ENORMOUS = st.integers() | st.sampled_from([10**400, -(10**400)])


@given(
    st.builds(EditRecord, images=_ENORMOUS, input_tokens=_ENORMOUS),
    st.lists(st.builds(AttemptRecord, output_tokens=_ENORMOUS), max_size=2),
    _PARTIES,
)
def test_every_value_fits_its_column(edit: EditRecord, attempts: list[AttemptRecord], party: Party) -> None:
    """Whatever callers and providers have called things and counted."""
    found = rows.of_reports([Report(edit, attempts, party=party)])
    for table, each in ((EDITS, found.edits), (EDIT_TAGS, found.tags), (ATTEMPTS, found.attempts)):
        for row in each:
            assert_fits(table, row)
    assert len({row["tag"] for row in found.tags}) == len(found.tags)


def assert_fits(table: Table, row: Row) -> None:
    """In both databases."""
    assert set(row) == set(table.columns.keys())
    for column in table.columns:
        value, kind = row[column.name], column.type
        if value is None:
            assert column.nullable
        elif isinstance(kind, String):
            assert len(value) <= (kind.length or 0) and "\0" not in value
            assert value.encode().decode() == value
        elif isinstance(kind, Integer):
            assert abs(value) < (2**63 if isinstance(kind, BigInteger) else 2**31)
        elif isinstance(kind, Float):
            assert abs(value) <= 10**12


def test_days_are_utcs() -> None:
    """Of any time."""
    assert rows.day_of(EDIT.started_at_s) == "2026-09-21"
    assert [rows.day_of(time_s) for time_s in (-5.0, 86_399.9, float("inf"), float("nan"))] == [
        "1970-01-01",
        "1970-01-01",
        "9999-12-31",
        "1970-01-01",
    ]
