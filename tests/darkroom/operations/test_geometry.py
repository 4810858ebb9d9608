"""Geometry changes the frame of a photograph as its words say, and all planes of a canvas alike."""

from typing import Any

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.operations.geometry import GEOMETRY
from streamedit.darkroom.operations.tilt import tilt
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

CAT, ASTRONAUT, COFFEE = (photograph(name) for name in ("chelsea.png", "astronaut.jpg", "coffee.jpg"))


def _all(name: str, canvas: Canvas, amount: float = 1.0, **details: Any) -> Canvas:
    return GEOMETRY[name](canvas, Brief(amount=amount, details=Details(**details)))(1.0)


def _done(name: str, rgb: Floats, amount: float = 1.0, **details: Any) -> Floats:
    return np.clip(_all(name, Canvas(rgb), amount, **details).rgb, 0, 1)


def _refused(name: str, rgb: Floats, **details: Any) -> str | None:
    with pytest.raises(InvalidRequest) as refusal:
        _done(name, rgb, **details)
    assert refusal.value.detail.param == "prompt"
    return refusal.value.detail.code


def _error(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).mean())


@pytest.mark.parametrize(
    ("name", "details"),
    [
        ("crop", {"ratio": 1.0}),
        ("rotate", {}),
        ("rotate", {"number": 8.0}),
        ("flip", {}),
        ("perspective", {}),
        ("resize", {"percent": 0.5}),
        ("resize", {"number": 1.4}),
        ("upscale", {}),
        ("zoom", {"place": (1, 1)}),
    ],
)
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_all_planes_are_moved_together(name: str, details: dict[str, Any], depth: type) -> None:
    """What the mask, the opacity and the first picture show is at the same place as in the picture."""
    top = np.iinfo(depth).max
    light = floats(cv2.GaussianBlur(luma(COFFEE), (0, 0), 4))
    canvas = Canvas(np.dstack([light] * 3), light, light, np.rint(np.dstack([light] * 3) * top).astype(depth))
    made = _all(name, canvas, **details)
    assert made.alpha is not None and made.weight is not None and made.original is not None
    assert made.original.dtype == depth
    assert made.rgb.shape == made.original.shape == (*made.alpha.shape, 3)
    assert np.array_equal(made.alpha, made.weight)
    assert np.abs(made.rgb[..., 0] - made.weight).max() < 0.06
    assert np.abs(made.rgb - made.original.astype(np.float32) / top).max() < 0.06


def test_a_mask_stays_a_mask() -> None:
    """Where a mask was 0 or 1 nothing rings: it stays within 0..1."""
    weight = (luma(COFFEE) > 0.5).astype(np.float32)
    for name in ("rotate", "perspective", "resize", "upscale"):
        moved = _all(name, Canvas(COFFEE, weight=weight), number=1.7).weight
        assert moved is not None
        assert 0 <= moved.min() < 1e-6 and 1 - 1e-5 < moved.max() <= 1


def test_what_is_transparent_does_not_darken_the_outline() -> None:
    """Black under full transparency is not drawn into what is opaque beside it."""
    alpha = np.zeros(CAT.shape[:2], np.float32)
    alpha[:, 200:] = 1
    white = np.repeat(alpha[..., None], 3, axis=2)
    made = _all("resize", Canvas(white, alpha), percent=0.4)
    assert made.alpha is not None
    assert made.rgb[made.alpha > 0.05].min() > 0.97


def test_a_crop_keeps_the_pixels_of_the_part() -> None:
    """By default the middle 80 %; a ratio takes the largest part; a place says which."""
    assert np.array_equal(_done("crop", COFFEE), COFFEE[40:360, 60:540])
    assert np.array_equal(_done("crop", COFFEE, ratio=1.0), COFFEE[:, 100:500])
    assert np.array_equal(_done("crop", COFFEE, ratio=1.0, place=(1, 0)), COFFEE[:, 200:])
    assert np.array_equal(_done("crop", COFFEE, size_px=(200, 100), place=(-1, -1)), COFFEE[:100, :200])
    assert np.array_equal(_done("crop", COFFEE, size_px=(200, 0), place=(-1, -1)), COFFEE[:, :200])
    assert np.array_equal(_done("crop", COFFEE, percent=0.25), COFFEE[100:300, 150:450])
    assert np.array_equal(_done("crop", COFFEE, percent=0.25, side="left"), COFFEE[:, 150:])


def test_no_crop_larger_than_the_picture() -> None:
    """A part cannot be larger than the whole, nor nothing."""
    assert _refused("crop", COFFEE, size_px=(601, 100)) == "crop_too_large"
    assert _refused("crop", COFFEE, percent=0.5) == "crop_too_large"
    assert _refused("crop", COFFEE, size_px=(8, 100)) == "invalid_size"


