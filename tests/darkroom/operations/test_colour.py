"""Colours are changed as their names say, in numbers, on real photographs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.colours import encoded, fitted, from_oklab, linear, oklab, white
from streamedit.darkroom.instructions import Colour, Details
from streamedit.darkroom.operations.colour import COLOUR
from streamedit.darkroom.optics import luma
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

PHOTOS = Path(__file__).parents[2] / "photos"
SKIN = (slice(95, 130), slice(200, 240))
"""The astronaut's face."""
SUIT = (slice(380, 420), slice(60, 100))


@pytest.fixture(params=["chelsea.png", "astronaut.jpg", "coffee.jpg"])
def rgb(request: pytest.FixtureRequest) -> Floats:
    """Each of the three photographs."""
    return _load(request.param)


def _load(name: str) -> Floats:
    with Image.open(PHOTOS / name) as image:
        return np.asarray(image.convert("RGB"), np.float32) / np.float32(255)


def _done(name: str, rgb: Floats, amount: float = 1.0, details: Details | None = None, *others: Floats) -> Floats:
    brief = Brief(amount, details or Details(), others=others)
    return np.clip(COLOUR[name](Canvas(rgb), brief)(1.0).rgb, 0, 1)


def _of(*colours: Colour) -> Details:
    return Details(colours=colours)


def _chroma(rgb: Floats) -> Floats:
    lab = oklab(rgb)
    return np.asarray(np.hypot(lab[..., 1], lab[..., 2]), np.float32)


def _hue(rgb: Floats) -> Floats:
    lab = oklab(rgb)
    return np.asarray(np.rad2deg(np.arctan2(lab[..., 2], lab[..., 1])), np.float32)


def _plain(colour: Colour) -> Floats:
    return np.full((16, 16, 3), colour, np.float32)


def test_oklab_is_ottossons() -> None:
    """The lightness, a and b of red, green and white are those published with the colour space."""
    lab = oklab(np.array([[[1, 0, 0], [0, 1, 0], [1, 1, 1]]], np.float32))[0]
    published = [[0.628, 0.2249, 0.1258], [0.8664, -0.2339, 0.1795], [1, 0, 0]]
    assert np.abs(lab - published).max() < 1e-3


def test_there_and_back_is_where_it_began(rgb: Floats) -> None:
    """Linear light and OKLab are ways that lead back, within a quarter of an 8-bit step."""
    assert np.abs(encoded(linear(rgb)) - rgb).max() < 1e-5
    assert np.abs(from_oklab(oklab(rgb)) - rgb).max() < 0.25 / 255


def test_what_is_too_vivid_gets_less_colour_and_keeps_its_light(rgb: Floats) -> None:
    """All is inside 0..1, each luma as it was."""
    vivid = rgb + 1.5 * (rgb - luma(rgb)[..., None])
    inside = fitted(vivid)
    assert inside.min() > -1e-4
    assert inside.max() < 1 + 1e-4
    assert np.abs(luma(inside) - luma(rgb)).max() < 1e-3


def test_lamps_are_orange_and_skies_blue() -> None:
    """The light of 6500 K is white; lower is redder, higher bluer, without steps."""
    assert white(6500) == pytest.approx((1, 1, 1))
    ratios = [white(kelvin)[0] / white(kelvin)[2] for kelvin in range(2000, 20_001, 250)]
    assert (np.diff(ratios) < 0).all()


def test_saturation_reaches_from_grey_to_vivid(rgb: Floats) -> None:
    """-1 has no colour, more has a quarter more of it, and the light stays."""
    assert np.ptp(_done("saturation", rgb, -1.0), axis=2).max() < 1e-5
    vivid = _done("saturation", rgb, 0.4)
    assert _chroma(vivid).mean() > 1.25 * _chroma(rgb).mean()
    assert np.abs(luma(vivid) - luma(rgb)).max() < 2 / 255


def test_vibrance_spares_skin_and_what_is_vivid() -> None:
    """A pale green gets more colour by far than the face and the orange suit."""
    rgb = _load("astronaut.jpg")
    gain = _chroma(_done("vibrance", rgb, 0.5)) / np.maximum(_chroma(rgb), 1e-3)
    pale = _chroma(_done("vibrance", _plain((0.45, 0.6, 0.5)), 0.5)).mean() / _chroma(_plain((0.45, 0.6, 0.5))).mean()
    assert pale > 1.4
    assert np.median(gain[SKIN]) < 1 + 0.6 * (pale - 1)
    assert np.median(gain[SUIT]) < 1 + 0.4 * (pale - 1)


def test_vibrance_leaves_greys_grey(rgb: Floats) -> None:
    """What has next to no colour gets none that shows."""
    greys = _chroma(rgb) < 0.01
    assert (_chroma(_done("vibrance", rgb, 1.0)) - _chroma(rgb))[greys].max() < 0.012


