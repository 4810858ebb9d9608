"""A JSON text in pieces, and where in it its strings stand."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.streams import split

from streamedit.wire.jsontext import MAX_DEPTH, JsonText, Step

NAMES = st.sampled_from(["", "a", "images", 'a"b', "a\\", "é", "{", ",", "]"])
TEXTS = st.sampled_from(["", "x", '"', "\\", '\\"', '{"a": [', "]},", "é😀", "url"])
VALUES = st.recursive(
    st.none() | st.integers() | st.booleans() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_every_string_is_found_in_its_place(value: Any, is_ascii: bool, indent: int | str | None) -> None:
    """Names of members and indices of elements lead to each string, whatever is written in strings before it."""
    raw = json.dumps(value, ensure_ascii=is_ascii, indent=indent).encode()
    text = JsonText()
    found: dict[int, tuple[Step, ...]] = {}
    for number in range(len(raw)):
        text.feed(raw[number : number + 1])
        if text.opened >= 0 and (not text.path or text.path[-1] is not None):
            found.setdefault(text.opened, tuple(text.path))
    assert list(found.values()) == list(places_of(value, is_ascii))


@given(VALUES, st.lists(st.integers(0, 200), max_size=6))
def test_pieces_do_not_matter(value: Any, cuts: list[int]) -> None:
    """In any pieces it is the same text, which stands at the same place."""
    raw = json.dumps(value).encode()[:-1]
    pieces, whole = JsonText(), JsonText()
    for piece in split(raw, cuts):
        pieces.feed(piece)
    whole.feed(raw)
    assert pieces.text == raw
    assert (pieces.opened, pieces.path) == (whole.opened, whole.path)


def test_the_end_of_an_open_string_can_be_taken_out() -> None:
    """Something else may stand in its place; the text goes on behind it."""
    text = JsonText()
    text.feed(b'{"a": ["head,' + b"tail" * 9)
    assert (text.path, text.take_from(text.opened + len("head,"))) == ([b"a", 0], b"tail" * 9)
    text.feed(b"mark")
    text.feed(b'", "x')
    assert text.text == b'{"a": ["head,mark", "x'
    assert text.path == [b"a", 1]


@pytest.mark.parametrize("bracket", [b"[", b"{"])
def test_endless_nesting_is_refused(bracket: bytes) -> None:
    """Before it costs memory."""
    text = JsonText()
    text.feed(bracket * MAX_DEPTH)
    with pytest.raises(ValueError, match="too deep"):
        text.feed(bracket)


@given(st.binary(max_size=60) | st.text('"\\[]{},:a ', max_size=60).map(str.encode))
def test_what_is_no_json_is_kept(raw: bytes) -> None:
    """Whoever parses it will say so."""
    text = JsonText()
    text.feed(raw)
    assert text.text == raw


def places_of(value: Any, is_ascii: bool, path: Sequence[Step] = ()) -> Iterator[tuple[Step, ...]]:
    """Where each string that is a value stands, in their order."""
    if isinstance(value, str):
        yield tuple(path)
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        step = json.dumps(name, ensure_ascii=is_ascii)[1:-1].encode() if isinstance(name, str) else name
        yield from places_of(member, is_ascii, (*path, step))
