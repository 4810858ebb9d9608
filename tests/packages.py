"""Clients of other makers, as they come: each installed into an environment of its own, once, below `.cache/clients/`.

Only in the long mode. Where there is no network, or no npm, the tests that need them are skipped, and say what is not tested.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent.parent / ".cache" / "clients"
PROGRAMS = Path(__file__).parent / "programs"
NODE_PACKAGES = (
    "node@22.23.3",
    "openai@7.57.0",
    "ai@7.0.173",
    "@ai-sdk/openai@4.0.118",
    "@ai-sdk/openai-compatible@3.0.92",
    "portkey-ai@3.1.0",
)
"""`node` is Node itself: newer than many machines' own, as the others need it."""


def python(long: bool, name: str, *requirements: str) -> str:
    """The interpreter of a virtual environment with these packages."""

    def make(folder: Path) -> None:
        run([sys.executable, "-m", "venv", str(folder)])
        run([str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *requirements])

    return str(_installed(long, name, requirements, make) / "bin" / "python")


def source(long: bool, name: str, requirement: str) -> Path:
    """The source distribution of a Python package, unpacked."""

    def make(folder: Path) -> None:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        run([*download, "--dest", str(folder), requirement])
        with tarfile.open(next(folder.glob("*.tar.gz"))) as packed:
            packed.extractall(folder, filter="data")

    return next(_installed(long, f"{name}-source", (requirement,), make).glob("*/"))


def node(long: bool) -> Path:
    """A folder with `NODE_PACKAGES`: a program in it may import them, `node_modules/.bin/node` runs it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}')
        run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent", *NODE_PACKAGES], folder)

    return _installed(long, "node", NODE_PACKAGES, make)


def run(command: Sequence[str], folder: Path = CLIENTS) -> None:
    """Run a command of a package manager. Raises CalledProcessError, OSError."""
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=600)


def _installed(long: bool, name: str, wanted: Sequence[str], make: Callable[[Path], None]) -> Path:
    """The folder in which `wanted` is, made when it is not there yet."""
    told = ", ".join(wanted)
    if not long:
        pytest.skip(f"not tested without --long: {told}")
    folder, stamp = CLIENTS / name, CLIENTS / f"{name}.installed"
    with _alone(name):
        if not stamp.exists() or stamp.read_text() != told:
            shutil.rmtree(folder, ignore_errors=True)
            try:
                make(folder)
            except (subprocess.SubprocessError, OSError) as error:
                pytest.skip(f"not tested, because it could not be installed ({type(error).__name__}): {told}")
            stamp.write_text(told)
    return folder


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """One process at a time installs; the others wait."""
    CLIENTS.mkdir(parents=True, exist_ok=True)
    file = os.open(CLIENTS / f"{name}.lock", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def run_on_node(folder: Path, program: str, *arguments: str) -> Any:
    """The JSON that one of `tests/programs` prints. It runs in the folder of its packages, where its imports are found."""
    copy = shutil.copy(PROGRAMS / program, folder)
    command = [str(folder / "node_modules" / ".bin" / "node"), copy, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
