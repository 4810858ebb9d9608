"""What is put around a photograph leaves it as it is, and is of the size, the colour and the kind that was said."""

from typing import Any

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.operations.framing import FRAMING, arranged
from streamedit.darkroom.optics import floats, luma, roughness
from streamedit.darkroom.photograph import Floats, Pixels
from streamedit.errors import InvalidRequest

CAT, ASTRONAUT, COFFEE = (photograph(name) for name in ("chelsea.png", "astronaut.jpg", "coffee.jpg"))
RED, BLUE = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8)


def _all(name: str, canvas: Canvas, brief: Brief | None = None, **details: Any) -> Canvas:
    brief = brief or Brief(details=Details(**details))
    return FRAMING[name](canvas, brief)(1.0)


def _done(name: str, rgb: Floats, **details: Any) -> Floats:
    return _all(name, Canvas(rgb), **details).rgb


def _collage(*pictures: Floats, **details: Any) -> Floats:
    return _all("collage", Canvas(pictures[0]), Brief(details=Details(**details), others=pictures[1:])).rgb


def _refused(name: str, brief: Brief) -> tuple[str | None, str | None]:
    with pytest.raises(InvalidRequest) as refusal:
        FRAMING[name](Canvas(COFFEE), brief)
    return refusal.value.detail.param, refusal.value.detail.code


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["expand", "pad", "border", "frame", "instant frame", "film strip", "drop shadow"])
def test_the_frame_is_outside_the_picture(name: str, depth: type) -> None:
    """All planes grow alike and hold what they held; what is new is opaque and within the mask."""
    top = np.iinfo(depth).max
    weight = np.zeros(COFFEE.shape[:2], np.float32)
    alpha = np.ones_like(weight)
    original: Pixels = np.rint(COFFEE * top).astype(depth)
    made = _all(name, Canvas(COFFEE, alpha, weight, original), Brief(details=Details(colours=(RED,))))
    assert made.alpha is not None and made.weight is not None and made.original is not None
    assert made.original.dtype == depth and made.rgb.shape == made.original.shape == (*made.alpha.shape, 3)
    old = made.weight == 0
    assert old.sum() == weight.size and (made.weight[~old] == 1).all() and (made.alpha == 1).all()
    assert np.array_equal(made.original[old].reshape(original.shape), original)
    assert np.abs(made.rgb[old].reshape(COFFEE.shape) - COFFEE).max() < 1e-6


def test_a_picture_expands_on_all_sides_or_on_one() -> None:
    """By a quarter of its sides; by a share, by pixels, on one side; to a ratio or a size."""
    assert _done("expand", COFFEE).shape == (600, 900, 3)
    assert _done("expand", COFFEE, percent=0.1).shape == (480, 720, 3)
    assert _done("expand", COFFEE, number=10.0).shape == (420, 620, 3)
    assert _done("expand", COFFEE, ratio=2.0).shape == (400, 800, 3)
    assert _done("expand", COFFEE, ratio=1.0).shape == (600, 600, 3)
    assert _done("expand", COFFEE, size_px=(700, 0)).shape == (400, 700, 3)
    for side, where in {
        "left": (slice(None), slice(150, None)),
        "right": (slice(None), slice(0, 600)),
        "up": (slice(100, None), slice(None)),
        "down": (slice(0, 400), slice(None)),
    }.items():
        assert np.array_equal(_done("expand", COFFEE, side=side)[where], COFFEE)


@pytest.mark.parametrize("rgb", [CAT, ASTRONAUT, COFFEE])
def test_an_expanded_picture_has_no_seam(rgb: Floats) -> None:
    """Across the seam pixels differ no more than they do beside it, within the picture."""
    made = _done("expand", rgb, side="right")
    width = rgb.shape[1]
    steps = np.abs(np.diff(made[:, width - 8 : width + 2], axis=1)).mean(axis=(0, 2))
    assert steps[7] < 1.1 * steps[:7].max()


