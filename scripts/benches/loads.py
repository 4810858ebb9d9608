"""CPU and throughput: streams in several deliveries, and plain calls."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from . import machine
from .bench import Bench
from .processes import running
from .relays import Running
from .samples import Sample


@dataclass(frozen=True)
class Cell:
    """One load: the workload's name and the load generator's options."""

    workload: str
    options: Sequence[str]


BASE = {f"{count} at a time": Cell("edit", ("-c", str(count))) for count in (1, 16, 64)}

_MANY = ("-c", "16")
_VARIATION_ROUNDS = 2
VARIATIONS = {
    "events of 1.5 MB": Cell("edit-half", _MANY),
    "1,400-byte pieces": Cell("edit-1400", _MANY),
    "64 KiB pieces": Cell("edit-64k", _MANY),
    "kept connections": Cell("edit", (*_MANY, "-k")),
}
"""What differs from the base, 16 at a time."""

AWAKE = "their core kept awake"
"""The tools' core never sleeps: in a virtual machine waking it is charged to the relay, and a network card does not sleep."""
TLS = "upstream behind TLS"
PLAIN = "plain calls"


def streams(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """Streams of four events: how many at a time, then what else may differ."""
    yield from _measure(bench, subjects, "streams", BASE)
    relays = [subject for subject in subjects if subject is not bench.upstream]
    yield from _measure(bench, relays, "streams", VARIATIONS, _VARIATION_ROUNDS)
    with _awake(bench):
        yield from _measure(bench, relays, "streams", {AWAKE: Cell("edit", _MANY)})


@contextmanager
def _awake(bench: Bench) -> Iterator[None]:
    """Something that runs on the tools' core whenever nothing else would."""
    with running(["sh", "-c", "while :; do :; done"], machine.TOOLS_CORE, bench.folder) as busy:
        os.sched_setscheduler(busy.pid, os.SCHED_IDLE, os.sched_param(0))
        yield


def tls_streams(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """The same streams from the upstream behind TLS, for relays that stand in front of that one."""
    yield from _measure(bench, subjects, "streams", {TLS: Cell("edit", _MANY)}, _VARIATION_ROUNDS)


def plain(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """Calls that ask for no stream."""
    yield from _measure(bench, subjects, "plain", {PLAIN: Cell("plain", _MANY)})


def _measure(
    bench: Bench, subjects: Sequence[Running], theme: str, cells: Mapping[str, Cell], most_rounds: int = 99
) -> Iterator[Sample]:
    seconds = bench.options.seconds
    for name, cell in cells.items():
        for turn, relay in bench.turns(subjects, f"{theme}, {name}", most_rounds):
            load, cpu_s = bench.weighed(relay, cell.workload, "-t", str(seconds), *cell.options)
            gb = load.body_bytes / 1e9 or math.nan
            # nothing at all within the time is no rate of nothing: it all came later
            figures = {"cpu_s_per_gb": cpu_s / gb, "mb_per_s": load.window_bytes / 1e6 / seconds or math.nan}
            yield Sample(theme, name, relay.name, turn, load, figures)
