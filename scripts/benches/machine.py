"""The machine under the benchmark: its cores, its name, and what is installed on it."""

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CORES = sorted(os.sched_getaffinity(0))
RELAY_CORE = CORES[0]
TOOLS_CORE = CORES[-1] if len(CORES) < 2 else CORES[1]


@contextmanager
def pinned(core: int | None) -> Iterator[None]:
    """What is started inside inherits this core, or all for None: a child pinned after its start has threads that are not."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, CORES if core is None else {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def facts() -> Mapping[str, str | int]:
    """What a figure depends on and a reader cannot see."""
    return {
        "cpu": _cpu_model(),
        "cores": len(CORES),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def first_line(command: Sequence[str]) -> str:
    """The first line that a command prints, on either stream; nginx tells its version on stderr."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    except OSError as error:
        return f"unknown ({error.strerror})"
    return (done.stdout + done.stderr).strip().partition("\n")[0]


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
