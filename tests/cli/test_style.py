"""How all commands look: in their help, in tables, in the shell."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import typer
from commanded import command
from commands import clean_environ
from typer.main import get_command

from streamedit.cli import main

ORDER = ["edit", "serve", "models", "check", "doctor", "usage", "keys", "groups", "end-users"]


def commands() -> Iterator[Sequence[str]]:
    """The words of every command and group."""
    top = get_command(main)
    assert isinstance(top, typer.core.TyperGroup)
    for name, each in top.commands.items():
        yield (name,)
        if isinstance(each, typer.core.TyperGroup):
            yield from ((name, below) for below in each.commands)


@pytest.mark.parametrize("words", [(), *commands()], ids=" ".join)
def test_every_help_reads_well(words: Sequence[str]) -> None:
    """`-h` will do; what to type is said in words, never in Python's; each option says what it is for, in a sentence."""
    told = command(*words, "-h", environ={"COLUMNS": "110"}).stdout
    assert told == command(*words, "--help", environ={"COLUMNS": "110"}).stdout
    assert not any(word in told for word in ("<str>", "<bool>", "<path>", "<int", "<list", "[/]"))
    for line in told.splitlines():
        cells = line.strip("│ ").split("  ")
        if line.startswith("│ --"):
            assert len(cells) > 1, line
    summary = told.strip().splitlines()[2].strip()
    assert summary[0].isupper() and (len(summary) > 100 or summary.endswith("."))


def test_the_commands_are_in_their_order() -> None:
    """Of how often they are wanted."""
    told = command("-h", environ={"COLUMNS": "110"}).stdout
    assert [line.split()[1] for line in told.partition("Commands")[2].splitlines()[1:] if line.startswith("│ ")] == ORDER


def test_without_anything_there_is_help() -> None:
    """For groups as well."""
    assert "Commands" in command().stdout + command().stderr
    assert "revoke" in command("keys").stdout + command("keys").stderr


def completed(line: str, folder: Path, **environ: str) -> list[str]:
    """What bash offers at the end of a line, with the script that the command gives for its startup file."""
    program = folder / "streamedit"
    program.write_text(f"#!{sys.executable}\nfrom streamedit.cli import main\n\nmain()\n")
    program.chmod(0o755)
    script = f"""
PATH={folder}:$PATH
source <(_STREAMEDIT_COMPLETE=source_bash streamedit)
complete -p streamedit >/dev/null || exit 9
line={line!r}
read -ra COMP_WORDS <<< "$line"
[ "${{line: -1}}" = " " ] && COMP_WORDS+=("")
COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
$(complete -p streamedit | sed -E 's/.*-F ([^ ]+).*/\\1/') streamedit "${{COMP_WORDS[COMP_CWORD]}}" ""
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environ = {**clean_environ(), **environ}
    done = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, env=environ, timeout=30, check=True)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("streamedit e", ["edit", "end-users"]),
        ("streamedit edit --model ", ["darkroom", "mock", "gpt-image-2"]),
        ("streamedit edit --format ", ["png", "jpeg", "webp"]),
        ("streamedit edit --preview k", ["kitty"]),
        ("streamedit edit --size 15", ["1536x1024"]),
        ("streamedit edit --save-p", ["--save-partials"]),
    ],
)
def test_bash_completes(tmp_path: Path, line: str, offered: list[str]) -> None:
    """Commands, options, models of the environment, and words that options take."""
    assert set(offered) <= set(completed(line, tmp_path, OPENAI_API_KEY="sk-x"))


def test_completion_knows_the_file(tmp_path: Path) -> None:
    """The models of --config; of one with mistakes none, and no word of them."""
    file = tmp_path / "a.yaml"
    file.write_text("model_list: [{model_name: editor, litellm_params: {model: mock/a}}]\n")
    assert completed(f"streamedit edit --config {file} --model ", tmp_path) == ["editor"]
    file.write_text("model_list: [{model_name: editor}]\n")
    assert completed(f"streamedit edit --config {file} --model ", tmp_path) == []
