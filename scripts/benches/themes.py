"""All that is measured, by theme, in one order: what needs a quiet machine most comes first."""

from collections.abc import Iterator, Sequence

from . import fairness, latency, loads, memory, stalls, uploads
from .bench import Bench
from .relays import Relay, Running
from .samples import Sample

THEMES = ("latency", "fairness", "plain", "uploads", "streams", "memory", "stalls")

_SIDE_BY_SIDE = {
    "latency": latency.measure,
    "fairness": fairness.measure,
    "plain": loads.plain,
    "uploads": uploads.measure,
    "streams": loads.streams,
}
_FRESH = {"uploads": uploads.growth, "memory": memory.measure, "stalls": stalls.measure}


def measure(bench: Bench, relays: Sequence[Relay]) -> Iterator[Sample]:
    """Every chosen theme; relays that do not stream take part in plain calls alone."""
    streaming = [relay for relay in relays if relay.streams]
    chosen = bench.options.cells
    if not set(_SIDE_BY_SIDE).isdisjoint(chosen):
        with bench.side_by_side(relays if "plain" in chosen else streaming) as running:
            yield from _side_by_side(bench, relays, running)
    if "streams" in chosen:
        with bench.behind_tls(streaming) as running:
            yield from loads.tls_streams(bench, running)
    for theme in (theme for theme in _FRESH if theme in chosen):
        yield from _FRESH[theme](bench, streaming)


def _side_by_side(bench: Bench, relays: Sequence[Relay], running: Sequence[Running]) -> Iterator[Sample]:
    direct = [bench.upstream] if "direct" in bench.options.relays else []
    for theme in (theme for theme in _SIDE_BY_SIDE if theme in bench.options.cells):
        names = {relay.name for relay in relays if (relay.plain if theme == "plain" else relay.streams)}
        subjects = [relay for relay in running if relay.name in names]
        yield from _SIDE_BY_SIDE[theme](bench, [*direct, *subjects])
