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
        assert cutout.plain(cutout.json) == value


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


@pytest.mark.parametrize("image", ["QUJD\n", LONG + "\n" + LONG])
def test_base64_in_lines_becomes_one_line(image: str) -> None:
    """Whether its line ends are escaped, or stand there as they must not: an event with one of them in it would break."""
    escaped = json.dumps({"a": image})
    for raw in (escaped, escaped.replace("\\n", "\r\n") if len(image) > 5 else escaped):
        cutout = Cutout(raw.encode())
        assert b"".join(cutout.base64(cutout.json["a"])).decode() == image.replace("\n", "")


def test_an_image_with_escapes_is_what_they_stand_for() -> None:
    """Some write `/` as `\\/` and `=` as `\\u003d`; an escape that there is not is no image."""
    cutout = Cutout(b'{"a":"%b\\/\\u003d","b":"%b\\x"}' % (LONG.encode(), LONG.encode()))
    assert cutout.text(cutout.json["a"]) == LONG.encode() + b"/="
    assert cutout.parts(cutout.json["a"]) == [LONG.encode() + b"/="]
    assert cutout.base64(cutout.json["b"]) == []


def test_nothing_but_a_string_has_a_text() -> None:
    """Null, numbers and empty strings are no image."""
    cutout = Cutout(b'{"a":null,"b":7,"c":""}')
    assert [cutout.text(value) for value in cutout.json.values()] == [b"", b"", b""]
    assert [list(cutout.base64(value)) for value in cutout.json.values()] == [[], [], []]


def test_long_strings_are_set_aside() -> None:
    """They are found under any name, at any depth, and their text is a view of the answer, not a copy."""
    raw = json.dumps({"a": [{"data": LONG}, {"data": LONG[4:]}], "short": "QUJD", "n": 1}).encode()
    cutout = Cutout(raw)
    assert (cutout.json["short"], cutout.json["n"]) == ("QUJD", 1)
    first, second = (cutout.text(item["data"]) for item in cutout.json["a"])
    assert isinstance(first, memoryview)
    assert first.obj is raw
    assert (bytes(first).decode(), bytes(second).decode()) == (LONG, LONG[4:])
    assert len(str(cutout.json)) < 200


@pytest.mark.parametrize("text", ["QUJD", LONG])
def test_data_urls_are_their_base64(text: str) -> None:
    """What stands before the comma is left out; other strings are base64 by themselves."""
    cutout = Cutout(json.dumps({"url": f"data:image/png;base64,{text}", "b64": text, "none": "data:"}).encode())
    assert b"".join(cutout.base64(cutout.json["url"])).decode() == text
    assert b"".join(cutout.base64(cutout.json["b64"])).decode() == text
    assert list(cutout.base64(cutout.json["none"])) == []


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_head_of_a_data_url_may_be_cut(first: int, second: int) -> None:
    """Wherever the pieces end."""
    pieces = split(json.dumps({"url": f"data:image/png;base64,{LONG}"}).encode(), [first, second])
    cutout = Cutout(*pieces)
    assert b"".join(cutout.base64(cutout.json["url"])).decode() == LONG


def split(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`raw` in pieces, some of them perhaps empty."""
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [raw[start:end] for start, end in pairwise(places)]
