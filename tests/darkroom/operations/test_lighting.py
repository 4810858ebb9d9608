"""A studio's lamps light what they should, in numbers, and burn nothing."""

import numpy as np

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.lighting import LIGHTING
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats


def _done(name: str, rgb: Floats, amount: float) -> Floats:
    return np.clip(LIGHTING[name](Canvas(rgb), Brief(amount))(1.0).rgb, 0, 1)


def _mean(rgb: Floats, where: Floats) -> float:
    return float(luma(rgb)[where > 0].mean())


def test_professional_lighting_is_on_the_subject() -> None:
    """The middle, upper left, gets lighter, the corners darker by a tenth, and next to nothing burns out."""
    rgb = np.full((300, 400, 3), 0.45, np.float32)
    light = luma(_done("professional lighting", rgb, 0.7))
    assert light[108, 176] > 1.15 * 0.45
    assert light[108, 176] > light[190, 240] > 0.45
    assert max(light[0, 0], light[0, -1], light[-1, 0], light[-1, -1]) < 0.9 * 0.45


def test_professional_lighting_burns_nothing(rgb: Floats) -> None:
    """What was not white is not made white."""
    assert _done("professional lighting", rgb, 1.0)[rgb < 0.97].max() < 1


def test_high_key_is_light_and_low_key_dark(rgb: Floats) -> None:
    """High key lifts the median well up, and burns no more; low key takes the rims down to less than two thirds."""
    high, low = _done("high key", rgb, 0.7), _done("low key", rgb, 0.7)
    assert np.median(luma(high)) > np.median(luma(rgb)) + 0.08
    assert high[rgb < 0.97].max() < 1
    rim = np.ones(rgb.shape[:2], np.float32)
    rim[rgb.shape[0] // 8 : -rgb.shape[0] // 8, rgb.shape[1] // 8 : -rgb.shape[1] // 8] = 0
    assert _mean(low, rim) < 0.66 * _mean(rgb, rim)
    assert _mean(low, 1 - rim) > 1.2 * _mean(low, rim) * _mean(rgb, 1 - rim) / _mean(rgb, rim)
