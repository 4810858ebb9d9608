"""The way into SQLite without a thread: it does the same, and waits for nobody."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, bindparam, update

from streamedit.stores.sql.shortcut import Busy, Shortcut, compiled

COUNTS = Table("counts", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer))
ADD = compiled(update(COUNTS).where(COUNTS.c.id == bindparam("of_id")).values(n=COUNTS.c.n + bindparam("more")))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody else's connection to a file with two counts."""
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.executescript("PRAGMA journal_mode = WAL; CREATE TABLE counts (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    connection.execute("INSERT INTO counts VALUES (1, 10), (2, 20)")
    yield connection
    connection.close()


@pytest.fixture
def shortcut(other: sqlite3.Connection, tmp_path: Path) -> Iterator[Shortcut]:
    """The way into the same file."""
    made = Shortcut(str(tmp_path / "a.db"))
    yield made
    made.close()


def counts(connection: sqlite3.Connection) -> list[int]:
    """Both counts."""
    return [n for (n,) in connection.execute("SELECT n FROM counts ORDER BY id")]


def test_others_see_what_it_has_written(shortcut: Shortcut, other: sqlite3.Connection) -> None:
    """All rows of a transaction, and how many there were."""
    with shortcut.transaction():
        assert shortcut.execute(ADD, [{"of_id": 1, "more": 5}, {"of_id": 2, "more": 6}, {"of_id": 3, "more": 7}]) == 2
    assert counts(other) == [15, 26]


def test_whatever_is_raised_inside_nothing_is_changed(shortcut: Shortcut, other: sqlite3.Connection) -> None:
    """And the next transaction is as good as the first."""
    with pytest.raises(KeyError), shortcut.transaction():
        shortcut.execute(ADD, [{"of_id": 1, "more": 5}])
        raise KeyError
    assert counts(other) == [10, 20]
    with shortcut.transaction():
        shortcut.execute(ADD, [{"of_id": 1, "more": 1}])
    assert counts(other) == [11, 20]


def test_it_waits_for_nobody_who_writes(shortcut: Shortcut, other: sqlite3.Connection) -> None:
    """It is busy at once, and open again as soon as they are done."""
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy), shortcut.transaction():
        shortcut.execute(ADD, [{"of_id": 1, "more": 5}])
    other.execute("COMMIT")
    with shortcut.transaction():
        assert shortcut.execute(ADD, [{"of_id": 1, "more": 5}]) == 1
    assert counts(other) == [15, 20]


def test_what_the_database_refuses_is_left_to_others(shortcut: Shortcut, other: sqlite3.Connection) -> None:
    """Whoever waits for an answer is told why."""
    with pytest.raises(Busy), shortcut.transaction():
        shortcut.execute(ADD, [{"of_id": 1, "more": 5}])
        shortcut.execute(ADD, [{"of_id": 2, "more": None}])
    assert counts(other) == [10, 20]
