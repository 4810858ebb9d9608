"""llmapi.site's "OpenAI Edits": its two request examples, its default model and its error texts.

The JSON example names its picture by an https address. Pictures by address are not taken yet: a data URL stands in its place,
and that the address itself is refused in words is checked beside.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import Answer, post_json
from clients import post as post_form
from examples import expect_pictures, run_shell
from fronts import Front, fronting

ADDRESS = "https://llmapi.site"

MULTIPART = r"""
curl https://llmapi.site/v1/images/edits \
  -H 'Authorization: Bearer YOUR_API_KEY' \
  -F 'model=gpt-image-2' \
  -F 'image=@input.png' \
  -F 'prompt=change the background to a clean studio setting' \
  -F 'size=1024x1024'
"""

JSON = r"""
curl https://llmapi.site/v1/images/edits \
  -H 'Authorization: Bearer YOUR_API_KEY' \
  -H 'Content-Type: application/json' \
  -d '{
    "model": "gpt-image-2",
    "prompt": "replace the background with a bright studio",
    "images": [
      { "image_url": "https://example.com/input.png" }
    ],
    "size": "1024x1024"
  }'
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Front]:
    """gpt-image-2, which is its default model, too; any key will do."""
    with fronting("gpt-image-2", key=None) as front:
        yield front


@pytest.fixture
def front(shared: Front) -> Front:
    """With nothing asked yet."""
    shared.clear()
    return shared


def test_multipart_example(front: Front, folder: Path) -> None:
    """One file."""
    expect_pictures(run_shell(MULTIPART.replace(ADDRESS, front.url), folder))
    assert front.files == [("image", (folder / "input.png").read_bytes())]
    assert (front.asked.field("prompt"), front.fields) == (
        "change the background to a clean studio setting",
        {"size": "1024x1024"},
    )


def test_json_example(front: Front, folder: Path) -> None:
    """One image, by a data URL in place of an address."""
    image = (folder / "input.png").read_bytes()
    url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    expect_pictures(run_shell(JSON.replace(ADDRESS, front.url).replace("https://example.com/input.png", url), folder))
    assert front.files == [("image", image)]
    assert (front.asked.field("prompt"), front.fields) == ("replace the background with a bright studio", {"size": "1024x1024"})


def test_json_example_with_its_address(front: Front, folder: Path) -> None:
    """A 400 that names it, until pictures are fetched."""
    answer = run_shell(JSON.replace(ADDRESS, front.url), folder)
    assert (answer["error"]["param"], answer["error"]["code"]) == ("images[0].image_url", "unsupported_image_url")


def test_the_parameters(front: Front, folder: Path) -> None:
    """All of the multipart table but the model, which has its default."""
    image, mask = ((folder / name).read_bytes() for name in ("input.png", "mask.png"))
    fields = {"prompt": "p", "size": "1024x1024", "n": "2", "response_format": "b64_json", "input_fidelity": "high"}
    files = [("image", ("a.png", image)), ("image[]", ("b.png", image)), ("mask", ("m.png", mask))]
    expect_pictures(post_form(f"{front.url}/v1/images/edits", fields, files), 2)
    assert front.files == [("image[]", image), ("image[]", image), ("mask", mask)]
    assert front.fields == {"n": "2", "size": "1024x1024", "input_fidelity": "high"}
    assert front.asked.field("model") == "gpt-image-2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "images[].image_url is required"),
        ({"images": []}, "images[].image_url is required"),
        ({"images": [{}]}, "images[].image_url is required"),
        ({"images": [{"file_id": "file-1"}]}, "images[].file_id is not supported (use images[].image_url instead)"),
        (
            {"images": [{"image_url": "data:image/png;base64,QUJD"}], "mask": {"file_id": "file-1"}},
            "mask.file_id is not supported (use mask.image_url instead)",
        ),
    ],
)
def test_common_errors_of_json(front: Front, body: dict[str, object], message: str) -> None:
    """400, in its words."""
    _expect_refusal(post_json(f"{front.url}/v1/images/edits", {"prompt": "p", **body}), message)


def test_common_error_of_a_form(front: Front) -> None:
    """400, in its words."""
    _expect_refusal(post_form(f"{front.url}/v1/images/edits", {}, [("prompt", (None, "p"))]), "image file is required")


def _expect_refusal(answer: Answer, message: str) -> None:
    assert (answer.status, answer.error["type"], answer.error["message"]) == (400, "invalid_request_error", message)