def test_quarter_turns_are_exact() -> None:
    """A quarter to the right by default; the same to the left undoes it; no pixel gets lost."""
    turned = _done("rotate", CAT)
    assert np.array_equal(turned, np.rot90(CAT, -1))
    assert np.array_equal(_done("rotate", turned, side="left"), CAT)
    assert np.array_equal(_done("rotate", CAT, number=180.0), CAT[::-1, ::-1])


def _positions(like: Floats) -> Floats:
    """A picture whose colours say where in it they are."""
    y, x = np.mgrid[0 : like.shape[0], 0 : like.shape[1]].astype(np.float32)
    return np.dstack([x, y, y]).astype(np.float32)


def _shows_the_picture_alone(seen: Floats) -> bool:
    """Beyond its rims a picture would be mirrored: where it is not, positions go on growing."""
    inner = seen[4:-4, 4:-4]
    return bool((np.diff(inner[..., 0], axis=1) > 0).all() and (np.diff(inner[..., 1], axis=0) > 0).all())


def test_a_turned_picture_has_no_empty_corners_and_the_middle_stays() -> None:
    """Every pixel is one of the picture; turned there and back it is the same picture, smaller."""
    for degrees in (3.0, 30.0, 45.0, 80.0):
        assert _shows_the_picture_alone(_all("rotate", Canvas(_positions(COFFEE)), number=degrees).rgb)
    back = _done("rotate", _done("rotate", ASTRONAUT, number=5.0), number=5.0, side="left")
    rim = (512 - len(back)) / 2
    there = cv2.warpAffine(ASTRONAUT, np.array([[1, 0, -rim], [0, 1, -rim]]), back.shape[1::-1], flags=cv2.INTER_CUBIC)
    assert 400 < len(back) < 512
    assert np.abs(back - there).mean() < 0.015


def test_the_turned_frame_is_the_largest() -> None:
    """Ten degrees of a square leave 1 / (sin + cos) of its side."""
    side = 512 / (np.sin(np.radians(10)) + np.cos(np.radians(10)))
    assert _done("rotate", ASTRONAUT, number=10.0).shape[:2] == (int(side), int(side))


@pytest.mark.parametrize("degrees", [-5.0, 3.0, 6.0])
def test_a_tilt_is_found_and_undone(degrees: float) -> None:
    """The astronaut's room, tilted, is level again to half a degree."""
    tilted = _done("rotate", ASTRONAUT, number=degrees)
    assert abs(tilt(tilted) - tilt(ASTRONAUT) - degrees) < 0.5
    assert abs(tilt(_done("straighten", tilted))) < 0.5


def test_a_cat_is_not_straightened() -> None:
    """Where there are no straight lines nothing is turned."""
    assert np.array_equal(_done("straighten", CAT), CAT)
    assert np.array_equal(_done("straighten", COFFEE), COFFEE)


def test_straightening_by_a_number_turns() -> None:
    """What was said counts, not what is seen."""
    assert np.array_equal(_done("straighten", CAT, number=2.0), _done("rotate", CAT, number=2.0))


def test_flipped() -> None:
    """Mirrored by default; vertical is upside down."""
    assert np.array_equal(_done("flip", CAT), CAT[:, ::-1])
    assert np.array_equal(_done("flip", CAT, side="vertical"), CAT[::-1])


def _poles() -> Floats:
    """Two lines that come nearer to each other at the top, as walls do from below."""
    picture = np.ones((400, 400, 3), np.float32)
    for x, lean in ((120, 20), (280, -20)):
        cv2.line(picture, (x + lean, 0), (x - lean, 399), (0, 0, 0), 5, cv2.LINE_AA)
    return picture


def _apart(row: Floats) -> int:
    dark = np.flatnonzero(row[:, 0] < 0.5)
    return int(dark[-1] - dark[0])


def test_perspective_sets_leaning_walls_upright() -> None:
    """What leans together at the top does so less; a negative amount makes it worse; half of it is on the way."""
    ratios = [
        _apart(made[20]) / _apart(made[-20])
        for made in (_done("perspective", _poles(), amount) for amount in (-0.2, 0.0, 0.2, 0.4))
    ]
    assert ratios == sorted(ratios) and ratios[-1] > ratios[1] + 0.15
    sideways = _done("perspective", np.rot90(_poles()).copy(), 0.4, side="left")
    assert np.allclose(np.rot90(sideways, -1), _done("perspective", _poles(), 0.4), atol=0.02)


def test_perspective_has_no_empty_corners() -> None:
    """All of the frame shows the picture, for all sides: none of what lies outside."""
    for side in ("up", "down", "left", "right"):
        for amount in (-1.0, 1.0):
            assert _shows_the_picture_alone(_all("perspective", Canvas(_positions(COFFEE)), amount, side=side).rgb)


