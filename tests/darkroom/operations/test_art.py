"""Drawings and paintings: what each does to real photographs, in numbers."""

import cv2
import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.operations.art import ART
from streamedit.darkroom.optics import floats, luma, soft
from streamedit.darkroom.photograph import Floats

CAT, ASTRONAUT = photograph("chelsea.png"), photograph("astronaut.jpg")


def _made(name: str, rgb: Floats, brief: Brief | None = None, part: float = 1.0) -> Floats:
    return np.clip(ART[name](Canvas(rgb), brief or Brief())(part).rgb, 0, 1)


def _colourfulness(rgb: Floats) -> float:
    return float((rgb.max(axis=2) - rgb.min(axis=2)).mean())


def _likeness(one: Floats, other: Floats) -> float:
    """How much the tones of one go with those of the other, 1 at best, but for detail."""
    return float(np.corrcoef(soft(luma(one), 6).ravel(), soft(luma(other), 6).ravel())[0, 1])


def _roughness(rgb: Floats, rows: slice, columns: slice) -> float:
    return float(np.abs(cv2.Laplacian(luma(rgb), cv2.CV_32F))[rows, columns].mean())


@pytest.mark.parametrize("name", ["sketch", "charcoal", "ink drawing"])
def test_drawings_are_grey_on_paper_and_like_the_picture(name: str) -> None:
    """No hue but the paper's; what was light is paper, and tones go with the picture's."""
    drawing = _made(name, ASTRONAUT)
    assert _colourfulness(drawing) < 0.07
    assert np.percentile(luma(drawing), 95) > 0.82
    assert _likeness(drawing, ASTRONAUT) > 0.7


def test_sketch_is_mostly_paper_with_dark_lines() -> None:
    """A pencil drawing is light on the whole, and has strokes where the photograph is smooth."""
    drawing = _made("sketch", ASTRONAUT)
    assert luma(drawing).mean() > 0.6
    assert np.percentile(luma(drawing), 1) < 0.35
    smooth = slice(20, 80), slice(315, 370)
    assert _roughness(drawing, *smooth) > 1.3 * _roughness(ASTRONAUT, *smooth)


def test_ink_is_black_or_white() -> None:
    """Of clean ink nearly nothing is grey, and both are there."""
    light = luma(_made("ink drawing", ASTRONAUT))
    assert np.mean((light < 0.25) | (light > 0.8)) > 0.8
    assert 0.1 < np.mean(light < 0.25) < 0.7


def test_charcoal_is_softer_than_ink() -> None:
    """Charcoal has the greys that ink has not."""
    light = luma(_made("charcoal", CAT))
    assert np.mean((light > 0.3) & (light < 0.8)) > 0.4


def test_coloured_pencil_keeps_hues_and_lets_paper_through() -> None:
    """The suit is orange; strokes of paper lie over it."""
    drawing = _made("coloured pencil", ASTRONAUT)
    suit = slice(340, 400), slice(100, 150)
    red, green, blue = drawing[suit].mean(axis=(0, 1))
    assert red > green + 0.15 > blue + 0.15
    assert _roughness(drawing, *suit) > 1.2 * _roughness(ASTRONAUT, *suit)


def test_cartoon_is_flat_between_dark_outlines() -> None:
    """Most of the picture is smoother than before, colours are clearer, and more of it is dark line."""
    drawn = _made("cartoon", CAT)
    changes, before = (np.median(np.abs(cv2.Laplacian(luma(rgb), cv2.CV_32F))) for rgb in (drawn, CAT))
    assert changes < 0.6 * before
    assert _colourfulness(drawn) > 1.1 * _colourfulness(CAT)
    assert np.mean(luma(drawn) < 0.12) > 1.5 * np.mean(luma(CAT) < 0.12)


@pytest.mark.parametrize("name", ["painting", "impressionist", "pointillism"])
def test_paintings_go_from_coarse_to_fine(name: str) -> None:
    """Each state is nearer to the finished painting; the coarse strokes of the first ones hide more of the picture."""
    effect = ART[name](Canvas(ASTRONAUT), Brief())
    early, middle, late, whole = (np.clip(effect(part).rgb, 0, 1) for part in (0.25, 0.5, 0.75, 1.0))
    far = [float(np.abs(state - whole).mean()) for state in (early, middle, late)]
    assert far[0] > far[1] > far[2] > 0
    assert np.abs(early - ASTRONAUT).mean() > np.abs(whole - ASTRONAUT).mean()
    assert _likeness(whole, ASTRONAUT) > 0.97


def test_painting_stands_in_relief_where_the_photograph_is_smooth() -> None:
    """Strokes and bristles show on a smooth wall, and the colours are the picture's."""
    oil = _made("painting", ASTRONAUT)
    wall = slice(20, 80), slice(315, 370)
    assert _roughness(oil, *wall) > 2 * _roughness(ASTRONAUT, *wall)
    assert np.abs(soft(oil, 8) - soft(ASTRONAUT, 8)).mean() < 0.06


def test_impressionists_stray_farther_in_colour() -> None:
    """Their colours are stronger than those of the oil painting."""
    assert _colourfulness(_made("impressionist", CAT)) > 1.05 * _colourfulness(_made("painting", CAT))


def test_pointillism_is_of_dots() -> None:
    """The smooth wall turns into dots of different colours."""
    wall = slice(20, 80), slice(315, 370)
    dots = _made("pointillism", ASTRONAUT)
    assert dots[wall].std(axis=(0, 1)).min() > 1.2 * ASTRONAUT[wall].std(axis=(0, 1)).min()
    assert _roughness(dots, *wall) > 2 * _roughness(ASTRONAUT, *wall)


def test_watercolour_is_light_thin_and_granular() -> None:
    """No black, lighter on the whole, and pigment grains in the dark that the photograph has not."""
    wash = _made("watercolour", ASTRONAUT)
    assert np.percentile(luma(wash), 1) > 0.05
    assert luma(wash).mean() > luma(ASTRONAUT).mean() + 0.02
    cloth = slice(300, 330), slice(420, 480)
    assert _roughness(wash, *cloth) > _roughness(ASTRONAUT, *cloth)


@pytest.mark.parametrize("name", ["sketch", "ink drawing", "painting", "charcoal"])
def test_another_character_is_another_hand(name: str) -> None:
    """A finer and a broader pencil, pen or brush draw visibly different pictures."""
    fine, broad = (_made(name, CAT, Brief(character=character)) for character in (0.6, 1.4))
    assert np.abs(fine - broad).mean() > 0.015


def test_a_picture_of_any_size_is_drawn_alike() -> None:
    """Strokes go with the picture: at twice the size the same tones are drawn."""
    twice = floats(cv2.resize(ASTRONAUT, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    for name in ("ink drawing", "watercolour"):
        small = floats(cv2.resize(_made(name, np.clip(twice, 0, 1)), (512, 512), interpolation=cv2.INTER_AREA))
        assert _likeness(small, _made(name, ASTRONAUT)) > 0.95
