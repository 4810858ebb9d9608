"""Toned pictures have the colours that they should, in numbers, and keep their light."""

import numpy as np
import pytest

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Colour, Details
from streamedit.darkroom.operations.toning import TONING
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats


def _done(name: str, rgb: Floats, amount: float = 1.0, details: Details | None = None) -> Floats:
    brief = Brief(amount, details or Details())
    return np.clip(TONING[name](Canvas(rgb), brief)(1.0).rgb, 0, 1)


def _of(*colours: Colour) -> Details:
    return Details(colours=colours)


def test_tint_lays_a_colour_over_all_and_keeps_the_light(rgb: Floats) -> None:
    """Green is what it is told to be, magenta otherwise; no luma changes by more than two steps."""
    green, magenta = _done("tint", rgb, 0.4, _of((0, 0.8, 0))), _done("tint", rgb, 0.4)
    assert (green - rgb)[..., 1].mean() > 0.02
    assert (magenta - rgb)[..., 1].mean() < -0.02
    assert np.abs(luma(green) - luma(rgb)).max() < 2 / 255


def test_split_toning_gives_shadows_and_highlights_their_colours() -> None:
    """Of a grey wedge, the dark is teal and the light orange, or as told; black, white and all luma stay."""
    wedge = np.repeat(np.linspace(0, 1, 101, dtype=np.float32)[None, :, None], 3, axis=2)
    wedge = np.repeat(wedge, 16, axis=0)
    usual, told = _done("split toning", wedge, 0.5)[0], _done("split toning", wedge, 0.5, _of((0.4, 0, 0.6), (0.9, 0.9, 0)))[0]
    assert usual[25, 2] > usual[25, 0] + 0.05
    assert usual[75, 0] > usual[75, 2] + 0.05
    assert told[25, 1] < told[25, 2] - 0.05
    assert told[75, 2] < told[75, 1] - 0.05
    assert np.abs(luma(usual[None])[0] - wedge[0, :, 0]).max() < 1 / 255
    assert np.ptp(usual[[0, 100]], axis=1).max() < 1e-3


def test_duotone_has_two_inks(rgb: Floats) -> None:
    """Every colour lies between the two told, the darker of them in the shadows, in whichever order they were told."""
    dark, light = (0.1, 0.0, 0.4), (1.0, 0.8, 0.2)
    done = _done("duotone", rgb, 1.0, _of(light, dark))
    share = (done - np.array(dark, np.float32)) / (np.array(light, np.float32) - np.array(dark, np.float32))
    assert np.ptp(share, axis=2).max() < 0.01
    assert np.corrcoef(share[..., 0].ravel(), luma(rgb).ravel())[0, 1] > 0.98


def test_one_ink_goes_from_black_to_paper(rgb: Floats) -> None:
    """All has the hue of the one ink told, and the light of the picture."""
    done = _done("duotone", rgb, 1.0, _of((0.8, 0.1, 0.2)))
    assert (done[..., 0] >= done[..., 1] - 1e-4).all()
    assert np.corrcoef(luma(done).ravel(), luma(rgb).ravel())[0, 1] > 0.98


def test_negative_turns_all_round(rgb: Floats) -> None:
    """It is 1 less each value; half way the lights have turned and the shadows not yet."""
    assert np.abs(_done("negative", rgb) - (1 - rgb)).max() < 1e-5
    half = _done("negative", rgb, 0.5)
    assert np.abs(half - (1 - rgb))[luma(rgb) > 0.7].max() < 0.01
    assert np.abs(half - rgb)[luma(rgb) < 0.1].max(initial=0) < 0.01


def test_solarised_highlights_are_dark() -> None:
    """White becomes dark, black stays, the middle is lightest."""
    wedge = np.repeat(np.repeat(np.linspace(0, 1, 101, dtype=np.float32)[None, :, None], 3, axis=2), 16, axis=0)
    light = luma(_done("solarise", wedge))[0]
    assert light[0] < 0.01
    assert light[100] < 0.05
    assert 35 <= int(light.argmax()) <= 60


def test_black_and_white_keeps_the_light(rgb: Floats) -> None:
    """R, G and B are equal, and are the Rec. 709 luma."""
    done = _done("black and white", rgb)
    assert np.ptp(done, axis=2).max() == 0
    assert np.abs(done[..., 0] - luma(rgb)).max() < 1 / 255


@pytest.mark.parametrize(("colour", "lighter"), [((1, 0, 0), 0), ((1, 0.5, 0), 0), ((0, 0.5, 0), 1), ((0, 0, 1), 2)])
def test_a_filter_lightens_its_own_colour(colour: Colour, lighter: int) -> None:
    """Through a filter, patches of its colour are lighter than without, the others darker; grey stays."""
    patches = np.repeat(0.2 + 0.6 * np.eye(4, 3, dtype=np.float32)[None], 16, axis=0)
    through, without = (_done("black and white", patches, 1.0, details)[0, :, 0] for details in (_of(colour), None))
    assert through[lighter] > without[lighter] + 0.02
    assert through[3] == pytest.approx(0.2, abs=1e-3)


def test_a_variation_in_black_and_white_has_another_filter(rgb: Floats) -> None:
    """Its tones differ where there is colour."""
    usual, other = (TONING["black and white"](Canvas(rgb), Brief(character=character))(1.0).rgb for character in (1.0, 1.35))
    assert np.abs(usual - other).max() > 0.05


def test_sepia_is_brown(rgb: Floats) -> None:
    """Everywhere red > green > blue, with one hue between orange and yellow."""
    toned = _done("sepia", rgb)
    light = toned[(luma(toned) > 0.1) & (toned.max(axis=2) < 1)]
    assert (light[:, 0] > light[:, 1]).all()
    assert (light[:, 1] > light[:, 2]).all()
    hue = 60 * (light[:, 1] - light[:, 2]) / (light[:, 0] - light[:, 2])
    assert hue.min() > 25
    assert hue.max() < 50
