"""A way into SQLite without a thread: the hop there and back takes longer than what a reservation has to do.

The statements are SQLAlchemy's, compiled once and handed to the driver. It waits for nobody: where somebody else writes, a
thread waits in its place; and what it has written reaches the disk when a thread makes the next checkpoint. What is left is
less than a tenth of a millisecond of the event loop's.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement

_PRAGMAS = ("synchronous = NORMAL", "foreign_keys = ON", "wal_autocheckpoint = 0")


class Busy(Exception):
    """It would have to wait, or cannot tell what is wrong: whoever waits will know."""


class Shortcut:
    """One connection to the SQLite at `path`, whose schema is there; for the thread that made it."""

    def __init__(self, path: str) -> None:
        # As the database's own connections: transactions begin when they are told to.
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        for pragma in _PRAGMAS:
            self._connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def transaction(self) -> Iterator["Shortcut"]:
        """What is executed inside is one transaction. Raises Busy; after whatever is raised nothing is changed."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:
                yield self
        except sqlite3.Error:
            raise Busy from None

    def execute(self, statement: str, rows: Sequence[Mapping[str, Any]]) -> int:
        """How many rows a compiled statement has changed, with each of these parameters."""
        return self._connection.executemany(statement, rows).rowcount

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def compiled(statement: ClauseElement) -> str:
    """A statement in SQLite's words, with named parameters."""
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="named")))
