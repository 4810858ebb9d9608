"""Layers over a picture."""

import cv2
import numpy as np
import pytest

from streamedit.darkroom.layers import over
from streamedit.darkroom.optics import floats


@pytest.mark.parametrize("shape", [(1100, 1500), (16, 300), (300, 16), (90, 120)], ids=str)
@pytest.mark.parametrize("planes", [1, 2, 3])
def test_layers_are_enlarged_as_a_whole(shape: tuple[int, int], planes: int) -> None:
    """What the bands of a picture see of a small layer is, put together, the layer enlarged: no seams and no steps."""
    layer = np.random.default_rng(1).random((9, 12, planes), np.float32)
    layer = layer[..., 0] if planes == 1 else layer
    seen = over(np.zeros((*shape, 3), np.float32), lambda _, its: its, layer)
    assert np.abs(seen - floats(cv2.resize(layer, shape[::-1]))).max() < 1e-5


def test_a_layer_of_the_pictures_size_is_itself() -> None:
    """Nothing is drawn anew that fits."""
    layer = np.random.default_rng(2).random((700, 400), np.float32)
    assert np.array_equal(over(np.zeros((700, 400, 3), np.float32), lambda _, its: its, layer), layer)
