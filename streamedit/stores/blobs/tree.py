"""Files below a folder, by the names on the way to them: for this user alone, and never over a symbolic link.

A file is written under another name in `.part`, and moved to its own when it is whole and on the disk: also after a loss of
power there is all of it or nothing. Every function blocks, and raises OSError.
"""

import errno
import os
import secrets
import shutil
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from streamedit import writes

_PARTS = ".part"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY
_NOT_THERE = (FileNotFoundError, NotADirectoryError)
"""`O_DIRECTORY` with `O_NOFOLLOW` calls a symbolic link no directory (open(2))."""

_TRIES = 100
"""After so many it is not the deleting of others that takes a folder away."""


class Tree:
    """All files below `root`. Folders appear with the first file in them, and go with the last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._parts = root / _PARTS

    def make(self) -> None:
        """The folder is there, and takes files."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._parts.mkdir(mode=0o700, exist_ok=True)
        path = self.new_part()
        path.touch(mode=0o600)
        path.unlink()

    def new_part(self) -> Path:
        """A path for what is not whole yet."""
        return self._parts / secrets.token_hex(16)

    def free_bytes(self) -> int:
        """What this user may still write."""
        disk = os.statvfs(self._parts)
        return disk.f_bavail * disk.f_frsize

    def open(self, names: Sequence[str]) -> writes.OpenFile | None:
        *folders, name = names
        try:
            with self._folder(folders) as folder:
                # A pipe would be waited for.
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
        except _NOT_THERE:
            return None
        file = writes.OpenFile(descriptor)
        return file if stat.S_ISREG(os.fstat(descriptor).st_mode) else None

    def take(self, part: Path, names: Sequence[str]) -> None:
        """Move what is whole to where it belongs. Raises ValueError when there is a file already."""
        for _ in range(_TRIES):
            # A folder on the way may go with the last file in it.
            with suppress(FileNotFoundError):
                self._move(part, names)
                return
        self._move(part, names)

    def sync(self, names: Sequence[str]) -> None:
        """The name itself lasts, too."""
        with suppress(*_NOT_THERE), self._folder(names[:-1]) as folder:
            os.fsync(folder)

    def names_in(self, names: Sequence[str]) -> Sequence[str]:
        try:
            with self._folder(names) as folder, os.scandir(folder) as entries:
                return [entry.name for entry in entries]
        except _NOT_THERE:
            return []

    def delete(self, names: Sequence[str]) -> None:
        *folders, name = names
        with suppress(*_NOT_THERE, IsADirectoryError), self._folder(folders) as folder:
            os.unlink(name, dir_fd=folder)
        self._prune(folders)

    def delete_below(self, names: Sequence[str]) -> None:
        """At once: the folder is moved out of reach before it is emptied. What keeps it from that is left to `tidy`."""
        *folders, name = names
        part = self.new_part()
        with suppress(*_NOT_THERE), self._folder(names), self._folder(folders) as above:
            os.rename(name, part, src_dir_fd=above)
            shutil.rmtree(part, ignore_errors=True)
        self._prune(folders)

    def tidy(self, older_than_s: float) -> None:
        """Delete what has been in parts, unchanged, for so long."""
        before_s = time.time() - older_than_s
        for path in self._parts.iterdir():
            with suppress(FileNotFoundError):
                if path.lstat().st_mtime <= before_s:
                    _remove(path)

    @contextmanager
    def _folder(self, names: Sequence[str], *, makes: bool = False) -> Iterator[int]:
        descriptor = os.open(self.root, _FOLDER)
        try:
            for name in names:
                if makes:
                    with suppress(FileExistsError):
                        os.mkdir(name, 0o700, dir_fd=descriptor)
                below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _move(self, part: Path, names: Sequence[str]) -> None:
        *folders, name = names
        with self._folder(folders, makes=True) as folder:
            if _is_in(folder, name):
                raise ValueError("the key is in use")
            os.rename(part, name, dst_dir_fd=folder)

    def _prune(self, names: Sequence[str]) -> None:
        """Away with a folder, and those above it, if they are empty."""
        for depth in reversed(range(len(names))):
            try:
                with self._folder(names[:depth]) as above:
                    os.rmdir(names[depth], dir_fd=above)
            except FileNotFoundError:
                continue
            except OSError:
                # There is something else in it.
                return


class Part:
    """A file in the making. It ends with `keep`, or with `discard` if anything goes wrong, that included.

    Whoever is cancelled twice does not wait for a thread: so `discard` does.
    """

    def __init__(self, tree: Tree, reserve_bytes: int) -> None:
        self._tree = tree
        self._path = tree.new_part()
        self._reserve_bytes = reserve_bytes
        self._descriptor: int | None = None
        self._written_bytes = 0
        self._kept: Sequence[str] | None = None
        self._turn = threading.Lock()

    def begin(self, size_bytes: int) -> None:
        """Room for all of it has to be there."""
        with self._turn:
            self._need(size_bytes)
            self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, block: bytes) -> None:
        """One more block. Others may have filled the room meanwhile."""
        with self._turn:
            self._need(len(block))
            writes.write_all(self._opened, self._written_bytes, [block])
            self._written_bytes += len(block)

    def keep(self, names: Sequence[str]) -> None:
        """It is whole, and for good: what a database says of it lasts over a loss of power, too."""
        with self._turn:
            os.fsync(self._opened)
            self._tree.take(self._path, names)
            self._kept = names
            self._tree.sync(names)
            self._close()

    def discard(self) -> None:
        """There is nothing of it any more, wherever it was."""
        with self._turn:
            self._close()
            self._path.unlink(missing_ok=True)
            if self._kept is not None:
                self._tree.delete(self._kept)

    @property
    def _opened(self) -> int:
        assert self._descriptor is not None  # noqa: S101 - it begins first
        return self._descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _need(self, size_bytes: int) -> None:
        if self._tree.free_bytes() - size_bytes < self._reserve_bytes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _is_in(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()
