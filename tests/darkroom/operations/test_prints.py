"""Prints and signals: what each does to real photographs, in numbers."""

import numpy as np
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.operations.prints import PRINTS
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats

CAT, ASTRONAUT = photograph("chelsea.png"), photograph("astronaut.jpg")


def _printed(name: str, rgb: Floats, brief: Brief | None = None, part: float = 1.0) -> Floats:
    return np.clip(PRINTS[name](Canvas(rgb), brief or Brief())(part).rgb, 0, 1)


def test_posterise_leaves_as_many_tones_as_said() -> None:
    """Of a grey ramp `number` tones are left, from black to white; without it five."""
    ramp = np.repeat(np.linspace(0, 1, 600, dtype=np.float32)[None, :, None], 64, axis=0).repeat(3, axis=2)
    for levels, brief in ((3, Brief(details=Details(number=3))), (5, Brief())):
        tones = _printed("posterise", ramp, brief)[32, :, 0]
        common, counts = np.unique(tones.round(1), return_counts=True)
        assert np.sum(counts > 40) == levels
        assert common[0] == 0
        assert common[-1] == 1


def test_posterise_keeps_hues() -> None:
    """The orange suit stays orange: red before green before blue."""
    suit = _printed("posterise", ASTRONAUT)[290:320, 100:140].mean(axis=(0, 1))
    assert suit[0] > suit[1] + 0.2 > suit[2] + 0.2


def test_pixelate_gives_each_block_the_mean_of_its_light() -> None:
    """Blocks of `number` pixels are of one colour: the root of their mean square, which is about their mean light."""
    blocks = _printed("pixelate", CAT, Brief(details=Details(number=20)))
    block = blocks[40:60, 100:120]
    assert np.ptp(block, axis=(0, 1)).max() < 1e-6
    assert np.allclose(block[0, 0], np.sqrt((CAT[40:60, 100:120] ** 2).mean(axis=(0, 1))), atol=1e-4)
    assert np.abs(blocks[59, 110] - blocks[60, 110]).max() > 1e-3


def test_pixelate_by_amount_makes_forty_blocks_of_a_side() -> None:
    """Half the amount is a 40th of the shorter side, the whole amount more."""
    for amount, block in ((0.5, round(300 / 40)), (1.0, 27)):
        rows = _printed("pixelate", CAT, Brief(amount))[:, 200]
        assert np.flatnonzero(np.abs(np.diff(rows, axis=0)).max(axis=1) > 1e-5)[0] == block - 1


def test_halftone_prints_two_inks_and_is_lighter_where_the_picture_is() -> None:
    """Nearly all is ink or paper, in the colours said; dots grow with darkness."""
    brief = Brief(details=Details(colours=((0.8, 0.0, 0.0), (1.0, 1.0, 0.8))))
    dots = _printed("halftone", ASTRONAUT, brief)
    assert np.mean((dots[..., 1] < 0.1) | (dots[..., 1] > 0.9)) > 0.6
    assert np.all(dots[..., 0] >= 0.79)
    ramp = np.repeat(np.linspace(0, 1, 512, dtype=np.float32)[None, :, None], 512, axis=0).repeat(3, axis=2)
    means = luma(_printed("halftone", ramp)).reshape(512, 8, 64).mean(axis=(0, 2))
    assert np.all(np.diff(means) > 0.02)


def test_pop_art_uses_four_loud_inks_or_those_said() -> None:
    """Four flat colours cover nearly all of the picture, each a part of it; other seeds print in others."""
    poster = _printed("pop art", CAT)
    colours, counts = np.unique((poster * 255).round().reshape(-1, 3), axis=0, return_counts=True)
    main = counts > 0.04 * counts.sum()
    assert main.sum() == 4
    assert counts[main].sum() > 0.8 * counts.sum()
    assert np.ptp(colours[main], axis=1).max() > 150
    assert np.abs(poster - _printed("pop art", CAT, Brief(seed=1))).mean() > 0.1
    own = _printed("pop art", CAT, Brief(details=Details(colours=((1.0, 1.0, 1.0), (0.0, 0.0, 1.0)))))
    assert np.allclose(own[..., 2], 1, atol=1e-5)


def test_emboss_stamps_edges_into_grey() -> None:
    """Flat areas turn middle grey; an edge that falls to the right is lit otherwise than one that rises."""
    step = np.full((100, 100, 3), 0.2, np.float32)
    step[:, 30:70] = 0.8
    stamped = luma(_printed("emboss", step))
    assert abs(stamped[50, 50] - 0.52) < 0.06
    assert stamped[50, 30] > stamped[50, 50] + 0.2
    assert stamped[50, 70] < stamped[50, 50] - 0.2


def test_neon_glows_at_edges_on_black() -> None:
    """Most of the picture is dark; its outlines are bright, in the colour that was said."""
    tubes = _printed("neon", ASTRONAUT)
    assert np.median(luma(tubes)) < 0.15
    assert np.percentile(tubes.max(axis=2), 98) > 0.8
    green = _printed("neon", ASTRONAUT, Brief(details=Details(colours=((0.0, 1.0, 0.0),))))
    assert green[..., 1].mean() > 2 * green[..., 0].mean()


def test_glitch_slips_slices_one_after_another() -> None:
    """Half done, some rows are as they were and some as they will be; each row keeps its values, only moved."""
    half, whole = (_printed("glitch", CAT, Brief(seed=4), part) for part in (0.5, 1.0))
    untouched, finished = (np.abs(half - other).max(axis=(1, 2)) < 1e-6 for other in (CAT, whole))
    assert np.all(untouched | finished)
    assert 0.1 < np.mean(untouched) < 0.9
    assert np.abs(whole - CAT).mean() > 0.02
    assert np.allclose(np.sort(whole[100, :, 0]), np.sort(CAT[100, :, 0]))
