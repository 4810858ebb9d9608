"""How much one image can take at most."""

import json
from datetime import date
from importlib import resources

import pytest

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.uploads import Upload
from streamedit.worst_cases import usage_at_most

ROWS = json.loads((resources.files("streamedit") / "worst_cases.json").read_text(encoding="utf-8"))
IMAGE = InputImage(Upload(b"PNG"), "a.png", "image/png")


def image_out(model: str, quality: str | None, size: str | None) -> int:
    """The image tokens that are put out for one image, without the partial image that nobody asked for."""
    usage = usage_at_most(model, EditRequest("p", (IMAGE,), options=EditOptions(quality=quality, size=size)))
    return usage.output_tokens - usage.output_text_tokens - 100


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["model"]))
def test_every_bound_says_where_it_is_from(row: dict[str, object]) -> None:
    """With its date; and has one way to tell what is put out."""
    assert len(str(row["source"])) > 10
    assert date.fromisoformat(str(row["date"])) <= date(2026, 11, 21)
    assert len({"image_out", "sized", "axis"} & set(row)) == 1


def test_the_last_bound_is_for_all_others() -> None:
    """It is no lower than any other."""
    assert ROWS[-1]["model"] == "*"
    known = [str(row["model"]).replace("*", "") for row in ROWS[:-1]]
    assert image_out("anything", None, None) >= max(image_out(model, None, None) for model in known)


@pytest.mark.parametrize(
    ("model", "quality", "size", "tokens"),
    [
        ("gpt-image-2", "high", "1024x1024", 7_024),
        ("gpt-image-2", "high", "1536x1024", 5_488),
        ("gpt-image-2", "high", "1024x1536", 5_488),
        ("gpt-image-2", "high", "1792x1024", 5_063),
        ("gpt-image-2", "high", "3584x2048", 12_329),
        ("gpt-image-2-2026-04-21", "low", "1024x1024", 196),
        ("gpt-image-2", "high", "auto", 23_719),
        ("gpt-image-2", None, None, 23_719),
        ("gpt-image-2.5-flare", "high", "1024x1024", 1_756),
        ("gpt-image-2.5-sunburst", "max", "1024x1024", 7_024),
        ("gpt-image-1.5", "medium", "1024x1024", 1_056),
        ("gpt-image-1-mini", "high", "auto", 6_240),
        ("gpt-image-1-mini", "auto", "1024x1024", 4_160),
        ("GPT-Image-1.5", "standard", "1x1", 6_240),
        ("gemini-3.1-flash-image", "low", "512x512", 2_520),
        ("google/gemini-3-pro-image", None, None, 2_000),
    ],
)
def test_it_is_what_makers_print(model: str, quality: str | None, size: str | None, tokens: int) -> None:
    """By quality and size; what the request leaves open, or nobody knows, is the most expensive."""
    assert image_out(model, quality, size) == tokens


def test_no_size_has_more_tokens_than_the_largest_square() -> None:
    """Of all sizes that gpt-image-2 takes."""
    most = image_out("gpt-image-2", "high", None)
    edges = range(16, 3_841, 16)
    sizes = [(w, h) for w in edges for h in edges if 655_360 <= w * h <= 8_294_400 and max(w, h) <= 3 * min(w, h)]
    assert (2_880, 2_880) in sizes
    assert all(image_out("gpt-image-2", "high", f"{w}x{h}") <= most for w, h in sizes[::37])


def test_what_goes_in_is_counted() -> None:
    """A token for each byte of the prompt and of fields that travel on; every file is an image: the mask, too."""
    asked = EditRequest("\u00e9\ud800", (IMAGE, IMAGE), mask=IMAGE, extra=(("negative_prompt", "red"),))
    usage = usage_at_most("gpt-image-2", asked)
    assert usage.input_image_tokens == 3 * 8_000
    assert usage.input_tokens - usage.input_image_tokens == 1_024 + 2 + 3 + 3


@pytest.mark.parametrize(("stream", "partial_images", "tokens"), [(True, 3, 400), (True, None, 100), (False, 3, 100)])
def test_partial_images_are_counted(stream: bool, partial_images: int | None, tokens: int) -> None:
    """A hundred tokens each, and for one more."""
    options = EditOptions(quality="low", size="1024x1024", partial_images=partial_images)
    usage = usage_at_most("gpt-image-2", EditRequest("p", (IMAGE,), stream=stream, options=options))
    assert usage.output_tokens - usage.output_text_tokens == 196 + tokens


@pytest.mark.parametrize(
    ("fields", "output_format", "frames"),
    [((), None, 1), ((), "gif", 16), ((("frame_count", "4"),), "gif", 4), ((("frame_count", "many"),), None, 16)],
)
def test_an_animation_is_as_many_images(fields: tuple[tuple[str, str], ...], output_format: str | None, frames: int) -> None:
    """As it was asked to have frames; sixteen when nobody knows."""
    options = EditOptions(quality="low", size="1024x1024", output_format=output_format)
    usage = usage_at_most("gpt-image-2.5-flare", EditRequest("p", (IMAGE,), options=options, extra=fields))
    assert usage.output_tokens - usage.output_text_tokens == frames * 196 + 100
