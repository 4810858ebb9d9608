"""What a stream costs while it runs, and what a reader that reads nothing costs.

A relay that remembers its edits, as streamedit does, holds every event of an edit whoever reads it; that share is told apart.
For stuck readers the same edits run twice, each time in a fresh relay against an upstream that keeps the last event back:
once with readers that read nothing, once with readers that read all there is. Both hold the same edits; the difference is
the stuck readers'.
"""

import math
import time
from collections import deque
from collections.abc import Iterator, Sequence

from . import tools
from .bench import Bench, progress
from .processes import Weight
from .relays import Relay
from .samples import Sample, Samples

STREAMS = {"trickle": "2 MiB at 500 KB/s", "burst": "2 x 2 MiB, 1 s apart"}
"""The workloads of 256 streams at once. Each ends with a small event, long after the others, so that none is over and forgotten
before all are at their largest."""
_STREAMS = 256
_READERS = 100
_SAMPLE_S = 0.25
_SETTLED_SAMPLES = 4
_SETTLED_BYTES = 1 << 20
_PATIENCE_S = 30.0


def measure(bench: Bench, relays: Sequence[Relay]) -> Iterator[Sample]:
    """Every cell with a fresh relay, once: memory repeats itself well."""
    for relay in relays:
        for workload in STREAMS:
            progress(f"memory, {_STREAMS} streams, {workload}: {relay.name}")
            yield _running(bench, relay, workload)
        for manner in ("stuck", "reading"):
            progress(f"memory, {_READERS} {manner} readers: {relay.name}")
            yield _held(bench, relay, manner)


def beyond_log_bytes(samples: Samples, cell: str, relay: str) -> float:
    """What a stream takes at the peak, less what is kept of it by design."""
    grown, kept = (samples.figure("memory", cell, relay, name) for name in ("grown_bytes", "kept_bytes"))
    return grown - kept


def stuck_reader_bytes(samples: Samples, relay: str) -> float:
    """What a stuck reader takes beyond one that reads."""
    stuck, reading = (samples.figure("memory", manner, relay, "grown_bytes") for manner in ("stuck", "reading"))
    return stuck - reading


def _running(bench: Bench, relay: Relay, workload: str) -> Sample:
    with bench.alone(relay) as running:
        running.weight.forget_peak()
        before_bytes = running.weight.rss_bytes()
        load = bench.load(running, workload, "-c", str(_STREAMS), "-n", str(_STREAMS))
        grown_bytes = running.weight.peak_bytes() - before_bytes
    return Sample("memory", workload, relay.name, 0, load, _figures(relay, load, before_bytes, grown_bytes / _STREAMS))


def _held(bench: Bench, relay: Relay, manner: str) -> Sample:
    with bench.alone(relay) as running:
        before_bytes = _settled(running.weight)
        with tools.holding(bench.folder, bench.target(running, "held"), _READERS, manner) as process:
            grown_bytes = _settled(running.weight) - before_bytes
            queued_bytes = running.weight.queued_bytes() / _READERS
            # the stuck ones read now: nothing may be lost or changed by the wait
            load = tools.told(process)
    figures = _figures(relay, load, before_bytes, grown_bytes / _READERS)
    return Sample("memory", manner, relay.name, 0, load, {**figures, "queued_bytes": queued_bytes})


def _figures(relay: Relay, load: tools.Load, before_bytes: int, grown_bytes: float) -> dict[str, float]:
    """`kept_bytes` of each stream are kept for replay, by design, whoever reads."""
    readers = load.requests or math.nan
    return {
        "before_bytes": before_bytes,
        "grown_bytes": grown_bytes,
        "kept_bytes": load.body_bytes / readers if relay.remembers else 0,
    }


def _settled(weight: Weight) -> int:
    """The resident memory once it has stood still for some time."""
    seen: deque[int] = deque(maxlen=_SETTLED_SAMPLES)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        seen.append(weight.rss_bytes())
        if len(seen) == _SETTLED_SAMPLES and max(seen) - min(seen) < _SETTLED_BYTES:
            break
        time.sleep(_SAMPLE_S)
    return seen[-1]
