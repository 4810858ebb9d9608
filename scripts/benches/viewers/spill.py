"""Edits that together are many times as large as the memory that they may take, relayed from the scripted upstream."""

import asyncio
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scripts.benches import tools, workloads
from scripts.benches.bench import progress
from scripts.benches.relays import Running
from scripts.benches.samples import median

from . import asking, watching
from .figures import Figure
from .options import Options
from .probing import Probes, probing
from .subject import Subject, serving
from .waiting import until
from .watching import Viewer

_THEME = "spill"
_STREAM = workloads.Stream("spill", 4, 3 << 20)
_EVENTS = _STREAM.events
_EDIT_BYTES = _EVENTS * _STREAM.image_bytes + 4096
_SCRIPT = {"mock_partials": 3, "mock_bytes": 9 << 18}
"""The same from the mock: of 2.25 MiB before base64."""
_BYTES_PER_S = 100e6
"""In all."""
_MEMORY_BYTES = 256 << 20
_SPARE_BYTES = 2 << 30
_WATCHED = 10
_LOOK_S = 0.25
_PATIENCE_S = 120.0
_MIB, _GB = 1 << 20, 1e9


@dataclass
class _Course:
    """What is seen of a server while the edits run."""

    rss_bytes: list[int] = field(default_factory=list)
    disk_bytes: int = 0
    took_s: float = 0.0
    cpu_s: float = 0.0

    def figures(self, before_bytes: int, edits: int) -> Sequence[Figure]:
        half = len(self.rss_bytes) // 2
        drift_bytes = median(self.rss_bytes[half + half // 2 :]) - median(self.rss_bytes[half : half + half // 2])
        bound_mib = _MEMORY_BYTES / _MIB + 250
        return [
            Figure(
                _THEME,
                "memory at the peak, above that at the start",
                "MiB",
                (max(self.rss_bytes) - before_bytes) / _MIB,
                bound_mib,
            ),
            Figure(_THEME, "memory, last quarter of the time above the third", "MiB", drift_bytes / _MIB),
            Figure(_THEME, "on disk at the end", "GB", self.disk_bytes / _GB),
            Figure(_THEME, "events made and kept, as paced", "MB/s", edits * _EDIT_BYTES / self.took_s / 1e6),
            Figure(_THEME, "CPU of the server", "s/GB", self.cpu_s / (edits * _EDIT_BYTES / _GB)),
        ]


async def measure(options: Options, folder: Path) -> Sequence[Figure]:
    """`--edits` at a time, with room for all; then some with room for a few."""
    total_bytes = options.edits * _EDIT_BYTES
    if shutil.disk_usage(folder).free < total_bytes + _SPARE_BYTES:
        raise RuntimeError(
            f"{options.edits} edits need {(total_bytes + _SPARE_BYTES) / _GB:.0f} GB of disk: take fewer --edits"
        )
    room = {"log_memory_bytes": _MEMORY_BYTES, "log_disk_bytes": total_bytes + _SPARE_BYTES, "log_folder": folder / "log"}
    with _upstream(folder) as upstream, serving(folder, room, upstream_port=upstream.port) as subject:
        figures = await _many(subject, options.edits)
    return [*figures, *await _without_room(folder)]


@contextmanager
def _upstream(folder: Path) -> Iterator[Running]:
    """Answers every edit with `_STREAM`, whose images differ."""
    tools.build(folder)
    image = folder / "image.png"
    image.write_bytes(asking.IMAGE)
    with tools.upstream(folder, image, [_STREAM.write(folder)]) as running:
        yield running


async def _many(subject: Subject, edits: int) -> Sequence[Figure]:
    progress(f"spill: {edits} edits of 12 MB")
    await asking.edit_now(subject.port, **_relayed(0))
    before_bytes, before_s, begun_s = subject.weight.rss_bytes(), subject.weight.cpu_s(), time.monotonic()
    course = _Course()
    async with probing(subject.port) as probes:
        looking = asyncio.create_task(_look(subject, course))
        edit_ids, viewers = await _begin(subject, edits)
        await _await_ends(viewers)
    await until(lambda: _has_none_running(subject), _PATIENCE_S)
    looking.cancel()
    course.took_s, course.cpu_s = time.monotonic() - begun_s, subject.weight.cpu_s() - before_s
    unfinished = await _unfinished(subject, edit_ids)
    course.disk_bytes = subject.unnamed_bytes()
    progress("spill: reading back")
    again = [await _follow(subject, edit_id, viewer.transcript) for edit_id, viewer in _pairs(edit_ids, viewers)]
    await _await_ends(again)
    return [
        Figure(_THEME, "edits at a time, of 4 x 3 MB", "", edits),
        *course.figures(before_bytes, edits),
        Figure(_THEME, "edits without an end", "", unfinished, 0),
        Figure(_THEME, f"of {_WATCHED} watched to their end, not all there", "", _lacking(viewers), 0),
        Figure(_THEME, "of them, not the same when read again from disk", "", _lacking(again), 0),
        *_others(probes),
    ]


async def _begin(subject: Subject, edits: int) -> tuple[Sequence[str], Sequence[Viewer]]:
    """Evenly over the time between two events, so that as many come at any time; the watched ones are the last."""
    pace_s = edits * _STREAM.image_bytes / _BYTES_PER_S
    edit_ids, viewers = [], []
    for number in range(edits):
        edit_ids.append(await asking.post(subject.port, **_relayed(pace_s)))
        if number >= edits - _WATCHED:
            viewers.append(await _follow(subject, edit_ids[-1], watching.Transcript()))
        await asyncio.sleep(pace_s / edits)
    return edit_ids, viewers


def _relayed(pace_s: float) -> Mapping[str, object]:
    """An edit whose events begin at this pace, each coming as fast as it is read."""
    sizes = f"images=1 bytes={len(asking.IMAGE)} piece={workloads.PIECE}"
    return {"model": "relayed", "prompt": f"workload=0 {sizes} gap_ms={int(pace_s * 1000)}, please"}


def _pairs(edit_ids: Sequence[str], viewers: Sequence[Viewer]) -> Sequence[tuple[str, Viewer]]:
    return list(zip(edit_ids[-len(viewers) :], viewers, strict=True))


async def _follow(subject: Subject, edit_id: str, transcript: watching.Transcript) -> Viewer:
    return await watching.view(subject.port, lambda: Viewer(edit_id, transcript))


async def _look(subject: Subject, course: _Course) -> None:
    while True:
        course.rss_bytes.append(subject.weight.rss_bytes())
        await asyncio.sleep(_LOOK_S)


async def _has_none_running(subject: Subject) -> bool:
    return await asking.gauge(subject.port, "streamedit_running_edits") == 0


async def _await_ends(viewers: Sequence[Viewer]) -> None:
    await until(lambda: all(viewer.ended_well or viewer.fault for viewer in viewers), _PATIENCE_S)


async def _unfinished(subject: Subject, edit_ids: Sequence[str]) -> int:
    """An EventSource that has had the last event gets 204; where the edit still runs, it would have to wait."""
    count = 0
    for edit_id in edit_ids:
        path = f"/v1/images/edits/{edit_id}/events?last_event_id={_EVENTS}"
        try:
            async with asyncio.timeout(5):
                count += (await asking.ask(subject.port, "GET", path)).status != 204
        except TimeoutError:
            count += 1
    return count


def _lacking(viewers: Sequence[Viewer]) -> int:
    return sum(not (viewer.ended_well and viewer.frames == _EVENTS) for viewer in viewers)


def _others(probes: Probes) -> Sequence[Figure]:
    return [*probes.figures(_THEME, 100), Figure(_THEME, "of them refused", "", len(probes.faults), 0)]


async def _without_room(folder: Path) -> Sequence[Figure]:
    """What runs goes on when memory and disk are used up; what is new is refused."""
    progress("spill: too small a disk")
    count = 12
    room = {"log_memory_bytes": 16 << 20, "log_disk_bytes": 32 << 20, "log_folder": folder / "log"}
    with serving(folder, room) as subject:
        edit_ids = [await asking.post(subject.port, **_SCRIPT, mock_pace_s=1) for _ in range(count)]
        viewers = [await _follow(subject, edit_id, watching.Transcript()) for edit_id in edit_ids]
        await asyncio.sleep(3)
        answers = [await asking.offer(subject.port, **_SCRIPT) for _ in range(count)]
        await _await_ends(viewers)
        later = await asking.edit_now(subject.port)
    wrong = sum(answer.status != 503 or "retry-after" not in answer.headers for answer in answers)
    return [
        Figure(_THEME, f"{count} edits offered to a full log, not refused with 503 and retry-after", "", wrong, 0),
        Figure(_THEME, f"{count} edits that ran meanwhile, not all there", "", _lacking(viewers), 0),
        Figure(_THEME, "edits refused once those have ended", "", later.status != 200, 0),
    ]
