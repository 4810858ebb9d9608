"""Each blur, and each way to more clearness, does to real photographs what its name says, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import NOTHING, Details
from streamedit.darkroom.operations.focus import FOCUS
from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats

CHEEK = slice(110, 124), slice(188, 206)

EYES = slice(94, 106), slice(190, 268)


def _done(name: str, rgb: Floats, amount: float = 0.5, details: Details = NOTHING) -> Floats:
    return np.clip(FOCUS[name](Canvas(rgb), Brief(amount=amount, details=details))(1.0).rgb, 0, 1)


def _luma(rgb: Floats) -> Floats:
    return np.asarray(rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32), np.float32)


def _sharpness(rgb: Floats) -> float:
    return float(cv2.Laplacian(_luma(rgb), cv2.CV_32F).var())


def _across(rgb: Floats) -> float:
    """How much there is of edges that a move from left to right would smear."""
    return float(np.abs(np.diff(_luma(rgb), axis=1)).mean())


def _down(rgb: Floats) -> float:
    return float(np.abs(np.diff(_luma(rgb), axis=0)).mean())


def _nearness(rgb: Floats, other: Floats) -> float:
    """Peak signal to noise ratio, in dB."""
    return float(-10 * np.log10(np.mean((rgb - other) ** 2)))


def _noisy(rgb: Floats) -> Floats:
    return np.clip(rgb + np.random.default_rng(3).normal(0, 0.06, rgb.shape).astype(np.float32), 0, 1)


@pytest.mark.parametrize("name", ["blur", "lens blur", "motion blur", "zoom blur", "soft focus"])
def test_a_blur_is_less_sharp_and_no_darker(name: str, rgb: Floats) -> None:
    """At least half of the fine detail goes; the light stays within a few hundredths."""
    done = _done(name, rgb)
    assert _sharpness(done) < 0.5 * _sharpness(rgb)
    assert abs(float((done**2).mean() / (rgb**2).mean()) - 1) < 0.1


@pytest.mark.parametrize("sigma_px", [2.0, 8.0])
def test_a_blur_is_as_wide_as_its_number(sigma_px: float) -> None:
    """An edge becomes a Gauss curve's integral of that deviation, in linear light: the slope at the edge tells it."""
    edge = np.zeros((120, 200, 3), np.float32)
    edge[:, 100:] = 1
    light = _done("blur", edge, details=Details(number=sigma_px))[60, :, 0] ** 2
    assert 1 / (np.diff(light).max() * np.sqrt(2 * np.pi)) == pytest.approx(sigma_px, rel=0.1)


def test_blurred_light_adds_up() -> None:
    """A fine chequered pattern of black and white blurs to the grey that is half as bright, not to half of the numbers."""
    chequered = np.indices((64, 64)).sum(axis=0) % 2 * np.ones((3, 1, 1))
    grey = _done("blur", np.ascontiguousarray(chequered.transpose(1, 2, 0), np.float32), details=Details(number=4.0))
    assert 0.68 < grey[32, 32, 0] < 0.76


def test_a_lens_turns_a_light_to_a_disc() -> None:
    """As bright near its rim as in the middle, and dark beyond."""
    night = np.zeros((200, 200, 3), np.float32)
    night[99:102, 99:102] = 1
    row = _done("lens blur", night, 1.0)[100, 100:, 0]
    assert row[4] == pytest.approx(row[0], rel=0.15)
    assert row[10:].max() < 0.02 < row[0]


