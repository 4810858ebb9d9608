"""Colour as numbers: as published, there and back, and inside of what sRGB has."""

import numpy as np

from streamedit.darkroom.colours import fitted, from_oklab, oklab
from streamedit.darkroom.linear_light import encoded, linear
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats


def test_oklab_is_ottossons() -> None:
    """The lightness, a and b of red, green and white are those published with the colour space."""
    lab = oklab(np.array([[[1, 0, 0], [0, 1, 0], [1, 1, 1]]], np.float32))[0]
    published = [[0.628, 0.2249, 0.1258], [0.8664, -0.2339, 0.1795], [1, 0, 0]]
    assert np.abs(lab - published).max() < 1e-3


def test_there_and_back_is_where_it_began(rgb: Floats) -> None:
    """Linear light and OKLab are ways that lead back, within a quarter of an 8-bit step."""
    assert np.abs(encoded(linear(rgb)) - rgb).max() < 1e-5
    assert np.abs(from_oklab(oklab(rgb)) - rgb).max() < 0.25 / 255


def test_what_is_too_vivid_gets_less_colour_and_keeps_its_light(rgb: Floats) -> None:
    """All is inside 0..1, each luma as it was."""
    vivid = rgb + 1.5 * (rgb - luma(rgb)[..., None])
    inside = fitted(vivid)
    assert inside.min() > -1e-4
    assert inside.max() < 1 + 1e-4
    assert np.abs(luma(inside) - luma(rgb)).max() < 1e-3
