"""Viewers who read slowly, or not at all, beside others who read as fast as they can."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.benches.bench import progress
from scripts.benches.samples import percentile

from . import asking, watching
from .figures import Figure
from .options import Options
from .subject import Subject, serving
from .waiting import until
from .watching import Viewer

_THEME = "slow"
_FAST, _SLOW, _STUCK = 20, 100, 100
_SCRIPT = {"mock_partials": 3, "mock_bytes": 3 << 20}
"""Four events of 4 MB. The stuck ones still read the first."""
_EVENTS = 4
_PACE_S = 4.0
_SIP_BYTES = 5_000
_SIP_S = 0.5
_RECEIVE_BYTES = 128 << 10
"""Less than loopback's segments would be delivered by the persist timer alone."""
_STUCK_S = 60.0
_PATIENCE_S = 60.0
_MIB = 1 << 20


class Held(Viewer):
    """Takes nothing more after `frames_wanted` frames, but `_SIP_BYTES` when it is told to sip."""

    __slots__ = ("frames_wanted",)

    def __init__(self, edit_id: str, transcript: watching.Transcript, frames_wanted: int) -> None:
        super().__init__(edit_id, transcript)
        self.frames_wanted = frames_wanted

    def get_buffer(self, sizehint: int) -> memoryview:
        buffer = super().get_buffer(sizehint)
        return buffer if self.frames_wanted else buffer[:_SIP_BYTES]

    def buffer_updated(self, size: int) -> None:
        super().buffer_updated(size)
        if self.opened.done() and self.frames >= self.frames_wanted:
            self.transport.pause_reading()


@dataclass(frozen=True)
class _Crowd:
    """All viewers of one edit, and how far its server's memory grew."""

    subject: Subject
    edit_id: str
    fast: Sequence[Viewer]
    slow: Sequence[Held]
    stuck: Sequence[Held]
    grown_bytes: int

    @property
    def times_ms(self) -> Sequence[float]:
        """Of the fast ones; the first event, which the stuck ones read too, is left out."""
        return [took_s * 1e3 for viewer in self.fast for took_s in viewer.took_s[1:]]


async def measure(_: Options, folder: Path) -> Sequence[Figure]:
    """The fast ones alone, then all of them, each in a fresh server; then the stuck ones come back."""
    progress(f"slow: {_FAST} fast viewers alone")
    with serving(folder) as subject:
        alone = await _watched(subject, 0, 0)
    progress(f"slow: beside {_SLOW} slow and {_STUCK} stuck ones")
    with serving(folder, {"stuck_reader_s": _STUCK_S}) as subject:
        crowd = await _watched(subject, _SLOW, _STUCK)
        return [*_compared(alone, crowd), *await _afterwards(crowd)]


async def _watched(subject: Subject, slow: int, stuck: int) -> _Crowd:
    await asking.edit_now(subject.port, **_SCRIPT)
    before_bytes = subject.weight.rss_bytes()
    edit_id = await asking.post(subject.port, **_SCRIPT, mock_pace_s=_PACE_S)
    transcript = watching.Transcript()
    stuck_ones = [await _held(subject, edit_id, transcript, 1) for _ in range(stuck)]
    slow_ones = [await _held(subject, edit_id, transcript, 0) for _ in range(slow)]
    fast_ones = [await watching.view(subject.port, lambda: Viewer(edit_id, transcript)) for _ in range(_FAST)]
    subject.weight.forget_peak()
    sipping = asyncio.create_task(_sip(slow_ones))
    await asyncio.sleep(_PACE_S * (_EVENTS + 1))
    sipping.cancel()
    return _Crowd(subject, edit_id, fast_ones, slow_ones, stuck_ones, subject.weight.peak_bytes() - before_bytes)


async def _held(subject: Subject, edit_id: str, transcript: watching.Transcript, frames: int) -> Held:
    return await watching.view(subject.port, lambda: Held(edit_id, transcript, frames), receive_bytes=_RECEIVE_BYTES)


async def _sip(viewers: Sequence[Held]) -> None:
    while True:
        for viewer in (viewer for viewer in viewers if viewer.is_open):
            viewer.transport.resume_reading()
        await asyncio.sleep(_SIP_S)


def _compared(alone: _Crowd, crowd: _Crowd) -> Sequence[Figure]:
    (p50_ms, p99_ms), (beside_p50_ms, beside_p99_ms) = (
        [percentile(each.times_ms, percent) for percent in (50, 99)] for each in (alone, crowd)
    )
    lacking = sum(viewer.frames < _EVENTS for viewer in [*alone.fast, *crowd.fast])
    grown_mib = (crowd.grown_bytes - alone.grown_bytes) / _MIB
    return [
        Figure(_THEME, f"memory that {_SLOW} slow and {_STUCK} stuck viewers add at the peak", "MiB", grown_mib, 30),
        Figure(_THEME, f"an event of 4 MB to one of {_FAST} fast viewers, p50", "ms", p50_ms),
        Figure(_THEME, "the same, p99", "ms", p99_ms),
        Figure(_THEME, "the same beside the slow and the stuck, p50", "ms", beside_p50_ms),
        Figure(_THEME, "the same, p99: added", "ms", beside_p99_ms - p99_ms, 10),
        Figure(_THEME, "fast viewers without all of it", "", lacking, 0),
    ]


async def _afterwards(crowd: _Crowd) -> Sequence[Figure]:
    """What becomes of the slow and of the stuck."""

    async def are_dropped() -> bool:
        return await asking.open_streams(crowd.subject.port) <= len(crowd.slow)

    sipping = asyncio.create_task(_sip(crowd.slow))
    # the system takes up to 4 MB for each: by the last event all wait
    since_s = crowd.fast[0].transcript.begun_s[-1]
    bound_s = _STUCK_S * 1.25
    begun_s = time.monotonic()
    dropped_s = begun_s - since_s + await until(are_dropped, bound_s * 1.5)
    # what the server has cut off is only seen by whoever reads
    left = await asking.open_streams(crowd.subject.port)
    sipping.cancel()
    watching.leave([*crowd.stuck, *crowd.slow])
    return [
        Figure(_THEME, "until all stuck viewers are dropped", "s", dropped_s, bound_s + 1),
        Figure(_THEME, "slow viewers dropped, who read 10 KB/s", "", len(crowd.slow) - left, 0),
        Figure(_THEME, "stuck viewers who cannot resume", "", len(crowd.stuck) - await _resumed(crowd), 0),
    ]


async def _resumed(crowd: _Crowd) -> int:
    """How many get all that they lack, behind the event that they have."""
    transcript = crowd.fast[0].transcript
    back = [await _again(crowd, transcript, viewer.frames) for viewer in crowd.stuck]
    await until(lambda: all(viewer.ended_well or viewer.fault for viewer in back), _PATIENCE_S)
    watching.leave(back)
    return sum(viewer.ended_well and viewer.frames == _EVENTS for viewer in back)


async def _again(crowd: _Crowd, transcript: watching.Transcript, frames: int) -> Viewer:
    return await watching.view(crowd.subject.port, lambda: Viewer(crowd.edit_id, transcript, frames))
