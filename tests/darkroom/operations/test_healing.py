"""To erase is to show what is around the mask in place of what is under it."""

import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.healing import HEALING
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

BADGE = slice(335, 430), slice(125, 220)
"""On the astronaut's chest: blue on orange."""


@pytest.fixture
def astronaut() -> Floats:
    """512 x 512."""
    return photograph("astronaut.jpg")


def _weight(value: float = 1.0) -> Floats:
    weight = np.zeros((512, 512), np.float32)
    weight[BADGE] = value
    return weight


def _erased(canvas: Canvas, brief: Brief | None = None) -> Canvas:
    return HEALING["erase"](canvas, brief or Brief())(1.0)


def test_a_badge_becomes_cloth(astronaut: Floats) -> None:
    """Where it was blue it is orange as the suit around it."""
    suit = np.median(astronaut[300:330, 130:210], (0, 1))
    erased = _erased(Canvas(astronaut, weight=_weight())).rgb[BADGE]
    assert (astronaut[BADGE][..., 2] > astronaut[BADGE][..., 0]).mean() > 0.3
    assert (erased[..., 2] > erased[..., 0]).mean() < 0.01
    assert np.abs(np.median(erased, (0, 1)) - suit).max() < 0.12


def test_a_soft_mask_hides_all_that_it_touches(astronaut: Floats) -> None:
    """What is under the faintest of a mask is not taken for the surroundings."""
    assert np.array_equal(
        _erased(Canvas(astronaut, weight=_weight(0.01))).rgb, _erased(Canvas(astronaut, weight=_weight())).rgb
    )


def test_a_spare_canvas_is_painted_into_in_the_end(astronaut: Floats) -> None:
    """Only then: a state on the way is a copy. The picture is the same as that of a canvas which is kept."""
    kept, spare = Canvas(astronaut, weight=_weight()), Canvas(astronaut.copy(), weight=_weight())
    effect = HEALING["erase"](spare, Brief(spare=True))
    assert effect(0.5).rgb is not spare.rgb
    assert np.array_equal(spare.rgb, astronaut)
    assert effect(1.0).rgb is spare.rgb
    assert np.array_equal(spare.rgb, _erased(kept).rgb)


def test_without_a_mask_transparency_is_filled(astronaut: Floats) -> None:
    """The same as with a mask there; the picture is opaque then."""
    erased = _erased(Canvas(astronaut, alpha=1 - _weight()))
    assert erased.alpha is None
    assert np.array_equal(erased.rgb, _erased(Canvas(astronaut, weight=_weight())).rgb)


def test_with_a_mask_transparency_stays(astronaut: Floats) -> None:
    """A mask says what to erase; that something is transparent is then no wish."""
    alpha = np.full((512, 512), 0.7, np.float32)
    assert _erased(Canvas(astronaut, alpha=alpha, weight=_weight())).alpha is alpha


def test_an_empty_mask_erases_nothing(astronaut: Floats) -> None:
    """The picture is as it was."""
    assert np.array_equal(_erased(Canvas(astronaut, weight=_weight(0))).rgb, astronaut)


@pytest.mark.parametrize(
    ("canvas", "code"),
    [
        (Canvas(np.zeros((16, 16, 3), np.float32)), "mask_required"),
        (Canvas(np.zeros((16, 16, 3), np.float32), alpha=np.ones((16, 16), np.float32)), "mask_required"),
        (Canvas(np.zeros((16, 16, 3), np.float32), alpha=np.zeros((16, 16), np.float32)), "mask_covers_everything"),
        (Canvas(np.zeros((16, 16, 3), np.float32), weight=np.ones((16, 16), np.float32)), "mask_covers_everything"),
    ],
)
def test_what_cannot_be_erased_is_refused(canvas: Canvas, code: str) -> None:
    """No mask, or nothing but mask: it says so at once."""
    with pytest.raises(InvalidRequest) as refused:
        HEALING["erase"](canvas, Brief())
    assert (refused.value.detail.param, refused.value.detail.code) == ("mask", code)


def test_a_variation_is_another_fill(astronaut: Floats) -> None:
    """Where nothing says what was there, another character and seed show something else."""
    weight = np.zeros((512, 512), np.float32)
    weight[150:350, 150:350] = 1
    canvas = Canvas(astronaut, weight=weight)
    plain, varied = _erased(canvas), _erased(canvas, Brief(seed=1_000_003, character=0.8))
    assert np.abs(plain.rgb - varied.rgb)[150:350, 150:350].mean() > 4 / 255
    assert np.abs(plain.rgb - varied.rgb).max() > 16 / 255


def test_the_canvas_given_is_not_changed(astronaut: Floats) -> None:
    """Neither its picture nor its mask."""
    rgb, weight = astronaut.copy(), _weight()
    _erased(Canvas(rgb, weight=weight))
    assert np.array_equal(rgb, astronaut) and np.array_equal(weight, _weight())
