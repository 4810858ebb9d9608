"""How long one small edit waits for its first event beside 64 streams of large ones."""

import time
from collections.abc import Iterator, Sequence

from . import tools
from .bench import Bench
from .relays import Running
from .samples import Sample

BESIDE = {"64 streams of 1.5 MB/s": "paced", "64 unpaced streams": "edit"}
_ROUNDS = 2
_STREAMS = "64"
_SETTLING_S = 0.8
_PROBES = ("-c", "4", "-n", "100", "-g", "40")


def measure(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """Four small edits at a time, over and over, while the others stream; these go on until the last probe is answered."""
    for cell, workload in BESIDE.items():
        for turn, relay in bench.turns(subjects, f"fairness, {cell}", _ROUNDS):
            with tools.loading(bench.folder, bench.target(relay, workload), "-c", _STREAMS, "-t", "600") as others:
                time.sleep(_SETTLING_S)
                begun_s = time.monotonic()
                load, cpu_s = bench.weighed(relay, "small", *_PROBES)
                busy = cpu_s / (time.monotonic() - begun_s)
                beside = tools.told(others)
            yield Sample("fairness", cell, relay.name, turn, load, {"busy": busy})
            yield Sample("fairness", f"{cell}, these", relay.name, turn, beside, {})
