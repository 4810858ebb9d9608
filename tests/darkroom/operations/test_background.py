"""Subject and background apart, on real photographs, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import outline, photograph

from streamedit.darkroom.backdrops import BACKDROPS
from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Colour, Details
from streamedit.darkroom.operations.background import BACKGROUND
from streamedit.darkroom.optics import floats, luma
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

NAMES = ("astronaut.jpg", "coffee.jpg")
"""With the hand-drawn outlines eroded a little, these two leave no doubt where subject and background are."""


def _regions(name: str) -> tuple[np.typing.NDArray[np.bool_], np.typing.NDArray[np.bool_]]:
    """Surely the subject, surely the background."""
    truth, kernel = outline(name), np.ones((15, 15), np.uint8)
    return cv2.erode(truth, kernel) > 0, cv2.dilate(truth, kernel) == 0


def _done(name: str, canvas: Canvas, part: float = 1.0, **said: object) -> Canvas:
    amount = said.pop("amount", 1.0)
    others = said.pop("others", ())
    brief = Brief(amount=amount, details=Details(**said), seed=7, others=others)  # type: ignore[arg-type]  # by their names
    return BACKGROUND[name](canvas, brief)(part)


def _detail(rgb: Floats, where: np.typing.NDArray[np.bool_]) -> float:
    return float(np.abs(cv2.Laplacian(luma(rgb), cv2.CV_32F))[where].mean())


@pytest.mark.parametrize("name", NAMES)
def test_the_background_loses_its_detail_and_the_subject_keeps_it(name: str) -> None:
    """Out of focus is what is behind, and only that."""
    rgb, (inside, outside) = photograph(name), _regions(name)
    done = _done("blur the background", Canvas(rgb), amount=0.6).rgb
    assert np.median(np.abs(done - rgb)[inside]) < 0.004
    assert _detail(done, outside) < 0.6 * _detail(rgb, outside)


def test_a_blur_of_nothing_changes_nothing() -> None:
    """Amount 0 is the picture, within half a step of 8 bits."""
    rgb = photograph("astronaut.jpg")
    assert np.abs(_done("blur the background", Canvas(rgb), amount=0.0).rgb - rgb).max() < 0.5 / 255


def test_the_blurred_background_has_no_halo_of_the_subject() -> None:
    """Around an orange suit the background does not become orange."""
    rgb, (_, outside) = photograph("astronaut.jpg"), _regions("astronaut.jpg")
    near = outside & (cv2.dilate(1 - outside.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0)
    near[:, :300] = False
    near[340:] = False
    orange = [
        float((some[near][:, 0] - some[near][:, 2]).mean()) for some in (rgb, _done("blur the background", Canvas(rgb)).rgb)
    ]
    assert orange[1] < orange[0] + 0.05


def test_lights_become_discs() -> None:
    """A small light far out of focus is a disc of one brightness with a rim, not a spot that fades."""
    rgb = np.full((300, 300, 3), 0.05, np.float32)
    rgb[100:200, 110:190] = (0.8, 0.3, 0.1)
    rgb[48:53, 48:53] = 1
    alpha = np.zeros((300, 300), np.float32)
    alpha[100:200, 110:190] = 1
    line = luma(_done("blur the background", Canvas(rgb, alpha), amount=0.9).rgb)[50]
    level = line[50] - line[5]
    assert level > 0.02
    assert abs((line[58] - line[5]) / level - 1) < 0.25
    assert line[75] - line[5] < 0.2 * level


@pytest.mark.parametrize("name", NAMES)
def test_a_colour_is_exactly_that_behind_the_subject(name: str) -> None:
    """The subject stays, the rest is the colour that was said, and the picture is opaque."""
    rgb, (inside, outside) = photograph(name), _regions(name)
    colour: Colour = (0.2, 0.6, 0.9)
    done = _done("replace the background", Canvas(rgb), colours=(colour,))
    assert done.alpha is None
    assert np.median(np.abs(done.rgb - rgb)[inside]) < 1e-6
    assert np.median(np.abs(done.rgb - np.array(colour, np.float32))[outside]) < 1e-6


def test_a_cut_out_picture_gets_its_background_where_it_is_transparent() -> None:
    """Its transparency says where the subject is."""
    rgb, alpha = photograph("chelsea.png"), np.zeros((300, 451), np.float32)
    alpha[:, 100:200] = 1
    done = _done("replace the background", Canvas(rgb, alpha), colours=((0.0, 1.0, 0.0),)).rgb
    assert np.allclose(done[:, 100:200], rgb[:, 100:200])
    assert np.allclose(done[:, 210:], (0, 1, 0))


def _backdrop(kind: str, size: tuple[int, int] = (240, 320), **said: object) -> Floats:
    return BACKDROPS[kind](size, Brief(details=Details(kind=kind, **said), seed=7))  # type: ignore[arg-type]  # by their names


def test_gradients_go_where_they_are_told() -> None:
    """From the first colour to the second, from above to below, or to a named side; with one colour to its own tint."""
    ends: tuple[Colour, Colour] = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    down, left = _backdrop("gradient", colours=ends), _backdrop("gradient", colours=ends, side="left")
    assert np.allclose(down[0, :], ends[0], atol=0.01)
    assert np.allclose(down[-1, :], ends[1], atol=0.01)
    assert np.allclose(left[:, -1], ends[0], atol=0.01)
    one = _backdrop("gradient", colours=((0.1, 0.2, 0.5),))
    assert luma(one)[-1].mean() > luma(one)[0].mean() + 0.3


def test_the_studios_are_bright_and_dark() -> None:
    """White, grey and charcoal, each lightest behind the subject."""
    light = {kind: luma(_backdrop(kind)) for kind in ("bright studio", "studio", "dark studio")}
    assert light["bright studio"].min() > 0.85
    assert 0.35 < light["studio"].min() < light["studio"].max() < 0.7
    assert light["dark studio"].max() < 0.25
    for plane in light.values():
        assert plane[100, 160] > plane[2, 2]


def test_the_skies_are_what_they_are_called() -> None:
    """A sunset is blue above and yellow below, a day is blue and white, a night is dark with bright stars."""
    sunset, day, night = (_backdrop(kind) for kind in ("sunset", "sky", "night sky"))
    assert (sunset[:20, :, 2] > sunset[:20, :, 0]).mean() > 0.9
    assert (sunset[-20:, :, 0] > sunset[-20:, :, 2] + 0.2).all()
    assert day[:, :, 2].mean() > day[:, :, 0].mean() + 0.1
    assert np.median(luma(night)) < 0.12
    assert 0.0001 < (luma(night) > 0.4).mean() < 0.02


def test_another_picture_covers_the_background() -> None:
    """The second image, cut to the frame's ratio around its middle; without one the request is wrong."""
    rgb, (_, outside) = photograph("coffee.jpg"), _regions("coffee.jpg")
    other = np.zeros((100, 400, 3), np.float32)
    other[:, 125:275] = (0.3, 0.7, 0.1)
    done = _done("replace the background", Canvas(rgb), kind="image", others=(other,)).rgb
    assert np.median(np.abs(done[outside] - np.array([0.3, 0.7, 0.1], np.float32))) < 0.01
    with pytest.raises(InvalidRequest) as refused:
        _done("replace the background", Canvas(rgb), kind="image")
    assert (refused.value.detail.param, refused.value.detail.code) == ("image", "image_required")


