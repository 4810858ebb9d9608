"""Runs the themes and prints what they measured."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import uvloop

from scripts.benches import machine
from scripts.benches.report import table

from . import churn, fanout, idle, slow, spill, watching
from .figures import HEADS, Figure
from .options import Options

_Theme = Callable[[Options, Path], Awaitable[Sequence[Figure]]]

_THEMES: Mapping[str, _Theme] = {
    "idle": idle.measure,
    "fanout": fanout.measure,
    "slow": slow.measure,
    "churn": churn.measure,
    "spill": spill.measure,
}

_SPARE_FILES = 2_000

_NOTE = (
    "One process of `streamedit serve` on one core, all viewers in one process on the other. The mock plays the provider, for "
    "`spill` the scripted upstream of the relay's bench does, beside the viewers. Each viewer has a connection of its own, and "
    "every byte that it gets is compared. Memory is the server's resident memory, MiB = 2^20 bytes, KiB = 2^10; what the "
    "kernel holds for sockets is no part of it."
)


def run(options: Options, folder: Path, about: Mapping[str, object]) -> int:
    """Measure and print; 1 when a bound is missed."""
    folder.mkdir(parents=True, exist_ok=True)
    watching.raise_open_files(max(options.viewers, options.edits) + _SPARE_FILES)
    with machine.pinned(machine.TOOLS_CORE), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        figures = runner.run(_measure(options, folder))
    facts = "; ".join(f"{name}: {value}" for name, value in about.items())
    sys.stdout.write(f"{table(HEADS, [figure.row() for figure in figures])}\n\n{_NOTE}\n\n{facts}\n")
    return 0 if all(figure.is_met for figure in figures) else 1


async def _measure(options: Options, folder: Path) -> Sequence[Figure]:
    return [figure for theme in options.themes for figure in await _THEMES[theme](options, folder)]
