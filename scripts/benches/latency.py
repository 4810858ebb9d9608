"""What a relay adds to a single event that nothing else is in the way of."""

from collections.abc import Iterator, Sequence

from .bench import Bench
from .relays import Running
from .samples import Sample

_EVENTS = {"8 KB event": ("small", 150), "3 MB event": ("large", 60)}
"""The workload and the number of requests in each round."""
_PAUSES = {"back to back": 0, "5 ms apart": 5}
"""A pause lets the cores fall asleep, as they do on an idle machine."""

CELLS = {f"{event}, {pause}": (*_EVENTS[event], _PAUSES[pause]) for event in _EVENTS for pause in _PAUSES}


def measure(bench: Bench, subjects: Sequence[Running]) -> Iterator[Sample]:
    """One request at a time."""
    for cell, (workload, count, gap_ms) in CELLS.items():
        for turn, relay in bench.turns(subjects, f"latency, {cell}"):
            load = bench.load(relay, workload, "-c", "1", "-n", str(count), "-g", str(gap_ms))
            yield Sample("latency", cell, relay.name, turn, load, {})
