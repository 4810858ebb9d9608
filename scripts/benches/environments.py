"""Packages that only peers need: installed when a peer is asked for, below the bench's own folder, and kept there."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .bench import progress

FOLDER = Path(".cache/bench/peers").absolute()
_PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
# nothing that a package brings along is run while it is installed
_NPM = ("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_COMPLAINT = 300


def virtual_environment(folder: Path, packages: Sequence[str]) -> None:
    """A virtual environment of this Python with these packages; RuntimeError says why there is none."""
    if not _is_made(folder, packages):
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(folder / "bin/python"), *_PIP, *packages)
        _mark(folder, packages)


def node_folder(folder: Path, packages: Sequence[str]) -> None:
    """A folder whose node_modules has these packages; RuntimeError says why there is none."""
    if not _is_made(folder, packages):
        shutil.rmtree(folder, ignore_errors=True)
        _run(*_NPM, "--prefix", str(folder), *packages)
        _mark(folder, packages)


def _is_made(folder: Path, packages: Sequence[str]) -> bool:
    stamp = folder / ".installed"
    return stamp.is_file() and stamp.read_text().split() == list(packages)


def _mark(folder: Path, packages: Sequence[str]) -> None:
    (folder / ".installed").write_text("\n".join(packages))


def _run(*command: str) -> None:
    progress(" ".join([Path(command[0]).name, *command[1:]]))
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except OSError as error:
        raise RuntimeError(f"{command[0]}: {error.strerror}") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(_complaint(error.stderr or error.stdout) or f"{command[0]} ended with {error.returncode}") from error


def _complaint(text: str) -> str:
    return " ".join(line for line in text.splitlines() if "error" in line.lower())[:_COMPLAINT]
