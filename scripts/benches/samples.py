"""What one run measures, kept raw."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .footprints import Footprint
from .tools import Load


@dataclass(frozen=True)
class Options:
    """The command line."""

    cells: Sequence[str]
    relays: Sequence[str]
    rounds: int
    seconds: float
    json: Path | None
    chart: Path | None


@dataclass(frozen=True)
class StartSample:
    """One start of one relay alone, what is installed for it, and whether it streams edits."""

    relay: str
    round: int
    start_s: float
    footprint: Footprint
    streams: bool


@dataclass(frozen=True)
class Sample:
    """One relay in one cell of one theme, once: what its clients saw, and what else was measured, by name with its unit."""

    theme: str
    cell: str
    relay: str
    round: int
    load: Load
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Samples:
    """Everything that one run measured."""

    all: Sequence[Sample]
    starts: Sequence[StartSample]

    def relays(self, theme: str, cell: str) -> Sequence[str]:
        """Who took part in a cell, in the order in which they did."""
        return list(dict.fromkeys(sample.relay for sample in self.all if (sample.theme, sample.cell) == (theme, cell)))

    def figure(self, theme: str, cell: str, relay: str, name: str) -> float:
        """The median of the rounds; nan when it was not measured."""
        values = [sample.figures[name] for sample in self._of(theme, cell, relay) if name in sample.figures]
        return statistics.median(values) if values else math.nan

    def first_ms(self, theme: str, cell: str, relay: str, percent: int) -> float:
        """A percentile over the requests of all rounds; nan when there was none."""
        return percentile([ms for sample in self._of(theme, cell, relay) for ms in sample.load.first_ms], percent)

    def last_ms(self, theme: str, cell: str, relay: str, percent: int) -> float:
        """The same for the last byte."""
        return percentile([ms for sample in self._of(theme, cell, relay) for ms in sample.load.last_ms], percent)

    def faults(self) -> Sequence[str]:
        """A line for every cell in which an answer was wrong or missing."""
        return [
            f"{s.theme}, {s.cell}, {s.relay}: {s.load.errors} errors, the first: {s.load.complaint}"
            for s in self.all
            if s.load.errors
        ]

    def _of(self, theme: str, cell: str, relay: str) -> Iterator[Sample]:
        return (sample for sample in self.all if (sample.theme, sample.cell, sample.relay) == (theme, cell, relay))


def percentile(values: Sequence[float], percent: int) -> float:
    """The nearest rank; nan of nothing."""
    rank = max(math.ceil(len(values) * percent / 100) - 1, 0)
    return sorted(values)[rank] if values else math.nan


def median(values: Sequence[float]) -> float:
    """The middle value; nan of nothing."""
    return statistics.median(values) if values else math.nan
