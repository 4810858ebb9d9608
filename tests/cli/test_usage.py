"""`streamedit usage`."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from commands import run
from databases import KINDS, fresh_database
from ledgers import PARTY, ledger_at, report_of
from typer.testing import CliRunner, Result

from streamedit.cli import main

SEPTEMBER = ("--since", "2026-09-01", "--until", "2026-09-30")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of a database with three edits in it."""
    with fresh_database(request.param, tmp_path) as fresh:
        asyncio.run(_fill(fresh, tmp_path / "box"))
        yield fresh


async def _fill(url: str, folder: Path) -> None:
    async with ledger_at(url, folder) as (ledger, _):
        for number, user in enumerate(("alice", "alice", "[bold]=1\x1b[2J")):
            ledger.keep(report_of(f"edit_{number}", replace(PARTY, end_user=user)), is_final=True)


def usage(*arguments: str) -> Result:
    """The command, in this process."""
    return CliRunner().invoke(main, ["usage", *arguments])


def test_a_table(url: str) -> None:
    """A line for each row, and one for the total; what callers have written does nothing to a terminal."""
    done = run("usage", "--database-url", url, *SEPTEMBER, "--by", "day,end_user")
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert lines[0][:4] == ["Day", "End", "user", "Edits"]
    assert lines[2][:7] == ["2026-09-21", "alice", "2", "0", "2", "20", "2,000"]
    assert lines[2][7:] == ["$0.0601", "0.30", "s", "0.30", "s", "4.00", "s", "4.00", "s"]
    assert lines[3][1] == "[bold]=1\ufffd[2J"
    assert lines[-1][:4] == ["Total", "3", "0", "3"]


def test_json_and_csv(url: str) -> None:
    """For scripts; as they come over HTTP."""
    found = json.loads(usage("--database-url", url, *SEPTEMBER, "--by", "key", "--key", "key_a", "--json").stdout)
    assert [(row["key"], row["edits"]) for row in found["data"]] == [("key_a", 3)]
    assert (found["object"], found["total"]["edits"], found["group_by"]) == ("list", 3, ["key"])
    text = usage("--database-url", url, *SEPTEMBER, "--by", "model", "--csv").stdout
    assert [(row["model"], row["edits"]) for row in csv.DictReader(io.StringIO(text))] == [("gpt-image-2", "3")]


def test_nothing_is_a_table_of_nothing(url: str) -> None:
    """Of times when nobody was there."""
    done = usage("--database-url", url, "--since", "2001-01-01", "--until", "2001-01-02")
    assert done.exit_code == 0
    assert done.stdout.split()[-11:] == ["Total", *["0"] * 5, "$0.0000", *["-"] * 4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "soon"), "--since It must be a date"),
        (("--until", "soon"), "--until It must be a date"),
        (("--by", "prompt"), "--by 'prompt' is nothing to group by"),
        (("--key", ""), "--key This is no key"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """With the option's name and no traceback."""
    done = usage("--database-url", f"sqlite:///{tmp_path / 'a.db'}", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_the_database_of_a_file(tmp_path: Path) -> None:
    """`server.database_url` names it; a file's mistakes are told."""
    file = tmp_path / "config.yaml"
    models = "model_list: [{model_name: mock, litellm_params: {model: mock}}]\n"
    file.write_text(f"{models}server: {{database_url: 'sqlite:///{tmp_path / 'a.db'}'}}\n")
    assert usage("--config", str(file), "--json").exit_code == 0
    file.write_text(f"{models}server: {{no_such: 1}}\n")
    assert "server.no_such" in usage("--config", str(file)).stderr
