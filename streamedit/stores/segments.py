"""Files that only ever grow at their ends, one after the other, so that those that nobody needs any more can be deleted."""

import errno
import os
from collections.abc import Container
from itertools import islice
from pathlib import Path

_SEGMENT_BYTES = 1 << 20


class Segments:
    """Files that are written one after the other, `NAME-00000001` first. `current`: the number of the one that is written."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._descriptor: int | None = None
        self._is_broken = False
        self._sizes: dict[int, int] = {}
        self.current = 0
        self.size_bytes = 0

    def path_of(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number:08}"

    def append(self, line: bytes) -> int:
        """The number of the file that has the line. Raises OSError; then half of it may be there, and nothing behind it."""
        descriptor = self._opened()
        written = os.write(descriptor, line)
        self._sizes[self.current] += written
        self.size_bytes += written
        if written < len(line):
            self._is_broken = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.current

    def delete(self, number: int) -> None:
        """It is not needed any more, and not the current one."""
        size_bytes = self._sizes.pop(number, None)
        if size_bytes is not None:
            self.size_bytes -= size_bytes
            self.path_of(number).unlink(missing_ok=True)

    def delete_old(self, needed: Container[int]) -> None:
        """Delete all but the current one and those that are needed."""
        for number in [number for number in self._sizes if number != self.current and number not in needed]:
            self.delete(number)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        if self._descriptor is not None and not self._is_broken and self._sizes[self.current] < _SEGMENT_BYTES:
            return self._descriptor
        descriptor = os.open(self.path_of(self.current + 1), os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self.close()
        self._descriptor, self._is_broken = descriptor, False
        self.current += 1
        self._sizes[self.current] = 0
        return descriptor


def read_lines(path: Path, offset: int, limit: int) -> tuple[list[bytes], int]:
    """At most so many whole lines behind `offset`, and where they end; none of a file that is not there.

    What follows the last line break was being written when its process was killed, or when the disk was full.
    """
    try:
        with path.open("rb") as file:
            file.seek(offset)
            lines = [line for line in islice(file, limit) if line.endswith(b"\n")]
    except FileNotFoundError:
        return [], offset
    return lines, offset + sum(map(len, lines))
