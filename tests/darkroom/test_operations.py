"""Each instruction does to a real photograph what its name says, in numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from streamedit.darkroom.grammar import repertoire
from streamedit.darkroom.operations import OPERATIONS, Context
from streamedit.darkroom.photograph import Floats

PHOTOS = Path(__file__).parent.parent / "photos"
NAMES = ["chelsea.png", "astronaut.jpg", "coffee.jpg"]


@pytest.fixture(params=NAMES)
def rgb(request: pytest.FixtureRequest) -> Floats:
    """Each of the three photographs."""
    return _load(request.param)


def _load(name: str) -> Floats:
    with Image.open(PHOTOS / name) as image:
        return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)


def _done(name: str, rgb: Floats, amount: float = 1.0, context: Context | None = None) -> Floats:
    return np.clip(OPERATIONS[name](rgb, context or Context())(amount), 0, 1)


def _luma(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def _sharpness(rgb: Floats, where: tuple[slice, slice]) -> float:
    return float(cv2.Laplacian(_luma(rgb)[where].copy(), cv2.CV_32F).var())


def _spread(rgb: Floats) -> float:
    return float((rgb.max(axis=2) - rgb.min(axis=2)).mean())


def _middle(rgb: Floats) -> tuple[slice, slice]:
    height, width = rgb.shape[:2]
    return slice(int(height * 0.45), int(height * 0.55)), slice(int(width * 0.45), int(width * 0.55))


def test_every_instruction_has_its_operation() -> None:
    """The table of words and the table of deeds name the same things."""
    assert list(OPERATIONS) == [row.name for row in repertoire()]


@pytest.mark.parametrize("name", OPERATIONS)
def test_nothing_of_it_changes_nothing(name: str) -> None:
    """At amount 0 the picture is what it was, within half a step of 8 bits; at any amount it is float32 of the same shape."""
    rgb = _load("chelsea.png")
    context = Context(weight=np.ones(rgb.shape[:2], np.float32) * (np.arange(rgb.shape[1]) > 400))
    effect = OPERATIONS[name](rgb, context)
    before = rgb.copy()
    assert np.abs(effect(0.0) - rgb).max() < 0.5 / 255
    assert (effect(0.5).dtype, effect(0.5).shape) == (np.dtype(np.float32), rgb.shape)
    assert np.array_equal(rgb, before)


@pytest.mark.parametrize("name", OPERATIONS)
def test_more_of_it_is_further_from_the_original(name: str) -> None:
    """Half of an effect lies between nothing and all of it."""
    rgb = _load("coffee.jpg")
    weight = np.zeros(rgb.shape[:2], np.float32)
    weight[150:200, 150:200] = 1
    effect = OPERATIONS[name](rgb, Context(weight=weight))
    half, full = (np.abs(effect(amount) - rgb).mean() for amount in (0.5, 1.0))
    assert 0 < half < full


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("size", [(16, 16), (16, 300)])
def test_small_and_narrow_pictures_can_be_done_too(name: str, size: tuple[int, int]) -> None:
    """No picture is too small for an operation, and none gives anything but numbers."""
    rgb = np.ascontiguousarray(_load("chelsea.png")[: size[0], : size[1]])
    assert np.isfinite(_done(name, rgb, context=Context(weight=np.eye(*size, dtype=np.float32)))).all()


def test_black_and_white_has_no_colour_and_keeps_the_light(rgb: Floats) -> None:
    """R, G and B are equal, and are the Rec. 709 luma."""
    grey = _done("black and white", rgb)
    assert np.array_equal(grey[..., 0], grey[..., 1])
    assert np.array_equal(grey[..., 1], grey[..., 2])
    assert np.abs(grey[..., 0] - _luma(rgb)).max() < 1 / 255


def test_sepia_is_brown(rgb: Floats) -> None:
    """Everywhere red > green > blue, with one hue between orange and yellow."""
    toned = _done("sepia", rgb)
    light = toned[(_luma(toned) > 0.1) & (toned.max(axis=2) < 1)]
    assert (light[:, 0] > light[:, 1]).all()
    assert (light[:, 1] > light[:, 2]).all()
    hue = 60 * (light[:, 1] - light[:, 2]) / (light[:, 0] - light[:, 2])
    assert hue.min() > 25
    assert hue.max() < 50


def test_vintage_fades(rgb: Floats) -> None:
    """Less colour, blacks that are not black, whites that are not white, more red than blue."""
    old = _done("vintage", rgb)
    assert np.std(old[..., 0] - old[..., 2]) < 0.8 * np.std(rgb[..., 0] - rgb[..., 2])
    assert old[_middle(old)].min() > 0.05
    assert old.max() < 0.98
    assert old[..., 0].mean() > 1.1 * old[..., 2].mean()


def test_golden_hour_warms_and_glows(rgb: Floats) -> None:
    """The ratio of red to blue grows by a fifth at least, and the picture does not get darker."""
    warm = _done("golden hour", rgb)
    assert warm[..., 0].mean() / warm[..., 2].mean() > 1.2 * rgb[..., 0].mean() / rgb[..., 2].mean()
    assert _luma(warm).mean() > 0.95 * _luma(rgb).mean()


def test_vignette_darkens_the_corners_only(rgb: Floats) -> None:
    """Corners lose half of their light at least, the middle none."""
    dark = _done("vignette", rgb)
    assert np.array_equal(dark[_middle(rgb)], rgb[_middle(rgb)])
    for corner in (np.s_[:20, :20], np.s_[:20, -20:], np.s_[-20:, :20], np.s_[-20:, -20:]):
        assert dark[corner].mean() < 0.5 * rgb[corner].mean()


def test_film_grain_roughens_and_keeps_the_mean(rgb: Floats) -> None:
    """Local contrast grows, brightness stays, colour differences stay: it is noise in luminance alone."""
    grain = OPERATIONS["film grain"](rgb, Context())(1.0) - rgb
    assert grain.std() > 0.02
    assert abs(grain.mean()) < 0.002
    assert np.abs(grain[..., 0] - grain[..., 2]).max() < 1e-5


def test_film_grain_is_strongest_in_the_mid_tones() -> None:
    """Grey takes more grain than black and white do."""
    black, grey, white = (_done("film grain", np.full((200, 200, 3), tone, np.float32)) for tone in (0.1, 0.5, 0.9))
    assert grey.std() > 1.3 * black.std()
    assert grey.std() > 1.3 * white.std()


def test_film_grain_is_the_seeds() -> None:
    """The same seed gives the same grain, another seed another."""
    rgb = _load("chelsea.png")
    first, again, other = (_done("film grain", rgb, context=Context(seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_sketch_is_dark_lines_on_light_paper(rgb: Floats) -> None:
    """Mostly light, almost without colour, and with lines that are dark."""
    drawn = _done("sketch", rgb)
    assert np.median(_luma(drawn)) > 0.75
    assert np.abs(drawn.max(axis=2) - drawn.min(axis=2)).max() < 0.05
    assert np.percentile(_luma(drawn), 1) < 0.45


@pytest.mark.parametrize(
    ("name", "subject", "background"),
    [
        ("astronaut.jpg", np.s_[60:170, 180:270], np.s_[10:250, 350:500]),
        ("coffee.jpg", np.s_[60:300, 210:370], np.s_[10:120, 450:590]),
        ("chelsea.png", np.s_[90:200, 130:260], np.s_[20:250, 400:445]),
    ],
)
def test_blurring_the_background_spares_the_subject(
    name: str, subject: tuple[slice, slice], background: tuple[slice, slice]
) -> None:
    """A face, a cup and a cat stay as sharp as they were; what is behind them does not."""
    rgb = _load(name)
    blurred = _done("blur the background", rgb)
    assert _sharpness(blurred, subject) > 0.9 * _sharpness(rgb, subject)
    assert _sharpness(blurred, background) < 0.2 * _sharpness(rgb, background)


def test_blurring_the_background_makes_no_halo() -> None:
    """A dark subject on a light ground: the ground beside it stays light."""
    rgb = np.full((200, 200, 3), 0.9, np.float32)
    cv2.circle(rgb, (100, 104), 50, (0.1, 0.0, 0.0), -1)
    blurred = _done("blur the background", rgb)
    assert blurred[:, :40].min() > 0.88
    assert blurred[104, 35:45].min() > 0.85


@pytest.mark.parametrize("radius", [12, 150])
def test_erase_brings_back_what_was_behind(radius: int) -> None:
    """A blob painted on a photograph is gone: under the mask the error falls by three quarters and more, large or small."""
    with Image.open(PHOTOS / "chelsea.png") as image:
        scale = radius // 12
        crop = image.convert("RGB").crop((380, 100, 450, 170))
        clean = np.asarray(crop.resize((70 * scale, 70 * scale)), np.float32) / np.float32(255)
    centre = (35 * scale, 35 * scale)
    spoiled, weight = clean.copy(), np.zeros(clean.shape[:2], np.float32)
    cv2.circle(spoiled, centre, radius, (0.0, 1.0, 0.2), -1)
    cv2.circle(weight, centre, radius + 2, 1.0, -1)
    mended = _done("erase", spoiled, context=Context(weight=weight))
    hole = weight > 0
    assert np.abs(mended - clean)[hole].mean() < 0.25 * np.abs(spoiled - clean)[hole].mean()
    assert np.array_equal(mended[~hole], spoiled[~hole])


def test_erase_without_anything_to_erase_changes_nothing() -> None:
    """An empty mask erases nothing."""
    rgb = _load("chelsea.png")
    assert np.array_equal(_done("erase", rgb, context=Context(weight=np.zeros(rgb.shape[:2], np.float32))), rgb)


def test_brightness_goes_both_ways_and_keeps_black_and_white(rgb: Floats) -> None:
    """Brighter is lighter and darker is darker; nothing burns out that was not white, nothing drowns that was not black."""
    lighter, darker = _done("brightness", rgb, 0.5), _done("brightness", rgb, -0.5)
    assert lighter.mean() > 1.1 * rgb.mean()
    assert darker.mean() < 0.9 * rgb.mean()
    assert ((lighter == 1) == (rgb == 1)).all()
    assert ((darker == 0) == (rgb == 0)).all()


def test_contrast_goes_both_ways(rgb: Floats) -> None:
    """More contrast spreads the tones, less draws them together about the same mean."""
    more, less = _done("contrast", rgb, 0.5), _done("contrast", rgb, -0.5)
    assert _luma(more).std() > 1.1 * _luma(rgb).std()
    assert _luma(less).std() < 0.8 * _luma(rgb).std()
    assert abs(_luma(less).mean() - _luma(rgb).mean()) < 0.01


def test_saturation_goes_both_ways_and_ends_in_grey(rgb: Floats) -> None:
    """More makes colours more colourful, less makes them paler, -100% leaves none; the light stays about the same."""
    more, less, none = (_done("saturation", rgb, amount) for amount in (0.5, -0.5, -1.0))
    assert _spread(more) > 1.15 * _spread(rgb)
    assert _spread(less) < 0.6 * _spread(rgb)
    assert _spread(none) < 1e-3
    assert abs(_luma(less).mean() - _luma(rgb).mean()) < 0.01


@pytest.mark.parametrize("name", ["black and white", "sketch", "erase"])
def test_what_has_no_halves_has_characters(name: str) -> None:
    """Variations of what cannot be done by halves differ in its character."""
    rgb = _load("coffee.jpg")
    weight = np.zeros(rgb.shape[:2], np.float32)
    weight[150:220, 150:220] = 1
    first, other = (_done(name, rgb, context=Context(weight=weight, character=character)) for character in (1.0, 0.8))
    assert np.abs(first - other).max() > 8 / 255