def test_resized_to_what_was_said() -> None:
    """To a size, to one side of it, to a share, by a factor."""
    assert _done("resize", COFFEE, size_px=(300, 100)).shape == (100, 300, 3)
    assert _done("resize", COFFEE, size_px=(300, 0)).shape == (200, 300, 3)
    assert _done("resize", COFFEE, size_px=(0, 100)).shape == (100, 150, 3)
    assert _done("resize", COFFEE, percent=0.5).shape == (200, 300, 3)
    assert _done("resize", COFFEE, number=1.5).shape == (600, 900, 3)


def test_reduced_in_linear_light() -> None:
    """Fine black and white lines make the grey of half their light, not of half their code."""
    lines = np.zeros((64, 64, 3), np.float32)
    lines[::2] = 1
    assert abs(float(_done("resize", lines, percent=0.25)[4:-4].mean()) - 0.5 ** (1 / 2.2)) < 0.02


def test_sizes_have_bounds() -> None:
    """Nothing below 16 or above 4096 pixels a side; no more than 4 times as large."""
    assert _refused("resize", COFFEE, size_px=(5000, 100)) == "invalid_size"
    assert _refused("resize", COFFEE, percent=0.02) == "invalid_size"
    assert _refused("upscale", COFFEE, number=5.0) == "invalid_size"
    assert _refused("upscale", np.zeros((2600, 2600, 3), np.float32)) == "invalid_size"
    assert _refused("zoom", COFFEE, number=0.5) == "invalid_size"


def _sharpness(rgb: Floats) -> float:
    return float(cv2.Laplacian(luma(rgb), cv2.CV_32F).std())


@pytest.mark.parametrize("rgb", [CAT[:, :450], ASTRONAUT, COFFEE])
def test_upscaled_is_sharper_than_lanczos_and_as_true(rgb: Floats) -> None:
    """Of a reduced photograph more comes back than with Lanczos: a fifth sharper, and hardly farther from it."""
    small = _done("resize", rgb, percent=0.5)
    lanczos, upscaled = _done("resize", small, number=2.0), _done("upscale", small)
    assert upscaled.shape == rgb.shape
    assert _sharpness(upscaled) > 1.2 * _sharpness(lanczos)
    assert np.square(upscaled - rgb).mean() < 1.1 * np.square(lanczos - rgb).mean()


def test_upscaled_has_no_halos() -> None:
    """Beside an edge nothing gets lighter or darker than it was."""
    step = np.full((60, 60, 3), 0.3, np.float32)
    step[:, 30:] = 0.7
    made = _all("upscale", Canvas(step), number=3.0).rgb
    assert made.min() > 0.2999 and made.max() < 0.7001


def test_bands_leave_no_seams() -> None:
    """A large picture, made in bands, is the same as a part of it made by itself."""
    large = np.tile(COFFEE, (2, 2, 1))
    part = _done("upscale", large[300:500].copy())[40:-40]
    assert np.abs(part - _done("upscale", large)[640:960]).max() < 1e-4


def test_zoom_shows_a_part_as_large_as_the_whole() -> None:
    """The same frame with less in it, about a place."""
    zoomed = _done("zoom", COFFEE, number=2.0, place=(1, -1))
    assert zoomed.shape == COFFEE.shape
    assert _error(zoomed, _done("resize", COFFEE[:200, 300:], number=2.0)) < 1e-6


@pytest.mark.parametrize("colour", [(1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (0.2, 0.5, 0.7)])
def test_trim_takes_plain_borders_off(colour: tuple[float, float, float]) -> None:
    """Borders of one colour go, even such as are a little noisy; the picture stays."""
    noisy = cv2.copyMakeBorder(COFFEE, 9, 30, 0, 70, cv2.BORDER_CONSTANT, value=(*colour, 0))
    noisy = floats(noisy + np.random.default_rng(3).normal(0, 0.004, noisy.shape))
    trimmed = _done("trim", np.clip(noisy, 0, 1))
    assert trimmed.shape == COFFEE.shape
    assert _error(trimmed, COFFEE) < 0.01


def test_trim_leaves_pictures_without_borders() -> None:
    """A photograph stays as it is, and so does one colour alone."""
    plain = np.full((50, 60, 3), 0.4, np.float32)
    for rgb in (CAT, ASTRONAUT, COFFEE, plain):
        assert np.array_equal(_done("trim", rgb), rgb)


def test_trim_takes_what_is_transparent() -> None:
    """Whatever colours lie under it."""
    alpha = np.zeros(CAT.shape[:2], np.float32)
    alpha[50:200, 100:300] = 1
    assert _all("trim", Canvas(CAT, alpha)).rgb.shape == (150, 200, 3)
