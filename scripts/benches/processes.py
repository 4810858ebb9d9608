"""Processes that the benchmark starts: always stopped, and weighed from /proc with all their children."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from . import machine

_STOP_S = 1.0
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(
    command: Sequence[str], core: int | None, folder: Path, *, extra: Mapping[str, str] | None = None, talks: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """A command on one core, or None for all, in a session of its own, so that whatever it starts ends with it.

    `extra` are variables for its environment. One that `talks` has pipes; another writes to its log, because a pipe that
    nobody reads would stop it.
    """
    pipe = subprocess.PIPE if talks else None
    with machine.pinned(core), (folder / f"{Path(command[0]).name}.log").open("a") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**_environment(), "XDG_DATA_HOME": str(folder / "data"), **(extra or {})},
            stdin=pipe or subprocess.DEVNULL,
            stdout=pipe or log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _stop(process)


def _environment() -> Mapping[str, str]:
    """Without the settings of a server that this machine may run in earnest, and without its proxies."""
    kept = (
        name
        for name in os.environ
        if not name.startswith(("STREAMEDIT_", "OPENAI_", "DATABASE_URL")) and not name.lower().endswith("_proxy")
    )
    return {name: os.environ[name] for name in kept}


def _stop(process: subprocess.Popen[str]) -> None:
    _signal(process, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_STOP_S)
    _signal(process, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _signal(process: subprocess.Popen[str], number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def free_port() -> int:
    """A loopback port that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Weight:
    """CPU time and memory of a process and everything in its session."""

    def __init__(self, session: int) -> None:
        self._session = session

    def cpu_s(self) -> float:
        """User and system time, children that have ended included."""
        return sum(sum(map(int, fields[11:15])) for _, fields in self._members()) / _TICKS_PER_S

    def rss_bytes(self) -> int:
        return sum(int(fields[21]) * _PAGE_BYTES for _, fields in self._members())

    def peak_bytes(self) -> int:
        """The sum of each process's own peak."""
        return sum(_status_bytes(folder, "VmHWM") for folder, _ in self._members())

    def forget_peak(self) -> None:
        """From now on `peak_bytes` is of what comes."""
        for folder, _ in self._members():
            (folder / "clear_refs").write_text("5")

    def queued_bytes(self) -> int:
        """What waits in the kernel on this relay's sockets, unsent or unread: no part of its RSS."""
        queues = _tcp_queues()
        return sum(queues.get(inode, 0) for folder, _ in self._members() for inode in _sockets(folder))

    def _members(self) -> Iterator[tuple[Path, Sequence[str]]]:
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                # the name may hold spaces and brackets; the fields count from behind it
                fields = (folder / "stat").read_text().rpartition(") ")[2].split()
                if int(fields[3]) == self._session:
                    yield folder, fields


def _status_bytes(folder: Path, name: str) -> int:
    with suppress(OSError):
        for line in (folder / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def _sockets(folder: Path) -> Iterator[str]:
    with suppress(OSError):
        for descriptor in (folder / "fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                if target.startswith("socket:["):
                    yield target[len("socket:[") : -1]


def _tcp_queues() -> dict[str, int]:
    """Socket inode -> bytes in its send and receive queue."""
    queues = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        sending, receiving = fields[4].split(":")
        # a listening socket counts connections here, not bytes
        queues[fields[9]] = 0 if fields[3] == "0A" else int(sending, 16) + int(receiving, 16)
    return queues