def test_an_expanded_picture_gets_softer_outwards_and_keeps_its_noise() -> None:
    """Large detail goes with the distance; the noise of the picture does not."""
    light = luma(_done("expand", COFFEE, side="left", percent=0.6))
    detail = np.abs(cv2.GaussianBlur(light, (0, 0), 2) - cv2.GaussianBlur(light, (0, 0), 4))
    far, near, at_the_seam = (float(detail[:, x : x + 25].mean()) for x in (10, 290, 330))
    assert far < 0.7 * near < 0.7 * 0.7 * at_the_seam
    noisy = floats(COFFEE + np.random.default_rng(1).normal(0, 0.02, COFFEE.shape))
    made = _done("expand", noisy, side="left", percent=0.6)
    assert 0.6 < roughness(made[:, :200].copy()) / roughness(noisy) < 1.6


def test_a_padded_picture_has_plain_ground() -> None:
    """White, or the colour that was said; to a ratio it grows on two sides."""
    made = _done("pad", COFFEE, ratio=1.0)
    assert made.shape == (600, 600, 3)
    assert (made[:100] == 1).all() and (made[-100:] == 1).all() and np.array_equal(made[100:500], COFFEE)
    assert np.allclose(_done("pad", COFFEE, colours=(RED,))[0, 0], RED)


def test_nothing_grows_beyond_its_bounds() -> None:
    """Nor shrinks by growing."""
    assert _refused("pad", Brief(details=Details(percent=50.0))) == ("prompt", "invalid_size")
    assert _refused("expand", Brief(details=Details(size_px=(300, 300)))) == ("prompt", "invalid_size")


def test_a_border_has_the_width_that_was_said() -> None:
    """A 25th of the shorter side, a share of it, or pixels."""
    assert _done("border", COFFEE).shape == (432, 632, 3)
    assert _done("border", COFFEE, percent=0.1).shape == (480, 680, 3)
    made = _done("border", COFFEE, number=5.0, colours=(BLUE,))
    assert made.shape == (410, 610, 3)
    assert np.allclose(made[:5], BLUE) and np.allclose(made[:, -5:], BLUE)


def test_a_frame_is_dark_wood_around_a_light_mat() -> None:
    """Lit from above: its upper bar is lighter outside, its lower one inside; colours are those that were said."""
    made = _done("frame", COFFEE)
    rim = (made.shape[0] - 400) // 2
    wood, mat = made[: int(0.38 * rim)], made[int(0.6 * rim) : int(0.9 * rim), rim:-rim]
    assert wood.mean() < 0.3 and mat.mean() > 0.85
    third = int(0.13 * rim)
    assert luma(made)[:third].mean() > luma(made)[-third:].mean() + 0.02
    gold = _done("frame", COFFEE, colours=((0.8, 0.6, 0.2), BLUE))
    assert np.allclose(gold[int(0.75 * rim), 300], BLUE, atol=0.02)
    red, _, blue = gold[int(0.2 * rim), 100:500].mean(axis=0)
    assert red > 2.5 * blue


def test_an_instant_frame_is_broad_below() -> None:
    """White paper, more of it below, where the text stands."""
    made, written = _done("instant frame", CAT), _done("instant frame", CAT, text="Chelsea")
    assert made.shape == written.shape
    below = made.shape[0] - 300 - 20
    assert 3 * 20 < below < 5 * 20
    assert made[:20].min() > 0.7 and made[-below:].mean() > 0.93
    ink = np.abs(made - written).max(axis=2) > 0.3
    assert ink[-below:].sum() > 300 and not ink[: 300 + 20].any()
    # in the middle of the paper
    assert abs(float(np.nonzero(ink)[1].mean()) - made.shape[1] / 2) < 12


