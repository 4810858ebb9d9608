"""What a reader that reads nothing costs.

A relay that remembers its edits, as streamedit does, holds every event of an edit whoever reads it. So the same edits run
twice, each time in a fresh relay against an upstream that keeps the last event back: once with readers that read nothing,
once with readers that read all there is. Both hold the same edits; the difference is the stuck readers'.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence

from . import tools
from .bench import Bench, progress
from .processes import Weight
from .relays import Relay, started
from .samples import HeldSample

_ROUNDS = 2
_WARM_UP_REQUESTS = 40
_SAMPLE_S = 0.25
_SETTLED_SAMPLES = 8
_SETTLED_BYTES = 1 << 20
_PATIENCE_S = 30.0


def measure(bench: Bench, relays: Sequence[Relay]) -> Iterator[HeldSample]:
    """Both kinds of readers before each relay, in turns."""
    for turn in range(min(bench.options.rounds, _ROUNDS)):
        for relay in relays:
            for manner in ("stuck", "reading"):
                progress(f"{bench.options.stuck_readers} {manner} readers, round {turn + 1}: {relay.name}")
                yield _sample(bench, relay, turn, manner)


def _sample(bench: Bench, relay: Relay, turn: int, manner: str) -> HeldSample:
    readers = bench.options.stuck_readers
    with started(relay, bench.upstream.port, bench.folder) as running:
        # what is imported or allocated once is no reader's
        bench.load(running, "small", "-c", "4", "-n", str(_WARM_UP_REQUESTS))
        before_bytes = _settled(running.weight)
        with tools.holding(bench.folder, bench.target(running, "held"), readers, manner) as process:
            after_bytes = _settled(running.weight)
            queued_bytes = running.weight.queued_bytes()
            # the stuck ones read now: nothing may be lost or changed by the wait
            load = tools.held(process)
    kept_bytes = load.body_bytes // readers if relay.remembers else 0
    return HeldSample(relay.name, turn, manner, readers, kept_bytes, before_bytes, after_bytes, queued_bytes, load)


def _settled(weight: Weight) -> int:
    """The resident memory once it has stood still for two seconds."""
    seen: deque[int] = deque(maxlen=_SETTLED_SAMPLES)
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        seen.append(weight.rss_bytes())
        if len(seen) == _SETTLED_SAMPLES and max(seen) - min(seen) < _SETTLED_BYTES:
            break
        time.sleep(_SAMPLE_S)
    return seen[-1]
