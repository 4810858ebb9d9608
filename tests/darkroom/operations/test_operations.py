"""What all instructions have in common."""

import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.operations import OPERATIONS
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.repertoire import TABLE, entry

SIZES = [(16, 16), (16, 300), (300, 16), (47, 61)]
DETAILS = {
    "caption": Details(text="Kyoto"),
    "label": Details(text="new"),
    "watermark": Details(text="draft"),
    "instant frame": Details(text="Kyoto"),
    "recolour": Details(colours=((0.1, 0.3, 0.8),)),
    "replace the background": Details(colours=((0.2, 0.5, 0.3),)),
    "crop": Details(ratio=1.0),
    "resize": Details(number=1.5),
    "rotate": Details(number=7.0),
    "upscale": Details(number=2.0),
}
ADJUSTABLE = [row.name for row in TABLE if row.adjustable]
NOTHING_TO_DO = {"straighten", "trim", "all images", "feather", "invert the mask", "auto levels", "white balance"}
"""What may find nothing to do in a picture, or changes the mask alone."""
GROWS = {"drop shadow"}
"""It changes the frame though it can be done by halves."""


@pytest.fixture(scope="module")
def cat() -> Floats:
    """The middle of a cat, with eyes, nose and whiskers."""
    return photograph("chelsea.png")[60:200, 60:260].copy()


def _canvas(rgb: Floats, name: str) -> Canvas:
    if entry(name).needs != "mask":
        return Canvas(rgb)
    weight = np.zeros(rgb.shape[:2], np.float32)
    height, width = rgb.shape[:2]
    weight[height // 3 : height // 2, width // 3 : width // 2] = 1
    return Canvas(rgb, None, weight, np.round(rgb * 255).astype(np.uint8))


def _brief(name: str, amount: float = 1.0, seed: int = 0) -> Brief:
    other = np.full((40, 60, 3), (0.8, 0.3, 0.2), np.float32)
    other[::2] *= 0.5
    return Brief(amount, DETAILS.get(name, Details()), seed, 1.0, (other,))


def _done(rgb: Floats, name: str, amount: float = 1.0, part: float = 1.0, seed: int = 0) -> Canvas:
    return OPERATIONS[name](_canvas(rgb, name), _brief(name, amount, seed))(part)


def test_every_instruction_has_its_operation() -> None:
    """The table of words and the tables of deeds name the same things."""
    assert set(OPERATIONS) == {row.name for row in TABLE}
    assert len(TABLE) == len({row.name for row in TABLE})


@pytest.mark.parametrize("name", ADJUSTABLE)
def test_nothing_of_it_changes_nothing(cat: Floats, name: str) -> None:
    """At amount 0 the picture is what it was, within half a step of 8 bits."""
    done = _done(cat, name, 0.0).rgb
    assert done.shape == cat.shape
    assert np.abs(np.clip(done, 0, 1) - cat).max() < 0.5 / 255


@pytest.mark.parametrize("name", [name for name in ADJUSTABLE if name not in NOTHING_TO_DO | GROWS])
def test_more_of_it_is_further_from_the_original(cat: Floats, name: str) -> None:
    """Half of an effect lies between nothing and all of it."""
    half, full = (np.abs(np.clip(_done(cat, name, amount).rgb, 0, 1) - cat).mean() for amount in (0.5, 1.0))
    assert 0 < half < full


@pytest.mark.parametrize("name", [name for name in ADJUSTABLE if name not in GROWS])
def test_part_of_the_work_is_nearer_to_the_end_than_the_beginning_is(cat: Floats, name: str) -> None:
    """Each later state is nearer to the finished picture, and the last one is the finished picture."""
    effect = OPERATIONS[name](_canvas(cat, name), _brief(name))
    early, late, finished = (np.clip(effect(part).rgb, 0, 1).copy() for part in (0.25, 0.75, 1.0))
    assert np.array_equal(finished, np.clip(_done(cat, name).rgb, 0, 1))
    if name not in NOTHING_TO_DO:
        far, middle, near = (float(np.abs(state - finished).mean()) for state in (cat, early, late))
        assert far >= middle >= near
        assert far > near


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_small_and_narrow_pictures_can_be_done_too(cat: Floats, name: str, size: tuple[int, int]) -> None:
    """No picture is too small, and none gives anything but numbers, in planes of one size."""
    height, width = size
    rgb = np.ascontiguousarray(np.tile(cat, (3, 3, 1))[:height, :width])
    canvas = _done(rgb, name)
    assert canvas.rgb.dtype == np.float32
    assert np.isfinite(canvas.rgb).all()
    planes = [plane for plane in (canvas.alpha, canvas.weight, canvas.original) if plane is not None]
    assert {plane.shape[:2] for plane in planes} <= {canvas.rgb.shape[:2]}
    assert np.isfinite(canvas.rgb).all()


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_it_is_given_stays_as_it_is(cat: Floats, name: str) -> None:
    """No operation writes into its input."""
    before = cat.copy()
    _done(cat, name)
    assert np.array_equal(cat, before)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_same_seed_gives_the_same_pixels(cat: Floats, name: str) -> None:
    """Nothing is left to chance, nor to what was done before."""
    first = _done(cat, name, seed=3)
    _done(cat, name, seed=4)
    again = _done(cat, name, seed=3)
    assert np.array_equal(first.rgb, again.rgb)
    assert (first.alpha is None) == (again.alpha is None)
    if first.alpha is not None and again.alpha is not None:
        assert np.array_equal(first.alpha, again.alpha)
