"""Writing many pieces to a file with few calls."""

import os
from collections import deque
from collections.abc import Iterable
from itertools import islice

_MANY_PIECES = 512
"""Fewer than the system takes in one write (IOV_MAX is 1,024)."""


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
