"""How long streamedit's event loop stands still under each load (see ticker.py)."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .bench import Bench, progress
from .relays import Relay, Site
from .samples import Sample, percentile

CELLS = {
    "1 stream": ("edit", "-c", "1", "-t", "1"),
    "16 streams": ("edit", "-c", "16", "-t", "1"),
    "64 streams": ("edit", "-c", "64", "-t", "1"),
    "16 plain calls": ("plain", "-c", "16", "-t", "1"),
    "upload of 50 MB": ("upload-50", "-n", "4"),
    "upload of 16 x 10 MB": ("upload-16x10", "-n", "2"),
}
"""The workload and the load generator's options."""
LOOPS = ("uvloop", "asyncio")
_SETTLING_S = 0.5
_MEMORY = Path("/dev/shm")  # noqa: S108 - a name of its own, removed afterwards


@dataclass(frozen=True)
class _Note:
    """A line of the ticker's."""

    kind: str
    at_s: float
    took_ms: float


def measure(bench: Bench, relays: Sequence[Relay]) -> Iterator[Sample]:
    """The lateness on the loop that is used, then the longest single steps on the one that can tell them."""
    for relay in (relay for relay in relays if relay.name == "streamedit"):
        for loop in LOOPS:
            yield from _measure(bench, relay, loop)


def _measure(bench: Bench, relay: Relay, loop: str) -> Iterator[Sample]:
    # not on a disk, whose own pauses would be told as the loop's
    notes = (_MEMORY if _MEMORY.is_dir() else bench.folder) / f"streamedit-bench-{os.getpid()}-{loop}"
    with _removed(notes), bench.alone(replace(relay, command=_ticking(relay, loop, notes))) as running:
        bench.fill(running)
        for cell, (workload, *options) in CELLS.items():
            progress(f"stalls on {loop}, {cell}: {relay.name}")
            begun_s = time.monotonic()
            load = bench.load(running, workload, *options)
            time.sleep(_SETTLING_S)
            window = [note for note in _read(notes) if begun_s <= note.at_s]
            yield Sample("stalls", cell, relay.name, 0, load, _figures(window, loop))


@contextmanager
def _removed(file: Path) -> Iterator[None]:
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _ticking(relay: Relay, loop: str, notes: Path) -> Callable[[str, Site], Sequence[str]]:
    def command(program: str, site: Site) -> Sequence[str]:
        _, *arguments = relay.command(program, site)
        ticker = Path(__file__).with_name("ticker.py").absolute()
        return [str(Path(program).with_name("python")), str(ticker), loop, str(notes), *arguments]

    return command


def _read(notes: Path) -> Iterator[_Note]:
    for line in notes.read_text().splitlines()[:-1]:
        kind, at_s, took_ms = line.split(" ")
        yield _Note(kind, float(at_s), float(took_ms))


def _figures(window: Sequence[_Note], loop: str) -> dict[str, float]:
    late_ms, steps_ms = ([note.took_ms for note in window if note.kind == kind] for kind in ("tick", "step"))
    if loop == "uvloop":
        return {"late_max_ms": max(late_ms), "late_p99_ms": percentile(late_ms, 99)}
    # steps below a millisecond are not told
    return {"step_max_ms": max(steps_ms, default=1.0)}
