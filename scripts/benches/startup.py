"""How long each relay takes to start, and what it takes on the disk."""

from collections.abc import Iterator, Sequence

from .bench import Bench, progress
from .relays import Relay, started
from .report import table
from .samples import StartSample, median

_ROUNDS = 3
_MEGABYTE = 1e6
_HEADS = ("relay", "start-up, s", "installed, MB", "runtime underneath, MB", "streams edits")

_NOTE = (
    "Start-up is the time from exec to the first answer of the health route, median of three, everything in the page cache. "
    "Installed is the relay with every package it needs: Debian's figure for nginx (with nginx-common) and HAProxy, whose "
    "libraries the base system has; the files of streamedit, LiteLLM and the two programs with all that they require, without "
    "pip; Portkey's node_modules. MB = 10^6 bytes."
)


def measure(bench: Bench, relays: Sequence[Relay]) -> Iterator[StartSample]:
    """Each relay started alone, in turns."""
    footprints = {relay.name: relay.footprint() for relay in relays}
    for turn in range(min(bench.options.rounds, _ROUNDS)):
        for relay in relays:
            progress(f"start, round {turn + 1}: {relay.name}")
            with started(relay, bench.upstream.port, bench.folder) as running:
                yield StartSample(relay.name, turn, running.start_s, footprints[relay.name], relay.streams)


def markdown(samples: Sequence[StartSample]) -> str:
    """The table, one row for each relay, and what its figures mean."""
    return f"{table(_HEADS, list(_rows(samples)))}\n\n{_NOTE}"


def _rows(samples: Sequence[StartSample]) -> Iterator[Sequence[str]]:
    for first in (sample for sample in samples if sample.round == 0):
        start_s = median([sample.start_s for sample in samples if sample.relay == first.relay])
        footprint = first.footprint
        runtime = f"{footprint.runtime} {footprint.runtime_bytes / _MEGABYTE:.0f}" if footprint.runtime else "none"
        yield first.relay, f"{start_s:.2f}", _megabytes(footprint.own_bytes), runtime, "yes" if first.streams else "**no**"


def _megabytes(size: int | None) -> str:
    return "unknown" if size is None else f"{size / _MEGABYTE:.1f}"
