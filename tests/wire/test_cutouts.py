"""A provider's JSON with its long strings set aside, in whatever pieces it came."""

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.wire.cutouts import Cutout

LONG = "QUJD" * 2000
TRICKY = ["\\", '"', '\\"', "\\\\", '\\" \\\\"', "é😀\u2028", "", LONG, LONG + '\\"', '"' + LONG + "\\", "\\\\" * 3000 + '"']
"""Texts that look like the end of a string, short and long."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(TRICKY),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=8,
)
CUTS = st.lists(st.integers(0, 40_000), max_size=8)


@given(VALUES, CUTS, st.booleans())
def test_a_text_means_the_same_in_any_pieces(value: Any, cuts: list[int], is_ascii: bool) -> None:
    """Every string is the one that was written, wherever the text was cut, in the middle of an escape too."""
    pieces = split(json.dumps(value, ensure_ascii=is_ascii).encode(), cuts)
    for quoted in ([], [b'"' in piece for piece in pieces]):
        cutout = Cutout(*pieces, quoted=quoted)
        assert restored(cutout, cutout.json) == value


def test_whole_pieces_are_not_copied() -> None:
    """What lies between the first and the last piece of an image is handed on as the very objects that came."""
    pieces = split(json.dumps({"a": {"result": LONG * 10}, "b": LONG}).encode(), [20_000, 40_000, 60_000])
    cutout = Cutout(*pieces, quoted=[b'"' in piece for piece in pieces])
    parts = cutout.parts(cutout.json["a"]["result"])
    assert b"".join(parts).decode() == LONG * 10
    assert [id(part) for part in parts[1:3]] == [id(piece) for piece in pieces[1:3]]


@pytest.mark.parametrize("raw", [b"", b'{"a":"b', b'"\\"', b'{"a":"' + LONG.encode(), b"[" * 100_000])
def test_what_is_not_json_is_refused(raw: bytes) -> None:
    """A string without an end is none."""
    with pytest.raises(ValueError):
        Cutout(raw)


def test_nothing_but_a_string_has_a_text() -> None:
    """Null, numbers and empty strings are no image."""
    cutout = Cutout(b'{"a":null,"b":7,"c":""}')
    assert [cutout.text(value) for value in cutout.json.values()] == [b"", b"", b""]
    assert [cutout.base64(value) for value in cutout.json.values()] == [b"", b"", b""]


def restored(cutout: Cutout, value: Any) -> Any:
    """The value with its long strings back in their places."""
    if isinstance(value, dict):
        return {name: restored(cutout, member) for name, member in value.items()}
    if isinstance(value, list):
        return [restored(cutout, element) for element in value]
    return bytes(cutout.text(value)).decode("utf-8", "surrogatepass") if isinstance(value, str) else value


def split(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`raw` in pieces, some of them perhaps empty."""
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [raw[start:end] for start, end in pairwise(places)]
