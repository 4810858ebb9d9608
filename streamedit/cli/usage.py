"""`streamedit usage`: what the ledger's edits come to, as a table, JSON or CSV; no server is needed."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import typer

from streamedit.cli.database import DatabaseOptions, run_on
from streamedit.cli.options import AsJson, spread
from streamedit.cli.printing import dollars, fail, note, print_json, print_table, seconds
from streamedit.errors import InvalidRequest
from streamedit.sheets import csv_of
from streamedit.stores.sql.usage import SqlUsage
from streamedit.usage import Row, Usage, UsageQuery, columns_of, filters_of, groups_of, span_of

_OPTIONS = {"start": "--since", "end": "--until", "group_by": "--by", "key": "--key"}
_HEADS = ("Edits", "Failed", "Images", "Input tokens", "Output tokens", "Cost", "First event", "(95 %)", "Total", "(95 %)")

EXAMPLES = (
    "streamedit usage",
    "streamedit usage --by model,day --since 7d",
    "streamedit usage --by key --since 2026-09-01 --until 2026-09-30 --csv",
)


@dataclass(frozen=True, slots=True)
class QueryOptions:
    """Of which edits, and summed up by what."""

    by: Annotated[str, typer.Option(help="day, model, provider, key, group, end_user, tag; several with commas.")] = "day"
    since: Annotated[str | None, typer.Option(help="A date, or 30d; 30 days before the end without it.")] = None
    until: Annotated[str | None, typer.Option(help="A date, which belongs to it, or 7d; now without it.")] = None
    key: Annotated[str | None, typer.Option(help="Of this key alone, by its id.")] = None

    def query(self) -> UsageQuery:
        """What is asked. A mistake in it is told by its option, and ends the command."""
        try:
            span = span_of(self.since, self.until, time.time())
            return UsageQuery(span, groups_of(self.by), filters_of({} if self.key is None else {"key": self.key}))
        except InvalidRequest as error:
            fail(f"{_OPTIONS[str(error.detail.param)]} {error.detail.message}")


@spread
def usage(
    options: QueryOptions,
    database: DatabaseOptions,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """What was used: edits, images, tokens, costs and times."""
    query = options.query()
    found = run_on(database.url, lambda opened: SqlUsage(opened).of(query))
    if as_json:
        print_json(_object(query, found))
    elif as_csv:
        sys.stdout.write(csv_of(columns_of(query), found.rows))
    else:
        _print(query, found)


def _object(query: UsageQuery, found: Usage) -> Mapping[str, object]:
    span = {"start": query.span.start_s, "end": query.span.end_s}
    parts = {"group_by": query.group_by, "data": found.rows, "total": found.total, "has_more": found.has_more}
    return {"object": "list", **span, **parts}


def _print(query: UsageQuery, found: Usage) -> None:
    total = _cells(found.total)
    names = [name.replace("_", " ").capitalize() for name in query.group_by]
    rows = [(*(_name(row[name]) for name in query.group_by), *_cells(row)) for row in found.rows]
    ends = ["Total", *("" for _ in names[1:]), *total] if names else []
    print_table((*names, *_HEADS), rows or ([] if names else [total]), numbers=len(_HEADS), total=ends)
    if found.has_more:
        note("There are more rows than these.")


def _name(value: object) -> str:
    return "-" if value is None else str(value)


def _cells(row: Row) -> tuple[str, ...]:
    counts = (f"{row[name]:,}" for name in ("edits", "failed", "images", "input_tokens", "output_tokens"))
    times = (_seconds(row[f"{name}_s"]) for name in ("first_event_p50", "first_event_p95", "total_p50", "total_p95"))
    return (*counts, dollars(int(row["cost_micros"] or 0) / 1e6), *times)


def _seconds(value: str | float | None) -> str:
    return "-" if value is None else seconds(float(value))
