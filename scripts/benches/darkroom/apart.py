"""One edit in a process that does nothing else: how long it takes, and how much memory. Run as a module."""

import json
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import anyio
import cv2

from streamedit.darkroom.memory import tidied_for

from .edits import mask, photograph, timed

_SMALL_PX = (256, 256)


@dataclass(frozen=True)
class Case:
    """An edit. `masked`: which share of the picture is under its mask; 0 for no mask. `others`: sizes of further images."""

    prompt: str
    size_px: tuple[int, int]
    masked: float = 0
    others: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Cost:
    """Of an edit: its time, and its peak of memory above what was held before, in sizes of its decoded image."""

    ms: float
    times_decoded: float


def cost(case: Case) -> Cost:
    """What an edit costs; a small one of the same kind comes before it, for what is loaded but once."""
    command = [sys.executable, "-m", "scripts.benches.darkroom.apart", json.dumps(asdict(case))]
    return Cost(**json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def _measured(case: Case) -> Cost:
    cv2.setNumThreads(1)
    width, height = case.size_px
    image, hole = photograph(case.size_px), mask(case.size_px, case.masked) if case.masked else None
    others = [photograph(size_px) for size_px in case.others]
    small_hole = mask(_SMALL_PX, case.masked) if case.masked else None
    anyio.run(timed, case.prompt, photograph(_SMALL_PX), small_hole, 0, [photograph(_SMALL_PX) for _ in others])
    tidied_for(12 * width * height)  # else what the pictures above left would be counted as held
    _forget_peak()
    before = _resident_bytes()
    times = anyio.run(timed, case.prompt, image, hole, 0, others)
    return Cost(times[-1], (_peak_bytes() - before) / (width * height * 3))


def _forget_peak() -> None:
    with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123 - the kernel's
        file.write("5")


def _resident_bytes() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - the kernel's
        return int(file.read().split()[1]) * resource.getpagesize()


def _peak_bytes() -> int:
    with open("/proc/self/status") as file:  # noqa: PTH123 - the kernel's
        line = next(line for line in file if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(Case(**json.loads(sys.argv[1]))))))  # noqa: T201 - what the parent reads
