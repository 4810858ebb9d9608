"""How the command speaks: what was asked for on stdout, all else on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from streamedit.events import Json

_PLAIN_WIDTH = 250
"""Where nobody looks no line is folded."""


def plain(*, stderr: bool) -> Console:
    """Prints text as it is: a line number is no emoji, and a name in brackets no style."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)


def fail(message: str, code: int = 2) -> NoReturn:
    """End here. 2: nothing could be begun; 1: what was asked for was refused."""
    plain(stderr=True).print(message, style="red")
    raise typer.Exit(code)


def print_json(value: Mapping[str, Json]) -> None:
    """One JSON object in one line, for scripts."""
    sys.stdout.write(f"{json.dumps(value)}\n")


def print_table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under their columns' names; cells are folded where the terminal is narrow."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    show(table)


def print_pairs(pairs: Mapping[str, str]) -> None:
    """A line for each that is not empty."""
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        if value:
            table.add_row(name, value)
    show(table)


def show(table: Table) -> None:
    """A table on stdout."""
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    Console(highlight=False, markup=False, emoji=False, width=width).print(table)
