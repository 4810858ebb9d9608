"""How long others wait meanwhile."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from scripts.benches.samples import percentile

from . import asking
from .figures import Figure

_PAUSE_S = 0.05


@dataclass(frozen=True)
class Probes:
    """Times of `GET /health/live` and of a small edit, in ms; `faults` are answers that were none."""

    live_ms: list[float] = field(default_factory=list)
    edit_ms: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def figures(self, theme: str, bound_ms: float | None) -> Sequence[Figure]:
        times = {"GET /health/live meanwhile": self.live_ms, "a small edit meanwhile": self.edit_ms}
        return [
            figure
            for name, values in times.items()
            for figure in (
                Figure(theme, f"{name}, p50", "ms", percentile(values, 50)),
                Figure(theme, f"{name}, p99", "ms", percentile(values, 99), bound_ms),
            )
        ]


@asynccontextmanager
async def probing(port: int) -> AsyncIterator[Probes]:
    """One of each after the other, some ten times a second, for the time of the block."""
    probes = Probes()
    task = asyncio.create_task(_probe(port, probes))
    try:
        yield probes
    finally:
        task.cancel()


async def _probe(port: int, probes: Probes) -> None:
    while True:
        await _timed(lambda: asking.ask(port, "GET", "/health/live"), probes.live_ms, probes.faults)
        await _timed(lambda: asking.edit_now(port), probes.edit_ms, probes.faults)


async def _timed(call: Callable[[], Awaitable[asking.Answered]], times_ms: list[float], faults: list[str]) -> None:
    begun_s = time.monotonic()
    answer = await call()
    times_ms.append((time.monotonic() - begun_s) * 1e3)
    if answer.status != 200:
        faults.append(f"status {answer.status}")
    await asyncio.sleep(_PAUSE_S)
