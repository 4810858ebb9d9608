"""What one run measures, kept raw."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .footprints import Footprint
from .tools import Load


@dataclass(frozen=True)
class Options:
    """The command line."""

    relays: Sequence[str]
    rounds: int
    seconds: float
    concurrency: Sequence[int]
    piece: int
    event_mb: float
    stuck_readers: int
    stuck_event_mb: float
    keepalive: bool
    json: Path | None


@dataclass(frozen=True)
class StartSample:
    """One start of one relay alone, what is installed for it, and whether it streams edits."""

    relay: str
    round: int
    start_s: float
    footprint: Footprint
    streams: bool


@dataclass(frozen=True)
class LoadSample:
    """One relay under load for one cell's time."""

    relay: str
    round: int
    concurrency: int
    seconds: float
    cpu_s: float
    load: Load

    def cpu_s_per_gb(self) -> float:
        return self.cpu_s / (self.load.body_bytes / 1e9) if self.load.body_bytes else math.nan

    def mb_per_s(self) -> float:
        return self.load.window_bytes / 1e6 / self.seconds


@dataclass(frozen=True)
class LatencySample:
    """One relay asked for single events, with a pause before each."""

    relay: str
    round: int
    event: str
    load: Load


@dataclass(frozen=True)
class RestSample:
    """The memory of one relay: after its start, and its peak after all load."""

    relay: str
    base_bytes: int
    peak_bytes: int


@dataclass(frozen=True)
class HeldSample:
    """A fresh relay with readers of unfinished edits: `stuck` ones read nothing, `reading` ones all there is.

    `kept_bytes` of each edit are kept for replay, by design, whoever reads.
    """

    relay: str
    round: int
    manner: str
    readers: int
    kept_bytes: int
    before_bytes: int
    after_bytes: int
    queued_bytes: int
    load: Load

    def growth_per_reader(self) -> float:
        return (self.after_bytes - self.before_bytes) / self.readers


@dataclass(frozen=True)
class Samples:
    """Everything that one run measured."""

    loads: Sequence[LoadSample]
    latencies: Sequence[LatencySample]
    rests: Sequence[RestSample]
    helds: Sequence[HeldSample]
    starts: Sequence[StartSample]

    def faults(self) -> Sequence[str]:
        """A line for every cell in which an answer was wrong or missing."""
        cells = [(f"{s.relay}, {s.concurrency} at a time", s.load) for s in self.loads]
        cells += [(f"{s.relay}, single {s.event} events", s.load) for s in self.latencies]
        cells += [(f"{s.relay}, {s.readers} {s.manner} readers", s.load) for s in self.helds]
        return [f"{cell}: {load.errors} errors, the first: {load.complaint}" for cell, load in cells if load.errors]


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank; nan of nothing."""
    rank = max(math.ceil(len(values) * percent / 100) - 1, 0)
    return sorted(values)[rank] if values else math.nan


def median(values: Sequence[float]) -> float:
    """The middle value; nan of nothing."""
    return statistics.median(values) if values else math.nan