def test_a_film_strip_has_holes_above_and_below() -> None:
    """Black, with a row of light holes on both sides, all alike."""
    made = luma(_done("film strip", COFFEE))
    rim = (made.shape[0] - 400) // 2
    row = made[rim // 2] > 0.5
    holes = int((np.diff(row.astype(int)) == 1).sum()) + int(row[0])
    assert 8 <= holes <= 24
    assert np.array_equal(row, made[-(rim // 2) - 1] > 0.5)
    assert (made[2] < 0.1).all()


def test_round_corners_are_transparent() -> None:
    """In the corners nothing, from the radius on everything; what was transparent remains so."""
    made = _all("rounded corners", Canvas(COFFEE), percent=0.1).alpha
    assert made is not None
    assert made[0, 0] == made[-1, -1] == made[0, -1] == 0
    assert (made[40:-40] == 1).all() and (made[:, 40:-40] == 1).all()
    lost = float((1 - made).sum())
    assert abs(lost - (4 - np.pi) * 40**2) < 30
    half = _all("rounded corners", Canvas(COFFEE, np.full(COFFEE.shape[:2], 0.5, np.float32))).alpha
    assert half is not None and half.max() == 0.5 and half.min() == 0


def test_a_shadow_falls_below() -> None:
    """Darker under the picture than over it, and the darker the more of it; none at nothing."""

    def shadow(amount: float, part: float = 1.0) -> tuple[float, float]:
        made = FRAMING["drop shadow"](Canvas(COFFEE), Brief(amount=amount))(part).rgb
        margin = (made.shape[0] - 400) // 2
        return float(1 - made[margin - 4, 300].mean()), float(1 - made[-margin + 4, 300].mean())

    over, under = shadow(1.0)
    assert under > over + 0.05 and under > 0.2
    assert abs(shadow(1.0, 0.5)[1] - shadow(0.5)[1]) < 1e-6 and shadow(0.5)[1] < 0.6 * under
    assert np.array_equal(FRAMING["drop shadow"](Canvas(COFFEE), Brief(amount=0))(1.0).rgb, COFFEE)


def test_a_shadow_takes_the_shape_of_what_is_cut_out() -> None:
    """On a transparent canvas: the shape stays opaque, around it there is faint black, far from it nothing."""
    alpha = np.zeros(CAT.shape[:2], np.float32)
    cv2.circle(alpha, (220, 150), 100, 1, -1)
    made = _all("drop shadow", Canvas(CAT, alpha))
    assert made.alpha is not None
    margin = (made.rgb.shape[0] - 300) // 2
    assert made.alpha[150 + margin, 220 + margin] == 1
    assert np.array_equal(made.rgb[150 + margin, 220 + margin], CAT[150, 220])
    assert 0.1 < made.alpha[254 + margin, 220 + margin] < 0.6 and made.rgb[254 + margin, 220 + margin].max() == 0
    assert made.alpha[0, 0] < 0.01
    grounded = _all("drop shadow", Canvas(CAT, alpha), colours=(RED,))
    assert grounded.alpha is not None and grounded.alpha.min() == 1 and np.allclose(grounded.rgb[0, 0], RED, atol=0.01)


def test_a_letterbox_is_inside() -> None:
    """Black bars leave three quarters of the picture, or the ratio that was said, of a frame that stays."""
    made = _done("letterbox", COFFEE)
    assert made.shape == COFFEE.shape
    bar = round((400 - 400 / 1.35) / 2)
    assert (made[:bar] == 0).all() and (made[-bar:] == 0).all()
    assert np.array_equal(made[bar:-bar], COFFEE[bar:-bar])
    square = _done("letterbox", COFFEE, ratio=1.0)
    assert (square[:, :100] == 0).all() and np.array_equal(square[:, 100:500], COFFEE[:, 100:500])


def test_a_wide_picture_gets_the_ratio_of_the_cinema() -> None:
    """2.39 to 1: the bars are no larger than that takes."""
    made = _done("letterbox", np.ascontiguousarray(COFFEE[50:350]))
    bar = round((300 - 600 / 2.39) / 2)
    assert (made[:bar] == 0).all()
    assert np.array_equal(made[bar:-bar], COFFEE[50 + bar : 350 - bar])


def _found(picture: Floats, made: Floats) -> float:
    """How well a picture is to be found in a collage, at the best of some scales: 1 is itself."""
    small = cv2.resize(made, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    best = -1.0
    for height in range(40, min(120, small.shape[0]), 3):
        width = round(picture.shape[1] * height / picture.shape[0])
        if width < small.shape[1]:
            scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
            inner = scaled[height // 8 : -height // 8, width // 8 : -width // 8].copy()
            best = max(best, float(cv2.matchTemplate(small, inner, cv2.TM_CCOEFF_NORMED).max()))
    return best


@pytest.mark.parametrize("kind", [None, "side by side", "stacked"])
def test_a_collage_shows_all_pictures_hardly_cropped(kind: str | None) -> None:
    """Each of three can be found in it, and its rim is plain."""
    coffee, astronaut, cat = (floats(cv2.resize(rgb, None, fx=0.5, fy=0.5)) for rgb in (COFFEE, ASTRONAUT, CAT))
    made = _collage(coffee, astronaut, cat, kind=kind)
    assert all(_found(picture, made) > 0.9 for picture in (coffee, astronaut, cat))
    assert (made[:3] == 1).all() and (made[:, :3] == 1).all() and (made[-3:] == 1).all() and (made[:, -3:] == 1).all()


def test_collages_have_the_shape_of_their_kind() -> None:
    """Wide, high, or like the first picture; from one to two times as wide as that."""
    shapes = {kind: _collage(COFFEE, CAT, COFFEE, CAT, kind=kind).shape for kind in ("side by side", "stacked", "grid", None)}
    ratios = {kind: width / height for kind, (height, width, _) in shapes.items()}
    assert ratios["side by side"] > 4 and ratios["stacked"] < 0.5
    assert 1.2 < ratios["grid"] < 1.9 and 1.2 < (ratios[None]) < 1.9
    assert all(600 <= width <= 1200 for _, width, _ in shapes.values())


@pytest.mark.parametrize("count", [2, 3, 5, 7, 11, 16])
@pytest.mark.parametrize("kind", [None, "grid"])
def test_cells_do_not_overlap_and_leave_little_ground(count: int, kind: str | None) -> None:
    """However many: between white pictures there are black gaps, and these are narrow."""
    sizes = [(60, 90), (90, 60), (70, 70), (50, 140)]
    whites = [np.ones((*sizes[number % 4], 3), np.float32) for number in range(count)]
    made = arranged(whites, 0.02, (0.0, 0.0, 0.0), kind)
    cells, _ = cv2.connectedComponents((made[..., 0] > 0.5).astype(np.uint8))
    assert cells - 1 == count
    assert made.mean() > 0.75


def test_a_collage_has_the_ground_that_was_said() -> None:
    """The first colour."""
    assert np.allclose(_collage(COFFEE, CAT, colours=(BLUE,))[0], BLUE)


def test_a_large_collage_stays_within_bounds() -> None:
    """No side above 4096 pixels, however large or slim the pictures are."""
    slim, wide = np.ones((600, 300, 3), np.float32), np.ones((500, 3000, 3), np.float32)
    for pictures, kind in (([slim] * 16, "stacked"), ([wide] * 2, "side by side")):
        height, width, _ = arranged(pictures, 0.02, (1.0, 1.0, 1.0), kind).shape
        assert 4000 < max(height, width) <= 4096


def test_a_collage_needs_two_to_sixteen_pictures() -> None:
    """One alone is none, and too many are too many."""
    assert _refused("collage", Brief()) == ("image", "image_required")
    assert _refused("collage", Brief(others=(CAT,) * 16))[0] == "image"


def test_a_collage_keeps_what_was_not_masked() -> None:
    """The mask and the first state of the first picture go where it goes; the others lie within the mask."""
    weight = np.zeros(COFFEE.shape[:2], np.float32)
    original = np.rint(COFFEE * 255).astype(np.uint8)
    made = _all("collage", Canvas(COFFEE, None, weight, original), Brief(others=(CAT,), details=Details(kind="side by side")))
    assert made.weight is not None and made.original is not None
    height, width = made.weight.shape
    assert made.weight[height // 2, width // 4] == 0 and made.weight[height // 2, 3 * width // 4] == 1
    assert np.abs(made.original.astype(np.float32) / 255 - np.clip(made.rgb, 0, 1)).max() < 0.01
