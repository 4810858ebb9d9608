"""How the command speaks."""

import json

import pytest
import typer

from streamedit.cli.exits import Exit
from streamedit.cli.printing import dollars, fail, kibibytes, print_json, print_pairs, print_table, seconds


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


def test_numbers_stand_under_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    """At the right of their columns, with what they come to below."""
    print_table(
        ("Name", "Edits", "Cost"),
        [("a", "5", "$1.0000"), ("b", "1,000", "$12.5000")],
        numbers=2,
        total=("Total", "1,005", "$13.5000"),
    )
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [lines[0], lines[2], lines[3], lines[-1]] == [
        "Name    Edits       Cost",
        "a           5    $1.0000",
        "b       1,000   $12.5000",
        "Total   1,005   $13.5000",
    ]


def test_terminals_obey_nobody_else(capsys: pytest.CaptureFixture[str]) -> None:
    """What others have called something, and what servers answer, may be meant for the terminal."""
    print_table(("Name",), [("a\x1b[2J",)])
    print_pairs({"Name": "b\x9b2J"})
    with pytest.raises(typer.Exit):
        fail("c\x07\nd")
    told = capsys.readouterr()
    assert "a\ufffd[2J" in told.out and "b\ufffd2J" in told.out
    assert told.err == "c\ufffd\nd\n"


def test_amounts_in_words() -> None:
    """With their units."""
    assert (dollars(0.0601), dollars(1234.5), seconds(0.304)) == ("$0.0601", "$1,234.5000", "0.30 s")
    assert (kibibytes(300), kibibytes(400_000), kibibytes(3 << 20)) == ("0 KiB", "391 KiB", "3.0 MiB")