def test_warmth_is_the_light_of_a_lamp(rgb: Floats) -> None:
    """Red gains on blue by a tenth at the usual amount, and loses as much when cooler; grey keeps its lightness."""

    def warm(picture: Floats) -> float:
        return float(linear(picture[..., 0]).mean() / linear(picture[..., 2]).mean())

    assert warm(_done("warmth", rgb, 0.4)) > 1.1 * warm(rgb) > 1.21 * warm(_done("warmth", rgb, -0.4))
    grey = _plain((0.5, 0.5, 0.5))
    assert luma(linear(_done("warmth", grey, 0.4))).mean() == pytest.approx(linear(grey).mean(), rel=0.02)


def test_tint_lays_a_colour_over_all_and_keeps_the_light(rgb: Floats) -> None:
    """Green is what it is told to be, magenta otherwise; no luma changes by more than two steps."""
    green, magenta = _done("tint", rgb, 0.4, _of((0, 0.8, 0))), _done("tint", rgb, 0.4)
    assert (green - rgb)[..., 1].mean() > 0.02
    assert (magenta - rgb)[..., 1].mean() < -0.02
    assert np.abs(luma(green) - luma(rgb)).max() < 2 / 255


def test_hue_turns_and_keeps_lightness(rgb: Floats) -> None:
    """All hues turn by the degrees told; the lightness stays, as it is seen."""
    turned = _done("hue", rgb, details=Details(number=90))
    clear = (_chroma(rgb) > 0.05) & (_chroma(turned) > 0.03)
    turn = (_hue(turned) - _hue(rgb))[clear] % 360
    assert np.median(turn) == pytest.approx(90, abs=1)
    assert np.quantile(np.abs(turn - 90), 0.9) < 8
    assert np.median(np.abs(oklab(turned)[..., 0] - oklab(rgb)[..., 0])) < 0.01


def test_hue_by_amount_is_forty_degrees() -> None:
    """Without a number, all of it is 40 degrees, and half of it 20."""
    plain = _plain((0.6, 0.5, 0.5))
    for amount in (1.0, 0.5):
        assert (_hue(_done("hue", plain, amount)) - _hue(plain)).mean() == pytest.approx(40 * amount, abs=0.5)


def test_split_toning_gives_shadows_and_highlights_their_colours() -> None:
    """Of a grey wedge, the dark is teal and the light orange, or as told; black, white and all luma stay."""
    wedge = np.repeat(np.linspace(0, 1, 101, dtype=np.float32)[None, :, None], 3, axis=2)
    wedge = np.repeat(wedge, 16, axis=0)
    usual, told = _done("split toning", wedge, 0.5)[0], _done("split toning", wedge, 0.5, _of((0.4, 0, 0.6), (0.9, 0.9, 0)))[0]
    assert usual[25, 2] > usual[25, 0] + 0.05
    assert usual[75, 0] > usual[75, 2] + 0.05
    assert told[25, 1] < told[25, 2] - 0.05
    assert told[75, 2] < told[75, 1] - 0.05
    assert np.abs(luma(usual[None])[0] - wedge[0, :, 0]).max() < 1 / 255
    assert np.ptp(usual[[0, 100]], axis=1).max() < 1e-3


def test_duotone_has_two_inks(rgb: Floats) -> None:
    """Every colour lies between the two told, the darker of them in the shadows, in whichever order they were told."""
    dark, light = (0.1, 0.0, 0.4), (1.0, 0.8, 0.2)
    done = _done("duotone", rgb, 1.0, _of(light, dark))
    share = (done - np.array(dark, np.float32)) / (np.array(light, np.float32) - np.array(dark, np.float32))
    assert np.ptp(share, axis=2).max() < 0.01
    assert np.corrcoef(share[..., 0].ravel(), luma(rgb).ravel())[0, 1] > 0.98


def test_one_ink_goes_from_black_to_paper(rgb: Floats) -> None:
    """All has the hue of the one ink told, and the light of the picture."""
    done = _done("duotone", rgb, 1.0, _of((0.8, 0.1, 0.2)))
    assert (done[..., 0] >= done[..., 1] - 1e-4).all()
    assert np.corrcoef(luma(done).ravel(), luma(rgb).ravel())[0, 1] > 0.98


def test_negative_turns_all_round(rgb: Floats) -> None:
    """It is 1 less each value; half way the lights have turned and the shadows not yet."""
    assert np.abs(_done("negative", rgb) - (1 - rgb)).max() < 1e-5
    half = _done("negative", rgb, 0.5)
    assert np.abs(half - (1 - rgb))[luma(rgb) > 0.7].max() < 0.01
    assert np.abs(half - rgb)[luma(rgb) < 0.1].max(initial=0) < 0.01


