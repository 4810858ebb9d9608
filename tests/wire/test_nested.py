"""JSON as form fields, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.wire.nested import flatten, root_of, unflatten

NAMES = st.text("abc", min_size=1, max_size=3)
SCALARS = st.booleans() | st.integers() | st.text("xyz ", min_size=1, max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3) | st.lists(SCALARS, min_size=1, max_size=3)
)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_what_was_flattened_comes_back(value: dict[str, object]) -> None:
    """Objects in objects, and lists of plain values."""
    pairs = [pair for name, member in value.items() for pair in flatten(name, member)]
    assert unflatten(pairs) == value


def test_lists_of_objects_begin_anew_with_a_name_that_is_there() -> None:
    """As far as a form can tell."""
    value = {"a": [{"b": 1, "c": 2}, {"b": 3}]}
    assert unflatten(flatten("a", value["a"])) == value


@pytest.mark.parametrize("names", [("a", "a[b]"), ("a[]", "a[b]"), ("a[b]", "a[]")])
def test_contradictions_are_errors(names: tuple[str, str]) -> None:
    """A field cannot be two things."""
    with pytest.raises(ValueError, match="two things"):
        unflatten([(name, "1") for name in names])


def test_nobody_nests_beyond_all_measure() -> None:
    """A name with brackets without end is an error like any other."""
    assert unflatten([("a" + "[b]" * 31, "1")])
    with pytest.raises(ValueError, match="too deep"):
        unflatten([("a" + "[b]" * 32, "1")])


def test_texts_are_read_as_told() -> None:
    """As JSON where they are that, or as they are."""
    assert unflatten([("a[]", "1"), ("a[]", "x")]) == {"a": [1, "x"]}
    assert unflatten([("a[b]", "007"), ("a[c]", "1")], str) == {"a": {"b": "007", "c": "1"}}


def test_the_root_is_what_a_part_belongs_to() -> None:
    """Its first name."""
    assert [root_of(name) for name in ("a", "a[b][]", "a[]")] == ["a"] * 3
