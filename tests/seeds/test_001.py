"""llmapi.site's "OpenAI Edits": its two request examples, its default model and its error texts.

The JSON example names its picture by an address: it has that of a server here. Two ways that its document does not have, or has
for masks in a table alone, are beside it: data URLs, and files that were uploaded before.
"""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import Answer, post_json
from clients import post as post_form
from examples import expect_pictures, run_shell
from fronts import Front, fronting
from galleries import Gallery

ADDRESS = "https://llmapi.site"
PICTURE = "https://example.com/input.png"

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


UPLOAD = r"""
curl https://llmapi.site/v1/files \
  -H 'Authorization: Bearer YOUR_API_KEY' \
  -F 'purpose=vision' \
  -F 'file=@FILE'
"""


@pytest.fixture(scope="module")
def shared(gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """gpt-image-2, which is its default model, too; any key will do. It may fetch from the gallery, and keeps files."""
    database = f"sqlite:///{tmp_path_factory.mktemp('llmapi')}/a.db"
    with fronting("gpt-image-2", key=None, database_url=database, image_urls=gallery.allowed()) as front:
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


def test_json_example(front: Front, gallery: Gallery, folder: Path) -> None:
    """As it stands, but for its two addresses: the provider gets the picture that is behind the URL, byte for byte."""
    gallery.clear()
    expect_pictures(run_shell(JSON.replace(ADDRESS, front.url).replace(PICTURE, gallery.url("/input.png")), folder))
    expect_edited(front, folder)
    assert [asked.path for asked in gallery.asked] == ["/input.png"]


WAYS = ["image_url", "data URL", "file_id"]


def reference(way: str, name: str, front: Front, gallery: Gallery, folder: Path) -> str:
    """A picture of the folder, named in JSON in one of the ways."""
    if way == "file_id":
        kept = run_shell(UPLOAD.replace(ADDRESS, front.url).replace("FILE", name), folder)
        assert (kept["object"], kept["filename"], kept["bytes"]) == ("file", name, (folder / name).stat().st_size)
        return f'{{ "file_id": "{kept["id"]}" }}'
    return f'{{ "image_url": "{gallery.url(f"/{name}") if way == "image_url" else data_url(folder, name)}" }}'


@pytest.mark.parametrize("mask_way", [None, *WAYS])
@pytest.mark.parametrize("way", WAYS)
def test_json_example_in_all_ways(front: Front, gallery: Gallery, folder: Path, way: str, mask_way: str | None) -> None:
    """The same with its picture, and a mask, named in each of the ways."""
    text = JSON.replace(f'{{ "image_url": "{PICTURE}" }}', reference(way, "input.png", front, gallery, folder))
    if mask_way is not None:
        text = text.replace('"size"', f'"mask": {reference(mask_way, "mask.png", front, gallery, folder)},\n    "size"')
    expect_pictures(run_shell(text.replace(ADDRESS, front.url), folder))
    expect_edited(front, folder, mask=mask_way is not None)


def expect_edited(front: Front, folder: Path, *, mask: bool = False) -> None:
    """The provider was asked for the example, with the pictures of the folder."""
    masks = [("mask", (folder / "mask.png").read_bytes())] if mask else []
    assert front.files == [("image", (folder / "input.png").read_bytes()), *masks]
    assert (front.asked.field("prompt"), front.fields) == ("replace the background with a bright studio", {"size": "1024x1024"})


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/input.png", "http://169.254.169.254/latest/meta-data"])
def test_an_address_that_is_not_allowed(front: Front, folder: Path, url: str) -> None:
    """A 400 that names where it stands, and nobody is asked."""
    answer = run_shell(JSON.replace(ADDRESS, front.url).replace(PICTURE, url), folder)
    assert (answer["error"]["type"], answer["error"]["param"], answer["error"]["code"]) == (
        "invalid_request_error", "images[0].image_url", "invalid_image_url",
    )  # fmt: skip
    assert front.has_asked_nobody


def test_a_server_without_a_database_knows_no_file_id(folder: Path) -> None:
    """As its document has it, it is a 400 that says what to use instead."""
    with fronting("gpt-image-2", key=None) as bare:
        for images, param in (
            ({"images": [{"file_id": "file-1"}]}, "images[0].file_id"),
            ({"images": [{"image_url": data_url(folder, "input.png")}], "mask": {"file_id": "file-1"}}, "mask.file_id"),
        ):
            answer = post_json(f"{bare.url}/v1/images/edits", {"prompt": "p", **images})
            _expect_refusal(answer, "file_id is not supported here: this server has no database (use image_url instead).")
            assert answer.error["param"] == param
        assert bare.has_asked_nobody


def data_url(folder: Path, name: str) -> str:
    """A picture itself."""
    return "data:image/png;base64," + base64.b64encode((folder / name).read_bytes()).decode()


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
        ({"images": [{"file_id": "file-1"}]}, "There is no such file."),
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
