"""Haze goes and mist comes, in numbers."""

import numpy as np
from photographs import photograph

from streamedit.darkroom.canvas import Brief
from streamedit.darkroom.operations.haze import dehaze
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats


def _done(rgb: Floats, amount: float) -> Floats:
    return np.clip(dehaze(rgb, Brief(amount))(1.0), 0, 1)


def test_dehaze_takes_haze_away() -> None:
    """A photograph seen through haze comes nearer to itself, with a fifth more contrast where the haze was thick."""
    rgb = photograph("astronaut.jpg")
    seen = np.linspace(0.4, 0.85, rgb.shape[0], dtype=np.float32)[:, None, None]
    hazy = rgb * seen + np.array([0.8, 0.82, 0.85], np.float32) * (1 - seen)
    clear = _done(hazy, 0.6)
    assert np.abs(clear - rgb).mean() < 0.8 * np.abs(hazy - rgb).mean()
    assert luma(clear[:256]).std() > 1.2 * luma(hazy[:256]).std()


def test_mist_lies_thickest_above(rgb: Floats) -> None:
    """Less than no dehazing is mist: contrast goes, from the upper third by a third more than from the lower."""
    third = rgb.shape[0] // 3
    misty = _done(rgb, -0.6)
    above = luma(misty[:third]).std() / luma(rgb[:third]).std()
    below = luma(misty[-third:]).std() / luma(rgb[-third:]).std()
    assert above < 0.6
    assert 1 - above > 1.3 * (1 - below)
