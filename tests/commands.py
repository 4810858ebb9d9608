"""The command `streamedit`, started as a person starts it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from typer.testing import Result

COMMAND = [sys.executable, "-m", "streamedit"]

Command: TypeAlias = Callable[..., Result]
"""The command in this process: its arguments -> what came of it."""

_DATA = tempfile.TemporaryDirectory(prefix="streamedit-data-")
"""Where the commands of this process keep what outlives them: nothing of it is this machine's own."""


@contextmanager
def started(*arguments: str, **environ: str) -> Iterator[tuple[subprocess.Popen[str], str, list[str]]]:
    """The running command, its URL, and the lines that it began with."""
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**clean_environ(), **environ})
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline(), process.stderr.readline()]
        found = re.search(r"http://\S+", lines[0])
        assert found, lines
        yield process, found[0], lines
    finally:
        process.terminate()
        process.wait(30)
        process.stderr.close() if process.stderr else None


def said(process: subprocess.Popen[str]) -> str:
    """The next line of a started command."""
    assert process.stderr is not None
    return process.stderr.readline().strip()


def clean_environ() -> dict[str, str]:
    """The environment without keys, and with lines that are not folded."""
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "STREAMEDIT_", "DATABASE_URL"))
    }
    return {**clean, "COLUMNS": "500", "XDG_DATA_HOME": _DATA.name}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, run to its end."""
    return subprocess.run([*COMMAND, *arguments], check=False, capture_output=True, text=True, timeout=30, env=clean_environ())


def refused(*arguments: str) -> str:
    """What the command says when it will not start."""
    done = run("serve", "--port", "0", *arguments)
    assert done.returncode == 2
    return done.stderr