def test_a_second_image_needs_no_word_and_nothing_at_all_is_asked_about() -> None:
    """With neither a colour nor a kind the second image is the background; without one, what may be said is told."""
    rgb = photograph("coffee.jpg")
    other = np.full((100, 400, 3), 0.3, np.float32)
    named, unnamed = (_done("replace the background", Canvas(rgb), kind=kind, others=(other,)).rgb for kind in ("image", None))
    assert np.array_equal(named, unnamed)
    with pytest.raises(InvalidRequest) as refused:
        _done("replace the background", Canvas(rgb))
    assert (refused.value.detail.param, refused.value.detail.code) == ("prompt", "background_required")
    assert "sunset" in refused.value.detail.message


def test_what_is_not_the_subject_is_cut_away() -> None:
    """Opaque inside, transparent outside."""
    inside, outside = _regions("astronaut.jpg")
    done = _done("cut out", Canvas(photograph("astronaut.jpg")))
    assert done.alpha is not None
    assert np.median(done.alpha[inside]) == 1
    assert done.alpha[inside].mean() > 0.97
    assert done.alpha[outside].mean() < 0.08


def test_with_a_mask_only_what_is_under_it_is_cut_away() -> None:
    """Where the mask is 0 the picture is as opaque as before."""
    rgb = photograph("astronaut.jpg")
    weight = np.zeros(rgb.shape[:2], np.float32)
    weight[:, 256:] = 1
    done = _done("cut out", Canvas(rgb, None, weight))
    assert done.alpha is not None
    assert (done.alpha[:, :256] == 1).all()
    assert done.alpha[:200, 330:].mean() < 0.1


