"""A terminal for tests: a real pty with a person's eyes before it, who can type, too."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import pyte
from commands import COMMAND, clean_environ

SIZE = (100, 40)
"""Columns and rows."""

_WAIT_S = 30
_TAKE_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""So that Ctrl-C reaches the command."""

_TERM = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


class Terminal:
    """What a command shows and is told. `said`: all its bytes so far; `screen`: what is to be seen of them."""

    def __init__(
        self, process: subprocess.Popen[bytes], master: int, screen: pyte.Screen, answers: Mapping[bytes, bytes]
    ) -> None:
        self.process = process
        self.said = b""
        self.screen = screen
        self._stream = pyte.ByteStream(self.screen)
        self._master = master
        self._answers = dict(answers)

    @property
    def lines(self) -> list[str]:
        """The screen's, without blanks at their ends, and without empty ones."""
        return [line.rstrip() for line in self.screen.display if line.strip()]

    def wait_for(self, text: bytes) -> None:
        """Returns when the command has said that."""
        while text not in self.said:
            assert self._read(), self.said

    def wait(self) -> int:
        """The exit code, when everything is said."""
        while self._read():
            pass
        return self.process.wait(_WAIT_S)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def _read(self) -> bool:
        """More of what is said; false when there is no more."""
        assert select.select([self._master], [], [], _WAIT_S)[0], self.said
        try:
            read = os.read(self._master, 1 << 16)
        except OSError:
            return False
        self.said += read
        self._stream.feed(read)
        for question, answer in list(self._answers.items()):
            if question in self.said:
                del self._answers[question]
                self.type(answer)
        return bool(read)


@contextmanager
def terminal(
    *arguments: str,
    answers: Mapping[bytes, bytes] = MappingProxyType({}),
    size: tuple[int, int] = SIZE,
    command: Sequence[str] = COMMAND,
    cwd: Path | None = None,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Terminal]:
    """The command on a terminal that answers what it is asked: `answers` by what is in the questions."""
    columns, rows = size
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    clean = {
        name: value for name, value in clean_environ().items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "TMUX", "STY")
    }
    process = subprocess.Popen(
        [sys.executable, "-c", _TAKE_TERMINAL, *command, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**clean, **_TERM, **environ},
        start_new_session=True,
        cwd=cwd,
    )
    os.close(slave)
    try:
        yield Terminal(process, master, pyte.Screen(columns, rows), answers)
    finally:
        process.kill()
        process.wait(_WAIT_S)
        os.close(master)
