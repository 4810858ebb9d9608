"""Words on a photograph: where they are said to be, in the colours said, whole and legible."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from photographs import photograph

from streamedit.darkroom.canvas import Brief, Canvas
from streamedit.darkroom.instructions import Details
from streamedit.darkroom.operations.lettering import LETTERING
from streamedit.darkroom.operations.typesetting import required_text, typeset
from streamedit.darkroom.photograph import Floats
from streamedit.errors import InvalidRequest

CAT, COFFEE = photograph("chelsea.png"), photograph("coffee.jpg")
GREY = np.full((400, 600, 3), 0.5, np.float32)


def _done(name: str, rgb: Floats, amount: float = 1.0, part: float = 1.0, **details: Any) -> Floats:
    details = {"text": "Kyoto 2026", **details}
    return LETTERING[name](Canvas(rgb), Brief(amount=amount, details=Details(**details)))(part).rgb


def _box(made: Floats, rgb: Floats, least: float = 0.0) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of what is lighter by more than that, as shares of the picture in hundredths."""
    y, x = np.nonzero((made - rgb).max(axis=2) > least)
    height, width = rgb.shape[:2]
    return tuple(round(100 * v) for v in (x.min() / width, y.min() / height, x.max() / width, y.max() / height))


def _refused(text: str | None, name: str = "caption") -> tuple[str, str | None]:
    with pytest.raises(InvalidRequest) as refusal:
        _done(name, GREY, text=text)
    assert refusal.value.detail.param == "prompt"
    return refusal.value.detail.message, refusal.value.detail.code


def test_a_caption_is_at_the_bottom_in_the_middle() -> None:
    """White, centred, in the lowest sixth of the picture and not at its very rim."""
    made = _done("caption", GREY)
    left, top, right, bottom = _box(made, GREY, 0.3)
    assert abs(left - (100 - right)) <= 1
    assert 84 < top < bottom < 98
    assert made.max() > 0.99


@pytest.mark.parametrize("place", [(-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1)])
def test_a_caption_is_where_it_was_wished(place: tuple[int, int]) -> None:
    """In its corner, or in the middle."""
    left, top, right, bottom = _box(_done("caption", CAT, place=place), CAT, 0.05)
    for at, low, high in ((place[0], left, right), (place[1], top, bottom)):
        assert {-1: low < 12, 0: abs(low - (100 - high)) <= 3, 1: high > 88}[at]


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_a_caption_reads_on_anything(level: float) -> None:
    """White letters have dark around them: on white too they stand out, and on black they are white."""
    made = _done("caption", np.full_like(GREY, level))[330:]
    assert made.max() - made.min() > 0.6


def test_a_caption_has_the_colour_that_was_said() -> None:
    """And around dark letters the shadow is light."""
    made = _done("caption", GREY, colours=((0.8, 0.0, 0.0),))
    assert np.abs(made - np.array([0.8, 0, 0])).max(axis=2).min() < 0.01
    assert made.max() > 0.7


def test_a_title_is_larger_and_bolder() -> None:
    """More than half as high again, and more ink."""
    title, caption = (_done("caption", GREY, kind=kind) for kind in ("title", None))
    heights = [box[3] - box[1] for box in (_box(title, GREY, 0.3), _box(caption, GREY, 0.3))]
    assert heights[0] > 1.5 * heights[1]
    assert (title > 0.9).sum() > 2.5 * (caption > 0.9).sum()


def test_a_size_counts() -> None:
    """Pixels, or a share of the height."""
    by_pixels, by_share = (_done("caption", GREY, **size) for size in ({"number": 80.0}, {"percent": 0.2}))
    assert np.array_equal(by_pixels, by_share)
    assert (by_pixels > 0.9).sum() > 4 * (_done("caption", GREY) > 0.9).sum()


