"""The commands that work on the database itself: no server need run, and one that runs sees what they change in two seconds."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from streamedit import databases, providers
from streamedit.cli.exits import Exit
from streamedit.cli.printing import fail
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import ServerSettings
from streamedit.documents import ConfigError
from streamedit.errors import EditError, StoreUnavailable
from streamedit.registrar import Registrar
from streamedit.sources import Source
from streamedit.stores.boxes import delete, new_box
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.registry import SqlRegistry

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Which database: the one that is named, else the one of the server with this file and environment."""

    config: Annotated[Path | None, typer.Option(help="The server's YAML file, with its server.database_url.")] = None
    database_url: Annotated[str | None, typer.Option(help="sqlite:///PATH or postgresql://..., whatever the file says.")] = None

    def run(self, step: Callable[[Registrar], Awaitable[_Result]]) -> _Result:
        """What a step with the database's registrar gives. Whatever goes wrong is told, and ends the command."""
        return run_on(
            self.url, lambda database: step(Registrar(SqlRegistry(database), providers.CATALOGUE, SYSTEM_CLOCKS.now_s))
        )

    @property
    def url(self) -> str:
        """Where it is. Mistakes, and that there is none, end the command."""
        try:
            url = self.database_url or Source(self.config, dict(os.environ)).read().server.database_url
        except ConfigError as error:
            fail("\n".join(error.mistakes))
        return url or fail(
            "There is no database: name one by --database-url, or by server.database_url in the file of --config."
        )


def run_on(url: str, step: Callable[[Database], Awaitable[_Result]]) -> _Result:
    """What a step with a database gives. Whatever goes wrong is told, and ends the command."""
    try:
        database = Database(url)
    except ValueError as error:
        fail(f"The database's URL {error}.")
    try:
        return asyncio.run(_opened(database, step))
    except (OSError, StoreUnavailable) as error:
        fail(f"The database {databases.shown(url)} cannot be opened: {_reason(error)}.")
    except EditError as error:
        fail(error.detail.message, Exit.REFUSED)


def try_books(server: ServerSettings) -> None:
    """Nothing, when the server's database and its ledger's folder work; else what is wrong is told, and ends the command."""
    if server.database_url is None or server.ledger_folder is None:
        return
    run_on(server.database_url, Database.revisions)
    try:
        box, lock = new_box(server.ledger_folder)
    except OSError as error:
        fail(f"The ledger's folder cannot be used: {_reason(error)}.")
    delete(box)
    os.close(lock)


async def _opened(database: Database, step: Callable[[Database], Awaitable[_Result]]) -> _Result:
    async with database.serving():
        return await step(database)


def _reason(error: OSError | StoreUnavailable) -> str:
    """In one line."""
    if isinstance(error, OSError):
        return f"{error.strerror}: {error.filename}"
    return str(error.__cause__ or "it does not answer in time").partition("\n")[0]
