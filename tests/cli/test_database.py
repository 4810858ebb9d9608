"""Which database a command works on, and what it says when there is none."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from streamedit.cli import main

MODELS = "model_list: [{model_name: mock, litellm_params: {model: mock}}]\n"


COMMANDS = pytest.mark.parametrize("command", ["keys list", "usage"])


def _done(command: str, *arguments: str, environ: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, [*command.split(), *arguments], env={"COLUMNS": "500", **(environ or {})})


@COMMANDS
def test_the_file_names_it(command: str, tmp_path: Path) -> None:
    """What the option names counts more, and the environment less."""
    file = tmp_path / "config.yaml"
    file.write_text(f"{MODELS}server: {{database_url: 'sqlite:///{tmp_path / 'file.db'}'}}\n")
    environ = {"STREAMEDIT_DATABASE_URL": f"sqlite:///{tmp_path / 'environment.db'}"}
    option = ["--database-url", f"sqlite:///{tmp_path / 'option.db'}"]
    assert _done(command, "--config", str(file), *option, environ=environ).exit_code == 0
    assert {path.name for path in tmp_path.glob("*.db")} == {"option.db"}
    assert _done(command, "--config", str(file), environ=environ).exit_code == 0
    assert {path.name for path in tmp_path.glob("*.db")} == {"option.db", "file.db"}


@COMMANDS
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("none", "database"),
        ("mysql://canary@h/d", "must begin with"),
        ("sqlite:////proc/streamedit/keys.db", "cannot be opened: No such file or directory"),
        ("postgresql://u:canary@127.0.0.1:1/d", "cannot be opened: connection"),
    ],
)
def test_a_database_that_cannot_be_had_is_told(command: str, url: str, words: str) -> None:
    """By each command, in a line, without the password and without a traceback."""
    done = _done(command, "--database-url", url)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert "canary" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@COMMANDS
def test_a_file_with_mistakes_is_told(command: str, tmp_path: Path) -> None:
    """As `serve` and `check` tell them."""
    file = tmp_path / "config.yaml"
    file.write_text(f"{MODELS}server: {{hartbeat_s: 3}}\n")
    done = _done(command, "--config", str(file))
    assert done.exit_code == 2
    assert "config.yaml:2: server.hartbeat_s" in done.stderr
