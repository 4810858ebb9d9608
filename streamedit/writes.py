"""Files by their descriptors: many pieces written with few calls, and what a disk says that has no room for them."""

import errno
import os
import tempfile
import threading
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from streamedit.errors import StorageFull

_MANY_PIECES = 512
"""Fewer than the system takes in one write (IOV_MAX is 1,024)."""

_QUICK_BYTES = 64 << 20
"""A file of this size is given back to the system within milliseconds."""


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def telling_when_full(message: str) -> Iterator[None]:
    """What is raised inside because a disk, or what its user may have of it, is full, is StorageFull with this message."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise StorageFull(message) from error


def open_unnamed(folder: Path | None = None) -> int:
    """The descriptor of a new file, for this user alone, which has no name: however the process ends, nothing of it is left.

    In the system's own folder when none is given. Raises OSError.
    """
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return os.dup(file.fileno())


class OpenFile:
    """A file that threads read and write, until it is closed, or nobody holds it any more.

    Whoever is cancelled leaves a thread behind, and the system gives a closed descriptor's number to the next file: so it is
    not closed under a thread, and is nothing to one that comes later.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._let_go = weakref.finalize(self, close, descriptor)
        self._turn = threading.Lock()
        self._users = 0
        self._is_unwanted = False

    @property
    def size_bytes(self) -> int:
        with self._held() as descriptor:
            return os.fstat(descriptor).st_size

    def read(self, offset: int, limit_bytes: int) -> bytes:
        """What is there, at most so much. Raises OSError."""
        with self._held() as descriptor:
            return os.pread(descriptor, limit_bytes, offset)

    def write(self, offset: int, pieces: Iterable[bytes | memoryview]) -> None:
        """See `write_all`."""
        with self._held() as descriptor:
            write_all(descriptor, offset, pieces)

    def close(self) -> None:
        """Now, or when the last thread is done with it. Idempotent."""
        with self._turn:
            self._is_unwanted = True
            self._let_go_unless_used()

    @contextmanager
    def _held(self) -> Iterator[int]:
        with self._turn:
            if not self._let_go.alive:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self._users += 1
        try:
            yield self._descriptor
        finally:
            with self._turn:
                self._users -= 1
                self._let_go_unless_used()

    def _let_go_unless_used(self) -> None:
        if self._is_unwanted and not self._users:
            self._let_go()


def close(descriptor: int) -> None:
    """Gigabytes are given back beside whatever goes on."""
    if os.fstat(descriptor).st_size <= _QUICK_BYTES:
        os.close(descriptor)
    else:
        threading.Thread(target=os.close, args=(descriptor,)).start()


def write_all(descriptor: int, offset: int, pieces: Iterable[bytes | memoryview]) -> None:
    """Write pieces one behind the other from `offset` on, though the system may take less at once than it is given.

    Raises OSError.
    """
    left = deque(memoryview(piece) for piece in pieces if piece)
    while left:
        written = os.pwritev(descriptor, list(islice(left, _MANY_PIECES)), offset)
        offset += written
        take(left, written)


def take(left: deque[memoryview], limit_bytes: int) -> deque[memoryview]:
    """The next bytes of what is left, at most so many."""
    taken: deque[memoryview] = deque()
    while left and limit_bytes:
        view = left.popleft()
        if len(view) > limit_bytes:
            left.appendleft(view[limit_bytes:])
            view = view[:limit_bytes]
        taken.append(view)
        limit_bytes -= len(view)
    return taken
