"""A Redis for tests: the machine's own at its usual port, else one that is started; and one to be broken."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USUAL = ("127.0.0.1", 6379)


class OwnRedis:
    """A Redis process of the test's own. What it keeps is lost when it is killed."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port = port
        self._folder = folder
        self._process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        options = [
            "--port",
            str(self._port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self._folder),
        ]
        self._process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        assert answers(("127.0.0.1", self._port), within_s=10)

    def pause(self) -> None:
        """It takes connections, and answers nobody."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


@contextmanager
def own_redis() -> Iterator[OwnRedis]:
    """A Redis for the time of a `with` block."""
    if shutil.which("redis-server") is None:
        pytest.skip("there is no redis-server here: what needs a Redis of its own is NOT tested")
    with tempfile.TemporaryDirectory() as folder:
        redis = OwnRedis(free_port(), Path(folder))
        redis.start()
        try:
            yield redis
        finally:
            redis.go_on()
            redis.kill()


@contextmanager
def any_redis() -> Iterator[str]:
    """The URL of a Redis: use a prefix of your own."""
    if answers(USUAL):
        yield f"redis://{USUAL[0]}:{USUAL[1]}/0"
        return
    with own_redis() as redis:
        yield redis.url


def fresh_prefix() -> str:
    """A prefix that no other test has."""
    return f"test:{os.urandom(8).hex()}:"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answers(address: tuple[str, int], within_s: float = 0) -> bool:
    """A Redis answers there."""
    deadline_s = time.monotonic() + within_s
    while True:
        try:
            with socket.create_connection(address, timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            if time.monotonic() >= deadline_s:
                return False
