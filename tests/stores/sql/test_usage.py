"""Usage, in both databases: its sums are those of the reports."""

import asyncio
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from databases import KINDS, fresh_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import PARTY, ledger_in, report_of
from reports import EDIT
from sqlalchemy import delete

from streamedit.parties import Party
from streamedit.records import EditRecord, Report
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.ledger import _enter
from streamedit.stores.sql.rows import day_of, of_reports
from streamedit.stores.sql.tables import EDITS
from streamedit.stores.sql.usage import SqlUsage
from streamedit.usage import MOST_ROWS, Span, UsageQuery

ALL = Span(0, 4_000_000_000)
START_S = 1_789_948_800.0


@pytest.fixture(params=KINDS, scope="module")
def books(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Books"]:
    """A database with an event loop of its own, which many examples share."""
    with fresh_database(request.param, tmp_path_factory.mktemp("db")) as url, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        database = Database(url)
        runner.run(stack.enter_async_context(database.serving()))
        yield Books(runner, database)
        runner.run(stack.aclose())


class Books:
    """A ledger that has what a test says."""

    def __init__(self, runner: asyncio.Runner, database: Database) -> None:
        self._runner = runner
        self._database = database

    def fill(self, reports: Sequence[Report]) -> None:
        """With these alone."""
        self._runner.run(self._database.write(lambda connection: connection.execute(delete(EDITS))))
        self._runner.run(self._database.write(lambda connection: _enter(of_reports(reports), connection)))

    def of(self, query: UsageQuery) -> Any:
        """The usage of a query."""
        return self._runner.run(SqlUsage(self._database).of(query))


_SMALL = st.integers(0, 1000)
_REPORTS = st.lists(
    st.builds(
        lambda edit, key, group, user: Report(edit, (), party=Party(key, group, user)),
        st.builds(
            replace,
            st.just(EDIT),
            model=st.sampled_from(["a", "b"]),
            provider=st.sampled_from(["p", "q"]),
            outcome=st.sampled_from(["completed", "rate_limit_exceeded"]),
            started_at_s=st.integers(0, 3).map(lambda day: START_S + 86_400 * day + 7),
            images=_SMALL,
            input_tokens=_SMALL,
            input_image_tokens=_SMALL,
            cached_tokens=_SMALL,
            output_tokens=_SMALL,
            output_text_tokens=_SMALL,
            cost_micros=st.none() | _SMALL,
            charge_micros=_SMALL,
            first_event_s=st.none() | _SMALL.map(float),
            total_s=_SMALL.map(float),
        ),
        st.sampled_from(["key_a", "key_b"]),
        st.sampled_from([None, "team"]),
        st.sampled_from([None, "alice", "bob"]),
    ),
    max_size=12,
).map(lambda reports: [replace(each, edit=replace(each.edit, edit_id=f"e{n}")) for n, each in enumerate(reports)])

_VALUE: Mapping[str, Callable[[Report], str | None]] = {
    "day": lambda report: day_of(report.edit.started_at_s),
    "model": lambda report: report.edit.model,
    "provider": lambda report: report.edit.provider,
    "key": lambda report: report.party.key_id,
    "group": lambda report: report.party.group_id,
    "end_user": lambda report: report.party.end_user,
}


def summed(reports: Sequence[Report]) -> dict[str, float | None]:
    """What the row of these reports must say."""
    edits = [report.edit for report in reports]
    done = [edit for edit in edits if edit.outcome == "completed"]
    numbers = ("images", "input_tokens", "input_image_tokens", "cached_tokens", "output_tokens", "output_text_tokens")
    sums = {name: sum(getattr(edit, name) or 0 for edit in edits) for name in (*numbers, "cost_micros", "charge_micros")}
    first = sorted(edit.first_event_s for edit in edits if edit.first_event_s is not None)
    total = sorted(edit.total_s for edit in done)
    times = {
        f"{name}_p{share}_s": values[math.ceil(len(values) * share / 100) - 1] if values else None
        for name, values in (("first_event", first), ("total", total))
        for share in (50, 95)
    }
    return {"edits": len(edits), "completed": len(done), "failed": len(edits) - len(done), **sums, **times}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reports=_REPORTS, names=st.sets(st.sampled_from(sorted(_VALUE))), chosen=st.sampled_from([None, "model", "key", "day"]))
