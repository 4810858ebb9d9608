"""`streamedit doctor`."""

import json
import os
from pathlib import Path

import pytest
from commands import clean_environ, run
from typer.testing import CliRunner, Result

from streamedit.cli import main

GOOD = """\
model_list: [{model_name: mock, litellm_params: {model: mock}}]
server: {database_url: none, limits: {parallel_edits: 4}}
"""

RISKY = """\
model_list:
  - model_name: editor
    litellm_params: {model: openai/gpt-image-2, api_key: sk-canary-1, api_base: "http://u:canary@127.0.0.1:9/v1?key=canary"}
general_settings: {master_key: sk-canary, token_secret: canary}
server:
  redis_url: "redis://canary:canary@127.0.0.1:9/0"
  database_url: "postgresql://canary:canary@127.0.0.1:9/d?password=canary"
  webhooks: [{url: "http://u:canary@127.0.0.1:9/canary", secret: "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5"}]
"""

BAD = """\
model_list: [{model_name: b}]
server: {heartbeat_s: -3}
general_settings: {master_key: sk-canary}
"""


def asked(*arguments: str) -> Result:
    """What the command answers, in this process: the others take a second to start."""
    unset = dict.fromkeys(os.environ.keys() - clean_environ().keys())
    return CliRunner().invoke(main, ["doctor", *arguments], env={**unset, **clean_environ()})


def written(folder: Path, text: str) -> str:
    """A configuration with this text, which only its owner may read."""
    file = folder / "config.yaml"
    file.write_text(text)
    file.chmod(0o600)
    return str(file)


def test_what_it_says(tmp_path: Path) -> None:
    """Each finding with what, why and how to mend it, the worst first; then how many there are; without a risk exit code 0."""
    done = run("doctor", "--config", written(tmp_path, GOOD))
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[:3] == [
        "warning: There is no database.",
        "  No keys can be given out, nothing is bounded by what it costs, and nobody can tell afterwards who edited what.",
        "  Leave server.database_url out: the default is SQLite.",
    ]
    assert lines[-2:] == [
        "ok: There are limits for requests, images or edits at a time.",
        "risk: 0, warning: 1, note: 2, ok: 1",
    ]


def test_without_a_file_there_is_the_environment() -> None:
    """What `streamedit serve` would serve."""
    done = asked()
    assert done.exit_code == 0
    assert "note: There is no API key: everybody on this machine may come in." in done.stdout


@pytest.mark.parametrize("options", [["--host", "0.0.0.0"], ["--workers", "2"]])
def test_how_it_is_served_counts(tmp_path: Path, options: list[str]) -> None:
    """What is well on one's own machine is not so for the world; a risk is exit code 1."""
    done = asked("--config", written(tmp_path, GOOD), *options)
    assert done.exit_code == 1
    assert done.stdout.startswith("risk: ")


def test_it_speaks_json(tmp_path: Path) -> None:
    """The same in one object."""
    done = asked("--json", "--config", written(tmp_path, GOOD))
    said = json.loads(done.stdout)
    assert (done.exit_code, said["valid"], said["mistakes"]) == (0, True, [])
    assert said["levels"] == {"risk": 0, "warning": 1, "note": 2, "ok": 1}
    assert said["findings"][0].keys() == {"level", "topic", "what", "why", "mend"}
    assert [finding["topic"] for finding in said["findings"]] == ["no_database", "no_key", "no_moderation", "limits"]


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_mistakes_come_before_risks(tmp_path: Path, as_json: list[str]) -> None:
    """A file that cannot be served is no patient: its mistakes are told as `check` tells them, with exit code 2."""
    file = written(tmp_path, BAD)
    done = asked(*as_json, "--config", file)
    assert done.exit_code == 2
    told = json.loads(done.stdout)["mistakes"] if as_json else done.stderr.splitlines()
    assert told == CliRunner().invoke(main, ["check", file]).stderr.splitlines()
    assert len(told) == 2


@pytest.mark.parametrize("options", [[], ["--json"], ["--online"]])
@pytest.mark.parametrize("text", [RISKY, BAD])
def test_it_prints_no_secret(tmp_path: Path, text: str, options: list[str]) -> None:
    """Online, too, where nobody answers."""
    done = asked(*options, "--config", written(tmp_path, text))
    assert done.exit_code in (1, 2)
    assert "canary" not in done.stdout + done.stderr
    assert isinstance(done.exception, SystemExit)


def test_online_it_knocks_at_doors(tmp_path: Path) -> None:
    """The stores are risks when they are away; a provider is a warning."""
    done = asked("--online", "--json", "--config", written(tmp_path, RISKY))
    away = {
        (found["level"], found["what"].partition(",")[0].partition(" cannot")[0])
        for found in json.loads(done.stdout)["findings"]
        if found["topic"] == "unreachable"
    }
    assert away == {("risk", "the database"), ("risk", "Redis at 127.0.0.1"), ("warning", "127.0.0.1:9")}


def test_help_is_there() -> None:
    """With what the exit codes mean."""
    assert "Exit codes:" in asked("--help").stdout
