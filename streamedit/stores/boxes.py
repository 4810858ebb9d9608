"""Folders that their processes hold a lock on as long as they live; one without a lock is the heirs'."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from streamedit.stores.segments import read_lines

_BOXES = "box-*"
_LINES = 100


class Legacy:
    """The box of a process that is gone. It is held until its `with` block ends."""

    def __init__(self, path: Path, lock: int) -> None:
        self._path = path
        self._lock = lock

    def begun(self) -> Iterator[bytes]:
        """The lines of edits that began."""
        return self._lines("begun")

    def kept(self) -> Iterator[bytes]:
        """The lines of reports, in the order in which they were written."""
        return self._lines("kept")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._lock)

    def remove(self) -> None:
        """Delete it: all of it is entered."""
        delete(self._path)

    def _lines(self, name: str) -> Iterator[bytes]:
        for path in sorted(self._path.glob(f"{name}-*")):
            offset = 0
            while True:
                lines, offset = read_lines(path, offset, _LINES)
                if not lines:
                    break
                yield from lines


def legacies(folder: Path) -> Iterator[Legacy]:
    """The boxes in a folder that nobody holds, one after the other; each is held from then on."""
    for path in sorted(folder.glob(_BOXES)):
        lock = _hold(path)
        if lock is not None:
            yield Legacy(path, lock)


def new_box(folder: Path) -> tuple[Path, int]:
    """An empty one in a folder, and its lock; both for this user alone. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        path = folder / f"box-{os.getpid()}-{secrets.token_hex(8)}"
        path.mkdir(mode=0o700)
        lock = _hold(path)
        # An heir may have been quicker; it finds nothing in it, and removes it.
        if lock is not None:
            return path, lock


def delete(path: Path) -> None:
    """Delete a box that is held."""
    shutil.rmtree(path, ignore_errors=True)


def _hold(path: Path) -> int | None:
    """The lock of a box, as long as it is not closed; None when somebody has it, or the box is gone."""
    try:
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    if path.exists():
        return lock
    os.close(lock)
    return None
