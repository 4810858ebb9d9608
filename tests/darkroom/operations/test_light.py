"""Each light does to real photographs what its name says, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import NOTHING, Details
from streamedit.darkroom.operations.light import LIGHT
from streamedit.darkroom.optics import grey
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.matting import subject

SEEDED = ["sparkles", "light leak", "sun rays", "lens flare", "bokeh lights", "mist", "snow", "rain"]
ADDED = ["glow", "sparkles", "light leak", "sun rays", "lens flare", "bokeh lights", "rainbow"]


def _done(name: str, rgb: Floats, amount: float = 0.6, details: Details = NOTHING, seed: int = 1) -> Floats:
    brief = Brief(amount=amount, details=details, seed=seed)
    return np.clip(LIGHT[name](Canvas(rgb), brief)(1.0).rgb, 0, 1)


def _luma(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def _gain(name: str, rgb: Floats, details: Details = NOTHING, seed: int = 1) -> Floats:
    """How much lighter each pixel became."""
    return _luma(_done(name, rgb, details=details, seed=seed)) - _luma(rgb)


def _radius(rgb: Floats) -> Floats:
    """0 in the middle, 1 in the corners."""
    y, x = (np.linspace(-1, 1, count, dtype=np.float32) for count in rgb.shape[:2])
    return np.asarray(np.hypot(y[:, None], x[None, :]) / 1.4142, np.float32)


def test_a_vignette_darkens_the_corners_and_leaves_the_middle(rgb: Floats) -> None:
    """The corners lose two fifths of their light or more, the middle none."""
    dark, radius = _done("vignette", rgb), _radius(rgb)
    assert dark[radius > 0.9].mean() < 0.6 * rgb[radius > 0.9].mean()
    assert np.abs(dark - rgb)[radius < 0.28].max() < 1 / 255


def test_a_vignette_below_nothing_is_white(rgb: Floats) -> None:
    """Of a negative amount the corners fade to white."""
    light, radius = _done("vignette", rgb, amount=-0.8), _radius(rgb)
    assert light[radius > 0.95].min() > 0.55
    assert (light >= rgb - 1e-6).all()


def test_a_vignette_takes_a_colour() -> None:
    """The corners go towards the colour that was named."""
    corner = _done("vignette", photograph("coffee.jpg"), 0.9, Details(colours=((0.1, 0.2, 0.9),)))[0, 0]
    assert corner[2] > 0.6
    assert corner[0] < 0.3


def test_a_vignette_has_no_bands() -> None:
    """On an even grey it never grows lighter outward, and no step is larger than one of 8 bits takes."""
    even = np.full((512, 512, 3), 0.3, np.float32)
    row = _done("vignette", even)[256, 256:, 0]
    assert np.diff(row).min() > -1 / 255
    assert np.diff(row).max() < 1e-5


def test_a_spotlight_lights_its_place_and_darkens_the_rest(rgb: Floats) -> None:
    """The named side is no darker, the opposite corner loses most of its light."""
    done = _done("spotlight", rgb, 0.8, Details(place=(-1, 0)))
    height, width = rgb.shape[:2]
    pool = slice(int(height * 0.42), int(height * 0.58)), slice(int(width * 0.22), int(width * 0.3))
    assert _luma(done)[pool].mean() > _luma(rgb)[pool].mean()
    assert _luma(done)[:, -width // 10 :].mean() < 0.6 * _luma(rgb)[:, -width // 10 :].mean()


@pytest.mark.parametrize("name", ADDED)
def test_added_light_never_darkens(name: str, rgb: Floats) -> None:
    """What adds light takes none away, anywhere, and is seen."""
    done = _done(name, rgb)
    assert done.shape == rgb.shape
    assert (done >= rgb - 1e-5).all()
    assert np.abs(done - rgb).max() > 0.1


def test_a_glow_bleeds_from_the_lights() -> None:
    """Dark pixels near lights gain at least three times what those far from them do."""
    rgb = photograph("coffee.jpg")
    lights = (_luma(rgb) > 0.75).astype(np.uint8)
    away = cv2.distanceTransform(1 - lights, cv2.DIST_L2, 5)
    gain, dark = _gain("glow", rgb), _luma(rgb) < 0.4
    assert gain[dark & (away < 12)].mean() > 3 * gain[dark & (away > 70)].mean()


def test_sparkles_are_small_bright_and_around_the_subject(rgb: Floats) -> None:
    """Few pixels are much lighter, some of them white; near the subject's outline there is more light than elsewhere."""
    done = _done("sparkles", rgb)
    gain = _luma(done) - _luma(rgb)
    assert 0.001 < (gain > 0.1).mean() < 0.08
    assert _luma(done)[gain > 0.3].max() > 0.97
    matte = cv2.GaussianBlur(subject(rgb), (0, 0), 8)
    outline = (matte > 0.2) & (matte < 0.8)
    assert gain[outline].mean() > 1.3 * gain[~outline].mean()


def test_sparkles_take_a_colour() -> None:
    """Blue sparkles add more blue than red; the usual ones are gold and add less blue."""
    rgb = grey(_luma(photograph("chelsea.png")) * np.float32(0.3))
    usual = (_done("sparkles", rgb) - rgb).mean(axis=(0, 1))
    blue = (_done("sparkles", rgb, details=Details(colours=((0.3, 0.5, 1.0),))) - rgb).mean(axis=(0, 1))
    assert usual[0] > 1.2 * usual[2]
    assert blue[2] > 1.2 * blue[0]


