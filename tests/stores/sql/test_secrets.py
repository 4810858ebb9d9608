"""Secrets that the processes with one database have in common."""

import asyncio
from pathlib import Path

import pytest
from databases import KINDS, fresh_database, working_database

from streamedit.stores.sql.database import Database
from streamedit.stores.sql.secrets import token_secret


@pytest.mark.parametrize("kind", KINDS)
async def test_whoever_asks_is_told_the_same(kind: str, tmp_path: Path) -> None:
    """Those who are first at the same time, and whoever comes later."""
    with fresh_database(kind, tmp_path) as url:
        one, other = Database(url), Database(url)
        async with one.serving(), other.serving():
            first = set(await asyncio.gather(*(token_secret(database) for database in (one, other) * 8)))
        async with one.serving():
            assert first == {await token_secret(one)}


async def test_each_database_has_one_of_its_own(tmp_path: Path) -> None:
    """Of 256 bits."""
    async with working_database("sqlite", tmp_path) as one, working_database("sqlite", tmp_path) as other:
        told = [await token_secret(one), await token_secret(other)]
    assert told[0] != told[1]
    assert [len(bytes.fromhex(secret)) for secret in told] == [32, 32]
