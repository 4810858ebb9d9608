"""An event's bytes wherever they are: in memory in the pieces in which they came, or where a log has moved them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

SLICE_BYTES = 1 << 18
"""The largest slice that is handed on: what one stuck reader costs."""

Read: TypeAlias = Callable[[int, int], Awaitable[bytes]]
"""Gives the bytes at an offset, as many as asked for."""


class Content:
    """Bytes that any number of readers take slice by slice; none of them holds more than its slice.

    `pieces`: all of it while it is in memory, which megabytes are not joined for; none of it once it has moved. None is larger
    than a slice, so that all readers are given the same bytes, and no copies.
    """

    __slots__ = ("_read", "pieces", "size_bytes")
    __hash__ = None  # type: ignore[assignment] # it may move

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = tuple(pieces) if max(map(len, pieces), default=0) <= SLICE_BYTES else tuple(_cut(pieces))
        self.size_bytes = sum(map(len, self.pieces))
        self._read: Read | None = None

    def __eq__(self, other: object) -> bool:
        """What is in memory is the same when its pieces are."""
        return isinstance(other, Content) and (self.pieces, self._read) == (other.pieces, other._read)

    def move(self, read: Read) -> None:
        """Leave memory: from now on, also for readers who have begun, `read` gives the bytes."""
        self._read = read
        self.pieces = ()

    async def slices(self, start: int = 0, stop: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `start` to `stop`, in order; a piece that is small enough stays itself."""
        at, stop = start, self.size_bytes if stop is None else stop
        begin = 0
        for number in range(len(self.pieces)):
            # Nothing but the slice is kept over the yield: the rest may leave memory meanwhile.
            if self._read is not None:
                break
            end = begin + len(self.pieces[number])
            if at < min(end, stop):
                slice_ = self.pieces[number][at - begin : stop - begin]
                at += len(slice_)
                yield slice_
            begin = end
        while at < stop:
            assert self._read is not None  # noqa: S101 - pieces end before the content only when it has moved
            slice_ = await self._read(at, min(SLICE_BYTES, stop - at))
            at += len(slice_)
            yield slice_


def _cut(pieces: Sequence[bytes]) -> Iterator[bytes]:
    """A piece that is small enough stays itself."""
    return (piece[at : at + SLICE_BYTES] for piece in pieces for at in range(0, len(piece), SLICE_BYTES))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a content."""

    content: Content
    start: int
    stop: int

    @classmethod
    def whole(cls, data: bytes) -> "Excerpt":
        return cls(Content((data,)), 0, len(data))

    @property
    def size_bytes(self) -> int:
        return self.stop - self.start

    def slices(self) -> AsyncIterator[bytes]:
        return self.content.slices(self.start, self.stop)
