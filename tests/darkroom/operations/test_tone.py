"""Light and dark do to a real photograph what their names say, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.linear_light import linear
from streamedit.darkroom.operations.tone import TONE
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats


def _done(name: str, rgb: Floats, amount: float, number: float | None = None) -> Floats:
    brief = Brief(amount, Details(number=number))
    return np.clip(TONE[name](Canvas(rgb), brief)(1.0).rgb, 0, 1)


def _light(rgb: Floats) -> float:
    return float(luma(rgb).mean())


def test_brightness_moves_the_middle_and_leaves_black_and_white(rgb: Floats) -> None:
    """The middle goes up or down by a tenth at least; what was black or white still is."""
    rgb = rgb.copy()
    rgb[0, 0], rgb[0, 1] = 0, 1
    brighter, darker = _done("brightness", rgb, 0.4), _done("brightness", rgb, -0.4)
    assert _light(brighter) > 1.1 * _light(rgb) > 1.21 * _light(darker)
    assert (brighter[0, 0].max(), brighter[0, 1].min()) == (0, 1)


def test_exposure_is_counted_in_stops(rgb: Floats) -> None:
    """A stop more doubles the light of the shadows, a stop darker halves all light."""
    shadows = (rgb > 0.05) & (rgb < 0.2)
    more, less = _done("exposure", rgb, 0.4, number=1), _done("exposure", rgb, -0.4, number=1)
    assert np.median(linear(more)[shadows] / linear(rgb)[shadows]) == pytest.approx(2, rel=0.03)
    assert linear(less).mean() == pytest.approx(linear(rgb).mean() / 2, rel=1e-3)


def test_exposure_goes_over_a_shoulder(rgb: Floats) -> None:
    """No value that was below white is burnt, and the order of all values stays."""
    more = _done("exposure", rgb, 1.0)
    assert more[rgb < 250 / 255].max() < 1
    ladder = np.repeat(np.linspace(0, 1, 4096, dtype=np.float32)[None, :, None], 3, axis=2)
    for amount in (0.2, 0.4, 0.7, 1.0):
        assert (np.diff(_done("exposure", ladder, amount)[0, :, 0]) >= 0).all()


def test_contrast_spreads_and_gathers_light(rgb: Floats) -> None:
    """More of it spreads the luma by a tenth at least and burns nothing; less of it gathers it by a fifth."""
    more, less = _done("contrast", rgb, 0.4), _done("contrast", rgb, -0.4)
    assert luma(more).std() > 1.1 * luma(rgb).std() > 1.1 * 1.2 * luma(less).std()
    assert more[rgb < 250 / 255].max() < 1
    assert more[rgb > 5 / 255].min() > 0


def test_a_tone_curve_is_an_s_or_matte(rgb: Floats) -> None:
    """As an S it takes the quarter tones apart; matte, nothing is black and nothing white."""
    tones = np.repeat(np.array([0, 0.25, 0.75, 1], np.float32)[None, :, None], 3, axis=2)
    black, dark, light, white = _done("tone curve", tones, 0.6)[0, :, 0]
    assert (black, white) == (0, 1)
    assert dark < 0.2
    assert light > 0.8
    matte = _done("tone curve", rgb, -0.6)
    assert matte.min() > 0.06
    assert matte.max() < 0.97


def test_auto_levels_bring_back_a_flat_picture(rgb: Floats) -> None:
    """Of a picture that has a third of its contrast, four fifths of the range are back; the channels keep their order."""
    flat = 0.3 + 0.35 * rgb
    done = _done("auto levels", flat, 1.0)
    low, high = np.percentile(done, (1, 99))
    assert high - low > 0.8 * np.subtract(*np.percentile(rgb, (99, 1))) > 0.4
    assert np.array_equal(np.argsort(done.mean(axis=(0, 1))), np.argsort(rgb.mean(axis=(0, 1))))


def test_auto_levels_leave_alone_what_is_well_already() -> None:
    """A picture with black, white and an even middle is changed by hardly more than can be seen."""
    rgb = photograph("astronaut.jpg")
    assert np.abs(_done("auto levels", rgb, 1.0) - rgb).mean() < 0.03


@pytest.mark.parametrize("cast", [(1.25, 1.0, 0.7), (0.75, 1.0, 1.2)])
def test_white_balance_takes_a_cast_out(rgb: Floats, cast: tuple[float, float, float]) -> None:
    """The same things in plain and in yellow or blue light look alike afterwards: less than half of the cast is left."""
    seen = floats(np.clip(rgb * np.array(cast, np.float32) ** 0.45, 0, 1))
    middle = (luma(rgb) > 0.3) & (luma(rgb) < 0.85)

    def colour(picture: Floats) -> Floats:
        return floats((picture[middle] / luma(picture)[middle, None]).mean(axis=0))

    def apart(one: Floats, other: Floats) -> float:
        return float(np.abs(colour(one) - colour(other)).max())

    assert apart(_done("white balance", seen, 0.8), _done("white balance", rgb, 0.8)) < 0.5 * apart(seen, rgb)


def test_white_balance_leaves_white_paper_white() -> None:
    """A grey wall in a lamp's light is grey afterwards, but for a quarter of the cast."""
    wall = np.repeat(np.linspace(0.2, 0.8, 64, dtype=np.float32)[None, :, None], 64, axis=0) * np.ones(3, np.float32)
    lit = floats(wall * np.array([1.1, 1.0, 0.75], np.float32))
    assert np.ptp(_done("white balance", lit, 1.0), axis=2).mean() < 0.25 * np.ptp(lit, axis=2).mean()


def test_white_balance_takes_kelvin_as_a_camera_does(rgb: Floats) -> None:
    """Set to 3200 K a picture gets bluer, to 9000 K more orange, to 6500 K it stays; grey keeps its lightness."""

    def blue(picture: Floats) -> float:
        return float(picture[..., 2].mean() / picture[..., 0].mean())

    lamps, shade = _done("white balance", rgb, 0.8, number=3200), _done("white balance", rgb, 0.8, number=9000)
    assert blue(lamps) > 1.3 * blue(rgb) > 1.3 * 1.05 * blue(shade)
    assert np.abs(_done("white balance", rgb, 0.8, number=6500) - rgb).max() < 0.5 / 255
    grey = np.full((16, 16, 3), 0.4, np.float32)
    assert linear(luma(linear(_done("white balance", grey, 0.8, number=3200)))).mean() == pytest.approx(
        linear(linear(grey)).mean(), rel=0.15
    )


@pytest.mark.parametrize("name", TONE)
def test_a_small_copy_looks_the_same(name: str) -> None:
    """An instruction done to half of the pixels gives half of the pixels of the picture that it gives."""
    rgb = photograph("astronaut.jpg")
    half = floats(cv2.resize(rgb, (256, 256), interpolation=cv2.INTER_AREA))
    large = floats(cv2.resize(_done(name, rgb, 0.6), (256, 256), interpolation=cv2.INTER_AREA))
    assert np.abs(_done(name, half, 0.6) - large).mean() < 0.015
