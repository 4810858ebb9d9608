"""Providers' JSON, read around its long strings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.wire.cutouts import Cutout

LONG = "QUJD" * 5000


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


def test_short_strings_are_themselves() -> None:
    """A small picture is read the same way as a large one; what is no string has no text."""
    cutout = Cutout(b'{"a": "QUJD", "b": 1, "c": null}')
    assert [bytes(cutout.text(cutout.json[name])) for name in "abc"] == [b"QUJD", b"", b""]


@pytest.mark.parametrize("text", ["QUJD", LONG])
def test_data_urls_are_their_base64(text: str) -> None:
    """What stands before the comma is left out; other strings are base64 by themselves."""
    cutout = Cutout(json.dumps({"url": f"data:image/png;base64,{text}", "b64": text, "none": "data:"}).encode())
    assert bytes(cutout.base64(cutout.json["url"])).decode() == text
    assert bytes(cutout.base64(cutout.json["b64"])).decode() == text
    assert bytes(cutout.base64(cutout.json["none"])) == b""


@pytest.mark.parametrize("escaped", [r"\/", r"\u003d", r"\\", r"\""])
def test_escapes_in_long_strings_are_read(escaped: str) -> None:
    """Some write `/` as `\\/` and `=` as `\\u003d`; a quote or a backslash that is escaped does not end a string."""
    raw = f'{{"data": "{LONG}{escaped}", "after": [1, "x"]}}'.encode()
    cutout = Cutout(raw)
    assert bytes(cutout.text(cutout.json["data"])).decode() == json.loads(raw)["data"]
    assert cutout.json["after"] == [1, "x"]


@pytest.mark.parametrize("raw", [b"", b"<html>", b'{"a": "' + LONG.encode(), b'{"a": ', b"[" * 100_000, b'{"a": "x\\'])
def test_what_is_not_json_is_a_value_error(raw: bytes) -> None:
    """Cut off, nested without end, or something else."""
    with pytest.raises(ValueError, match=r"."):
        Cutout(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.text(min_size=5000, max_size=5010, alphabet='ab"\\/é'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.booleans())
def test_it_says_what_json_says(value: object, ascii_only: bool) -> None:
    """With every long string put back, it is what the standard library reads."""
    cutout = Cutout(json.dumps(value, ensure_ascii=ascii_only).encode())

    def restored(part: object) -> object:
        if isinstance(part, list):
            return [restored(item) for item in part]
        if isinstance(part, dict):
            return {name: restored(item) for name, item in part.items()}
        return bytes(cutout.text(part)).decode() if isinstance(part, str) else part

    assert restored(cutout.json) == value