@pytest.mark.parametrize("side", ["left", "right", "up", "down"])
def test_a_light_leak_comes_from_its_side_and_is_warm(side: str) -> None:
    """The third on its side gains five times as much as the opposite one; red gains most, blue least."""
    rgb = np.full((240, 320, 3), 0.25, np.float32)
    gain = _done("light leak", rgb, details=Details(side=side)) - rgb
    lit = np.rot90(gain, {"left": 0, "up": 1, "right": 2, "down": 3}[side])
    third = lit.shape[1] // 3
    assert lit[:, :third].mean() > 5 * lit[:, -third:].mean()
    red, green, blue = gain.mean(axis=(0, 1))
    assert red > 1.3 * green > 1.3 * blue


def test_sun_rays_come_from_the_corner_in_shafts() -> None:
    """Near the corner there is more light than far from it, warm light, and along an arc it comes and goes."""
    rgb = np.full((300, 400, 3), 0.3, np.float32)
    gain = _done("sun rays", rgb, details=Details(place=(-1, -1))) - rgb
    assert gain[:100, :130].mean() > 3 * gain[-100:, -130:].mean()
    assert gain[..., 0].mean() > gain[..., 1].mean() > gain[..., 2].mean()
    angles = np.linspace(0.2, 1.37, 60)
    arc = gain[(150 * np.sin(angles)).astype(int), (150 * np.cos(angles)).astype(int), 0]
    assert arc.max() > 2 * arc.min()


def test_a_lens_flare_has_a_sun_and_ghosts_beyond_the_middle(rgb: Floats) -> None:
    """White where the sun is, and a little light on the other side of the middle."""
    done, gain = _done("lens flare", rgb, details=Details(place=(-1, -1))), _gain("lens flare", rgb, Details(place=(-1, -1)))
    height, width = rgb.shape[:2]
    assert done[round(height * 0.1), round(width * 0.1)].min() > 0.85
    assert gain[height // 2 :, width // 2 :].max() > 0.02


def test_bokeh_lights_stay_out_of_the_middle() -> None:
    """Of many seeds, the middle gets less than half of the light that the rest gets."""
    rgb = np.full((300, 400, 3), 0.2, np.float32)
    gain = np.mean([_gain("bokeh lights", rgb, seed=seed) for seed in range(12)], axis=0)
    radius = _radius(rgb)
    assert gain[radius < 0.3].mean() < 0.5 * gain[radius > 0.5].mean()


def test_mist_takes_contrast_and_lies_low(rgb: Floats) -> None:
    """A sixth of the contrast goes, black becomes grey; dark pixels of the lower half gain more than those of the upper."""
    done, half, dark = _luma(_done("mist", rgb)), rgb.shape[0] // 2, _luma(rgb) < 0.5
    gain = done - _luma(rgb)
    assert done.std() < 0.84 * _luma(rgb).std()
    assert done.min() > 0.12
    assert gain[half:][dark[half:]].mean() > 1.1 * gain[:half][dark[:half]].mean()


def test_snow_is_white_flakes_of_many_sizes() -> None:
    """On a dark picture: scattered bright flakes, some of a pixel, some of many, on some hundredths of it."""
    rgb = np.full((400, 400, 3), 0.15, np.float32)
    flakes = (_gain("snow", rgb) > 0.25).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(flakes)
    sizes = boxes[1:, cv2.CC_STAT_AREA]
    assert count > 100
    assert (sizes.min(), sizes.max() > 40) == (1, True)
    assert 0.005 < flakes.mean() < 0.15


def test_rain_falls_in_streaks_on_a_duller_picture() -> None:
    """It is alike along its fall and unlike across it; colours are weaker."""
    even = np.full((400, 400, 3), 0.2, np.float32)
    rain = _luma(_done("rain", even))
    assert np.abs(np.diff(rain, axis=1)).mean() > 2 * np.abs(np.diff(rain, axis=0)).mean()
    coffee = photograph("coffee.jpg")
    done = _done("rain", coffee)
    assert np.ptp(done, axis=2).mean() < 0.85 * np.ptp(coffee, axis=2).mean()


def test_a_rainbow_is_red_outside_and_violet_inside() -> None:
    """Down the middle of the picture comes first the reddest place, then the greenest, then the bluest."""
    rgb = np.full((300, 400, 3), 0.3, np.float32)
    red, green, blue = (_done("rainbow", rgb) - rgb)[:, 200].T
    first, second, third = (int(np.argmax(plane - others)) for plane, others in ((red, blue), (green, red), (blue, green)))
    assert first < second < third


@pytest.mark.parametrize("name", SEEDED)
def test_a_seed_is_a_picture(name: str) -> None:
    """The same seed gives the same picture, another one another."""
    rgb = photograph("chelsea.png")
    first, again, other = (_done(name, rgb, seed=seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


@pytest.mark.parametrize("name", ["rain", "snow", "bokeh lights", "vignette"])
def test_a_look_goes_with_the_size(name: str) -> None:
    """Three times as large, and small again: what a picture got is nearly what it gets when it is small."""
    small = np.full((200, 300, 3), 0.2, np.float32)
    large = np.full((600, 900, 3), 0.2, np.float32)
    again = cv2.resize(_done(name, large), (300, 200), interpolation=cv2.INTER_AREA)
    assert float(np.asarray(again).mean()) == pytest.approx(float(_done(name, small).mean()), rel=0.12)
