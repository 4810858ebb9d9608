"""CPU, throughput and delay. All relays stand side by side and take turns, so that a noisy minute hits every one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from .bench import Bench, progress
from .relays import Relay, Running, started
from .samples import LatencySample, LoadSample, RestSample

_SINGLE_REQUESTS = 80
_SINGLE_PAUSE_MS = 5
_WARM_UP_S = 1.0


def measure(bench: Bench, relays: Sequence[Relay]) -> tuple[list[LoadSample], list[LatencySample], list[RestSample]]:
    """Every relay under every load, and what their memory came to."""
    with ExitStack() as stack:
        running = [stack.enter_context(started(relay, bench.upstream.port, bench.folder)) for relay in relays]
        base_bytes = [relay.weight.rss_bytes() for relay in running]
        subjects = [bench.upstream, *running] if "direct" in bench.options.relays else running
        _warm_up(bench, subjects)
        latencies = list(_latencies(bench, subjects))
        loads = list(_loads(bench, subjects))
        rests = [RestSample(r.name, base, r.weight.peak_bytes()) for r, base in zip(running, base_bytes, strict=True)]
    return loads, latencies, rests


def _warm_up(bench: Bench, subjects: Sequence[Running]) -> None:
    for relay in subjects:
        progress(f"warming up: {relay.name}")
        bench.load(relay, "edit", "-c", "16", "-t", str(_WARM_UP_S))


def _loads(bench: Bench, subjects: Sequence[Running]) -> Iterator[LoadSample]:
    seconds = bench.options.seconds
    for concurrency in bench.options.concurrency:
        for turn, relay in _turns(bench, subjects):
            progress(f"{concurrency} at a time, round {turn + 1}: {relay.name}")
            before_s = relay.weight.cpu_s()
            load = bench.load(relay, "edit", "-c", str(concurrency), "-t", str(seconds))
            yield LoadSample(relay.name, turn, concurrency, seconds, relay.weight.cpu_s() - before_s, load)


def _latencies(bench: Bench, subjects: Sequence[Running]) -> Iterator[LatencySample]:
    options = ["-c", "1", "-n", str(_SINGLE_REQUESTS), "-g", str(_SINGLE_PAUSE_MS)]
    for event in ("small", "large"):
        for turn, relay in _turns(bench, subjects):
            progress(f"single {event} events, round {turn + 1}: {relay.name}")
            yield LatencySample(relay.name, turn, event, bench.load(relay, event, *options))


def _turns(bench: Bench, subjects: Sequence[Running]) -> Iterator[tuple[int, Running]]:
    return ((turn, relay) for turn in range(bench.options.rounds) for relay in subjects)
