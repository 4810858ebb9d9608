"""Pixels in memory: depths, mixes, masks and sizes."""

import tracemalloc
from typing import TypeAlias

import numpy as np
import pytest

from streamedit.darkroom.photograph import (
    Pixels,
    as_pixels,
    bands,
    composite,
    floats_of,
    parse_size,
    pixels_of,
)
from streamedit.errors import InvalidRequest

Depth: TypeAlias = type[np.uint8] | type[np.uint16]

DEPTHS = [np.uint8, np.uint16]


def _every_value(dtype: Depth) -> Pixels:
    """Each value of a depth once, as a picture."""
    white = np.iinfo(dtype).max
    return as_pixels(np.dstack([np.arange(white + 1, dtype=dtype).reshape(16, -1)] * 3))


@pytest.mark.parametrize("dtype", DEPTHS)
def test_no_step_is_lost(dtype: Depth) -> None:
    """To floats and back, every one of 256 or 65536 values is what it was; black is 0 and white is 1."""
    pixels = _every_value(dtype)
    floats = floats_of(pixels)
    assert floats.dtype == np.float32
    assert (floats.min(), floats.max()) == (0, 1)
    assert pixels_of(floats, dtype).dtype == dtype
    assert np.array_equal(pixels_of(floats, dtype), pixels)


def test_floats_are_rounded_not_cut() -> None:
    """To the nearest pixel; what is beyond black and white ends there."""
    values = np.array([[-0.5, -0.001, 0.4 / 255, 0.6 / 255, 254.6 / 255, 1.001, 7]], np.float32)
    assert pixels_of(values, np.uint8).tolist() == [[0, 0, 0, 1, 255, 255, 255]]
    assert pixels_of(values, np.uint16).tolist() == [[0, 0, 103, 154, 65432, 65535, 65535]]


@pytest.mark.parametrize("dtype", DEPTHS)
def test_original_shows_where_the_weight_is_nothing(dtype: Depth) -> None:
    """Exactly; where it is 1 the edit shows exactly, and between a mix; without a weight the edit is everywhere."""
    random = np.random.default_rng(3)
    original = as_pixels(random.integers(0, np.iinfo(dtype).max, (700, 500, 3), dtype, endpoint=True))
    state = random.random((700, 500, 3), np.float32)
    weight = random.choice(np.array([0, 0.25, 1], np.float32), (700, 500))
    mixed, whole = composite(original, state, weight), composite(original, state, None)
    assert mixed.dtype == whole.dtype == dtype
    assert np.array_equal(whole, pixels_of(state, dtype))
    assert np.array_equal(mixed[weight == 0], original[weight == 0])
    assert np.array_equal(mixed[weight == 1], whole[weight == 1])
    between = weight == 0.25
    assert np.abs(mixed[between] - (0.75 * original[between] + 0.25 * whole[between])).max() <= 0.5


def test_mixing_is_done_in_bands() -> None:
    """Of a large picture no float of its size is made beside what comes out."""
    original = np.zeros((2000, 1500, 3), np.uint16)
    state, weight = np.ones((2000, 1500, 3), np.float32), np.full((2000, 1500), 0.5, np.float32)
    tracemalloc.start()
    composite(original, state, weight)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < original.nbytes + state.nbytes / 4


@pytest.mark.parametrize("size", [(1, 1), (16, 300), (300, 16), (3, 200_000), (5000, 700)])
def test_bands_are_the_whole(size: tuple[int, int]) -> None:
    """Every row is in one band, in order."""
    assert np.concatenate([np.arange(size[0])[rows] for rows in bands(*size)]).tolist() == list(range(size[0]))


@pytest.mark.parametrize(("text", "size"), [(None, None), ("auto", None), ("1024x768", (1024, 768)), ("16x4096", (16, 4096))])
def test_sizes_are_read(text: str | None, size: tuple[int, int] | None) -> None:
    """None and auto leave the size alone."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["big", "1024", "1024x", "15x100", "100x4097", "-5x100", "1024X768", "1024x768 ", "\u0661\u0661\u0661x100"]
)
def test_bad_sizes_are_refused(text: str) -> None:
    """400 on `size`, which says what a size looks like."""
    with pytest.raises(InvalidRequest, match="WIDTHxHEIGHT") as refused:
        parse_size(text)
    assert refused.value.detail.param == "size"
