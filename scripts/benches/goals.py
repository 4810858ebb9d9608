"""What streamedit is to reach, beside what it reached. Bounds that are relative are worked out from the same run."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from . import loads, memory, stalls
from .samples import Samples

HEADS = ("goal", "measured", "bound", "", "stretch", "")

_KIBIBYTE = 1 << 10
_US, _TUNED, _SHIPPED = "streamedit", "nginx-tuned", "nginx-default"
_Bound = Callable[[Samples], float]


@dataclass(frozen=True)
class _Goal:
    """At most `bound`, better at most `stretch`; `unit` is what both count."""

    name: str
    unit: str
    measured: _Bound
    bound: _Bound
    stretch: _Bound


def rows(samples: Samples) -> Sequence[Sequence[str]]:
    """A row for each goal of which something was measured."""
    return [row for goal in _goals() for row in _row(goal, samples)]


def _row(goal: _Goal, samples: Samples) -> Iterator[Sequence[str]]:
    measured, bound, stretch = (of(samples) for of in (goal.measured, goal.bound, goal.stretch))
    if not math.isnan(measured):
        yield f"{goal.name}, {goal.unit}", _number(measured), *_verdict(measured, bound), *_verdict(measured, stretch)


def _verdict(measured: float, bound: float) -> Sequence[str]:
    if math.isnan(bound):
        return "-", "-"
    return _number(bound), "met" if measured <= bound else "**missed**"


def _number(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.0f}"


def _at_most(value: float) -> _Bound:
    return lambda _: value


def _cpu(theme: str, cell: str, relay: str = _US) -> _Bound:
    return lambda samples: samples.figure(theme, cell, relay, "cpu_s_per_gb")


def _times(factor: float, of: _Bound) -> _Bound:
    return lambda samples: factor * of(samples)


def _lower(one: _Bound, other: _Bound) -> _Bound:
    """The stricter of two bounds, or the one that there is."""
    return lambda samples: min((bound for bound in (one(samples), other(samples)) if not math.isnan(bound)), default=math.nan)


def _added_ms(cell: str) -> _Bound:
    return lambda samples: samples.first_ms("latency", cell, _US, 50) - samples.first_ms("latency", cell, "direct", 50)


def _beside_ms(cell: str, percent: int) -> _Bound:
    return lambda samples: samples.first_ms("fairness", cell, _US, percent)


def _longest_step_ms(samples: Samples) -> float:
    """No step on uvloop is longer than its clock was late, and a tick; asyncio's loop tells its own longest step."""
    bounds = [
        min(samples.figure("stalls", cell, _US, "late_max_ms") + 1, samples.figure("stalls", cell, _US, "step_max_ms"))
        for cell in stalls.CELLS
        if _US in samples.relays("stalls", cell)
    ]
    return max(bounds, default=math.nan)


def _goals() -> Iterator[_Goal]:
    yield from _stream_goals()
    yield from _time_goals()
    yield from _memory_goals()
    for cell in ("50 MB", "16 x 10 MB"):
        yield _Goal(f"upload of {cell}", "CPU s/GB", _cpu("uploads", cell), _at_most(1.6), _at_most(1.1))
    yield _Goal("plain call", "CPU s/GB", _cpu("plain", "plain calls"), _at_most(1.3), _at_most(0.9))
    yield _Goal("longest single step of the event loop", "ms", _longest_step_ms, _at_most(10), _at_most(5))


def _stream_goals() -> Iterator[_Goal]:
    for cell in ("16 at a time", "64 at a time", loads.AWAKE):
        tuned, shipped = (_cpu("streams", cell, relay) for relay in (_TUNED, _SHIPPED))
        bound = _lower(_times(2.2, tuned), _times(0.6, shipped))
        name = f"streams, 16 at a time, {cell}" if cell == loads.AWAKE else f"streams, {cell}"
        yield _Goal(name, "CPU s/GB", _cpu("streams", cell), bound, _times(1.6, tuned))
    cell = "upstream behind TLS"
    tuned = _cpu("streams", cell, _TUNED)
    yield _Goal(f"streams, {cell}", "CPU s/GB", _cpu("streams", cell), _times(1.5, tuned), _times(1.3, tuned))
    cell = "1,400-byte pieces"
    yield _Goal(f"streams, {cell}", "CPU s/GB", _cpu("streams", cell), _at_most(1.5), _at_most(1.0))


def _time_goals() -> Iterator[_Goal]:
    for pause in ("back to back", "5 ms apart"):
        for event, bound_ms, stretch_ms in (("3 MB event", 4, 2), ("8 KB event", 1, 0.5)):
            cell = f"{event}, {pause}"
            yield _Goal(f"added latency, {cell}", "ms", _added_ms(cell), _at_most(bound_ms), _at_most(stretch_ms))
    paced, unpaced = "64 streams of 1.5 MB/s", "64 unpaced streams"
    for cell, percent, bound_ms, stretch_ms in ((paced, 50, 4, 2), (paced, 99, 26, 10), (unpaced, 99, 120, 60)):
        name = f"first event beside {cell}, p{percent}"
        yield _Goal(name, "ms", _beside_ms(cell, percent), _at_most(bound_ms), _at_most(stretch_ms))


def _memory_goals() -> Iterator[_Goal]:
    for cell, bound, stretch in (("trickle", 150, 60), ("burst", 500, 150)):
        yield _Goal(f"memory of one of 256 streams, {cell}", "KiB", _stream_kib(cell), _at_most(bound), _at_most(stretch))
    yield _Goal("memory of a stuck reader", "KiB", _stuck_kib, _at_most(200), _at_most(math.nan))
    yield _Goal("memory, 16 x 10 MB above 50 MB of upload", "MiB", _upload_growth_mib, _at_most(10), _at_most(math.nan))


def _stream_kib(cell: str) -> _Bound:
    return lambda samples: memory.beyond_log_bytes(samples, cell, _US) / _KIBIBYTE


def _stuck_kib(samples: Samples) -> float:
    return memory.stuck_reader_bytes(samples, _US) / _KIBIBYTE


def _upload_growth_mib(samples: Samples) -> float:
    """Flat in the size: three times the bytes may not take noticeably more."""
    one, many = (samples.figure("uploads", f"{cell}, memory", _US, "grown_bytes") for cell in ("50 MB", "16 x 10 MB"))
    return (many - one) / (1 << 20)