def test_a_tilt_shift_is_sharp_in_its_band_alone(rgb: Floats) -> None:
    """A little below the middle it is as light as it was; the upper sixth loses most detail. Colours are stronger."""
    done, height = _done("tilt-shift", rgb, 0.7), rgb.shape[0]
    band, top = slice(int(height * 0.57), int(height * 0.63)), slice(0, height // 6)
    assert np.abs(_luma(done)[band] - _luma(rgb)[band]).mean() < 2 / 255
    assert _sharpness(done[top]) < 0.2 * _sharpness(rgb[top])
    assert np.ptp(done, axis=2).mean() > 1.05 * np.ptp(rgb, axis=2).mean()


def test_the_band_of_a_tilt_shift_lies_where_it_was_asked() -> None:
    """With the top named, the upper part stays sharp and the lower one does not."""
    rgb = photograph("coffee.jpg")
    done = _done("tilt-shift", rgb, 0.7, Details(place=(0, -1)))
    assert _sharpness(done[60:100]) > 0.8 * _sharpness(rgb[60:100])
    assert _sharpness(done[-60:]) < 0.2 * _sharpness(rgb[-60:])


@pytest.mark.parametrize(
    ("details", "smeared"), [(NOTHING, "across"), (Details(side="up"), "down"), (Details(number=90.0), "down")]
)
def test_motion_smears_along_its_way_only(details: Details, smeared: str, rgb: Floats) -> None:
    """What lies across the way is smeared far more than what lies along it."""
    done = _done("motion blur", rgb, details=details)
    across, down = _across(done) / _across(rgb), _down(done) / _down(rgb)
    along, beside = (across, down) if smeared == "across" else (down, across)
    assert along < 0.45
    assert beside > 1.5 * along


def test_motion_goes_both_ways_from_where_things_were() -> None:
    """A dot becomes a line with the dot in its middle, at the angle that was asked."""
    night = np.zeros((161, 161, 3), np.float32)
    night[80, 80] = 1
    light = _done("motion blur", night, 1.0, Details(number=45.0))[..., 0] ** 2
    y, x = (np.average(np.arange(161), weights=light.sum(axis=axis)) for axis in (1, 0))
    assert (x, y) == (pytest.approx(80, abs=0.7), pytest.approx(80, abs=0.7))
    assert light[76, 84] > 0.01 > light[84, 84]


def test_a_zoom_keeps_its_middle(rgb: Floats) -> None:
    """In the middle detail stays, in the corners it goes."""
    done = _done("zoom blur", rgb)
    height, width = rgb.shape[:2]
    middle = slice(height // 2 - 6, height // 2 + 6), slice(width // 2 - 6, width // 2 + 6)
    corner = slice(0, height // 4), slice(0, width // 4)
    assert np.abs(done - rgb)[middle].mean() < 0.04
    assert _sharpness(done[corner]) < 0.4 * _sharpness(rgb[corner])


def test_soft_focus_keeps_the_edges_it_softens() -> None:
    """Under the haze the sharp picture is still there: its detail is weaker, and the same."""
    rgb = photograph("astronaut.jpg")
    before, after = (
        _luma(picture) - cv2.GaussianBlur(_luma(picture), (0, 0), 2) for picture in (rgb, _done("soft focus", rgb))
    )
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.85
    assert 0.2 < after.std() / before.std() < 0.8


def test_sharpening_has_no_halos(rgb: Floats) -> None:
    """More than half as much detail again; no pixel lighter or darker than what is near by more than a seventh of its range."""
    done, light = _luma(_done("sharpen", rgb)), _luma(rgb)
    near = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(light, near), cv2.dilate(light, near)
    assert _sharpness(_done("sharpen", rgb)) > 1.5 * _sharpness(rgb)
    assert ((done <= high + 0.15 * (high - low) + 2 / 255) & (done >= low - 0.15 * (high - low) - 2 / 255)).mean() > 0.999


def test_sharpening_leaves_noise_alone() -> None:
    """On an even grey its deviation grows by less than a third, where an unsharp mask as strong would double it."""
    grey = np.full((256, 256, 3), 0.5, np.float32)
    grey += np.random.default_rng(1).normal(0, 0.02, (256, 256, 1)).astype(np.float32)
    assert _done("sharpen", grey).std() < 1.35 * grey.std()


def test_denoising_comes_nearer_to_what_was_there(rgb: Floats) -> None:
    """Of a picture with noise, by 4 dB or more; a picture with hardly any stays what it is, to 37 dB."""
    noisy = _noisy(rgb)
    assert _nearness(_done("denoise", noisy, 0.6), rgb) > _nearness(noisy, rgb) + 4
    assert _nearness(_done("denoise", rgb, 0.6), rgb) > 37


def test_denoising_keeps_edges() -> None:
    """The step of an edge in noise keeps nine tenths of its height within two pixels to each side."""
    edge = np.full((128, 128, 3), 0.3, np.float32)
    edge[:, 64:] = 0.7
    rows = _done("denoise", _noisy(edge), 0.6).mean(axis=(0, 2))
    assert rows[65] - rows[62] > 0.36


def test_smooth_skin_is_smooth_and_only_skin() -> None:
    """The cheek loses a third of its unevenness and keeps some; the eyes, the suit and the flag stay as they are."""
    rgb = photograph("astronaut.jpg")
    done = _done("smooth skin", rgb, 0.9)
    change = np.abs(done - rgb)
    assert 0.2 < _sharpness(done[CHEEK]) / _sharpness(rgb[CHEEK]) < 0.66
    assert change[EYES].mean() < 0.012
    assert change[300:500, 60:200].mean() < 1 / 255
    assert change[:300, :60].mean() < 1 / 255


def test_deblurring_comes_nearer_to_what_was_there(rgb: Floats) -> None:
    """A slightly blurred photograph gains 1.5 dB or more; each round brings it further."""
    blurred = floats(cv2.GaussianBlur(rgb, (0, 0), 1.0))
    effect = FOCUS["deblur"](Canvas(blurred), Brief(amount=0.5))
    near = [_nearness(np.clip(effect(part).rgb, 0, 1), rgb) for part in (0.25, 0.5, 1.0)]
    assert _nearness(blurred, rgb) + 0.3 < near[0] < near[1] < near[2]
    assert near[2] > _nearness(blurred, rgb) + 1.5


def test_deblurring_has_no_rings() -> None:
    """Beside a blurred edge the picture is no lighter and no darker than the two sides by more than a tenth of the step."""
    edge = np.full((64, 128, 3), 0.25, np.float32)
    edge[:, 64:] = 0.75
    done = _done("deblur", floats(cv2.GaussianBlur(edge, (0, 0), 1.2)), 1.0)
    assert 0.19 < done.min() < done.max() < 0.81
    assert np.diff(done[32, :, 0]).max() > 0.2
