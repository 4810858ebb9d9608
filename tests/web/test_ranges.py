"""Which bytes a GET wants: RFC 9110, 13 and 14."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import UnsatisfiableRange
from streamedit.web.ranges import is_known, part_of

TAG = '"tag"'
SIZE = 1000


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-499", 0, 500),
        ("bytes=500-999", 500, 1000),
        ("bytes=500-", 500, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=999-5000", 999, 1000),
        ("Bytes = 1-2".replace(" ", ""), 1, 3),
        ("bytes= 1 - 2 ", 1, 3),
    ],
)
def test_a_range_is_a_part(asked: str, start: int, stop: int) -> None:
    """From its first byte to its last, the last counted in; what is beyond the end is left out."""
    part = part_of({"range": asked}, TAG, SIZE)
    assert (part.start, part.stop) == (start, stop)
    assert part.content_range == f"bytes {start}-{stop - 1}/1000"


@pytest.mark.parametrize(
    "asked", ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "items=0-1", "bytes=0-1,5-6", "bytes=0--1", "bytes=٣-٤", "0-1"]
)
def test_what_is_no_range_is_the_whole(asked: str) -> None:
    """Nor are several: whoever gets all has what it wanted."""
    assert part_of({"range": asked}, TAG, SIZE).is_whole


@pytest.mark.parametrize(
    ("asked", "size"), [("bytes=1000-", 1000), ("bytes=1000-1001", 1000), ("bytes=-0", 1000), ("bytes=0-", 0)]
)
def test_what_is_beyond_the_end_is_refused(asked: str, size: int) -> None:
    """And told how much there is."""
    with pytest.raises(UnsatisfiableRange) as refused:
        part_of({"range": asked}, TAG, size)
    assert refused.value.detail.status == 416
    assert refused.value.detail.headers == {"content-range": f"bytes */{size}"}


def test_a_range_of_something_else_is_the_whole() -> None:
    """`If-Range` names what the first part is of."""
    assert part_of({"range": "bytes=1-2", "if-range": '"other"'}, TAG, SIZE).is_whole
    assert not part_of({"range": "bytes=1-2", "if-range": TAG}, TAG, SIZE).is_whole


@pytest.mark.parametrize("known", [TAG, f'"a", {TAG}', f"W/{TAG}", "*"])
def test_what_is_known_need_not_be_sent(known: str) -> None:
    """By any of the tags, weakly too: nothing here changes."""
    assert is_known({"if-none-match": known}, TAG)


@pytest.mark.parametrize("headers", [{}, {"if-none-match": ""}, {"if-none-match": '"other"'}, {"if-none-match": "tag"}])
def test_anything_else_is_sent(headers: dict[str, str]) -> None:
    """Also to whoever writes the tag otherwise."""
    assert not is_known(headers, TAG)


@given(st.text(max_size=40), st.integers(0, 100))
def test_no_range_is_outside(asked: str, size: int) -> None:
    """Whatever is asked for, it is a part of what there is, or refused."""
    try:
        part = part_of({"range": f"bytes={asked}"}, TAG, size)
    except UnsatisfiableRange:
        return
    assert 0 <= part.start <= part.stop <= size
    assert part.is_whole or part.start < part.stop
