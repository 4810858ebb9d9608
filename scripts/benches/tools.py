"""The two C tools: compiled here, run on their own core."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .certificates import Certificate
from .processes import Weight, running
from .relays import Running

_SOURCES = Path(__file__).parent
_UPSTREAM = ("upstream", "answers", "order", "wire", "http", "stream")
_CLIENT = ("client", "tally", "verify", "http", "stream")
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
    """What one load runs against: a port, the request file and the stream that must come back, or with `plain` its image."""

    port: int
    request: Path
    stream: Path
    plain: bool

    def command(self, folder: Path, *options: str) -> Sequence[str]:
        """The load generator's command line."""
        files = ["-r", str(self.request), "-s", str(self.stream)]
        return [str(folder / "client"), "-p", str(self.port), *files, *(["-j"] if self.plain else []), *options]


def build(folder: Path) -> None:
    """Compile both tools into `folder`."""
    if shutil.which("cc") is None:
        raise RuntimeError("the load tools are written in C and need a compiler: apt-get install gcc libc6-dev")
    secure = ["-DWITH_TLS", "-lssl", "-lcrypto"] if has_tls() else []
    _compile(folder / "upstream", _UPSTREAM, secure)
    _compile(folder / "client", _CLIENT, [])


def has_tls() -> bool:
    """Whether OpenSSL's headers are here."""
    asked = subprocess.run(["cc", "-E", "-include", "openssl/ssl.h", "-xc", "/dev/null"], capture_output=True, check=False)
    return asked.returncode == 0


def _compile(program: Path, sources: Sequence[str], options: Sequence[str]) -> None:
    files = [str(_SOURCES / f"{name}.c") for name in sources]
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-o", program, *files, *options], check=True)


@contextmanager
def upstream(folder: Path, image: Path, streams: Sequence[Path], secured: Certificate | None = None) -> Iterator[Running]:
    """The scripted upstream; asked directly it is the first row of every table."""
    secure = ["-t", str(secured.file), "-k", str(secured.key)] if secured else []
    command = [str(folder / "upstream"), *secure, str(image), *map(str, streams)]
    with running(command, machine.TOOLS_CORE, folder, talks=True) as process:
        port = int(_line(process))
        yield Running("direct", port, _PATH, Weight(process.pid))


def load(folder: Path, target: Target, *options: str) -> Load:
    """One run of the load generator to its end."""
    with running(target.command(folder, *options), machine.TOOLS_CORE, folder, talks=True) as process:
        return Load(**json.loads(_line(process)))


@contextmanager
def loading(folder: Path, target: Target, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The load generator at work in the background; `told` ends it."""
    with running(target.command(folder, *options), machine.TOOLS_CORE, folder, talks=True) as process:
        yield process


@contextmanager
def holding(folder: Path, target: Target, readers: int, manner: str) -> Iterator[subprocess.Popen[str]]:
    """Readers of a stream that does not end, once all have sent their requests."""
    with loading(folder, target, "-c", str(readers), "-H", manner) as process:
        _line(process)
        yield process


def told(process: subprocess.Popen[str]) -> Load:
    """Tells the load generator to begin nothing new, or stuck readers to read, and gives what all of them got."""
    if process.stdin is not None:
        process.stdin.write("\n")
        process.stdin.flush()
    return Load(**json.loads(_line(process)))


def _line(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise RuntimeError(f"{process.args!r} ended without an answer")
    return line
