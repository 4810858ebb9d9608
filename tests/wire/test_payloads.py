"""Payloads: JSON with an image in it, cut and built without touching the image."""

import base64
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import drained
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.events import Payload
from streamedit.wire import payloads

TRICKY = ["b64_json", '"b64_json"', '"b64_json":"QUJD"', '\\"b64_json', "\\", '"', "é😀\u2028", ""]
"""Texts that look like an image's key, within other values."""

TEXTS = st.sampled_from(TRICKY) | st.text(max_size=8)
KEYS = TEXTS.filter(lambda key: "b64_json" not in key)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(KEYS, VALUES, max_size=5)
IMAGES = st.binary(min_size=1, max_size=60).map(base64.b64encode)
CUTS = st.lists(st.integers(0, 150), max_size=6)
LAYOUTS: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}]
)


NOT_EVENTS = [
    b"",
    b"[]",
    b'"b64_json"',
    b"null",
    b"{",
    b"{}{}",
    b'{"b64_json":"QUJD',
    b'{"b64_json":"QUJD"',
    b'{"b64_json":"QUJD","c":{"b64_json":"QUJD"}}',
    b'{"a":"\xff"}',
    b"[" * 100_000,
]


def parse(*pieces: bytes) -> Payload:
    """`payloads.parse`, told where the quotes are."""
    return payloads.parse(pieces, [b'"' in piece for piece in pieces])


@given(FIELDS, st.none() | IMAGES, LAYOUTS, CUTS)
def test_pieces_do_not_matter(fields: dict[str, Any], image: bytes | None, layout: dict[str, Any], cuts: list[int]) -> None:
    """An event that was read in pieces is the same event, and keeps its pieces."""
    raw = json.dumps({**fields, **({"b64_json": image.decode()} if image else {}), "more": "é"}, **layout).encode()
    pieces, whole = split(raw, cuts), parse(raw)
    payload = parse(*pieces)
    assert (payload.content.pieces, payload.fields, payload.image) == (tuple(pieces), whole.fields, whole.image)
    changed = payloads.with_field(payload, "ours", 1)
    assert json.loads(drained.raw(changed)) == {**json.loads(raw), "ours": 1}
    assert image_of(changed) == (image or b"")


@given(FIELDS, IMAGES, st.integers(0, 5), LAYOUTS)
def test_the_image_is_found_wherever_it_stands(
    fields: dict[str, Any], image: bytes, place: int, layout: dict[str, Any]
) -> None:
    """Neither the order of the keys, nor white space, nor what the other values contain matters."""
    members = list(fields.items())
    members.insert(place, ("b64_json", image.decode()))
    raw = json.dumps(dict(members), **layout).encode()
    payload = parse(raw)
    assert drained.raw(payload) == raw
    assert image_of(payload) == image
    assert payload.fields == {**fields, "b64_json": ""}


@given(FIELDS, IMAGES)
def test_what_is_built_is_what_is_parsed(fields: dict[str, Any], image: bytes) -> None:
    """`build` writes JSON on one line, and `parse` reads from it what was built."""
    built = payloads.build(fields, image)
    assert json.loads(drained.raw(built)) == {**fields, "b64_json": image.decode()}
    assert b"\n" not in drained.raw(built)
    assert parse(drained.raw(built)) == built


@given(FIELDS, IMAGES, IMAGES)
def test_another_image_can_be_built_into_the_same_fields(fields: dict[str, Any], old: bytes, new: bytes) -> None:
    """The fields of a payload serve for another one: the new image takes the place of the old."""
    rebuilt = payloads.build(parse(json.dumps({"b64_json": old.decode(), **fields}).encode()).fields, new)
    assert json.loads(drained.raw(rebuilt)) == {**fields, "b64_json": new.decode()}
    assert image_of(rebuilt) == new


@given(FIELDS)
def test_fields_alone_are_built_too(fields: dict[str, Any]) -> None:
    """An event without an image (one given by URL) has an empty image."""
    built = payloads.build(fields)
    assert parse(drained.raw(built)) == built
    assert not built.has_image


@given(FIELDS, st.none() | IMAGES, VALUES, LAYOUTS)
def test_one_more_field_leaves_the_rest_alone(
    fields: dict[str, Any], image: bytes | None, value: object, layout: dict[str, Any]
) -> None:
    """`with_field` adds one field; the other bytes, and the image among them, stay what they were."""
    old = {**fields, **({"b64_json": image.decode()} if image else {})}
    raw = json.dumps(old, **layout).encode()
    changed = payloads.with_field(parse(raw), "a field of ours", value)
    assert json.loads(drained.raw(changed)) == {**old, "a field of ours": value}
    assert raw[1:-1] in drained.raw(changed)
    assert image_of(changed) == (image or b"")
    assert parse(drained.raw(changed)) == changed


def test_our_field_is_the_one_that_is_read() -> None:
    """A provider's own `image_index` does not hide the one that tells a reader which image an event belongs to."""
    changed = payloads.with_field(parse(b'{"image_index":0,"b64_json":"QQ=="}'), "image_index", 3)
    assert json.loads(drained.raw(changed))["image_index"] == 3
    assert changed.fields["image_index"] == 3


@given(st.lists(IMAGES, max_size=4))
def test_cut_sets_every_image_aside(images: list[bytes]) -> None:
    """An answer's images are found in their order, each exactly, and the rest is parsed."""
    answer = {"created": 1, "data": [{"b64_json": image.decode(), "revised_prompt": '"b64_json"'} for image in images]}
    raw = json.dumps(answer).encode()
    rest, slices = payloads.cut(raw)
    assert [raw[image] for image in slices] == images
    assert rest == {"created": 1, "data": [{"b64_json": "", "revised_prompt": '"b64_json"'} for _ in images]}


@pytest.mark.parametrize(
    "raw", [b'{"b64_json":null}', b'{"b64_json" : ""}', b'{"b64_json":{"a":"b"}}', b'{"a":"b64_json","c":"d"}']
)
def test_without_base64_there_is_no_image(raw: bytes) -> None:
    """null, an empty string, another value and the bare word are no image, and no error."""
    payload = parse(raw)
    assert not payload.has_image
    assert payload.fields == json.loads(raw)


@pytest.mark.parametrize("raw", NOT_EVENTS)
def test_what_is_no_event_is_a_value_error(raw: bytes) -> None:
    """Cut off, not an object, two images, broken UTF-8, endless nesting: one kind of error."""
    with pytest.raises(ValueError, match=r"."):
        parse(raw)


@given(st.sampled_from(NOT_EVENTS), CUTS)
def test_what_is_no_event_is_none_in_pieces(raw: bytes, cuts: list[int]) -> None:
    """Wherever it was cut."""
    with pytest.raises(ValueError, match=r"."):
        parse(*split(raw, cuts))


def image_of(payload: Payload) -> bytes:
    """The image's base64 text."""
    return drained.image(payload)


def split(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The text in the pieces between the cuts, empty ones too."""
    places = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [raw[start:end] for start, end in pairwise(places)]


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_an_image_over_several_lines_is_no_json(line_end: str) -> None:
    """A raw line end in a string is refused (RFC 8259 section 7): on the wire it would break the event's one line."""
    with pytest.raises(ValueError, match="line"):
        payloads.cut(f'{{"b64_json":"QUJD{line_end}QUJD"}}'.encode())
