"""`streamedit usage`: what the ledger's edits come to, as a table, JSON or CSV; no server is needed."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from streamedit.documents import ConfigError
from streamedit.errors import EditError
from streamedit.sheets import csv_of
from streamedit.sources import Source
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.usage import SqlUsage
from streamedit.usage import Row, Usage, UsageQuery, columns_of, filters_of, groups_of, span_of

_OPTIONS = {"start": "--since", "end": "--until", "group_by": "--by", "key": "--key"}
_HEADS = ("edits", "failed", "images", "input tokens", "output tokens", "cost", "first event", "(95 %)", "total", "(95 %)")

_PLAIN_WIDTH = 250
"""Where nobody looks no line is folded."""


def usage(  # noqa: PLR0913 - the command's options
    *,
    by: Annotated[str, typer.Option(help="day, model, provider, key, group, end_user, tag; several with commas.")] = "day",
    since: Annotated[str | None, typer.Option(help="A date, or 30d; 30 days before the end without it.")] = None,
    until: Annotated[str | None, typer.Option(help="A date, which belongs to it, or 7d; now without it.")] = None,
    key: Annotated[str | None, typer.Option(help="Of this key alone, by its id.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    file: Annotated[Path | None, typer.Option("--config", help="The YAML file that names server.database_url.")] = None,
    database_url: Annotated[
        str | None, typer.Option(envvar="STREAMEDIT_DATABASE_URL", help="Instead of the file's.", show_envvar=True)
    ] = None,
) -> None:
    """What was used: edits, images, tokens, costs and times."""
    try:
        database = _database(file, database_url)
        span = span_of(since, until, time.time())
        query = UsageQuery(span, groups_of(by), filters_of({} if key is None else {"key": key}))
        found = asyncio.run(_of(database, query))
    except EditError as error:
        _fail(f"{_OPTIONS.get(error.detail.param or '', '')} {error.detail.message}".strip())
    if as_json:
        sys.stdout.write(f"{json.dumps(_object(query, found))}\n")
    elif as_csv:
        sys.stdout.write(csv_of(columns_of(query), found.rows))
    else:
        _print(query, found)


async def _of(database: Database, query: UsageQuery) -> Usage:
    async with database.serving():
        return await SqlUsage(database).of(query)


def _database(file: Path | None, url: str | None) -> Database:
    try:
        url = url or Source(file, dict(os.environ)).read().server.database_url
        return Database(url) if url else _fail("No database: give --database-url, or --config with server.database_url.")
    except ConfigError as error:
        _fail("\n".join(error.mistakes))
    except ValueError as error:
        _fail(f"The URL of the database {error}.")


def _object(query: UsageQuery, found: Usage) -> Mapping[str, object]:
    span = {"start": query.span.start_s, "end": query.span.end_s}
    parts = {"group_by": query.group_by, "data": found.rows, "total": found.total, "has_more": found.has_more}
    return {"object": "list", **span, **parts}


def _print(query: UsageQuery, found: Usage) -> None:
    table = Table(show_footer=True, box=None, pad_edge=False)
    total = _cells(found.total)
    for number, name in enumerate(query.group_by):
        table.add_column(name, footer="total" if number == 0 else "", overflow="fold")
    for head, cell in zip(_HEADS, total, strict=True):
        table.add_column(head, footer=cell, justify="right")
    for row in found.rows or ([found.total] if not query.group_by else []):
        table.add_row(*(_name(row[name]) for name in query.group_by), *_cells(row))
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    Console(markup=False, highlight=False, emoji=False, width=width).print(table)
    if found.has_more:
        sys.stderr.write("There are more rows than these.\n")


def _name(value: object) -> str:
    """Of what callers have called it only what a terminal can show."""
    return "-" if value is None else "".join(letter if letter.isprintable() else "\ufffd" for letter in str(value))


def _cells(row: Row) -> tuple[str, ...]:
    counts = (f"{row[name]:,}" for name in ("edits", "failed", "images", "input_tokens", "output_tokens"))
    times = (_seconds(row[f"{name}_s"]) for name in ("first_event_p50", "first_event_p95", "total_p50", "total_p95"))
    return (*counts, f"${int(row['cost_micros'] or 0) / 1e6:,.4f}", *times)


def _seconds(value: str | float | None) -> str:
    return "-" if value is None else f"{float(value):.2f} s"


def _fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False).print(message, style="red")
    raise typer.Exit(2)
