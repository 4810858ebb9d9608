"""What film, paper, tubes and lenses leave is on real photographs what its name says, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.detail import DETAIL
from streamedit.darkroom.photograph import Floats


def _done(name: str, rgb: Floats, amount: float = 0.5, seed: int = 1) -> Floats:
    return DETAIL[name](Canvas(rgb), Brief(amount=amount, seed=seed))(1.0).rgb


def _luma(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def test_grain_is_in_lightness_and_strongest_in_the_mid_tones(rgb: Floats) -> None:
    """All three channels get the same; it changes no mean; mid-tones get twice what blacks and whites get."""
    grain = _done("film grain", rgb) - rgb
    assert np.ptp(grain, axis=2).max() < 1e-5
    assert abs(float(grain.mean())) < 0.001
    deviations = [
        float((_done("film grain", np.full((200, 200, 3), tone, np.float32)) - np.float32(tone)).std()) for tone in (0, 0.5, 1)
    ]
    assert deviations[1] > 2 * max(deviations[0], deviations[2])
    assert 0.02 < deviations[1] < 0.06


def test_grain_is_larger_than_a_pixel_in_a_large_picture() -> None:
    """At 2000 pixels a grain is like its neighbours, at 500 less so."""
    alike = []
    for side in (500, 2000):
        grain = _done("film grain", np.full((side, side, 3), 0.5, np.float32))[:400, :400, 0]
        alike.append(float(np.corrcoef(grain[:, :-1].ravel(), grain[:, 1:].ravel())[0, 1]))
    assert alike[1] > 0.75 > alike[0]


def test_dust_is_on_little_of_the_film_and_light_and_dark(rgb: Floats) -> None:
    """Less than a sixteenth of the picture changes visibly; some of it to nearly white, some darker."""
    change = _luma(_done("dust and scratches", rgb, 0.7)) - _luma(rgb)
    assert 0.001 < (np.abs(change) > 0.05).mean() < 0.06
    assert change.max() > 0.25
    assert change.min() < -0.15


def test_scratches_run_down_the_film() -> None:
    """Some column of the film is damaged for a quarter of its height, no row is for so much of its width."""
    worn = np.abs(_done("dust and scratches", np.full((400, 600, 3), 0.4, np.float32), 0.8) - np.float32(0.4))[..., 0] > 0.03
    columns = cv2.dilate(worn.astype(np.uint8), np.ones((1, 5), np.uint8)).mean(axis=0)
    assert columns.max() > 0.25
    assert worn.mean(axis=1).max() < 0.15


def test_paper_is_rough_and_never_quite_black_or_white() -> None:
    """An even grey gets a relief of some hundredths; black is lifted, white is dimmed and warm."""
    black, grey, white = (_done("paper texture", np.full((300, 300, 3), tone, np.float32)) for tone in (0.0, 0.5, 1.0))
    assert 0.015 < grey[..., 1].std() < 0.08
    assert black.mean() > 0.015
    assert white.mean() < 0.98
    assert white[..., 0].mean() > white[..., 2].mean() + 0.01


def test_paper_does_not_change_how_light_a_picture_is(rgb: Floats) -> None:
    """The mean stays within three hundredths."""
    assert abs(float(_done("paper texture", rgb).mean() - rgb.mean())) < 0.03


def test_scan_lines_are_even_lines_across_the_picture() -> None:
    """One frequency holds most of what changes from row to row, nothing changes along a row, and the mean light stays."""
    grey = np.full((360, 360, 3), 0.5, np.float32)
    lines = _done("scan lines", grey)[..., 0]
    power = np.abs(np.fft.rfft(lines.mean(axis=1) - lines.mean())) ** 2
    assert np.ptp(lines, axis=1).max() < 1e-6
    assert power.max() > 0.8 * power.sum()
    assert np.ptp(lines[:, 0]) > 0.1
    assert float(lines.mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("name", ["astronaut.jpg", "coffee.jpg"])
def test_fringes_grow_from_the_middle_to_the_corners(name: str) -> None:
    """Green stays; in the middle there are no fringes, and at the right rim red lies further out, blue further in."""
    rgb = photograph(name)
    done, (height, width) = _done("chromatic aberration", rgb, 1.0), rgb.shape[:2]
    middle = slice(height // 2 - 8, height // 2 + 8), slice(width // 2 - 8, width // 2 + 8)
    assert np.abs(done[..., 1] - rgb[..., 1]).max() < 1e-6
    assert np.abs(done - rgb)[middle].mean() < 3 / 255
    rim = slice(height // 4, 3 * height // 4), slice(width - 96, width)
    red, blue = (
        cv2.phaseCorrelate(rgb[rim][..., channel].astype(float), done[rim][..., channel].astype(float))[0][0]
        for channel in (0, 2)
    )
    assert red > 0.8
    assert blue < -0.8


@pytest.mark.parametrize("name", ["film grain", "dust and scratches", "paper texture"])
def test_a_seed_is_a_picture(name: str) -> None:
    """The same seed gives the same picture, another one another."""
    rgb = photograph("chelsea.png")
    assert np.array_equal(_done(name, rgb, seed=5), _done(name, rgb, seed=5))
    assert np.abs(_done(name, rgb, seed=5) - _done(name, rgb, seed=6)).max() > 0.05
