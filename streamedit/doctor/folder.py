"""The folder of files and results as it is found. Nothing in it is changed, and it is not made."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from streamedit.doctor.facts import Folder

_MOUNTS = Path("/proc/self/mounts")
"""Linux: what is mounted, where, of which kind; whoever comes later is on top."""

_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def found(path: Path) -> Folder:
    """What there is of it; of one that is not there yet, what the first above it has that is."""
    path = path.absolute()
    existing = next(each for each in (path, *path.parents) if mode_of(each) is not None)
    return Folder(
        path,
        lacks=_lacks(existing),
        mode=mode_of(path),
        inner_modes=tuple(_inner_modes(path)),
        free_bytes=shutil.disk_usage(existing).free,
        is_passing=_is_passing(existing.resolve()),
    )


def mode_of(path: Path) -> int | None:
    """A file's permission bits; None where there is none, or nobody may know."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return None


def _lacks(existing: Path) -> str | None:
    if not existing.is_dir():
        return f"{existing} is not a folder"
    return None if os.access(existing, os.W_OK | os.X_OK) else f"nothing can be written in {existing}"


def _inner_modes(path: Path) -> Iterator[int]:
    try:
        yield from (mode for each in path.iterdir() if (mode := mode_of(each)) is not None)
    except OSError:
        return


def _is_passing(existing: Path) -> bool:
    temporary = Path(tempfile.gettempdir()).resolve()
    return existing.is_relative_to(temporary) or _kind_of_disk(existing) in _IN_MEMORY


def _kind_of_disk(existing: Path) -> str:
    try:
        lines = _MOUNTS.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [(Path(place), kind) for _, place, kind, *_ in map(str.split, lines)]
    around = [(len(place.parts), number) for number, (place, _) in enumerate(mounts) if existing.is_relative_to(place)]
    return mounts[max(around)[1]][1] if around else ""