def test_feathering_goes_inwards() -> None:
    """What was outside the mask still is; its edge is a ramp of the width that was said; its middle is full."""
    weight = np.zeros((100, 200), np.float32)
    weight[20:80, 50:150] = 1
    canvas = Canvas(photograph("chelsea.png")[:100, :200], None, weight)
    soft = _done("feather", canvas, number=10.0).weight
    assert soft is not None
    assert (soft[weight == 0] == 0).all()
    assert 0 < soft[50, 51] < 0.2 < soft[50, 54] < 0.8 < soft[50, 58] < soft[50, 62] == 1
    half = _done("feather", canvas, 0.5, number=10.0).weight
    assert half is not None
    assert np.abs(half - weight).sum() < np.abs(soft - weight).sum()


def test_the_mask_is_turned_round() -> None:
    """1 is 0, and 0 is 1."""
    weight = np.linspace(0, 1, 16 * 16, dtype=np.float32).reshape(16, 16)
    done = _done("invert the mask", Canvas(np.zeros((16, 16, 3), np.float32), None, weight))
    assert done.weight is not None
    assert np.allclose(done.weight, 1 - weight)


@pytest.mark.parametrize("name", ["feather", "invert the mask"])
def test_without_a_mask_there_is_none_to_change(name: str) -> None:
    """The caller is told what is missing."""
    with pytest.raises(InvalidRequest) as refused:
        _done(name, Canvas(np.zeros((16, 16, 3), np.float32)))
    assert (refused.value.detail.param, refused.value.detail.code) == ("mask", "mask_required")


@pytest.mark.parametrize(("colour", "channel"), [((0.1, 0.3, 0.9), 2), ((0.1, 0.7, 0.2), 1)])
def test_the_suit_gets_another_colour_and_keeps_its_folds(colour: Colour, channel: int) -> None:
    """The channel of the colour leads, and light and dark lie where they lay."""
    rgb, (inside, outside) = photograph("astronaut.jpg"), _regions("astronaut.jpg")
    done = np.clip(_done("recolour", Canvas(rgb), colours=(colour,)).rgb, 0, 1)
    suit = inside & (rgb[..., 0] > rgb[..., 2] + 0.4)
    assert (done[suit].argmax(axis=1) == channel).mean() > 0.95
    assert np.corrcoef(luma(done)[suit], luma(rgb)[suit])[0, 1] > 0.8
    assert np.median(np.abs(done - rgb)[outside]) < 1e-6


def test_things_can_be_made_black_and_white() -> None:
    """Lightness follows the colour: darker for black, lighter for white, with texture left in both."""
    rgb, (inside, _) = photograph("coffee.jpg"), _regions("coffee.jpg")
    before = luma(rgb)[inside].mean()
    dark, light = (luma(floats(np.clip(_done("recolour", Canvas(rgb), colours=((v, v, v),)).rgb, 0, 1))) for v in (0.02, 0.98))
    assert dark[inside].mean() < 0.75 * before < before + 0.2 < light[inside].mean()
    assert min(dark[inside].std(), light[inside].std()) > 0.03


def test_a_mask_says_what_gets_the_colour() -> None:
    """No subject is looked for then; and without a colour the request is wrong."""
    rgb = photograph("chelsea.png")
    canvas = Canvas(rgb, None, np.ones(rgb.shape[:2], np.float32))
    done = _done("recolour", canvas, colours=((0.9, 0.1, 0.1),)).rgb
    assert (done.reshape(-1, 3).argmax(axis=1) == 0).mean() > 0.97
    with pytest.raises(InvalidRequest) as refused:
        _done("recolour", canvas)
    assert (refused.value.detail.param, refused.value.detail.code) == ("prompt", "colour_required")
