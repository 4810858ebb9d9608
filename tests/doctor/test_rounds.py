"""Visits to whom a configuration needs."""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from buckets import ScriptedBucket, always, everything_in, fresh_bucket, moto, settings_of, silent
from databases import KINDS, fresh_database
from examined import patient
from redises import any_redis, free_port, own_redis
from upstreams import upstream

from streamedit.config import Settings
from streamedit.databases import place_of
from streamedit.doctor import rounds
from streamedit.doctor.facts import Facts
from streamedit.parties import ApiKey
from streamedit.storage import BucketSettings, StorageSettings
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.targets import Target


async def visited(settings: Settings, within_s: float = 3.0) -> Mapping[str, str | None]:
    """What the visited lack, by their names."""
    facts = await rounds.made(settings, Facts(), within_s)
    return {visit.name: visit.lacks for visit in facts.visits}


async def _speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()
    writer.close()


def at(base: str) -> Settings:
    """A provider there."""
    return patient(Target("openai", "m", "sk-1", base), Target("openai", "other", "sk-2", base))


class TestProviders:
    """Where a model can be had."""

    async def test_one_that_is_there(self) -> None:
        """Is connected to once for all of its models, and asked for nothing."""
        with upstream() as there:
            assert await visited(at(there.url)) == {f"127.0.0.1:{there.port}": None}
            assert there.asked == []

    async def test_one_that_is_away(self) -> None:
        """Is told with what the system says."""
        port = free_port()
        (lacks,) = (await visited(at(f"http://127.0.0.1:{port}/v1"))).values()
        assert lacks is not None
        assert "refused" in lacks.lower() or "connect" in lacks.lower()

    async def test_one_that_is_silent(self) -> None:
        """Is waited for so long, and no longer."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            assert await visited(at(f"https://127.0.0.1:{port}"), 0.2) == {f"127.0.0.1:{port}": "no answer in 0.2 s"}

    async def test_one_that_is_not_who_it_says(self) -> None:
        """Its certificate is looked at."""
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
        with upstream(tls) as impostor:
            (lacks,) = (await visited(at(impostor.url.replace("http:", "https:")))).values()
        assert lacks is not None
        assert lacks.startswith("its certificate is not good: ")

    async def test_one_without_tls(self) -> None:
        """Where there should be."""
        async with await asyncio.start_server(_speak_plainly, "127.0.0.1", 0) as plain:
            port = plain.sockets[0].getsockname()[1]
            assert await visited(at(f"https://127.0.0.1:{port}")) == {f"127.0.0.1:{port}": "it does not speak TLS"}

    async def test_a_name_that_nobody_has(self) -> None:
        """Is no trace either."""
        assert await visited(at("https://nobody.invalid/v1")) == {"nobody.invalid:443": "nobody knows this name"}

    async def test_what_is_embedded_needs_no_visit(self) -> None:
        """Nor does what is none's address."""
        assert await visited(patient()) == {}
        assert await visited(at("http://[broken")) == {}


class TestRedis:
    """What workers share."""

    async def test_one_that_is_there(self) -> None:
        """Answers."""
        with any_redis() as url:
            assert await visited(patient(redis_url=url)) == {"Redis at 127.0.0.1": None}

    @pytest.mark.parametrize("is_paused", [True, False])
    async def test_one_that_does_not_answer(self, is_paused: bool) -> None:
        """Is needed."""
        with own_redis() as redis:
            redis.pause() if is_paused else redis.kill()
            facts = await rounds.made(patient(redis_url=redis.url), Facts(), 0.3)
            redis.start() if not is_paused else None
        (visit,) = facts.visits
        assert (visit.is_needed, visit.lacks) == (True, "it does not answer, or not to this password")


def in_(bucket: BucketSettings) -> Settings:
    """Files are kept there."""
    return patient(storage=StorageSettings(bucket=bucket))


