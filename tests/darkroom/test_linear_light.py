"""Light and its codes."""

import numpy as np
import pytest

from streamedit.darkroom.curves import ENCODED, LINEAR, looked_up
from streamedit.darkroom.linear_light import encoded, gained, linear, near_encoded, near_linear
from streamedit.darkroom.photograph import Floats


def test_the_exact_curve_is_that_of_the_standard() -> None:
    """Black, white, the middle grey of 50 % and the end of the straight part are where IEC 61966-2-1 has them."""
    codes = np.array([0, 0.04045, 0.5, 1], np.float32)
    assert linear(codes) == pytest.approx([0, 0.04045 / 12.92, 0.2140, 1], abs=1e-4)


def test_either_way_leads_back(rgb: Floats) -> None:
    """To light and back, the exact way, by its tables and the near way, is within a tenth of an 8-bit step."""
    for there_and_back in (
        encoded(linear(rgb)),
        looked_up(looked_up(rgb, LINEAR), ENCODED),
        near_encoded(near_linear(rgb)),
    ):
        assert np.abs(there_and_back - rgb).max() < 0.1 / 255


def test_the_near_way_is_near(rgb: Floats) -> None:
    """What it says of light differs from the exact by no more than a twentieth of white."""
    assert np.abs(near_linear(rgb) - linear(rgb)).max() < 0.05


@pytest.mark.parametrize("gain", [0.25, 1.0, 1.1, 2.0, 8.0])
def test_a_gain_burns_nothing(gain: float) -> None:
    """White is at most white, more light is more, and shadows get all of the gain."""
    light = np.linspace(0, 1, 1001, dtype=np.float32)
    done = gained(light, gain)
    assert (np.diff(done) > 0).all()
    assert done.max() == pytest.approx(min(1.0, gain))
    assert done[1] / light[1] == pytest.approx(gain, rel=0.01)
