"""One SQL database: its schema, its transactions, and what becomes of them when somebody goes."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from databases import KINDS, fresh_database, own_postgres, working_database
from sqlalchemy import Connection, bindparam, delete, func, insert, select, text
from sqlalchemy.exc import SQLAlchemyError
from stores.logs import LONG_S, until

from streamedit.errors import StoreUnavailable
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.tables import METADATA, SECRETS, VERSION_TABLE

_OPEN_IT = """
import asyncio, sys
from streamedit.stores.sql.database import Database

async def main():
    print("ready", flush=True)
    sys.stdin.readline()
    async with Database(sys.argv[1]).serving():
        pass

asyncio.run(main())
"""


def add(name: str, connection: Connection) -> None:
    """One more row."""
    connection.execute(insert(SECRETS), {"name": name, "value": "x"})


def names(connection: Connection) -> list[str]:
    """Those of the rows."""
    return list(connection.execute(select(SECRETS.c.name).order_by(SECRETS.c.name)).scalars())


def differences(connection: Connection) -> list[object]:
    """Between the tables that there are and those that the package knows."""
    return list(compare_metadata(MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), METADATA))


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database."""
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """One at work."""
    database = Database(url)
    async with database.serving():
        yield database


class TestSchema:
    """What whoever opens a database finds in it."""

    async def test_the_migrations_make_what_the_package_knows(self, database: Database) -> None:
        """Every table, column, type and index; nothing else."""
        assert await database.read(differences) == []

    async def test_a_difference_would_be_seen(self, database: Database) -> None:
        """The comparison compares."""
        await database.write(SECRETS.drop)
        assert len(await database.read(differences)) == 1

    async def test_what_is_in_it_stays(self, url: str) -> None:
        """Whoever opens it again finds it as it was left."""
        for known in ([], ["1"], ["1", "2"]):
            database = Database(url)
            async with database.serving():
                assert await database.read(names) == known
                await database.write(lambda connection: add(f"{len(names(connection)) + 1}", connection))

    async def test_another_versions_is_not_opened(self, database: Database, url: str) -> None:
        """Nobody here knows what a later version has made of it; that is why, and told."""
        await database.write(
            lambda connection: connection.execute(text("UPDATE streamedit_alembic_version SET version_num = '9999'"))
        )
        with pytest.raises(StoreUnavailable) as refused:
            async with Database(url).serving():
                pass
        assert "9999" in str(refused.value.__cause__)

    async def test_many_may_open_it_at_once(self, url: str) -> None:
        """One makes the tables, the others wait for it."""
        several = [Database(url) for _ in range(4)]

        async def opened(database: Database) -> list[object]:
            async with database.serving():
                return await database.read(differences)

        assert await asyncio.gather(*map(opened, several)) == [[], [], [], []]

    def test_so_may_many_processes(self, url: str) -> None:
        """As workers do when a server starts."""
        command = [sys.executable, "-c", _OPEN_IT, url]
        workers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(2)]
        for worker in workers:
            assert worker.stdout
            assert worker.stdout.readline() == b"ready\n"
        for worker in workers:
            assert worker.stdin
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
        for worker in workers:
            worker.communicate(timeout=LONG_S)
        assert [worker.returncode for worker in workers] == [0, 0]


