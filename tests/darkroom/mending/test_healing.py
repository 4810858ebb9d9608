"""What is made up under a hole: near to the truth where that is known, and only of what is around it."""

import cv2
import numpy as np
import pytest
from erasures import KINDS, METHODS, figures
from photographs import NAMES, photograph

from streamedit.darkroom.mending.healing import healed
from streamedit.darkroom.mending.membranes import Holes, membrane
from streamedit.darkroom.photograph import Floats


def _hole(size: tuple[int, int], rows: slice, columns: slice) -> Holes:
    hole = np.zeros(size, bool)
    hole[rows, columns] = True
    return hole


@pytest.fixture
def cat() -> Floats:
    """300 x 451."""
    return photograph("chelsea.png")


def test_it_is_nearer_to_the_truth_than_telea() -> None:
    """By half a decibel in the hole on the average of photographs and kinds of masks; more alike in structure in each."""
    gains = np.array([_gain(_shrunk(photograph(name))) for name in NAMES])
    assert gains[:, 0].mean() > 0.5 and gains[:, 0].min() > -0.2
    assert gains[:, 1].min() > 0


def _gain(rgb: Floats) -> Floats:
    ours, theirs = (np.mean([figures(METHODS[way], rgb, kind, 2) for kind in KINDS], 0) for way in ("darkroom", "Telea 5"))
    return np.asarray(ours - theirs, np.float32)


def _shrunk(rgb: Floats) -> Floats:
    """To a shorter side of 240 pixels: the whole table, of the script, takes longer."""
    scale = 240 / min(rgb.shape[:2])
    return np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.float32)


def test_what_is_under_the_hole_does_not_matter(cat: Floats) -> None:
    """An object leaves no trace of itself, whatever its colours."""
    hole = _hole((300, 451), slice(100, 160), slice(200, 300))
    filled = [healed(np.where(hole[..., None], np.float32(colour), cat), hole)(1.0) for colour in (0.0, 1.0)]
    assert np.array_equal(filled[0], filled[1])


def test_outside_of_the_hole_nothing_changes(cat: Floats) -> None:
    """To the last bit, at every stage."""
    hole = _hole((300, 451), slice(100, 160), slice(200, 300))
    state = healed(cat, hole)
    assert all(np.array_equal(state(part)[~hole], cat[~hole]) for part in (0.3, 1.0))


def test_states_on_the_way_come_nearer(cat: Floats) -> None:
    """From coarse to fine: each is nearer to the finished picture than the one before."""
    state = healed(cat, _hole((300, 451), slice(80, 200), slice(150, 330)))
    states = [state(part) for part in (0.25, 0.5, 0.75, 1.0)]
    far = [float(np.abs(each - states[-1]).mean()) for each in states]
    assert far[0] > far[1] > far[2] > far[3] == 0


@pytest.mark.parametrize(("name", "centre", "radius"), [("chelsea.png", (215, 80), 40), ("coffee.jpg", (60, 330), 50)])
def test_texture_goes_on(name: str, centre: tuple[int, int], radius: int) -> None:
    """Fur stays fur and wood stays wood: detail is more than half as strong as about it; a membrane has hardly any."""
    rgb = photograph(name)
    mask = np.zeros(rgb.shape[:2], np.uint8)
    cv2.circle(mask, centre, radius, (1,), -1)
    about = (cv2.dilate(mask, np.ones((33, 33), np.uint8)) > 0) & (cv2.dilate(mask, np.ones((5, 5), np.uint8)) == 0)
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8)) > 0
    outside = _detail(rgb, about)
    assert 0.5 * outside < _detail(healed(rgb, mask > 0)(1.0), inside) < 1.2 * outside
    assert _detail(membrane(rgb, mask > 0), inside) < 0.2 * outside


def _detail(rgb: Floats, where: Holes) -> float:
    return float(cv2.Laplacian(rgb.mean(2), cv2.CV_32F)[where].std())


def test_what_is_plain_stays_plain(cat: Floats) -> None:
    """No texture is made up where there is none about, though an edge meets the hole."""
    rgb = np.full_like(cat, 0.4)
    rgb[:, :200] = 0.7
    made = healed(rgb, _hole((300, 451), slice(100, 160), slice(190, 250)))(1.0)
    assert _detail(made, _hole((300, 451), slice(102, 158), slice(225, 248))) < 0.005


def test_another_seed_makes_up_something_else(cat: Floats) -> None:
    """And the same seed the same."""
    hole = _hole((300, 451), slice(80, 200), slice(150, 330))
    first, again, other = (healed(cat, hole, seed, 3)(1.0)[hole] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 2 / 255


@pytest.mark.parametrize("size", [(16, 16), (16, 300), (300, 16), (451, 300)])
def test_any_size_and_any_hole_is_filled(size: tuple[int, int]) -> None:
    """At the border, over nearly all, of a pixel: every value is finite, and between those of the picture or close."""
    rgb = np.random.default_rng(1).random((*size, 3), np.float32)
    for rows, columns in ((slice(0, 5), slice(0, 5)), (slice(1, None), slice(None)), (slice(8, 9), slice(8, 9))):
        filled = healed(rgb, _hole(size, rows, columns))(1.0)
        assert np.isfinite(filled).all() and filled.dtype == np.float32
        assert filled.min() > -0.5 and filled.max() < 1.5


def test_a_thousand_specks_are_few_holes(cat: Floats) -> None:
    """Dust over all of a picture is mended in one go, and better than nothing."""
    hole = np.random.default_rng(3).random((300, 451)) < 0.005
    dusty = np.where(hole[..., None], np.float32(1), cat)
    assert np.abs(healed(dusty, hole)(1.0) - cat)[hole].mean() < 0.05


def test_a_membrane_is_smooth_and_meets_its_rim() -> None:
    """A slope goes on through a hole as it came."""
    slope = np.repeat(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], 48, 0).repeat(3, 2)
    assert np.abs(membrane(slope, _hole((48, 64), slice(15, 30), slice(20, 40))) - slope).max() < 0.03
