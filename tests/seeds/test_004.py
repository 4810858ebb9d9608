"""Eden AI's "Image Edits": it has no examples, but a schema, and these are the requests that it describes.

An `image_url` is a data URL here: pictures by address or by upload id are not taken yet, and are refused in words.
"""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import Answer, post, post_json
from examples import expect_pictures
from fronts import Front, fronting

MODEL = "openai/gpt-image-2"
PROMPT = "Replace the sky"


@pytest.fixture(scope="module")
def shared() -> Iterator[Front]:
    """The model by Eden AI's name for it."""
    with fronting(MODEL, key=None) as front:
        yield front


@pytest.fixture
def front(shared: Front) -> Front:
    """With nothing asked yet."""
    shared.clear()
    return shared


@pytest.fixture
def url(folder: Path) -> str:
    """A picture, as a data URL."""
    return "data:image/png;base64," + base64.b64encode((folder / "input.png").read_bytes()).decode()


def ask(front: Front, **body: Any) -> Answer:
    """The JSON form."""
    return post_json(f"{front.url}/v3/images/edits", {"model": MODEL, "prompt": PROMPT, **body})


def test_multipart(front: Front, folder: Path) -> None:
    """`image[]`, a mask and text fields."""
    image, mask = ((folder / name).read_bytes() for name in ("input.png", "mask.png"))
    files = [("image[]", ("a.png", image)), ("image[]", ("b.png", image)), ("mask", ("m.png", mask))]
    fields = {"model": MODEL, "prompt": PROMPT, "n": "2", "size": "auto", "user": "u-1"}
    expect_pictures(post(f"{front.url}/v3/images/edits", fields, files), 2)
    assert front.files == [("image[]", image), ("image[]", image), ("mask", mask)]
    assert front.fields == {"n": "2", "size": "auto", "user": "u-1"}


def test_json(front: Front, folder: Path, url: str) -> None:
    """Every member of the schema with a value, the mask like an image."""
    reference = {"image_url": url, "file_id": None}
    expect_pictures(ask(front, images=[reference, reference], mask={"image_url": url}, n=2, size="1024x1024", user="u-1"), 2)
    image = (folder / "input.png").read_bytes()
    assert front.files == [("image[]", image), ("image[]", image), ("mask", image)]
    assert front.fields == {"n": "2", "size": "1024x1024", "user": "u-1"}


def test_json_with_nulls(front: Front, url: str) -> None:
    """What may be null may be null."""
    nulls = dict.fromkeys(("n", "size", "user", "metadata", "extra_headers", "mask"))
    expect_pictures(ask(front, images=[{"image_url": url}], **nulls))
    assert front.fields == {}


@pytest.mark.parametrize(
    ("images", "param"),
    [
        ([], "images"),
        ([{"image_url": "data:,"}] * 17, "images"),
        ([{}], "images[0]"),
        ([{"file_id": "f", "image_url": "data:,"}], "images[0]"),
        ([{"file_id": "f"}], "images[0].file_id"),
        ([{"image_url": "https://example.com/a.png"}], "images[0].image_url"),
        ([{"image_url": "data:,", "detail": "high"}], "images[0].detail"),
    ],
)
def test_what_the_schema_forbids(front: Front, images: object, param: str) -> None:
    """A 400 that names it: fewer than one image, more than sixteen, none or both of the two ways, further members."""
    answer = ask(front, images=images)
    assert (answer.status, answer.error["param"]) == (400, param)
