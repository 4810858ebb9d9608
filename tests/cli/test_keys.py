"""`streamedit keys`, on either database."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, Command, clean_environ
from typer.testing import CliRunner, Result

from streamedit.cli import main
from streamedit.keys import id_of


def _told(command: Command, *arguments: str) -> dict[str, Any]:
    done = command("keys", *arguments, "--json")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _refused(done: Result, code: int, *words: str) -> None:
    """Told on stderr, without a traceback; nothing is on stdout."""
    assert (done.exit_code, done.stdout) == (code, ""), done.output
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr


def test_the_key_is_alone_on_stdout(somewhere: Command) -> None:
    """What else there is to say is on stderr, and with `--quiet` nothing is."""
    done = somewhere("keys", "create", "--name", "ada")
    assert str(id_of(done.stdout.removesuffix("\n"))) in done.stderr
    quiet = somewhere("keys", "create", "--quiet")
    assert id_of(quiet.stdout.removesuffix("\n"))
    assert quiet.stderr == ""


def test_a_shell_takes_the_key(tmp_path: Path) -> None:
    """`KEY=$(streamedit keys create --quiet)`, and the database is there afterwards for nobody else to read."""
    file = tmp_path / "data" / "keys.db"
    words = shlex.join([*COMMAND, "keys", "create", "--quiet", "--database-url", f"sqlite:///{file}"])
    done = subprocess.run(
        ["bash", "-c", f'KEY=$({words}); echo "<$KEY>"'], capture_output=True, text=True, check=True, env=clean_environ()
    )
    assert id_of(done.stdout.strip().strip("<>"))
    assert file.stat().st_mode & 0o777 == 0o600


def test_all_that_can_be_said_of_a_key_is_kept(command: Command) -> None:
    """And shown again."""
    command("groups", "set", "team")
    arguments = shlex.split(
        "create --name Ada --group team --model gpt-image-* --model flux --expires 2099-01-01 --rpm 6 --images-per-minute 7"
        " --parallel 2 --budget 10/1d --budget $0.5/month --budget 100 --metadata team=a=b --metadata cost=42"
    )
    made = _told(command, *arguments)
    assert made.pop("key").startswith(made["prefix"])
    assert _told(command, "show", made["id"]) == made
    assert _told(command, "list") == {"object": "list", "data": [made]}
    assert {name: made[name] for name in ("name", "group", "models", "expires_at", "metadata")} == {
        "name": "Ada", "group": "team", "models": ["gpt-image-*", "flux"], "expires_at": 4_070_908_800,
        "metadata": {"team": "a=b", "cost": "42"},
    }  # fmt: skip
    assert made["limits"] == {"requests_per_minute": 6, "images_per_minute": 7, "parallel_edits": 2}
    budgets = [(budget["limit_micros"], budget["period"]) for budget in made["budgets"]]
    assert budgets == [(10_000_000, "1d"), (500_000, "1mo"), (100_000_000, "total")]


def test_an_update_changes_what_is_given(command: Command) -> None:
    """The rest stays; a field can be taken away."""
    made = _told(command, "create", "--name", "ada", "--rpm", "6", "--budget", "1", "--model", "a")
    changed = _told(command, "update", made["id"], "--parallel", "2", "--clear", "budgets", "--clear", "models")
    assert changed["limits"] == {"requests_per_minute": 6, "images_per_minute": None, "parallel_edits": 2}
    assert (changed["name"], changed["budgets"], changed["models"]) == ("ada", [], None)


def test_a_span_is_counted_from_now(somewhere: Command) -> None:
    """In seconds, minutes, hours, days and weeks."""
    for span, length_s in (("90s", 90), ("5m", 300), ("2h", 7200), ("30d", 30 * 86_400), ("1w", 7 * 86_400)):
        made = _told(somewhere, "create", "--expires", span)
        assert made["expires_at"] - made["created_at"] in (length_s, length_s - 1)


def test_a_rotated_key_is_a_new_text(command: Command) -> None:
    """Of the same key; the old one may open a little longer."""
    made = _told(command, "create", "--name", "ada")
    done = command("keys", "rotate", made["id"], "--grace-s", "60", "--quiet")
    assert id_of(done.stdout.strip()) == made["id"]
    assert done.stdout.strip() != made["key"]
    assert _told(command, "show", made["id"])["previous_expires_at"] is not None


def test_the_list_shows_what_there_is_and_no_secret(command: Command) -> None:
    """A row for each key, with its state; brackets in a name are no style."""
    keys = [_told(command, "create", "--name", name, "--budget", "10/1d") for name in ("[bold]", "gone")]
    revoked = command("keys", "revoke", keys[1]["id"])
    listed = command("keys", "list").stdout
    rows = [line.split() for line in listed.splitlines() if "key_" in line]
    assert [row[:3] for row in rows] == [[keys[0]["id"], "[bold]", "open"], [keys[1]["id"], "gone", "revoked"]]
    assert all("$10/1d" in row for row in rows)
    shown = listed + revoked.stdout + command("keys", "list", "--json").stdout + command("keys", "show", keys[0]["id"]).stdout
    assert not any(key["key"] in shown for key in keys)


def test_a_narrow_terminal_costs_no_id_its_end(tmp_path: Path) -> None:
    """What is piped is not folded: the id that other commands need is there, however wide the terminal is."""
    environ = {**clean_environ(), "COLUMNS": "40", "STREAMEDIT_DATABASE_URL": f"sqlite:///{tmp_path / 'a.db'}"}

    def told(*arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, "keys", *arguments], capture_output=True, text=True, check=True, timeout=60, env=environ
        )
        return done.stdout

    made = json.loads(told("create", "--name", "a name that is rather long", "--rpm", "60", "--budget", "10/1d", "--json"))
    assert made["id"] in told("list")
    assert made["id"] in told("show", made["id"])


WRONG: dict[str, tuple[list[str], int, str]] = {
    "a group that is not there": (["create", "--group", "nobody"], 1, "no such group"),
    "a budget that is no number": (["create", "--budget", "ten/1d"], 1, "budgets[0].limit_usd"),
    "an unknown period": (["create", "--budget", "10/fortnight"], 1, "budgets[0].period"),
    "no requests": (["create", "--rpm", "0"], 1, "limits.requests_per_minute"),
    "in the past": (["create", "--expires", "2001-01-01"], 1, "expires_at is not in the future"),
    "no time": (["create", "--expires", "soon"], 2, "--expires"),
    "metadata without a value": (["create", "--metadata", "team"], 2, "--metadata"),
    "a field that is not there": (["update", "key_000000000000", "--clear", "nam"], 2, "--clear"),
    "no such key": (["revoke", "key_000000000000"], 1, "no such API key"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told(somewhere: Command, case: str) -> None:
    """By its name; exit code 1 where it was refused, 2 where it was not understood."""
    arguments, code, word = WRONG[case]
    _refused(somewhere("keys", *arguments), code, word)


@pytest.mark.parametrize("arguments", [["keys"], ["keys", "create", "--help"], ["groups"], ["end-users"]])
def test_help_is_there(arguments: list[str]) -> None:
    """With nothing to do, the command tells what it could do."""
    assert "Usage" in CliRunner().invoke(main, arguments).output
