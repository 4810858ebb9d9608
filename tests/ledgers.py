"""Ledgers for tests: one in a fresh database, edits and reports to fill it with, and what is in it."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from loggers import logger
from reports import ATTEMPT, EDIT
from sqlalchemy import Connection, Table, select

from streamedit.edits import Edit
from streamedit.parties import Party
from streamedit.records import Report
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.ledger import SqlLedger
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS

PARTY = Party("key_a", "team", "alice", ("red", "blue"), {"order": "7"})


def edit_of(edit_id: str) -> Edit:
    """An edit of the party's key."""
    return Edit(edit_id, "gpt-image-2", int(time.time()), PARTY.key_id)


def report_of(edit_id: str, party: Party = PARTY, **fields: Any) -> Report:
    """A completed edit with one attempt, but for `fields` of the edit."""
    return Report(replace(EDIT, edit_id=edit_id, **fields), (ATTEMPT,), party=party)


@asynccontextmanager
async def ledger_in(database: Database, folder: Path, limit_bytes: int = 64 << 20) -> AsyncIterator[SqlLedger]:
    """At work in a database that serves."""
    ledger = SqlLedger(database, folder, limit_bytes, logger())
    async with ledger.serving():
        yield ledger


@asynccontextmanager
async def ledger_at(url: str, folder: Path) -> AsyncIterator[tuple[SqlLedger, Database]]:
    """The same, with the database."""
    database = Database(url)
    async with database.serving(), ledger_in(database, folder) as ledger:
        yield ledger, database


async def rows_of(database: Database, table: Table) -> Sequence[dict[str, Any]]:
    """All rows of a table, by its primary key."""

    def step(connection: Connection) -> Sequence[dict[str, Any]]:
        statement = select(table).order_by(*table.primary_key.columns)
        return [dict(row) for row in connection.execute(statement).mappings()]

    return await database.read(step)


async def all_rows(database: Database) -> Sequence[Sequence[dict[str, Any]]]:
    """Those of the three tables of the ledger."""
    return [await rows_of(database, table) for table in (EDITS, EDIT_TAGS, ATTEMPTS)]
