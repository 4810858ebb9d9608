"""Looks: what each does to light and colours of real photographs, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.looks import LOOKS
from streamedit.darkroom.optics import luma, soft
from streamedit.darkroom.photograph import Floats

CAT, ASTRONAUT, COFFEE = photograph("chelsea.png"), photograph("astronaut.jpg"), photograph("coffee.jpg")


def _looked(name: str, rgb: Floats, amount: float = 1.0) -> Floats:
    return np.clip(LOOKS[name](Canvas(rgb), Brief(amount))(1.0).rgb, 0, 1)


def _warmth(rgb: Floats) -> float:
    return float(rgb[..., 0].mean() - rgb[..., 2].mean())


def _colourfulness(rgb: Floats) -> float:
    return float((rgb.max(axis=2) - rgb.min(axis=2)).mean())


def _contrast(rgb: Floats) -> float:
    return float(luma(rgb).std())


def _corners(rgb: Floats) -> float:
    """The light of the corners, of that of the middle."""
    light = luma(rgb)
    high, wide = (length // 8 for length in light.shape)
    rims = [light[y, x].mean() for y in (slice(high), slice(-high, None)) for x in (slice(wide), slice(-wide, None))]
    return float(np.mean(rims) / light[3 * high : -3 * high, 3 * wide : -3 * wide].mean())


def test_vintage_lifts_blacks_yellows_whites_and_darkens_corners() -> None:
    """An old print has no black and no blue white, less colour, and dark corners."""
    old = _looked("vintage", ASTRONAUT)
    assert np.percentile(luma(old), 1) > np.percentile(luma(ASTRONAUT), 1) + 0.04
    assert old[..., 2].max() < 0.8
    assert np.std(old[..., 0] - old[..., 2]) < 0.8 * np.std(ASTRONAUT[..., 0] - ASTRONAUT[..., 2])
    assert _corners(_looked("vintage", CAT)) < _corners(CAT)


def test_golden_hour_is_warm_and_lights_bleed() -> None:
    """A low sun warms the picture, and next to its lights the dark gets lighter."""
    dark = np.zeros((200, 200, 3), np.float32)
    dark[80:120, 80:120] = 1
    assert _warmth(_looked("golden hour", COFFEE)) > _warmth(COFFEE) + 0.05
    near, far = _looked("golden hour", dark)[100, [125, 195]]
    assert near[0] > far[0] + 0.1
    assert near[0] > 1.3 * near[2]


def test_cinematic_has_teal_shadows_and_no_pure_white() -> None:
    """Shadows go to teal, lights do not, and the whites are held back."""
    film = _looked("cinematic", ASTRONAUT)
    dark = luma(ASTRONAUT) < 0.1
    assert film[dark][:, 2].mean() > film[dark][:, 0].mean() + 0.02
    assert film.max() < 0.985
    assert _warmth(film[~dark][:, None]) > 0


def test_noir_is_black_and_white_and_hard() -> None:
    """No colour, more contrast, and light that leaves the corners."""
    for rgb in (CAT, ASTRONAUT):
        dark = _looked("noir", rgb)
        assert _colourfulness(dark) < 0.002
        assert _contrast(dark) > 1.05 * _contrast(rgb)
    assert _corners(_looked("noir", CAT)) < 0.7 * _corners(CAT)


def test_slide_film_is_rich() -> None:
    """More contrast and more colour than the photograph."""
    assert _contrast(_looked("slide film", CAT)) > 1.1 * _contrast(CAT)
    assert _colourfulness(_looked("slide film", CAT)) > 1.2 * _colourfulness(CAT)


def test_faded_film_is_pastel() -> None:
    """Lifted blacks, low contrast, little colour."""
    pale = _looked("faded film", ASTRONAUT)
    assert pale.min() > 0.12
    assert _contrast(pale) < 0.85 * _contrast(ASTRONAUT)
    assert _colourfulness(pale) < 0.7 * _colourfulness(ASTRONAUT)


def test_cross_process_turns_shadows_blue_and_lights_yellow() -> None:
    """The wrong chemistry: blue in the dark, yellow in the light."""
    crossed = _looked("cross process", ASTRONAUT)
    dark, light = crossed[luma(ASTRONAUT) < 0.05].mean(axis=0), crossed[luma(ASTRONAUT) > 0.85].mean(axis=0)
    assert dark[2] > dark[0] + 0.1
    assert light[1] > light[2] + 0.15


def test_bleach_bypass_trades_colour_for_contrast() -> None:
    """Silver left in the film: harder, with less than half the colour."""
    silver = _looked("bleach bypass", CAT)
    assert _contrast(silver) > 1.2 * _contrast(CAT)
    assert _colourfulness(silver) < 0.5 * _colourfulness(CAT)


def test_cyanotype_is_prussian_blue_and_keeps_the_order_of_tones() -> None:
    """All is blue between deep Prussian and paper, and what was lighter still is."""
    blue = _looked("cyanotype", COFFEE)
    assert np.all(blue[..., 2] >= blue[..., 0] - 0.02)
    tones = np.linspace(0, 1, 256, dtype=np.float32)
    ramp = np.repeat(np.repeat(tones[None], 16, axis=0)[..., None], 3, axis=2)
    assert np.all(np.diff(luma(_looked("cyanotype", ramp))[0]) > 0)


def test_moonlight_is_dark_and_blue() -> None:
    """Day for night: less than two thirds of the lightness, and bluer."""
    for rgb in (CAT, COFFEE):
        night = _looked("moonlight", rgb)
        assert luma(night).mean() < 0.65 * luma(rgb).mean()
        assert _warmth(night) < 0


def test_instant_film_has_creamy_whites_and_lifted_blacks() -> None:
    """No white beyond cream, no black below a cool grey."""
    instant = _looked("instant film", ASTRONAUT)
    assert instant[..., 2].max() < 0.9
    dark = instant[luma(ASTRONAUT) < 0.05].mean(axis=0)
    assert dark[2] > dark[0] > 0.04


def test_toy_camera_has_dark_soft_corners_and_loud_colours() -> None:
    """The corners lose light and detail; the middle keeps its detail and gains colour."""
    toy = _looked("toy camera", CAT)
    assert _corners(toy) < 0.6 * _corners(CAT)
    detail, before = (np.abs(cv2.Laplacian(luma(rgb) / (soft(luma(rgb), 20)), cv2.CV_32F)) for rgb in (toy, CAT))
    assert (
        detail[-40:, :60].mean() / before[-40:, :60].mean()
        < 0.6 * detail[100:200, 150:300].mean() / before[100:200, 150:300].mean()
    )
    assert _colourfulness(toy[100:200, 150:300]) > 1.1 * _colourfulness(CAT[100:200, 150:300])


def test_infrared_lights_leaves_and_darkens_the_sky() -> None:
    """Leaf green, darker than sky blue before, is far lighter afterwards, with hardly a colour."""
    scene = np.empty((64, 64, 3), np.float32)
    scene[:32], scene[32:] = (0.4, 0.62, 0.9), (0.3, 0.45, 0.15)
    sky, leaves = luma(_looked("infrared", scene))[[4, 60], 32]
    assert leaves > sky + 0.4
    assert _colourfulness(_looked("infrared", COFFEE)) < 0.25 * _colourfulness(COFFEE)


def test_cool_morning_is_cool_and_airy() -> None:
    """Colder, lighter in the shadows, with less contrast."""
    for rgb in (CAT, COFFEE):
        cool = _looked("cool morning", rgb)
        assert _warmth(cool) < _warmth(rgb) - 0.08
        assert _contrast(cool) < _contrast(rgb)
        assert np.percentile(luma(cool), 1) > np.percentile(luma(rgb), 1) + 0.04


def test_dreamy_is_softer_and_more_colourful() -> None:
    """Orton's effect: fine detail recedes, colour grows, nothing gets darker on the whole."""
    dream = _looked("dreamy", COFFEE)
    assert np.abs(cv2.Laplacian(luma(dream), cv2.CV_32F)).mean() < 0.8 * np.abs(cv2.Laplacian(luma(COFFEE), cv2.CV_32F)).mean()
    assert _colourfulness(dream) > _colourfulness(COFFEE)
    assert luma(dream).mean() > luma(COFFEE).mean()


@pytest.mark.parametrize("name", LOOKS)
def test_smooth_gradients_stay_smooth(name: str) -> None:
    """No look makes bands: between neighbours of a fine ramp lies never more than a small part of an 8-bit step."""
    ramp = np.repeat(np.linspace(0.2, 0.8, 4096, dtype=np.float32)[None, :, None], 16, axis=0).repeat(3, axis=2)
    steps = np.diff(_looked(name, ramp), n=2, axis=1)
    assert np.abs(steps).max() < 0.25 / 255
