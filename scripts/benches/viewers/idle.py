"""Viewers of running edits to whom nothing happens but heartbeats."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from scripts.benches.bench import progress

from . import asking, watching
from .figures import Figure
from .options import Options
from .probing import probing
from .subject import Subject, serving

_THEME = "idle"
_EDITS = 100
_HEARTBEAT_S = 15
_SETTLED_S = 2.0
_KIB = 1 << 10


async def measure(options: Options, folder: Path) -> Sequence[Figure]:
    """Memory and CPU of `--viewers` for `--seconds`, and how others fare beside them."""
    with serving(folder, {"heartbeat_s": _HEARTBEAT_S}) as subject:
        await _warm_up(subject)
        edit_ids = [await asking.post(subject.port, mock_partials=1, mock_fault="hang") for _ in range(_EDITS)]
        await asyncio.sleep(_SETTLED_S)
        before_bytes, begun_s, before_s = subject.weight.rss_bytes(), time.monotonic(), subject.weight.cpu_s()
        progress(f"idle: {options.viewers} viewers")
        viewers = await watching.watch(subject.port, edit_ids, options.viewers)
        opening_s, opening_cpu_s = time.monotonic() - begun_s, subject.weight.cpu_s() - before_s
        await asyncio.sleep(_SETTLED_S)
        each_kib = (subject.weight.rss_bytes() - before_bytes) / len(viewers) / _KIB
        figures = [
            Figure(_THEME, "viewers open", "", sum(viewer.is_open for viewer in viewers)),
            Figure(_THEME, "time to open them", "s", opening_s),
            Figure(_THEME, "CPU to open them", "s", opening_cpu_s),
            Figure(_THEME, "memory of a viewer (RSS)", "KiB", each_kib, 25),
        ]
        return [*figures, *await _waiting(subject, viewers, options.seconds)]


async def _warm_up(subject: Subject) -> None:
    """What is imported or allocated once is no viewer's."""
    edit_id = await asking.post(subject.port, mock_partials=1, mock_fault="hang")
    watching.leave(await watching.watch(subject.port, [edit_id], _EDITS))
    for _ in range(_EDITS):
        await asking.edit_now(subject.port)


async def _waiting(subject: Subject, viewers: Sequence[watching.Viewer], seconds: float) -> Sequence[Figure]:
    progress(f"idle: {seconds / 2:.0f} s of heartbeats")
    beaten = sum(viewer.heartbeats for viewer in viewers)
    before_s = subject.weight.cpu_s()
    await asyncio.sleep(seconds / 2)
    busy = (subject.weight.cpu_s() - before_s) / (seconds / 2)
    beaten = sum(viewer.heartbeats for viewer in viewers) - beaten
    progress(f"idle: {seconds:.0f} s of others' requests")
    async with probing(subject.port) as probes:
        await asyncio.sleep(seconds)
    return [
        Figure(_THEME, "CPU of the server, heartbeats alone", "%", busy * 100, 20),
        Figure(_THEME, "heartbeats of each meanwhile", "", beaten / len(viewers)),
        Figure(_THEME, "viewers dropped or given something wrong", "", sum(not viewer.is_open for viewer in viewers), 0),
        *probes.figures(_THEME, 100),
        Figure(_THEME, "of them refused", "", len(probes.faults), 0),
    ]
