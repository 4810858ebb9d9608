"""How the command speaks: what was asked for on stdout, all else on stderr; one way for tables, pairs, notes and mistakes."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from streamedit.cli.exits import Exit
from streamedit.events import Json

ERROR, NOTE, SUCCESS = "red", "yellow", "green"
"""The styles of what went wrong, of what should be known, and of what went well."""

_PLAIN_WIDTH = 250
"""Where nobody looks no line is folded."""

_KIBI = 1024


def open_streams() -> None:
    """Whoever starts a program may close its standard streams: Python then has none, where everybody expects one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - to the end


def plain(*, stderr: bool) -> Console:
    """Prints text as it is: a line number is no emoji, and a name in brackets no style."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)


def fail(message: str, code: Exit = Exit.NOT_BEGUN) -> NoReturn:
    """End here."""
    mistakes(message)
    raise typer.Exit(code)


def mistakes(message: str) -> None:
    """What went wrong, on stderr."""
    plain(stderr=True).print(printable(message), style=ERROR)


def note(message: str) -> None:
    """What should be known beside what was asked for, on stderr."""
    plain(stderr=True).print(message, style=NOTE)


def print_success(message: str) -> None:
    """What went well, on stdout."""
    plain(stderr=False).print(message, style=SUCCESS)


def printable(text: str) -> str:
    """Of what others have called something only what a terminal can show: it would obey the rest."""
    return "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)


def print_gap() -> None:
    """An empty line, between things of different kinds."""
    sys.stdout.write("\n")


def print_json(value: Mapping[str, Json]) -> None:
    """One JSON object in one line, for scripts."""
    sys.stdout.write(f"{json.dumps(value)}\n")


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int = 0, total: Sequence[str] = ()) -> None:
    """Rows under their columns' names; cells are folded where the terminal is narrow. The last `numbers` columns are numbers.

    `total`: a last row, of all of them.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_footer=bool(total), header_style="bold")
    for place, name in enumerate(names):
        is_number = place >= len(names) - numbers
        footer = total[place] if total else ""
        table.add_column(name, footer, overflow="fold", justify="right" if is_number else "left", no_wrap=is_number)
    for row in rows:
        table.add_row(*map(printable, row))
    show(table)


def print_pairs(told: Mapping[str, str]) -> None:
    """A line for each that is not empty, on stdout."""
    show(pairs(told))


def pairs(told: Mapping[str, str]) -> Table:
    """A line for each that is not empty."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in told.items():
        if value:
            table.add_row(name, printable(value))
    return table


def show(table: Table) -> None:
    """A table on stdout."""
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)


def forget_stdout() -> None:
    """Nobody reads it any more: what is still to be written to it goes nowhere, and quietly."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def dollars(value: Decimal | float) -> str:
    """Money, to the hundredth of a cent."""
    return f"${value:,.4f}"


def seconds(value: float) -> str:
    """A time, to the hundredth."""
    return f"{value:.2f} s"


def kibibytes(count: int) -> str:
    """A size of a file, in KiB, or MiB where there are many."""
    return f"{count / _KIBI:.0f} KiB" if count < _KIBI**2 else f"{count / _KIBI**2:.1f} MiB"
