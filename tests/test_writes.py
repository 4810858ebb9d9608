"""Writing many pieces to a file with few calls."""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.writes import OpenFile, take, write_all

PIECES = st.lists(st.binary(max_size=20), max_size=8)


@given(PIECES, st.integers(0, 50))
def test_pieces_stand_one_behind_the_other(pieces: list[bytes], offset: int) -> None:
    """From the offset on; what is before it stays."""
    with TemporaryFile() as file:
        file.write(b"." * offset)
        file.flush()
        write_all(file.fileno(), offset, pieces)
        file.seek(0)
        assert file.read() == b"." * offset + b"".join(pieces)


def test_there_may_be_more_pieces_than_one_call_takes(tmp_path: Path) -> None:
    """Thousands, each a byte."""
    pieces = [bytes([number % 256]) for number in range(3000)]
    with (tmp_path / "file").open("w+b") as file:
        write_all(file.fileno(), 0, pieces)
    assert (tmp_path / "file").read_bytes() == b"".join(pieces)


@given(PIECES, st.integers(0, 100))
def test_what_is_taken_is_not_left(pieces: list[bytes], limit_bytes: int) -> None:
    """Both together are what was there; no more is taken than was asked for, and no less where there is enough."""
    whole, left = b"".join(pieces), deque(memoryview(piece) for piece in pieces)
    taken = b"".join(take(left, limit_bytes))
    assert taken == whole[:limit_bytes]
    assert b"".join(left) == whole[limit_bytes:]


@pytest.fixture
def opened() -> OpenFile:
    """A file without a name."""
    with TemporaryFile() as file:
        return OpenFile(os.dup(file.fileno()))


def test_a_file_is_not_closed_under_a_thread(opened: OpenFile) -> None:
    """It goes when the thread is done; one that comes later finds no file, whoever has its number by then."""
    with opened._held() as descriptor:
        opened.close()
        os.pwrite(descriptor, b"mine", 0)
        assert os.pread(descriptor, 4, 0) == b"mine"
    with TemporaryFile() as theirs:
        for late in (lambda: opened.write(0, [b"late"]), lambda: opened.read(0, 4), opened.close):
            with suppress(OSError):
                late()
        assert os.fstat(theirs.fileno()).st_size == 0
    with pytest.raises(OSError, match="Bad file descriptor"):
        opened.read(0, 4)


def test_a_file_that_nobody_holds_is_closed() -> None:
    """Whoever forgets it leaves nothing open."""
    with TemporaryFile() as file:
        number = os.dup(file.fileno())
    forgotten = OpenFile(number)
    del forgotten
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)
