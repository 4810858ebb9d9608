"""The commands that work on the database itself: no server need run, and one that runs sees what they change in two seconds."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from streamedit import providers
from streamedit.cli.printing import fail
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.documents import ConfigError
from streamedit.errors import EditError
from streamedit.registrar import Registrar
from streamedit.sources import Source
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
        database = self._database()
        try:
            return asyncio.run(_with_registrar(database, step))
        except OSError as error:
            fail(f"The database cannot be opened: {error.strerror}.")
        except EditError as error:
            fail(error.detail.message, code=1)

    def _database(self) -> Database:
        environ = dict(os.environ)
        try:
            url = self.database_url or Source(self.config, environ).read().server.database_url
            if url is None:
                fail("There is no database: name one by --database-url, or by server.database_url in the file of --config.")
            return Database(url)
        except ConfigError as error:
            fail("\n".join(error.mistakes))
        except ValueError as error:
            fail(f"The database's URL {error}.")


async def _with_registrar(database: Database, step: Callable[[Registrar], Awaitable[_Result]]) -> _Result:
    async with database.serving():
        return await step(Registrar(SqlRegistry(database), providers.CATALOGUE, SYSTEM_CLOCKS.now_s))
