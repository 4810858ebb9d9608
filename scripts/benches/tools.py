"""The two C tools: compiled here, run on their own core."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .processes import Weight, running
from .relays import Running

_SOURCES = Path(__file__).parent
_PATH = "/v1/images/edits"


@dataclass(frozen=True)
class Load:
    """What the load generator saw. `window_bytes` came before the time was over, `body_bytes` is all of it."""

    requests: int
    body_bytes: int
    window_bytes: int
    errors: int
    complaint: str
    first_ms: Sequence[float]
    last_ms: Sequence[float]


@dataclass(frozen=True)
class Target:
    """What one load runs against: a port, the request file and the stream that must come back."""

    port: int
    request: Path
    stream: Path

    def arguments(self) -> Sequence[str]:
        return ["-p", str(self.port), "-r", str(self.request), "-s", str(self.stream)]


def build(folder: Path) -> None:
    """Compile both tools into `folder`."""
    if shutil.which("cc") is None:
        raise RuntimeError("the load tools are written in C and need a compiler: apt-get install gcc libc6-dev")
    for name in ("upstream", "client"):
        source, program = _SOURCES / f"{name}.c", folder / name
        subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, source], check=True)


@contextmanager
def upstream(folder: Path, piece: int, streams: Sequence[Path]) -> Iterator[Running]:
    """The scripted upstream; asked directly it is the first row of every table."""
    command = [str(folder / "upstream"), str(piece), *map(str, streams)]
    with running(command, machine.TOOLS_CORE, folder, talks=True) as process:
        port = int(_line(process))
        yield Running("direct", port, _PATH, Weight(process.pid))


def load(folder: Path, target: Target, *options: str) -> Load:
    """One run of the load generator to its end."""
    with running([str(folder / "client"), *target.arguments(), *options], machine.TOOLS_CORE, folder, talks=True) as process:
        return Load(**json.loads(_line(process)))


@contextmanager
def holding(folder: Path, target: Target, readers: int, manner: str) -> Iterator[subprocess.Popen[str]]:
    """Readers of a stream that does not end, once all have sent their requests."""
    options = ["-c", str(readers), "-H", manner]
    with running([str(folder / "client"), *target.arguments(), *options], machine.TOOLS_CORE, folder, talks=True) as process:
        _line(process)
        yield process


def held(process: subprocess.Popen[str]) -> Load:
    """Lets stuck readers read, and gives what all readers of `process` got."""
    if process.stdin is not None:
        process.stdin.write("\n")
        process.stdin.flush()
    return Load(**json.loads(_line(process)))


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"{process.args!r} ended without an answer")
    return line