def test_long_text_is_wrapped_at_words() -> None:
    """It stays within nine tenths of the width and within the picture, however long."""
    left, top, right, _ = _box(_done("caption", GREY, text="one day in the old city " * 6), GREY, 0.3)
    assert left >= 4 and right <= 96 and top < 80
    left, top, right, bottom = _box(_done("caption", GREY, text="endless" * 150), GREY, 0.3)
    assert left >= 4 and right <= 96 and top >= 1 and bottom <= 99


def test_the_rest_of_the_picture_stays() -> None:
    """Away from the words nothing changes."""
    assert np.array_equal(_done("caption", COFFEE)[:300], COFFEE[:300])
    assert np.array_equal(_done("label", COFFEE)[:300], COFFEE[:300])


@pytest.mark.parametrize("name", list(LETTERING))
@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_no_words_no_caption(name: str, text: str | None) -> None:
    """It says how to give them."""
    message, code = _refused(text, name)
    assert "quotes" in message and name in message and code == "text_required"


@pytest.mark.parametrize("text", ["Ça va, Łódź?", "Привет", "Ελλάδα", "京都", "서울", "“—…” ½ €", "cafe\u0301", "2 > 1 ?"])
def test_what_the_type_has_is_written(text: str) -> None:
    """Letters of many scripts, each its own: no two are the same box."""
    assert required_text(text, "caption")
    glyphs = [typeset(character, 40, (500, 500)) for character in set(required_text(text, "caption")) - {" "}]
    assert len({glyph.tobytes() for glyph in glyphs}) == len(glyphs)


@pytest.mark.parametrize("missing", ["\U0001f600", "\u0e44", "\u05e9", "\u0639", "\u0939"])
def test_what_the_type_lacks_is_named(missing: str) -> None:
    """Emoji, Thai, and what runs from the right or needs shaping."""
    message, code = _refused(f"Hello {missing}")
    assert missing in message and "H" not in message and code == "text_cannot_be_written"


def test_letters_have_smooth_outlines() -> None:
    """Beside full and none there is coverage of all sizes between."""
    letters = typeset("Kyoto", 40, (500, 500))
    assert len(np.unique(letters)) > 40


def test_two_may_write_at_a_time() -> None:
    """The same comes out in eight threads as in one."""
    alone = [typeset(f"Line {number}", 30, (500, 500)) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: typeset(f"Line {number % 8}", 30, (500, 500)), range(64)))
    assert all(np.array_equal(made, alone[number % 8]) for number, made in enumerate(together))


def test_a_watermark_is_all_over_and_faint() -> None:
    """In each ninth of the picture; a third of the way to white where it is strongest; half of it at half."""
    made = _done("watermark", GREY, 0.35)
    assert all(np.abs(third - 0.5).max() > 0.1 for row in np.array_split(made, 3) for third in np.array_split(row, 3, axis=1))
    assert 0.5 + 0.5 * 0.35 - 0.02 < made.max() < 0.5 + 0.5 * 0.35 + 0.01
    half = _done("watermark", GREY, 0.35, 0.5)
    assert abs(float(half.max()) - 0.5 - 0.5 * 0.35 / 2) < 0.01
    assert np.array_equal(_done("watermark", GREY, 0.0), GREY)


def test_a_single_watermark_is_at_the_bottom_right() -> None:
    """Or at the place that was said."""
    left, top, *_ = _box(_done("watermark", COFFEE, 0.5, kind="single"), COFFEE, 0.02)
    assert left > 50 and top > 80
    _, _, right, bottom = _box(_done("watermark", COFFEE, 0.5, place=(-1, -1)), COFFEE, 0.02)
    assert right < 50 and bottom < 20


def test_a_label_has_a_plate() -> None:
    """Letters on a plate of the first colour, in the second or in what can be read on the first."""
    made = _done("label", COFFEE, colours=((0.1, 0.2, 0.6),))
    plate = np.abs(made - np.array([0.1, 0.2, 0.6])).max(axis=2) < 1e-3
    y, x = np.nonzero(plate)
    around = made[y.min() : y.max() + 1, x.min() : x.max() + 1]
    assert plate.sum() > 0.5 * around[..., 0].size
    assert around.max() > 0.99
