"""The colours of lights."""

import numpy as np
import pytest

from streamedit.darkroom.illuminants import white


def test_lamps_are_orange_and_skies_blue() -> None:
    """The light of 6500 K is white; lower is redder, higher bluer, without steps."""
    assert white(6500) == pytest.approx((1, 1, 1))
    ratios = [white(kelvin)[0] / white(kelvin)[2] for kelvin in range(2000, 20_001, 250)]
    assert (np.diff(ratios) < 0).all()
