"""How the command speaks."""

import json

import pytest
import typer

from streamedit.cli.exits import Exit
from streamedit.cli.printing import fail, print_json, print_pairs, print_table


def test_a_table_prints_text_as_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither brackets nor colons mean anything."""
    monkeypatch.setenv("COLUMNS", "80")
    print_table(("ID", "Name"), [("1", "[bold]:smile:"), ("2", "b")])
    assert [line.split() for line in capsys.readouterr().out.splitlines() if "─" not in line and line.strip()] == [
        ["ID", "Name"], ["1", "[bold]:smile:"], ["2", "b"],
    ]  # fmt: skip


def test_pairs_leave_out_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each that says something."""
    print_pairs({"ID": "1", "Group": "", "Name": "[red]"})
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [["ID", "1"], ["Name", "[red]"]]


def test_json_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """For scripts."""
    print_json({"a": "b\nc"})
    line, rest = capsys.readouterr().out.split("\n")
    assert (json.loads(line), rest) == ({"a": "b\nc"}, "")


def test_a_failure_is_told_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """And ends the command with its code."""
    with pytest.raises(typer.Exit) as ended:
        fail("no [such] key", Exit.REFUSED)
    told = capsys.readouterr()
    assert (ended.value.exit_code, told.out, told.err) == (1, "", "no [such] key\n")
