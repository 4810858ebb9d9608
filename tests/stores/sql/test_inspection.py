"""A look at a database that changes nothing of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import KINDS, fresh_database
from sqlalchemy import insert

from streamedit.errors import StoreUnavailable
from streamedit.parties import ApiKey
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.inspection import Inspection, inspect
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.stores.sql.tables import RESERVATIONS

KEY = ApiKey("key_abc", "a", b"d" * 32, 1.0)


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    with fresh_database(request.param, tmp_path) as fresh:
        yield fresh


def reservation(edit_id: str, period: str, until_s: float, *, is_lapsed: bool = False) -> dict[str, object]:
    """One budget's."""
    said = {"edit_id": edit_id, "period": period, "until_s": until_s, "is_lapsed": is_lapsed}
    return {**said, "scope": "key:a", "start_s": 0, "micros": 5, "is_called": True}


async def test_keys_and_overdue_edits(url: str) -> None:
    """An edit counts once, however many budgets it has; what has lapsed was seen to."""
    database = Database(url)
    rows = [
        reservation("late", "1d", 10.0), reservation("late", "total", 10.0), reservation("running", "1d", 99.0),
        reservation("lapsed", "1d", 10.0, is_lapsed=True),
    ]  # fmt: skip
    async with database.serving():
        await SqlRegistry(database).save_key(KEY)
        await database.write(lambda connection: connection.execute(insert(RESERVATIONS), rows))
        newest = (await database.revisions())[1]
    assert await inspect(url, 50.0) == Inspection(newest, newest, [KEY], 1)
    assert (await inspect(url, 10.0)).overdue == 0


async def test_an_empty_one_stays_empty(url: str) -> None:
    """No schema is made, and nothing else is asked for."""
    first, second = await inspect(url, 0.0), await inspect(url, 0.0)
    assert first == second == Inspection(None, first.newest)
    assert first.newest is not None


async def test_one_that_is_away() -> None:
    """Is told as everywhere."""
    with pytest.raises(StoreUnavailable):
        await inspect("postgresql://127.0.0.1:9/none", 0.0)
