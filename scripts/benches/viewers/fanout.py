"""One event for all: how long until the last viewer has it."""

from collections.abc import Sequence
from pathlib import Path

from scripts.benches.bench import progress
from scripts.benches.samples import percentile

from . import asking, watching
from .figures import Figure
from .options import Options
from .subject import Subject, serving
from .waiting import until

_THEME = "fan-out"
_EVENTS = {"8 KB": 6 << 10, "1 MB": 3 << 18}
"""The size of an event, and of the picture in it before it is base64."""
_PACE_S = 45
"""Of the mock before its event: time to open the viewers."""
_PATIENCE_S = 120.0
_MIB = 1 << 20


async def measure(options: Options, folder: Path) -> Sequence[Figure]:
    """One edit that all watch, for each size of event, each in a fresh server."""
    figures: list[Figure] = []
    for size, image_bytes in _EVENTS.items():
        with serving(folder) as subject:
            figures += await _fan_out(subject, options.viewers, size, image_bytes)
    return figures


async def _fan_out(subject: Subject, count: int, size: str, image_bytes: int) -> Sequence[Figure]:
    progress(f"fan-out: {count} viewers of one edit, {size}")
    script = {"mock_partials": 1, "mock_bytes": image_bytes, "mock_pace_s": _PACE_S, "mock_fault": "hang"}
    edit_id = await asking.post(subject.port, **script)
    viewers = await watching.watch(subject.port, [edit_id], count)
    if any(viewer.frames for viewer in viewers):
        raise RuntimeError(f"{count} viewers are not open within {_PACE_S} s")
    subject.weight.forget_peak()
    before_bytes, before_s = subject.weight.rss_bytes(), subject.weight.cpu_s()
    await until(lambda: all(viewer.frames or viewer.fault for viewer in viewers), _PACE_S + _PATIENCE_S)
    cpu_s, grown_bytes = subject.weight.cpu_s() - before_s, subject.weight.peak_bytes() - before_bytes
    whole = [viewer.took_s[0] for viewer in viewers if viewer.is_open and viewer.frames]
    told = f"{size} to {count:,}"
    return [
        Figure(_THEME, f"{told}: time from the first byte to the last viewer's last", "s", max(whole, default=_PATIENCE_S)),
        Figure(_THEME, f"{told}: the same, p50 of viewers", "s", percentile(whole, 50)),
        Figure(_THEME, f"{told}: CPU of the server", "s", cpu_s),
        Figure(_THEME, f"{told}: memory grown at the peak", "MiB", grown_bytes / _MIB, _bound_mib(count, image_bytes)),
        Figure(_THEME, f"{told}: viewers without it, whole and the same", "", count - len(whole), 0),
    ]


def _bound_mib(count: int, image_bytes: int) -> float:
    """20 MB, and for each viewer 0.2 MB, or the event where that is less."""
    return 20 + count * min(image_bytes, 200_000) / _MIB
