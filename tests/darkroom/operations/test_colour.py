"""Colours are changed as their names say, in numbers, on real photographs."""

import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.colours import oklab
from streamedit.darkroom.instructions import Colour, Details
from streamedit.darkroom.linear_light import linear
from streamedit.darkroom.operations.colour import COLOUR
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats

SKIN = (slice(95, 130), slice(200, 240))
"""The astronaut's face."""
SUIT = (slice(380, 420), slice(60, 100))


def _done(name: str, rgb: Floats, amount: float = 1.0, details: Details | None = None) -> Floats:
    brief = Brief(amount, details or Details())
    return np.clip(COLOUR[name](Canvas(rgb), brief)(1.0).rgb, 0, 1)


def _of(*colours: Colour) -> Details:
    return Details(colours=colours)


def _chroma(rgb: Floats) -> Floats:
    lab = oklab(rgb)
    return np.asarray(np.hypot(lab[..., 1], lab[..., 2]), np.float32)


def _hue(rgb: Floats) -> Floats:
    lab = oklab(rgb)
    return np.asarray(np.rad2deg(np.arctan2(lab[..., 2], lab[..., 1])), np.float32)


def _plain(colour: Colour) -> Floats:
    return np.full((16, 16, 3), colour, np.float32)


def test_saturation_reaches_from_grey_to_vivid(rgb: Floats) -> None:
    """-1 has no colour, more has a quarter more of it, and the light stays."""
    assert np.ptp(_done("saturation", rgb, -1.0), axis=2).max() < 1e-5
    vivid = _done("saturation", rgb, 0.4)
    assert _chroma(vivid).mean() > 1.25 * _chroma(rgb).mean()
    assert np.abs(luma(vivid) - luma(rgb)).max() < 2 / 255


def test_vibrance_spares_skin_and_what_is_vivid() -> None:
    """A pale green gets more colour by far than the face and the orange suit."""
    rgb = photograph("astronaut.jpg")
    gain = _chroma(_done("vibrance", rgb, 0.5)) / np.maximum(_chroma(rgb), 1e-3)
    pale = _chroma(_done("vibrance", _plain((0.45, 0.6, 0.5)), 0.5)).mean() / _chroma(_plain((0.45, 0.6, 0.5))).mean()
    assert pale > 1.4
    assert np.median(gain[SKIN]) < 1 + 0.6 * (pale - 1)
    assert np.median(gain[SUIT]) < 1 + 0.4 * (pale - 1)


def test_vibrance_leaves_greys_grey(rgb: Floats) -> None:
    """What has next to no colour gets none that shows."""
    greys = _chroma(rgb) < 0.01
    assert (_chroma(_done("vibrance", rgb, 1.0)) - _chroma(rgb))[greys].max() < 0.012


def test_warmth_is_the_light_of_a_lamp(rgb: Floats) -> None:
    """Red gains on blue by a tenth at the usual amount, and loses as much when cooler; grey keeps its lightness."""

    def warm(picture: Floats) -> float:
        return float(linear(picture[..., 0]).mean() / linear(picture[..., 2]).mean())

    assert warm(_done("warmth", rgb, 0.4)) > 1.1 * warm(rgb) > 1.21 * warm(_done("warmth", rgb, -0.4))
    grey = _plain((0.5, 0.5, 0.5))
    assert luma(linear(_done("warmth", grey, 0.4))).mean() == pytest.approx(linear(grey).mean(), rel=0.02)


def test_hue_turns_and_keeps_lightness(rgb: Floats) -> None:
    """All hues turn by the degrees told; the lightness stays, as it is seen."""
    turned = _done("hue", rgb, details=Details(number=90))
    clear = (_chroma(rgb) > 0.05) & (_chroma(turned) > 0.03)
    turn = (_hue(turned) - _hue(rgb))[clear] % 360
    assert np.median(turn) == pytest.approx(90, abs=1)
    assert np.quantile(np.abs(turn - 90), 0.9) < 8
    assert np.median(np.abs(oklab(turned)[..., 0] - oklab(rgb)[..., 0])) < 0.01


def test_hue_by_amount_is_forty_degrees() -> None:
    """Without a number, all of it is 40 degrees, and half of it 20."""
    plain = _plain((0.6, 0.5, 0.5))
    for amount in (1.0, 0.5):
        assert (_hue(_done("hue", plain, amount)) - _hue(plain)).mean() == pytest.approx(40 * amount, abs=0.5)


def test_selective_colour_keeps_one() -> None:
    """Red keeps the stripes of the flag and none of the face; green keeps nothing of either."""
    rgb = photograph("astronaut.jpg")
    red, green = _done("selective colour", rgb), _done("selective colour", rgb, 1.0, _of((0, 0.6, 0)))
    stripes = (rgb[..., 0] > 0.4) & (rgb[..., 1] < 0.2) & (rgb[..., 2] < 0.3)
    assert _chroma(red)[stripes].mean() > 0.9 * _chroma(rgb)[stripes].mean()
    assert _chroma(red)[SKIN].mean() < 0.2 * _chroma(rgb)[SKIN].mean()
    assert _chroma(green)[SKIN].max() < 0.01
    assert _chroma(green)[stripes].max() < 0.01
