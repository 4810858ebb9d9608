"""Databases for tests: a fresh SQLite file, a fresh database at the machine's own PostgreSQL, else at one that is started."""

import atexit
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redises import free_port

from streamedit.stores.sql.database import Database

USUAL = "postgresql://postgres@127.0.0.1:5432"
KINDS = ("sqlite", "postgresql")


class OwnPostgres:
    """A PostgreSQL of the test's own. What it keeps survives its end, and goes with `folder`."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._port = free_port()
        # It refuses to work for root.
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self._port}"

    def start(self) -> None:
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "start", "--wait", "--silent", f"--log={self._folder / 'log'}", f"--options={options}")

    def kill(self) -> None:
        """It leaves everybody where they are. Nothing to do when it is gone already."""
        if (self._folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "--wait", "--silent", "--mode=immediate")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self._folder / 'data'}", *arguments]
        who: dict[str, Any] = {"user": self._user, "extra_groups": []} if self._user else {}
        # Its output would be held open by the server that goes on.
        subprocess.run(command, check=True, timeout=60, cwd=self._folder, stdout=subprocess.DEVNULL, **who)


@contextmanager
def own_postgres() -> Iterator[OwnPostgres]:
    """A PostgreSQL for the time of a `with` block; a visible skip where it is not installed."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("there is no PostgreSQL here: what needs one is NOT tested")
    with tempfile.TemporaryDirectory() as folder:
        postgres = OwnPostgres(binaries, Path(folder))
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.kill()


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of this kind."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / f'{secrets.token_hex(4)}.db'}"
        return
    server, name = any_postgresql(), f"streamedit_test_{os.getpid()}_{secrets.token_hex(4)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{server}/{name}"
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@asynccontextmanager
async def working_database(kind: str, folder: Path) -> AsyncIterator[Database]:
    """An empty database of this kind, at work."""
    with fresh_database(kind, folder) as url:
        database = Database(url)
        async with database.serving():
            yield database


@cache
def any_postgresql() -> str:
    """The URL of a server: the machine's own, else one that lives as long as the tests."""
    try:
        psycopg.connect(f"{USUAL}/postgres", connect_timeout=3).close()
    except psycopg.OperationalError:
        until_the_end = ExitStack()
        atexit.register(until_the_end.close)
        return until_the_end.enter_context(own_postgres()).url
    return USUAL


def _binaries() -> Path | None:
    """Where its programs are: those of the path, else the newest that a distribution has put aside."""
    found = shutil.which("pg_ctl")
    if found and shutil.which("initdb"):
        return Path(found).parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(installed, key=lambda path: float(path.parent.name), default=None)


def _other_user() -> str:
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
