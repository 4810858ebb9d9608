"""Other sizes: what is cropped, what is averaged, what is not made up."""

import tracemalloc
from typing import TypeAlias

import numpy as np
import pytest

from streamedit.darkroom.photograph import Photograph, Pixels, as_pixels
from streamedit.darkroom.scaling import fit, fit_weight

Depth: TypeAlias = type[np.uint8] | type[np.uint16]

DEPTHS = [np.uint8, np.uint16]
WHITE = {np.uint8: 255, np.uint16: 65535}


def _grey(plane: Pixels) -> Photograph:
    return Photograph(as_pixels(np.dstack([plane] * 3)))


def _ramp(size_px: tuple[int, int]) -> Photograph:
    """From black on the left to white on the right."""
    return _grey(np.tile(np.linspace(0, 65535, size_px[0]).astype(np.uint16), (size_px[1], 1)))


def test_fit_crops_about_the_centre() -> None:
    """Another shape: scaled to cover, cropped on both sides alike; the mask goes with it."""
    rgb = np.zeros((100, 300, 3), np.uint8)
    rgb[:, 100:200] = 255
    assert fit(Photograph(rgb), (50, 50)).rgb.min() > 240
    weight = np.zeros((100, 300), np.float32)
    weight[:, 100:200] = 1
    fitted = fit_weight(weight, (50, 50))
    assert fitted.shape == (50, 50)
    assert fitted.min() > 0.8
    assert fit_weight(weight, (300, 100)) is weight


def test_weight_stays_nothing_where_it_was() -> None:
    """A mask keeps its zeros and ones, exactly, but at its rims, where it is soft."""
    weight = np.zeros((90, 120), np.float32)
    weight[30:60, 40:80] = 1
    for size_px in ((40, 30), (77, 51), (300, 225)):
        fitted = fit_weight(weight, size_px)
        height, width = fitted.shape
        assert fitted[: height // 4].max() == 0
        assert fitted[height // 2, width // 2] == 1
        assert (fitted.min(), fitted.max()) == (0, 1)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("size_px", [(100, 100), (64, 64), (37, 51)])
def test_fine_pattern_keeps_its_brightness(dtype: Depth, size_px: tuple[int, int]) -> None:
    """Black and white squares of a pixel become the grey that sends half the light, 188 of 255, not the code between."""
    board = as_pixels((np.indices((200, 200)).sum(axis=0) % 2 * WHITE[dtype]).astype(dtype))
    fitted = fit(_grey(board), size_px).rgb
    assert fitted.dtype == dtype
    assert fitted.mean() / WHITE[dtype] * 255 == pytest.approx(187.5, abs=1)


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("size_px", [(16, 16), (50, 40), (99, 101), (300, 200), (4096, 16)])
def test_plain_colour_stays(dtype: Depth, size_px: tuple[int, int]) -> None:
    """Smaller, larger, narrow: to the last bit of 8 and almost of 16, with alpha and without."""
    colour = (np.array([0.02, 0.5, 1]) * WHITE[dtype]).astype(dtype)
    rgb = as_pixels(np.broadcast_to(colour, (120, 110, 3)).copy())
    for alpha in (None, as_pixels(np.full((120, 110), WHITE[dtype], dtype))):
        fitted = fit(Photograph(rgb, alpha, b"icc"), size_px)
        assert fitted.size_px == size_px
        assert fitted.icc == b"icc"
        assert np.abs(fitted.rgb.astype(int) - colour.astype(int)).max() <= (dtype == np.uint16)
        assert (fitted.alpha is None) == (alpha is None)
        assert fitted.alpha is None or fitted.alpha.min() == WHITE[dtype]


@pytest.mark.parametrize("size_px", [(900, 450), (500, 250), (333, 167), (61, 31), (16, 16)])
def test_it_is_the_same_place_in_every_band(size_px: tuple[int, int]) -> None:
    """A slope stays one: row after row the same, column after column a step, its middle in the middle."""
    upright = fit(_ramp((1000, 500)), size_px).rgb[..., 0].astype(float)
    lying = Photograph(as_pixels(np.ascontiguousarray(_ramp((1000, 500)).rgb.transpose(1, 0, 2))))
    turned = fit(lying, size_px[::-1]).rgb[..., 0].astype(float).T
    assert np.abs(upright - upright[:1]).max() <= 1
    assert np.abs(upright - turned).max() <= 40
    assert (np.diff(upright[0]) > 0).all()
    assert upright[0, [size_px[0] // 2 - 1, size_px[0] // 2]].mean() == pytest.approx(32767, abs=500)


def test_large_gradient_keeps_sixteen_bits() -> None:
    """No banding: of a slope of 4000 steps all remain, in half and in three quarters of its size."""
    for width in (2000, 3000):
        assert len(np.unique(fit(_ramp((4000, 40)), (width, 20)).rgb)) > 0.99 * width


def test_edge_does_not_ring() -> None:
    """Smaller: nothing is darker than the dark side or lighter than the light one. Larger: by a tenth at most."""
    edge = np.full((120, 120), 13_000, np.uint16)
    edge[:, 60:] = 52_000
    for side_px in (100, 47):
        small = fit(_grey(edge), (side_px, side_px)).rgb
        assert small.min() >= 12_999
        assert small.max() <= 52_001
    large = fit(_grey(edge), (300, 300)).rgb
    assert large.min() > 13_000 - 3900
    assert large.max() < 52_000 + 3900


@pytest.mark.parametrize("dtype", DEPTHS)
@pytest.mark.parametrize("side_px", [30, 47, 150])
def test_what_nobody_saw_does_not_come_out(dtype: Depth, side_px: int) -> None:
    """A white disc on transparent black stays white to its rim: no dark fringe."""
    y, x = np.indices((100, 100))
    disc = (x - 50) ** 2 + (y - 50) ** 2 < 900
    alpha = as_pixels((disc * WHITE[dtype]).astype(dtype))
    fitted = fit(Photograph(_grey(alpha).rgb, alpha), (side_px, side_px))
    assert fitted.alpha is not None
    seen = fitted.alpha > 0.02 * WHITE[dtype]
    assert 0.2 < seen.mean() < 0.4
    assert fitted.rgb[seen].min() >= 0.98 * WHITE[dtype]


def test_fitting_is_done_in_bands() -> None:
    """Of a large picture no float of its size is made: numpy holds a quarter of that, and the result."""
    photograph = Photograph(np.zeros((2500, 2000, 3), np.uint16))
    for size_px in ((1500, 1900), (60, 60)):
        tracemalloc.start()
        fitted = fit(photograph, size_px)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < fitted.rgb.nbytes + photograph.rgb.nbytes / 2