class TestTransactions:
    """All of a step, or nothing of it."""

    async def test_a_step_that_fails_leaves_nothing(self, database: Database) -> None:
        """And its error is its caller's."""

        def step(connection: Connection) -> None:
            add("a", connection)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await database.write(step)
        assert await database.read(names) == []

    async def test_what_fails_is_told_without_its_values(self, database: Database) -> None:
        """They may be an end user's name or a secret, and whatever nobody catches is logged."""

        def step(connection: Connection) -> None:
            connection.execute(
                select(SECRETS).where(SECRETS.c.name == bindparam("a"), SECRETS.c.value == bindparam("b")), {"a": "canary"}
            )

        with pytest.raises(SQLAlchemyError) as failure:
            await database.write(step)
        assert "canary" not in str(failure.value)

    async def test_it_is_not_for_whoever_hangs_up(self, database: Database) -> None:
        """A caller that is cancelled leaves at once; its transaction is done nevertheless."""
        begun, may_end = threading.Event(), threading.Event()

        def step(connection: Connection) -> None:
            begun.set()
            assert may_end.wait(LONG_S)
            add("a", connection)

        writing = asyncio.create_task(database.write(step))
        assert await asyncio.to_thread(begun.wait, LONG_S)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        assert await database.read(names) == []
        may_end.set()
        await database.write(lambda connection: add("b", connection))

        async def both_are_there() -> bool:
            return await database.read(names) == ["a", "b"]

        await until(both_are_there)

    async def test_leaving_waits_for_what_is_under_way(self, url: str) -> None:
        """Nothing is cut off by the end of a server."""
        begun = threading.Event()

        def step(connection: Connection) -> None:
            begun.set()
            add("a", connection)

        database = Database(url)
        async with database.serving():
            writing = asyncio.create_task(database.write(step))
            assert await asyncio.to_thread(begun.wait, LONG_S)
        await writing
        async with database.serving():
            assert await database.read(names) == ["a"]

    async def test_nobody_fails_for_another(self, url: str) -> None:
        """Who writes at the same time takes turns; who reads before writing reads what is there then."""

        def step(connection: Connection) -> None:
            count = connection.execute(select(func.count()).select_from(SECRETS)).scalar_one()
            connection.execute(delete(SECRETS).where(SECRETS.c.name == "no such row"))
            add(f"{count}-{threading.get_ident()}-{id(connection)}-{len(taken)}", connection)
            taken.append(count)

        taken: list[int] = []
        one, other = Database(url), Database(url)
        async with one.serving(), other.serving():
            await asyncio.gather(*(database.write(step) for database in (one, other) * 10))
            assert len(await one.read(names)) == 20
        assert not one.is_sqlite or sorted(taken) == list(range(20))


class TestPlace:
    """Where a database is, and who can get at it."""

    async def test_a_file_is_its_owners_alone(self, tmp_path: Path) -> None:
        """With all that SQLite puts beside it, and the folder that is made for it."""
        folder = tmp_path / "new" / "folder"
        database = Database(f"sqlite:///{folder / 'a.db'}")
        async with database.serving():
            await database.write(lambda connection: add("a", connection))
            modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
        assert modes == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}
        assert folder.stat().st_mode & 0o777 == 0o700

    async def test_a_server_that_is_gone_is_told(self) -> None:
        """To those who work with it and to those who begin; when it is back, all goes on."""
        with own_postgres() as postgres:
            url = f"{postgres.url}/postgres"
            database = Database(url)
            async with database.serving():
                postgres.kill()
                with pytest.raises(StoreUnavailable):
                    await database.write(lambda connection: add("a", connection))
                with pytest.raises(StoreUnavailable):
                    await database.read(names)
                with pytest.raises(StoreUnavailable):
                    async with Database(url).serving():
                        pass
                postgres.start()
                await database.write(lambda connection: add("b", connection))
                assert await database.read(names) == ["b"]

    async def test_a_file_that_cannot_be_one_is_told(self, tmp_path: Path) -> None:
        """As a server that is gone."""
        (tmp_path / "a.db").write_bytes(b"This is no database, but it has its name. " * 100)
        with pytest.raises(StoreUnavailable):
            async with Database(f"sqlite:///{tmp_path / 'a.db'}").serving():
                pass

    def test_another_kind_is_a_mistake(self) -> None:
        """Told when it is named, not when it is needed."""
        with pytest.raises(ValueError, match="must begin with sqlite:/// or postgresql://"):
            Database("mysql://there/it")

    def test_nobody_sees_its_password(self) -> None:
        """However it is printed."""
        assert "secret" not in f"{Database('postgresql://me:secret@there/it')!r}"


async def test_a_working_database_is_one(tmp_path: Path) -> None:
    """What other tests are given."""
    async with working_database("sqlite", tmp_path) as database:
        assert await database.read(names) == []
