"""What is still to be entered into the ledger: lines in files of this process, which outlive it when it is killed.

In its box are two series of files, `begun-N` and `kept-N`: the edits that began, and the reports. A file is deleted when all of
it is entered, of those that began: when their reports are. Writing goes into the memory of the system, which outlives a process
that is killed, and takes microseconds; the disk may have it later.
"""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from anyio import to_thread

from streamedit.stores.boxes import delete, new_box
from streamedit.stores.segments import Segments, read_lines


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines that were read in one go. `end`: where the next one begins in their file; None when they were in memory alone."""

    lines: Sequence[bytes]
    end: int | None


class Outbox:
    """This process's own box. Whoever fills it is never told of a disk that is full: `has_room` says so, and the log."""

    def __init__(self, folder: Path, limit_bytes: int, log: structlog.typing.FilteringBoundLogger) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._log = log
        self._path: Path | None = None
        self._begun_in: dict[str, int] = {}
        self._open: Counter[int] = Counter()
        self._unwritten: list[bytes] = []
        self._is_stuck = False
        self._reading = 1
        self._offset = 0

    async def open(self) -> None:
        """Make the box. Raises OSError."""
        path, self._lock = await to_thread.run_sync(new_box, self._folder)
        self._begun = Segments(path, "begun")
        self._kept = Segments(path, "kept")
        self._path = path

    async def close(self) -> None:
        """Let go of the box; when something is still in it, it is left to the heirs."""
        if self._path is None:
            return
        self._begun.close()
        self._kept.close()
        if not (self._begun_in or self._unwritten or await self.read(1)):
            await to_thread.run_sync(delete, self._path)
        os.close(self._lock)
        self._path = None

    @property
    def has_room(self) -> bool:
        """For lines of new edits; those of edits that have begun are taken in any case."""
        return self._path is not None and not self._is_stuck and self.size_bytes < self._limit_bytes

    @property
    def size_bytes(self) -> int:
        return self._begun.size_bytes + self._kept.size_bytes

    def begin(self, edit_id: str, line: bytes) -> None:
        """An edit begins. What the disk does not take is of use to nobody later."""
        try:
            number = self._begun.append(line)
        except OSError as error:
            self._stick(error)
            return
        self._begun_in[edit_id] = number
        self._open[number] += 1

    def keep(self, line: bytes) -> None:
        """A report. What the disk does not take waits in memory."""
        if not self._unwritten:
            try:
                self._kept.append(line)
                return
            except OSError as error:
                self._stick(error)
        self._unwritten.append(line)

    def retry(self) -> None:
        """Write what the disk did not take, if it takes it now."""
        if not self._is_stuck:
            return
        try:
            self._begun.append(b"\n")
            for _ in range(len(self._unwritten)):
                self._kept.append(self._unwritten[0])
                del self._unwritten[0]
        except OSError:
            return
        self._is_stuck = False
        self._log.info("ledger: its folder can be written to again")

    async def read(self, limit: int) -> Batch | None:
        """The oldest reports that are not entered yet, at most so many; None when there are none."""
        while True:
            # Asked first: what is written in between belongs to it.
            is_whole = self._reading < self._kept.current
            path = self._kept.path_of(self._reading)
            lines, end = await to_thread.run_sync(read_lines, path, self._offset, limit)
            if lines:
                return Batch(lines, end)
            if not is_whole:
                return Batch(self._unwritten[:limit], None) if self._unwritten else None
            self._kept.delete(self._reading)
            self._reading, self._offset = self._reading + 1, 0

    def entered(self, batch: Batch, edit_ids: Sequence[str]) -> None:
        """A batch that was read is in the ledger, with the reports of these edits."""
        if batch.end is None:
            del self._unwritten[: len(batch.lines)]
        else:
            self._offset = batch.end
        for edit_id in edit_ids:
            self._end(edit_id)

    def _end(self, edit_id: str) -> None:
        number = self._begun_in.pop(edit_id, None)
        if number is None:
            return
        self._open[number] -= 1
        if not self._open[number]:
            del self._open[number]
            self._begun.delete_old(self._open)

    def _stick(self, error: OSError) -> None:
        if not self._is_stuck:
            self._is_stuck = True
            self._log.error("ledger: its folder cannot be written to; no new edits", why=os.strerror(error.errno or 0))
