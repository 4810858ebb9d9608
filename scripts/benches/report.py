"""The samples as Markdown for people and as JSON for everything else."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import chain

from . import fairness, goals, latency, loads, memory, stalls, uploads
from .samples import Options, Samples

_KIBIBYTE, _MEBIBYTE = 1 << 10, 1 << 20

_NOTE = (
    "Relay on one core, upstream and load generator on another; each relay in turn, every byte compared, up and down. CPU "
    "and MB/s are medians of the rounds, times are over all requests, p50 / p99. `direct` is no relay: its CPU is the "
    "upstream's own. GB = 10^9 bytes of body; sizes of events (base64) and of images are in MiB and KiB. Streams are four "
    "events of 3 MB in 16 KiB pieces, each from a connection of its own, where nothing else is said. Speed is measured once "
    "a relay keeps as much of what is over as it ever will; memory in fresh processes, as the peak less what there was "
    "before. nginx sends the last piece of an upload without TCP_NODELAY, so it may wait 40 ms for an acknowledgement. A "
    "stuck reader is counted beyond one that reads. `their core kept awake`: something of idle priority keeps the core of "
    "upstream and load generator from sleeping, because in a virtual machine a relay pays for waking it. The event loop's "
    "lateness is that of a clock of 1 ms inside it, on uvloop; the longest single step is told by asyncio's own loop in a "
    "run of its own. Both are bounds of the longest step from above; the goal takes the lower one of each load. `-` for MB/s: "
    "nothing came within the time."
)


def markdown(samples: Samples, about: Mapping[str, object]) -> str:
    """The tables of what was measured, and below them what a reader needs to repeat them."""
    tables = (_streams, _variations, _latency, _fairness, _plain, _uploads, _memory, _stalls, _goals)
    blocks = [f"**{title}**\n\n{table(heads, rows)}" for title, heads, rows in (each(samples) for each in tables) if rows]
    return "\n\n".join([*blocks, _NOTE, "; ".join(f"{name}: {value}" for name, value in about.items())])


def raw(samples: Samples, options: Options, about: Mapping[str, object]) -> str:
    """Everything that was measured, and under which options."""
    return json.dumps({"about": about, "options": asdict(options), "samples": asdict(samples)}, default=str, indent=1)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, figures to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in chain([heads, rule], rows))


_Table = tuple[str, Sequence[str], Sequence[Sequence[str]]]


def _streams(samples: Samples) -> _Table:
    heads = ("relay", "streams at a time", "CPU s/GB", "MB/s", "first event, ms", "last byte, ms")
    rows = [
        (relay, cell.partition(" ")[0], *_costs(samples, "streams", cell, relay), *_times(samples, "streams", cell, relay))
        for cell in loads.BASE
        for relay in samples.relays("streams", cell)
    ]
    return "Streams", heads, rows


def _costs(samples: Samples, theme: str, cell: str, relay: str) -> Sequence[str]:
    cpu, rate = (samples.figure(theme, cell, relay, name) for name in ("cpu_s_per_gb", "mb_per_s"))
    return f"{cpu:.2f}", "-" if math.isnan(rate) else f"{rate:.0f}"


def _times(samples: Samples, theme: str, cell: str, relay: str) -> Sequence[str]:
    return [_pair(*(of(theme, cell, relay, percent) for percent in (50, 99))) for of in (samples.first_ms, samples.last_ms)]


def _pair(p50_ms: float, p99_ms: float) -> str:
    return f"{p50_ms:.2f} / {p99_ms:.2f}" if p50_ms < 10 else f"{p50_ms:.0f} / {p99_ms:.0f}"


def _variations(samples: Samples) -> _Table:
    cells = [*loads.VARIATIONS, loads.TLS, loads.AWAKE]
    rows = [
        (relay, *(_either(_costs(samples, "streams", cell, relay)) for cell in cells))
        for relay in samples.relays("streams", cells[0])
    ]
    return "The same, 16 at a time: CPU s/GB, MB/s", ("relay", *cells), rows


def _either(costs: Sequence[str]) -> str:
    return "-" if "nan" in costs else ", ".join(costs)


def _latency(samples: Samples) -> _Table:
    heads = ("relay", "one at a time", "first event, ms", "last byte, ms", "added, first event", "added, last byte")
    rows = [
        (relay, cell, *_times(samples, "latency", cell, relay), *_added(samples, cell, relay))
        for cell in latency.CELLS
        for relay in samples.relays("latency", cell)
    ]
    return "Latency", heads, rows


def _added(samples: Samples, cell: str, relay: str) -> Iterator[str]:
    for of in (samples.first_ms, samples.last_ms):
        own, direct = ([of("latency", cell, name, percent) for percent in (50, 99)] for name in (relay, "direct"))
        yield " / ".join(f"{a - b:.2f}" for a, b in zip(own, direct, strict=True))


def _fairness(samples: Samples) -> _Table:
    heads = ("relay", *(f"beside {cell}: ms, relay's core busy" for cell in fairness.BESIDE))
    rows = [
        (relay, *(_probes(samples, cell, relay) for cell in fairness.BESIDE))
        for relay in samples.relays("fairness", next(iter(fairness.BESIDE)))
    ]
    return "First event of a small edit", heads, rows


def _probes(samples: Samples, cell: str, relay: str) -> str:
    return f"{_times(samples, 'fairness', cell, relay)[0]}, {samples.figure('fairness', cell, relay, 'busy'):.0%}"


def _plain(samples: Samples) -> _Table:
    heads = ("relay", "CPU s/GB", "MB/s", "last byte, ms")
    relays = samples.relays("plain", loads.PLAIN)
    rows = [(r, *_costs(samples, "plain", loads.PLAIN, r), _times(samples, "plain", loads.PLAIN, r)[1]) for r in relays]
    return "Plain calls for one image of 3 MB, 16 at a time", heads, rows


def _uploads(samples: Samples) -> _Table:
    cells = list(uploads.CELLS)
    heads = ("relay", *(f"{cell}: CPU s/GB, ms" for cell in cells), *(f"{cell}: memory, MiB" for cell in uploads.WEIGHED))
    rows = [
        (
            relay,
            *(_upload(samples, cell, relay) for cell in cells),
            *(_size(samples.figure("uploads", f"{cell}, memory", relay, "grown_bytes"), _MEBIBYTE) for cell in uploads.WEIGHED),
        )
        for relay in samples.relays("uploads", cells[0])
    ]
    return "Uploads, one at a time", heads, rows


def _upload(samples: Samples, cell: str, relay: str) -> str:
    cpu, total_ms = samples.figure("uploads", cell, relay, "cpu_s_per_gb"), samples.last_ms("uploads", cell, relay, 50)
    return f"{cpu:.2f}, {total_ms:.0f}"


def _size(size: float, unit: int) -> str:
    return "-" if math.isnan(size) else f"{size / unit:.0f}"


def _memory(samples: Samples) -> _Table:
    heads = (
        "relay",
        "at rest, MiB",
        *(f"a stream ({what}), KiB" for what in memory.STREAMS.values()),
        "a stuck reader of 4 MB, KiB",
        "the same in the kernel, KiB",
    )
    rows = [(relay, *_memory_row(samples, relay)) for relay in samples.relays("memory", "stuck")]
    return "Memory, beyond what a relay keeps of an edit by design", heads, rows


def _memory_row(samples: Samples, relay: str) -> Iterator[str]:
    yield _size(samples.figure("memory", "trickle", relay, "before_bytes"), _MEBIBYTE)
    for cell in memory.STREAMS:
        yield _size(memory.beyond_log_bytes(samples, cell, relay), _KIBIBYTE)
    yield _size(memory.stuck_reader_bytes(samples, relay), _KIBIBYTE)
    yield _size(samples.figure("memory", "stuck", relay, "queued_bytes"), _KIBIBYTE)


def _stalls(samples: Samples) -> _Table:
    heads = ("under", "a tick late, p99, ms", "a tick late, at most, ms", "longest single step, ms")
    rows = [
        (
            cell,
            *(f"{samples.figure('stalls', cell, relay, name):.1f}" for name in ("late_p99_ms", "late_max_ms", "step_max_ms")),
        )
        for cell in stalls.CELLS
        for relay in samples.relays("stalls", cell)
    ]
    return "streamedit's event loop", heads, rows


def _goals(samples: Samples) -> _Table:
    return "Goals", goals.HEADS, goals.rows(samples)
