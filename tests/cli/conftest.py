"""What every test of a command on the database may use."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Command
from databases import KINDS, fresh_database
from typer.testing import CliRunner

from streamedit.cli import main


@pytest.fixture(params=KINDS)
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Command]:
    """The command on an empty database, in this process: a hundred of them take no longer than one that is started."""
    with fresh_database(request.param, tmp_path) as url:
        yield _on(url, tmp_path)


@pytest.fixture
def somewhere(tmp_path: Path) -> Iterator[Command]:
    """The same for what does not depend on the kind of database."""
    with fresh_database("sqlite", tmp_path) as url:
        yield _on(url, tmp_path)


def _on(url: str, folder: Path) -> Command:
    environ = {"STREAMEDIT_DATABASE_URL": url, "COLUMNS": "500", "XDG_DATA_HOME": str(folder)}
    return lambda *arguments: CliRunner().invoke(main, arguments, env=environ)
