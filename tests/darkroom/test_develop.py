"""From a recipe to pictures: stages, masks, scopes, variations, frames."""

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from streamedit.darkroom.develop import Recipe, develop, variation
from streamedit.darkroom.files import decode
from streamedit.darkroom.photograph import Floats, Photograph, Pixels, floats_of, pixels_of
from streamedit.darkroom.repertoire import TABLE
from streamedit.darkroom.repertoire.entries import Entry
from streamedit.darkroom.scaling import fit
from streamedit.darkroom.subjects.matting import subject
from streamedit.darkroom.words.grammar import parse
from streamedit.errors import InvalidRequest

PHOTOS = Path(__file__).parent.parent / "photos"
KEEP_THE_FRAME = [row for row in TABLE if not (row.needs or row.name in ("trim", "straighten", "all images"))]
EXAMPLES = [row.example for row in KEEP_THE_FRAME]
PROMPTS = [
    "black and white, strong vignette and film grain",
    "erase it, golden hour, more contrast",
    "darker and muted, vintage, sepia",
    "blur the background, sketch",
    "make the background black and white, brighten the subject",
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


def _states(photograph: Photograph, weight: Floats | None, prompt: str, partials: int) -> list[Photograph]:
    return list(develop(photograph, weight, Recipe(parse(prompt, masked=weight is not None)), partials))


def _frames(photograph: Photograph, weight: Floats | None, prompt: str, partials: int) -> list[Pixels]:
    return [state.rgb for state in _states(photograph, weight, prompt, partials)]


def _distance(one: Pixels, other: Pixels) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("partials", [0, 1, 2, 3])
def test_as_many_partials_as_asked_and_then_the_picture(chelsea: Photograph, partials: int) -> None:
    """p partials and the finished picture, whatever the number of instructions; the end does not depend on p."""
    for prompt in ("sepia", "sepia, vignette", "sepia, vignette, contrast, brighter, grain", "oil painting", "crop to 1:1"):
        frames = _frames(chelsea, None, prompt, partials)
        assert len(frames) == partials + 1
        assert np.array_equal(frames[-1], _frames(chelsea, None, prompt, 0)[-1])


@pytest.mark.parametrize(
    "prompt",
    [
        "black and white, strong vignette and film grain",
        "erase it, golden hour, more contrast",
        "an oil painting",
        "a strong vignette",
        "sepia, a paper texture",
    ],
)
def test_each_partial_is_nearer_to_the_end(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Partial images are states of the work: where no instruction undoes another, each is nearer to the finished picture."""
    frames = [chelsea.rgb, *_frames(chelsea, weight, prompt, 3)]
    distances = [_distance(frame, frames[-1]) for frame in frames]
    assert all(near < far for far, near in pairwise(distances))


def test_partials_are_the_finished_first_instructions(chelsea: Photograph) -> None:
    """With two instructions of equal work and one partial image, the partial is the first instruction, done."""
    partial, _ = _frames(chelsea, None, "sepia, more contrast", 1)
    assert np.array_equal(partial, _frames(chelsea, None, "sepia", 0)[0])


@pytest.mark.parametrize(
    "prompt", ["golden hour, much more contrast, film grain", "blur the background, sepia", "oil painting"]
)
def test_stages_are_evenly_spaced_over_the_time(prompt: str) -> None:
    """Of four stages of a photograph of a megapixel none takes more than three fifths of the time."""
    photograph = fit(decode((PHOTOS / "astronaut.jpg").read_bytes()), (1024, 1024))
    spans: list[list[float]] = []
    for _ in range(3):
        times = [time.perf_counter()]
        for _ in develop(photograph, None, Recipe(parse(prompt)), 3):
            times.append(time.perf_counter())  # noqa: PERF401 - the clock is read in between
        spans.append([(late - early) / (times[-1] - times[0]) for early, late in pairwise(times)])
    assert min(max(shares) for shares in spans) < 0.6


@pytest.mark.parametrize("prompt", PROMPTS)
def test_outside_the_mask_every_pixel_stays(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Where the mask is opaque, every pixel of every stage is the original's."""
    frames = _frames(chelsea, weight, prompt, 2)
    assert all(np.array_equal(frame[weight == 0], chelsea.rgb[weight == 0]) for frame in frames)
    assert not np.array_equal(frames[-1], chelsea.rgb)


@pytest.mark.parametrize("row", [row for row in KEEP_THE_FRAME if row.scoped], ids=lambda row: row.name)
def test_every_instruction_can_be_done_within_a_mask(chelsea: Photograph, weight: Floats, row: Entry) -> None:
    """Any operation, inside only."""
    (frame,) = _frames(chelsea, weight, row.example, 0)
    assert np.array_equal(frame[weight == 0], chelsea.rgb[weight == 0])
    assert frame.shape == chelsea.rgb.shape


def test_inside_the_mask_it_is_the_edit_itself(chelsea: Photograph, weight: Floats) -> None:
    """Where the mask is fully transparent the result is that of an edit without a mask."""
    (masked,), (whole,) = _frames(chelsea, weight, "sepia", 0), _frames(chelsea, None, "sepia", 0)
    assert np.array_equal(masked[weight == 1], whole[weight == 1])


@pytest.mark.parametrize(
    ("prompt", "size_px"),
    [
        ("rotate 90 degrees", (150, 225)),
        ("crop to 1:1", (150, 150)),
        ("pad to square", (225, 225)),
        ("resize to 50%", (112, 75)),
    ],
)
def test_the_mask_goes_with_the_frame(chelsea: Photograph, weight: Floats, prompt: str, size_px: tuple[int, int]) -> None:
    """A photograph that is turned, cut or scaled is so as a whole; its edit stays where it was in it."""
    (state,) = _states(chelsea, weight, f"{prompt}, negative", 0)
    (plain,) = _states(chelsea, None, prompt, 0)
    assert state.size_px == plain.size_px == size_px
    changed = (state.rgb != plain.rgb).any(axis=2).mean()
    assert 0.05 < changed < 0.95


def test_a_scope_spares_the_rest() -> None:
    """In the background alone: the subject keeps its pixels, what is behind it does not."""
    photograph = decode((PHOTOS / "astronaut.jpg").read_bytes())
    (state,) = _states(photograph, None, "make the background black and white", 0)
    matte = subject(floats_of(photograph.rgb))
    spread = state.rgb.max(axis=2).astype(int) - state.rgb.min(axis=2)
    assert _distance(state.rgb[matte > 0.99], photograph.rgb[matte > 0.99]) < 0.1
    assert spread[matte < 0.01].max() <= 1
    assert spread[matte > 0.99].mean() > 30


@pytest.mark.parametrize("prompt", ["a vintage look, remove the background", "much more contrast, moonlight, cut it out"])
def test_the_subject_is_found_in_the_photograph_as_it_came(prompt: str) -> None:
    """Whatever is done to a picture, and in whichever order it is asked for, the outline of its subject is the same."""
    photograph = decode((PHOTOS / "astronaut.jpg").read_bytes())
    (late,), (alone,) = _states(photograph, None, prompt, 0), _states(photograph, None, "cut it out", 0)
    assert late.alpha is not None
    assert alone.alpha is not None
    assert np.array_equal(late.alpha, alone.alpha)
    assert not np.array_equal(late.rgb, alone.rgb)


def test_what_is_written_stays_before_a_new_background(chelsea: Photograph) -> None:
    """A caption that is asked for first is not replaced with the background."""
    (state,) = _states(chelsea, None, "caption 'Kyoto' bottom right, replace the background with black", 0)
    (bare,) = _states(chelsea, None, "replace the background with black", 0)
    assert (state.rgb[100:, 110:].astype(int) - bare.rgb[100:, 110:] > 150).sum() > 50


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_alpha_profile_and_depth_are_kept(chelsea: Photograph, depth: type[np.uint8] | type[np.uint16]) -> None:
    """Transparency, colour profile and bits of the input are those of the output."""
    ramp = np.tile(np.linspace(0, 1, 225, dtype=np.float32), (150, 1))
    alpha = pixels_of(ramp, depth)
    picture = Photograph(pixels_of(floats_of(chelsea.rgb), depth), alpha, b"profile")
    (state,) = develop(picture, None, Recipe(parse("sepia")), 0)
    assert state.alpha is not None
    assert np.array_equal(state.alpha, alpha)
    assert state.rgb.dtype == state.alpha.dtype == depth
    assert state.icc == b"profile"


def test_no_banding() -> None:
    """A smooth ramp of sixteen bits is still a ramp of thousands of steps after three instructions."""
    ramp = np.tile(np.linspace(0, 65535, 4096, dtype=np.uint16)[None, :, None], (8, 1, 3))
    (state,) = develop(Photograph(ramp), None, Recipe(parse("golden hour, more contrast, slightly warmer")), 0)
    for channel in range(3):
        row = state.rgb[4, :, channel].astype(int)
        assert len(set(row.tolist())) > 2500
        assert np.abs(np.diff(row)).max() < 120


@pytest.mark.parametrize("prompt", ["film grain", "blur the background, sketch", "erase it, golden hour", "sparkles, snow"])
def test_the_same_recipe_gives_the_same_pixels(chelsea: Photograph, weight: Floats, prompt: str) -> None:
    """Nothing is left to chance, nor to what was developed before."""
    first = _frames(chelsea, weight, prompt, 1)
    _frames(chelsea, None, "film grain, blur the background", 0)
    assert all(np.array_equal(one, other) for one, other in zip(first, _frames(chelsea, weight, prompt, 1), strict=True))


@pytest.mark.parametrize("prompt", [*EXAMPLES, "very strong sepia", "film grain 100%", "crop to 1:1, flip it"])
def test_variations_are_visibly_different(chelsea: Photograph, prompt: str) -> None:
    """The first is the recipe as it is; no two of four are the same, and each differs from the first so that one sees it."""
    recipe = Recipe(parse(prompt), seed=5)
    assert variation(recipe, 0) == recipe
    pictures = [next(develop(chelsea, None, variation(recipe, number), 0)) for number in range(4)]
    assert len({picture.rgb.tobytes() for picture in pictures}) == 4
    for picture in pictures[1:]:
        if picture.size_px == pictures[0].size_px:
            assert np.abs(picture.rgb.astype(int) - pictures[0].rgb).max() > 8


def test_ten_variations_are_ten_pictures(chelsea: Photograph) -> None:
    """As many as OpenAI makes in one request."""
    recipe = Recipe(parse("flip it"))
    pictures = {next(develop(chelsea, None, variation(recipe, number), 0)).rgb.tobytes() for number in range(10)}
    assert len(pictures) == 10


def test_work_can_be_ended_between_two_steps(chelsea: Photograph) -> None:
    """What `pause` raises comes out before the next instruction is begun."""
    steps: list[int] = []

    def pause() -> None:
        steps.append(len(steps))
        if len(steps) == 2:
            raise InvalidRequest("enough", param="prompt", code="enough")

    with pytest.raises(InvalidRequest, match="enough"):
        list(develop(chelsea, None, Recipe(parse("sepia, contrast, vignette")), 0, pause))
    assert len(steps) == 2
