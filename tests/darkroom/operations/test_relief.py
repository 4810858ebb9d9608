"""Highlights, shadows and detail change where their names say, in numbers, and leave the rest."""

import cv2
import numpy as np
import pytest

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.relief import RELIEF
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats


def _done(name: str, rgb: Floats, amount: float) -> Floats:
    return np.clip(RELIEF[name](Canvas(rgb), Brief(amount))(1.0).rgb, 0, 1)


def _light(rgb: Floats) -> float:
    return float(luma(rgb).mean())


def _detail(rgb: Floats) -> float:
    light = luma(rgb)
    return float(np.median(np.abs(light - floats(cv2.GaussianBlur(light, (0, 0), 4)))))


def _regions(rgb: Floats) -> tuple[Floats, Floats]:
    """Where a photograph is dark, and where it is light, over some width."""
    light = cv2.blur(luma(rgb), (15, 15))
    low, high = np.quantile(light, (0.15, 0.85))
    return floats(light <= low), floats(light >= high)


def _mean(rgb: Floats, where: Floats) -> float:
    return float(luma(rgb)[where > 0].mean())


@pytest.mark.parametrize("amount", [0.5, -0.5])
def test_highlights_change_what_is_light(rgb: Floats, amount: float) -> None:
    """The light regions go up or down, the dark ones stay."""
    dark, light = _regions(rgb)
    done = _done("highlights", rgb, amount)
    change = _mean(done, light) - _mean(rgb, light)
    assert np.sign(amount) * change > 0.01
    assert abs(_mean(done, dark) - _mean(rgb, dark)) < 0.2 * abs(change)


@pytest.mark.parametrize("amount", [0.5, -0.5])
def test_shadows_change_what_is_dark(rgb: Floats, amount: float) -> None:
    """The dark regions go up or down in proportion more than a tenth, five times as much as the light ones."""
    dark, light = _regions(rgb)
    done = _done("shadows", rgb, amount)
    change = np.log(_mean(done, dark) / _mean(rgb, dark))
    assert np.sign(amount) * change > 0.1
    assert abs(np.log(_mean(done, light) / _mean(rgb, light))) < abs(change) / 5


@pytest.mark.parametrize(("name", "amount"), [("shadows", 1.0), ("highlights", -1.0), ("hdr", 1.0)])
def test_local_light_has_no_halos(name: str, amount: float) -> None:
    """On either side of a hard edge there are two flat tones, as there were before."""
    edge = np.full((240, 320, 3), 0.12, np.float32)
    edge[:, 160:] = 0.85
    done = luma(_done(name, edge, amount))[120]
    assert np.ptp(done[60:158]) < 0.04
    assert np.ptp(done[162:260]) < 0.04


def test_clarity_makes_or_softens_detail(rgb: Floats) -> None:
    """Detail grows by a tenth, or loses one; the light of all stays."""
    more, less = _done("clarity", rgb, 0.5), _done("clarity", rgb, -0.5)
    assert _detail(more) > 1.1 * _detail(rgb) > 1.1 * 1.1 * _detail(less)
    assert _light(more) == pytest.approx(_light(rgb), rel=0.03)


def test_hdr_evens_light_and_strengthens_detail(rgb: Floats) -> None:
    """Dark and light come nearer to each other; the detail of the dark grows by a fifth, that of the light does not shrink."""
    dark, light = _regions(rgb)
    done = _done("hdr", rgb, 0.7)
    assert _mean(done, light) / _mean(done, dark) < 0.9 * _mean(rgb, light) / _mean(rgb, dark)
    before, after = (np.abs(picture - cv2.blur(picture, (5, 5))) for picture in (rgb, done))
    assert after[dark > 0].mean() > 1.2 * before[dark > 0].mean()
    assert np.median(after[light > 0]) > np.median(before[light > 0])
