"""How much memory an edit takes, of a process that does nothing else. Run as a module."""

import json
import resource
import subprocess
import sys

import anyio
import cv2

from .edits import mask, photograph, timed

_SMALL_PX = (256, 256)


def times_decoded(prompt: str, size_px: tuple[int, int], masked: float) -> float:
    """The peak of the memory of an edit above that of a small one, in sizes of its decoded image (three bytes a pixel)."""
    arguments = json.dumps([prompt, *size_px, masked])
    command = [sys.executable, "-m", "scripts.benches.darkroom.memory", arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _measured(prompt: str, width: int, height: int, masked: float) -> float:
    cv2.setNumThreads(1)
    image, hole = photograph((width, height)), mask((width, height), masked) if masked else None
    anyio.run(timed, prompt, photograph(_SMALL_PX), mask(_SMALL_PX, masked) if masked else None)
    _forget_peak()
    before = _resident_bytes()
    anyio.run(timed, prompt, image, hole)
    return (_peak_bytes() - before) / (width * height * 3)


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
    print(_measured(*json.loads(sys.argv[1])))  # noqa: T201 - what the parent reads
