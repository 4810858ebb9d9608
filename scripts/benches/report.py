"""The samples as Markdown for people and as JSON for everything else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain

from .samples import Options, Samples, median, percentile

_KIBIBYTE, _MEBIBYTE = 1 << 10, 1 << 20
_LOADS = ("relay", "streams at a time", "CPU s/GB", "MB/s", "first event ms, p50 / p99", "last byte ms, p50 / p99")

_NOTE = (
    "Relay on one core, upstream and load generator on another; each relay in turn, every byte compared. "
    "CPU and MB/s are medians of the rounds, times are over all requests. `direct` is no relay: its CPU is the upstream's own. "
    "GB = 10^9 bytes of body; event sizes in MiB and KiB of base64. "
    "A stuck reader adds: the edit with it less the same edit with a reader that reads."
)


def markdown(samples: Samples, options: Options, about: Mapping[str, object]) -> str:
    """The tables, and below them what a reader needs to repeat them."""
    blocks = [
        _table(_LOADS, _load_rows(samples, options)),
        _table(_delay_heads(options), _delay_rows(samples, options)),
        _table(_memory_heads(options), _memory_rows(samples)),
        _NOTE,
        "; ".join(f"{name}: {value}" for name, value in about.items()),
    ]
    return "\n\n".join(blocks)


def raw(samples: Samples, options: Options, about: Mapping[str, object]) -> str:
    """Everything that was measured, and under which options."""
    return json.dumps({"about": about, "options": asdict(options), "samples": asdict(samples)}, default=str, indent=1)


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in chain([heads, rule], rows))


def _load_rows(samples: Samples, options: Options) -> Iterator[Sequence[str]]:
    for concurrency in options.concurrency:
        for relay in options.relays:
            cell = [s for s in samples.loads if (s.relay, s.concurrency) == (relay, concurrency)]
            if not cell:
                continue
            first_ms = [value for s in cell for value in s.load.first_ms]
            last_ms = [value for s in cell for value in s.load.last_ms]
            cpu, rate = median([s.cpu_s_per_gb() for s in cell]), median([s.mb_per_s() for s in cell])
            yield relay, str(concurrency), f"{cpu:.2f}", f"{rate:.0f}", _spread(first_ms), _spread(last_ms)


def _spread(values_ms: Sequence[float]) -> str:
    return f"{percentile(values_ms, 50):.1f} / {percentile(values_ms, 99):.1f}"


def _delay_heads(options: Options) -> Sequence[str]:
    large = f"one {options.event_mb:g} MB event"
    return "relay", "one 8 KB event, p50 ms", "added", f"{large}, p50 ms", "added"


def _delay_rows(samples: Samples, options: Options) -> Iterator[Sequence[str]]:
    for relay in options.relays:
        if not any(s.relay == relay for s in samples.latencies):
            continue
        row = [relay]
        for event in ("small", "large"):
            own_ms, direct_ms = (_single_ms(samples, each, event) for each in (relay, "direct"))
            row += [f"{own_ms:.2f}", f"{own_ms - direct_ms:.2f}"]
        yield row


def _single_ms(samples: Samples, relay: str, event: str) -> float:
    cell = [s.load.first_ms for s in samples.latencies if (s.relay, s.event) == (relay, event)]
    return percentile(list(chain.from_iterable(cell)), 50)


def _memory_heads(options: Options) -> Sequence[str]:
    return (
        "relay",
        "RSS at rest, MiB",
        "peak under load, MiB",
        f"per edit with a stuck reader ({options.stuck_event_mb:g} MB sent), KiB",
        "thereof kept for replay, KiB",
        "the same edit, its reader reading, KiB",
        "**a stuck reader adds, KiB**",
        "in the kernel per stuck reader, KiB",
    )


def _memory_rows(samples: Samples) -> Iterator[Sequence[str]]:
    for rest in samples.rests:
        stuck, reading = ([s for s in samples.helds if (s.relay, s.manner) == (rest.relay, m)] for m in ("stuck", "reading"))
        kept = [s.kept_bytes for s in stuck]
        grown, grown_reading = ([s.growth_per_reader() for s in cell] for cell in (stuck, reading))
        queued = [s.queued_bytes / s.readers for s in stuck]
        added = median(grown) - median(grown_reading)
        sizes = (median(grown), median(kept), median(grown_reading), added, median(queued))
        resident = (rest.base_bytes / _MEBIBYTE, rest.peak_bytes / _MEBIBYTE)
        yield rest.relay, *(f"{size:.0f}" for size in resident), *(f"{size / _KIBIBYTE:.0f}" for size in sizes)
