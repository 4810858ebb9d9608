"""From a recipe to pictures: stages, masks, variations."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamedit.darkroom.develop import Recipe, develop, variation
from streamedit.darkroom.files import decode
from streamedit.darkroom.grammar import parse, repertoire
from streamedit.darkroom.photograph import Floats, Photograph, Pixels
from streamedit.darkroom.scaling import fit

PHOTOS = Path(__file__).parent.parent / "photos"
EXAMPLES = [row.example for row in repertoire()]
PROMPTS = [
    *EXAMPLES,
    "black and white, strong vignette and film grain",
    "erase it, golden hour, more contrast",
    "darker and muted, vintage, sepia",
    "blur the background, sketch",
]


@pytest.fixture(scope="module")
def chelsea() -> Photograph:
    """A cat, small."""
    return fit(decode((PHOTOS / "chelsea.png").read_bytes()), (225, 150))


@pytest.fixture(scope="module")
def weight() -> Floats:
    """An ellipse with a soft rim, empty outside."""
    y, x = np.mgrid[0:150, 0:225].astype(np.float32)
    return np.asarray(np.clip(3 - 3 * (((x - 100) / 60) ** 2 + ((y - 70) / 45) ** 2), 0, 1), np.float32)


def _frames(photograph: Photograph, weight: Floats | None, prompt: str, partials: int) -> list[Pixels]:
    return [state.rgb for state in develop(photograph, weight, Recipe(parse(prompt)), partials)]


def _distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_as_many_partials_as_asked_and_then_the_picture(chelsea: Photograph, partials: int) -> None:
    """p partials and the finished picture, whatever the number of instructions; the end does not depend on p."""
    for prompt in ("sepia", "sepia, vignette", "sepia, vignette, contrast, brighter, grain"):
        frames = _frames(chelsea, None, prompt, partials)
        assert len(frames) == partials + 1
        assert np.array_equal(frames[-1], _frames(chelsea, None, prompt, 0)[-1])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_each_partial_is_nearer_to_the_end(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Partial images are states of the work: from the original on, each stage is nearer to the finished picture."""
    frames = [chelsea.rgb, *_frames(chelsea, weight, prompt, 3)]
    distances = [_distance(frame, frames[-1]) for frame in frames]
    assert all(near < far for far, near in pairwise(distances))


def test_partials_are_the_finished_first_instructions(chelsea: Photograph) -> None:
    """With two instructions and one partial image, the partial is the first instruction, done."""
    partial, _ = _frames(chelsea, None, "sepia, strong vignette", 1)
    assert np.array_equal(partial, _frames(chelsea, None, "sepia", 0)[0])


@pytest.mark.parametrize("prompt", PROMPTS)
def test_outside_the_mask_every_pixel_stays(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Where the mask is opaque, every pixel of every stage is the original's."""
    for frame in _frames(chelsea, weight, prompt, 2):
        assert np.array_equal(frame[weight == 0], chelsea.rgb[weight == 0])
        assert not np.array_equal(frame, chelsea.rgb)


def test_inside_the_mask_it_is_the_edit_itself(chelsea: Photograph, weight: Floats) -> None:
    """Where the mask is fully transparent the result is that of an edit without a mask."""
    (masked,), (whole,) = _frames(chelsea, weight, "sepia", 0), _frames(chelsea, None, "sepia", 0)
    assert np.array_equal(masked[weight == 1], whole[weight == 1])


def test_alpha_and_profile_are_kept(chelsea: Photograph) -> None:
    """Transparency and colour profile of the input are those of the output."""
    alpha = np.arange(150 * 225, dtype=np.uint32).reshape(150, 225).astype(np.uint8)
    picture = Photograph(chelsea.rgb, alpha, b"profile")
    (state,) = develop(picture, None, Recipe(parse("sepia")), 0)
    assert state.alpha is alpha
    assert state.icc == b"profile"


@pytest.mark.parametrize("prompt", ["film grain", "blur the background, sketch", "erase it, golden hour"])
def test_the_same_recipe_gives_the_same_pixels(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Nothing is left to chance, nor to what was developed before."""
    first = _frames(chelsea, weight, prompt, 1)
    _frames(chelsea, None, "film grain, blur the background", 0)
    assert all(np.array_equal(one, other) for one, other in zip(first, _frames(chelsea, weight, prompt, 1), strict=True))


@pytest.mark.parametrize("prompt", [*EXAMPLES, "very strong sepia", "film grain 100%"])
def test_ten_variations_are_ten_pictures(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """The first is the recipe as it is; no two of the ten are the same."""
    recipe = Recipe(parse(prompt), seed=5)
    assert variation(recipe, 0) == recipe
    pictures = [next(develop(chelsea, weight, variation(recipe, number), 0)).rgb.tobytes() for number in range(10)]
    assert len(set(pictures)) == 10
