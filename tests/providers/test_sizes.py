"""Sizes as ratios."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import InvalidRequest
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px

RATIOS = ("1:1", "2:3", "3:2", "9:16", "16:9", "9:19.5")


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        ("1024x1024", "1:1"),
        ("1536x1024", "3:2"),
        ("1024x1536", "2:3"),
        ("1792x1024", "16:9"),
        ("100x99", "1:1"),
        ("512x2048", "9:19.5"),
    ],
)
def test_the_nearest_shape_is_chosen(size: str, ratio: str) -> None:
    """OpenAI's sizes and others."""
    size_px = parse_size(size)
    assert size_px is not None
    assert nearest_ratio(size_px, RATIOS) == ratio


@given(st.integers(16, 4096), st.integers(16, 4096))
def test_turning_a_picture_turns_its_ratio(width: int, height: int) -> None:
    """Halving is as far as doubling, so a shape and its transpose are treated alike."""
    found = nearest_ratio((width, height), ("1:1", "2:3", "3:2"))
    turned = nearest_ratio((height, width), ("1:1", "3:2", "2:3"))
    assert found == ":".join(reversed(turned.split(":")))


@pytest.mark.parametrize("size", [None, "", "auto"])
def test_no_size_is_left_to_the_provider(size: str | None) -> None:
    """None."""
    assert parse_size(size) is None


@pytest.mark.parametrize("size", ["1024", "0x5", "axb", "1024x", "-1x5", "1e3x10", "1024x1024x3", "999999x1"])
def test_a_broken_size_is_named(size: str) -> None:
    """A 400 for `size`."""
    with pytest.raises(InvalidRequest) as caught:
        parse_size(size)
    assert caught.value.detail.param == "size"


def test_the_side_is_that_of_the_square() -> None:
    """Of as many pixels."""
    assert math.isclose(side_px((2048, 512)), 1024)