def test_selective_colour_keeps_one() -> None:
    """Red keeps the stripes of the flag and none of the face; green keeps nothing of either."""
    rgb = _load("astronaut.jpg")
    red, green = _done("selective colour", rgb), _done("selective colour", rgb, 1.0, _of((0, 0.6, 0)))
    stripes = (rgb[..., 0] > 0.4) & (rgb[..., 1] < 0.2) & (rgb[..., 2] < 0.3)
    assert _chroma(red)[stripes].mean() > 0.9 * _chroma(rgb)[stripes].mean()
    assert _chroma(red)[SKIN].mean() < 0.2 * _chroma(rgb)[SKIN].mean()
    assert _chroma(green)[SKIN].max() < 0.01
    assert _chroma(green)[stripes].max() < 0.01


@pytest.mark.parametrize("reference", ["chelsea.png", "astronaut.jpg", "coffee.jpg"])
def test_a_picture_gets_the_colours_of_its_reference(rgb: Floats, reference: str) -> None:
    """Its mean colour in OKLab goes at least half of the way to the reference's."""
    other = _load(reference)
    done = _done("match the reference", rgb, 0.8, None, other)
    before, after, goal = (oklab(picture).reshape(-1, 3).mean(axis=0) for picture in (rgb, done, other))
    assert np.linalg.norm(after - goal) <= 0.5 * np.linalg.norm(before - goal) + 1e-3


def test_a_black_reference_does_not_drown_shadows() -> None:
    """The shadows of a picture keep half of their tones, though the reference is black by a quarter."""
    rgb, other = _load("coffee.jpg"), _load("astronaut.jpg")
    dark = luma(rgb) < 0.25
    done = _done("match the reference", rgb, 0.8, None, other)
    assert luma(done)[dark].std() > 0.5 * luma(rgb)[dark].std()


def test_no_reference_is_told() -> None:
    """Without a second image the request is refused, with words that say what to send."""
    with pytest.raises(InvalidRequest, match="second image") as refusal:
        COLOUR["match the reference"](Canvas(_load("coffee.jpg")), Brief())
    assert (refusal.value.detail.param, refusal.value.detail.code) == ("image", "image_required")


def test_solarised_highlights_are_dark() -> None:
    """White becomes dark, black stays, the middle is lightest."""
    wedge = np.repeat(np.repeat(np.linspace(0, 1, 101, dtype=np.float32)[None, :, None], 3, axis=2), 16, axis=0)
    light = luma(_done("solarise", wedge))[0]
    assert light[0] < 0.01
    assert light[100] < 0.05
    assert 35 <= int(light.argmax()) <= 60


def test_black_and_white_keeps_the_light(rgb: Floats) -> None:
    """R, G and B are equal, and are the Rec. 709 luma."""
    done = _done("black and white", rgb)
    assert np.ptp(done, axis=2).max() == 0
    assert np.abs(done[..., 0] - luma(rgb)).max() < 1 / 255


@pytest.mark.parametrize(("colour", "lighter"), [((1, 0, 0), 0), ((1, 0.5, 0), 0), ((0, 0.5, 0), 1), ((0, 0, 1), 2)])
def test_a_filter_lightens_its_own_colour(colour: Colour, lighter: int) -> None:
    """Through a filter, patches of its colour are lighter than without, the others darker; grey stays."""
    patches = np.repeat(0.2 + 0.6 * np.eye(4, 3, dtype=np.float32)[None], 16, axis=0)
    through, without = (_done("black and white", patches, 1.0, details)[0, :, 0] for details in (_of(colour), None))
    assert through[lighter] > without[lighter] + 0.02
    assert through[3] == pytest.approx(0.2, abs=1e-3)


def test_a_variation_in_black_and_white_has_another_filter(rgb: Floats) -> None:
    """Its tones differ where there is colour."""
    usual, other = (COLOUR["black and white"](Canvas(rgb), Brief(character=character))(1.0).rgb for character in (1.0, 1.35))
    assert np.abs(usual - other).max() > 0.05


def test_sepia_is_brown(rgb: Floats) -> None:
    """Everywhere red > green > blue, with one hue between orange and yellow."""
    toned = _done("sepia", rgb)
    light = toned[(luma(toned) > 0.1) & (toned.max(axis=2) < 1)]
    assert (light[:, 0] > light[:, 1]).all()
    assert (light[:, 1] > light[:, 2]).all()
    hue = 60 * (light[:, 1] - light[:, 2]) / (light[:, 0] - light[:, 2])
    assert hue.min() > 25
    assert hue.max() < 50