def test_sums_are_those_of_the_reports(books: Books, reports: list[Report], names: set[str], chosen: str | None) -> None:
    """Of each group and of all, whatever they are grouped and chosen by."""
    books.fill(reports)
    filters = {} if chosen is None or not reports else {chosen: str(_VALUE[chosen](reports[0]))}
    usage = books.of(UsageQuery(ALL, tuple(names), filters))
    wanted = [each for each in reports if all(_VALUE[name](each) == value for name, value in filters.items())]
    groups: dict[tuple[str | None, ...], list[Report]] = {}
    for report in wanted:
        groups.setdefault(tuple(_VALUE[name](report) for name in names), []).append(report)
    found = {tuple(row[name] for name in names): {k: row[k] for k in row if k not in names} for row in usage.rows}
    assert usage.total == summed(wanted)
    assert found == ({group: summed(each) for group, each in groups.items()} if names else {})


def test_an_edit_counts_for_each_of_its_tags(books: Books) -> None:
    """In the total once; edits without a tag have a row of their own; a tag that is asked for is the only one."""
    books.fill([
        report_of("e1", replace(PARTY, tags=("red", "blue")), images=1),
        report_of("e2", replace(PARTY, tags=("red",)), images=10),
        report_of("e3", replace(PARTY, tags=()), images=100),
    ])  # fmt: skip
    usage = books.of(UsageQuery(ALL, ("tag",)))
    assert {row["tag"]: row["images"] for row in usage.rows} == {"red": 11, "blue": 1, None: 100}
    assert usage.total["images"] == 111
    for group_by in ((), ("tag",), ("day", "tag")):
        red = books.of(UsageQuery(ALL, group_by, {"tag": "red"}))
        assert [row["images"] for row in red.rows] == [11] * bool(group_by)
        assert red.total["images"] == 11


def test_a_span_begins_and_ends(books: Books) -> None:
    """Its start belongs to it, its end does not."""
    books.fill([report_of(f"e{n}", started_at_s=1000.0 + n) for n in range(5)])
    assert books.of(UsageQuery(Span(1001, 1003))).total["edits"] == 2


def test_rows_are_in_order(books: Books) -> None:
    """Of days the earliest first, of the others the dearest."""

    def edit(number: int, day: int, model: str, charge_micros: int) -> EditRecord:
        began_s = START_S + 86_400 * day
        return replace(EDIT, edit_id=f"e{number}", started_at_s=began_s, model=model, charge_micros=charge_micros)

    edits = [edit(1, 1, "a", 9), edit(2, 0, "a", 1), edit(3, 0, "b", 5), edit(4, 0, "b", 5)]
    books.fill([Report(each, party=PARTY) for each in edits])
    rows = books.of(UsageQuery(ALL, ("model", "day"))).rows
    assert [(row["day"], row["model"]) for row in rows] == [("2026-09-21", "b"), ("2026-09-21", "a"), ("2026-09-22", "a")]


def test_rows_are_bounded(books: Books) -> None:
    """There are so many at most; that there are more is said, and the total is that of all."""
    edits = [replace(EDIT, edit_id=f"e{n}") for n in range(MOST_ROWS + 1)]
    books.fill([Report(edit, party=Party(end_user=edit.edit_id)) for edit in edits])
    usage = books.of(UsageQuery(ALL, ("end_user",)))
    assert (len(usage.rows), usage.has_more, usage.total["edits"]) == (MOST_ROWS, True, MOST_ROWS + 1)


def test_what_a_caller_writes_is_no_sql(books: Books) -> None:
    """It is compared as it is."""
    hostile = "'; DROP TABLE edits; --%s:day"
    books.fill([report_of("e1", replace(PARTY, end_user=hostile)), report_of("e2")])
    assert books.of(UsageQuery(ALL, ("end_user",), {"end_user": hostile})).total["edits"] == 1


async def test_what_was_kept_is_summed(tmp_path: Path) -> None:
    """From the report to the sum."""
    with fresh_database("sqlite", tmp_path) as url:
        database = Database(url)
        async with database.serving(), ledger_in(database, tmp_path / "box") as ledger:
            ledger.keep(report_of("e1"), is_final=True)
            await ledger.flushed()
            usage = await SqlUsage(database).of(UsageQuery(ALL, ("key",)))
    assert [(row["key"], row["edits"], row["cost_micros"]) for row in usage.rows] == [("key_a", 1, 30_050)]
