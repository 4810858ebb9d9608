"""Pictures on their way up: CPU, time, and whether memory grows with them."""

import math
from collections.abc import Iterator, Sequence

from .bench import Bench, progress
from .relays import Relay, Running
from .samples import Sample
from .workloads import WORKLOADS

CELLS = {"1 MB": ("upload-1", 60), "10 MB": ("upload-10", 12), "50 MB": ("upload-50", 4), "16 x 10 MB": ("upload-16x10", 2)}
"""The workload and the number of requests, one at a time, in each round."""
WEIGHED = ("50 MB", "16 x 10 MB")


def measure(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """One image, or sixteen, in one form; the answer is one small event."""
    for cell, (name, count) in CELLS.items():
        workload = WORKLOADS[name]
        for turn, relay in bench.turns(subjects, f"uploads, {cell}"):
            load, cpu_s = bench.weighed(relay, name, "-n", str(count))
            gb = load.requests * workload.images * workload.image_bytes / 1e9 or math.nan
            yield Sample("uploads", cell, relay.name, turn, load, {"cpu_s_per_gb": cpu_s / gb})


def growth(bench: Bench, relays: Sequence[Relay]) -> Iterator[Sample]:
    """The peak of a fresh process during an upload, above what it took before."""
    for relay in relays:
        for cell in WEIGHED:
            progress(f"uploads, memory, {cell}: {relay.name}")
            with bench.alone(relay) as running:
                running.weight.forget_peak()
                before_bytes = running.weight.rss_bytes()
                load = bench.load(running, CELLS[cell][0], "-n", "2")
                grown_bytes = running.weight.peak_bytes() - before_bytes
            yield Sample("uploads", f"{cell}, memory", relay.name, 0, load, {"grown_bytes": grown_bytes})
