"""An event's bytes, read slice by slice, wherever they are."""

import drained
from hypothesis import given
from hypothesis import strategies as st

from streamedit.contents import SLICE_BYTES, Content, Excerpt

PIECES = st.lists(st.binary(max_size=30), max_size=6)


@given(PIECES, st.integers(0, 100), st.integers(0, 100))
def test_a_part_is_the_same_part_in_any_pieces(pieces: list[bytes], start: int, length: int) -> None:
    """Slices from anywhere to anywhere are the bytes between."""
    whole = b"".join(pieces)
    start = min(start, len(whole))
    stop = min(start + length, len(whole))
    content = Content(pieces)
    assert content.size_bytes == len(whole)
    assert b"".join(drained.drained(content.slices())) == whole
    assert drained.joined([Excerpt(content, start, stop)]) == whole[start:stop]
    assert Excerpt(content, start, stop).size_bytes == stop - start


def test_no_slice_is_large_and_none_is_empty() -> None:
    """However large the pieces are."""
    content = Content([b"a" * (2 * SLICE_BYTES + 1), b"", b"b"])
    assert [len(slice_) for slice_ in drained.drained(content.slices())] == [SLICE_BYTES, SLICE_BYTES, 1, 1]


def test_a_piece_that_is_small_enough_is_not_copied() -> None:
    """It is handed on as the object that was read."""
    pieces = [b"a" * SLICE_BYTES, b"b" * 1000]
    assert [id(slice_) for slice_ in drained.drained(Content(pieces).slices())] == [id(piece) for piece in pieces]


def test_all_readers_are_given_the_same_slices() -> None:
    """However large the piece in which it came: ten thousand viewers of a megabyte hold no copy of it."""
    content = Content((b"small", b"x" * (3 * SLICE_BYTES + 1)))
    one, other = drained.drained(content.slices()), drained.drained(content.slices())
    assert max(map(len, one)) == SLICE_BYTES
    assert all(mine is theirs for mine, theirs in zip(one, other, strict=True))


@given(PIECES, st.integers(0, 200), st.integers(1, 7))
async def test_it_may_move_at_any_moment(pieces: list[bytes], after_slices: int, read_bytes: int) -> None:
    """A reader that has begun goes on where the bytes are now, which may be given in smaller parts than asked for."""
    whole = b"".join(pieces)
    content = Content(pieces)

    async def read(offset: int, size_bytes: int) -> bytes:
        return whole[offset : offset + min(size_bytes, read_bytes)]

    seen = []
    number = 0
    async for slice_ in content.slices():
        seen.append(slice_)
        number += 1
        if number == after_slices:
            content.move(read)
    content.move(read)
    assert b"".join(seen) == whole
    assert b"".join([slice_ async for slice_ in content.slices()]) == whole
    assert (content.pieces, content.size_bytes) == ((), len(whole))
