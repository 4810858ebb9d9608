"""The subject of a real photograph is found where a person sees it, at every size, and its outline is soft where it is."""

import cv2
import numpy as np
import pytest
from photographs import in_common, outline, photograph

from streamedit.darkroom.optics import floats
from streamedit.darkroom.photograph import Floats
from streamedit.darkroom.subjects.matting import foreground, stages, subject

AGREED = {"astronaut.jpg": 0.94, "chelsea.png": 0.93, "coffee.jpg": 0.91}
"""How much of both together the matte and the outline drawn by hand have in common, at least."""


@pytest.mark.parametrize("name", AGREED)
def test_the_subject_is_where_a_person_sees_it(name: str) -> None:
    """The matte agrees with an outline drawn by hand."""
    assert in_common(subject(photograph(name)), outline(name)) >= AGREED[name]


def _varied(pixels: Floats) -> list[Floats]:
    """Mirrored, enlarged, with less on every side and on single ones, darker."""
    height, width = pixels.shape[:2]
    large = floats(cv2.resize(pixels, None, fx=2, fy=2))
    return [
        pixels[:, ::-1].copy(),
        large,
        pixels[height // 10 : -height // 10, width // 10 : -width // 10],
        pixels[:, width // 10 :],
        pixels[: -(height // 10)],
        pixels * np.float32(0.5) if pixels.ndim == 3 else pixels,
    ]


def test_the_subject_is_found_in_most_variations_of_a_picture() -> None:
    """In most very well, in none lost: where a subject leaves the frame on several sides, a part of it may be."""
    found = [
        in_common(subject(np.ascontiguousarray(rgb)), truth)
        for name in AGREED
        for rgb, truth in zip(_varied(photograph(name)), _varied(outline(name)), strict=True)
    ]
    assert min(found) > 0.54
    assert sum(share > 0.8 for share in found) >= 16
    assert np.mean(found) > 0.86


def test_every_stage_is_nearer_to_the_matte() -> None:
    """What is shown while the subject is looked for comes closer and closer to what is found."""
    at = stages(photograph("astronaut.jpg"))
    states = [at(part) for part in (0.2, 0.6, 1.0)]
    away = [float(np.abs(state - states[-1]).mean()) for state in states]
    assert away[0] > 2 * away[1] > 0
    assert at(1.0) is states[-1]


def test_most_of_a_matte_is_all_or_nothing() -> None:
    """Only the outline is soft."""
    matte = subject(photograph("astronaut.jpg"))
    soft = ((matte > 0.02) & (matte < 0.98)).mean()
    assert 0.002 < soft < 0.06


def test_what_was_cut_out_before_is_the_subject() -> None:
    """Transparency says where the subject is, and nothing else is asked."""
    alpha = np.zeros((300, 451), np.float32)
    alpha[100:200, 50:90] = 0.7
    assert np.array_equal(subject(photograph("chelsea.png"), alpha), alpha)


def test_opaque_alpha_says_nothing() -> None:
    """A picture whose alpha hides nothing is searched like any other."""
    rgb = photograph("coffee.jpg")
    assert np.array_equal(subject(rgb, np.ones(rgb.shape[:2], np.float32)), subject(rgb))


@pytest.mark.parametrize("shape", [(16, 16), (16, 300), (300, 16), (700, 20)])
def test_any_size_has_a_matte(shape: tuple[int, int]) -> None:
    """Small, narrow, of one colour: finite numbers from 0 to 1."""
    noisy = np.random.default_rng(1).random((*shape, 3), np.float32)
    for rgb in (noisy, np.full((*shape, 3), 0.5, np.float32), np.zeros((*shape, 3), np.float32)):
        matte = subject(rgb)
        assert matte.shape == shape
        assert matte.dtype == np.float32
        assert np.isfinite(foreground(rgb, matte)).all()
        assert matte.min() >= 0
        assert matte.max() <= 1


def test_a_soft_outline_loses_the_old_background() -> None:
    """Red in front of green, half transparent at the rim: the rim's own colour is red again."""
    ramp = np.clip((np.arange(128) - 58) / 12, 0, 1).astype(np.float32)
    matte = floats(np.broadcast_to(ramp, (96, 128)).copy())
    red, green = np.array([0.8, 0.1, 0.1], np.float32), np.array([0.1, 0.7, 0.2], np.float32)
    mixed = floats(green + (red - green) * matte[..., None])
    own = foreground(mixed, matte)
    rim = (matte > 0.2) & (matte < 0.8)
    assert np.abs(own[rim] - red).mean() < 0.4 * np.abs(mixed[rim] - red).mean()
    assert np.array_equal(own[matte == 1], mixed[matte == 1])