class TestBucket:
    """Where files and results are kept."""

    async def test_one_that_is_there(self) -> None:
        """Is looked into, and nothing is put there."""
        with moto() as endpoint:
            bucket = fresh_bucket(endpoint)
            assert await visited(in_(bucket)) == {f"the bucket {bucket.name} at 127.0.0.1": None}
            assert everything_in(bucket) == []

    @pytest.mark.parametrize(
        ("scripted", "lacks"),
        [
            (always(403, "<Error><Code>AccessDenied</Code><Message>canary</Message></Error>"), "it does not let us in"),
            (always(401), "it does not let us in"),
            (always(404, "<Error><Code>NoSuchBucket</Code></Error>"), "there is no such bucket"),
            (always(200, "canary"), "it does not answer as one"),
            (silent(), "no answer in 0.3 s"),
        ],
    )
    async def test_one_that_takes_us_not_in(self, scripted: ScriptedBucket, lacks: str) -> None:
        """Is needed; of what it says no more is told than what is meant."""
        with scripted.serving() as bucket:
            facts = await rounds.made(in_(bucket), Facts(), 0.3)
        (visit,) = facts.visits
        assert (visit.is_needed, visit.lacks) == (True, lacks)

    async def test_one_where_nobody_is(self) -> None:
        """Is tried, and not for long."""
        bucket = settings_of(f"http://127.0.0.1:{free_port()}")
        facts = await rounds.made(in_(bucket), Facts(), 0.3)
        assert [visit.is_needed for visit in facts.visits] == [True]
        assert "secret" not in f"{facts.visits}"


def names_in(folder: Path) -> list[str]:
    """What is in a folder."""
    return [path.name for path in folder.iterdir()]


def make_file(url: str) -> None:
    """An empty one, where the database is a file."""
    if path := place_of(url).path:
        path.touch()


@pytest.mark.parametrize("kind", KINDS)
class TestDatabase:
    """Where keys, budgets and the ledger are."""

    async def test_one_with_keys(self, kind: str, tmp_path: Path) -> None:
        """Its schema is this version's, and its keys are known."""
        key = ApiKey("key_abc", "a", b"d" * 32, 1.0)
        with fresh_database(kind, tmp_path) as url:
            database = Database(url)
            async with database.serving():
                await SqlRegistry(database).save_key(key)
            facts = await rounds.made(patient(database_url=url), Facts(now_s=5.0))
        assert facts.database is not None
        assert facts.database.revision == facts.database.newest is not None
        assert (facts.database.keys, facts.database.overdue) == ([key], 0)
        assert [visit.lacks for visit in facts.visits] == [None]

    async def test_one_without_tables(self, kind: str, tmp_path: Path) -> None:
        """Stays without them: to look is to change nothing."""
        with fresh_database(kind, tmp_path) as url:
            make_file(url)
            for _ in range(2):
                facts = await rounds.made(patient(database_url=url), Facts())
                assert facts.database is not None
                assert facts.database.revision is None


async def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """The first start makes it, where and how it should be."""
    facts = await rounds.made(patient(database_url=f"sqlite:///{tmp_path}/data/a.db"), Facts())
    assert (facts.visits, facts.database, names_in(tmp_path)) == ([], None, [])


@pytest.mark.parametrize("what", ["a file of another kind", "a folder", "nobody there"])
async def test_what_is_no_database(what: str, tmp_path: Path) -> None:
    """Is told, and needed."""
    path = tmp_path / "a.db"
    urls: Mapping[str, Any] = {"nobody there": f"postgresql://u:canary@127.0.0.1:{free_port()}/d"}
    if what == "a folder":
        path.mkdir()
    else:
        path.write_text("no database" * 99)
    facts = await rounds.made(patient(database_url=urls.get(what, f"sqlite:///{path}")), Facts())
    (visit,) = facts.visits
    assert visit.is_needed
    assert visit.lacks
    assert "canary" not in f"{visit}"
