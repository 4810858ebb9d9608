"""OpenAI's package for Node is a client of this server, unchanged. In the long mode: see `packages`."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from fronts import fronting
from packages import run_on_node
from PIL import Image
from servers import RunningServer

pytestmark = pytest.mark.timeout(900)
PROGRAM = "openai_node.mjs"


@pytest.fixture
def act(node: Path, server: RunningServer, photos: Path, tmp_path: Path) -> Any:
    """Does what the program knows under a name, with a photograph twice and a mask for it."""
    mask = tmp_path / "mask.png"
    Image.new("RGBA", (451, 300)).save(mask)
    photo = str(photos / "chelsea.png")
    return lambda name: run_on_node(node, PROGRAM, name, f"{server.url}/v1", "none", photo, photo, str(mask))


def _pictures(answer: dict[str, Any]) -> list[tuple[str | None, tuple[int, int]]]:
    images = [Image.open(io.BytesIO(base64.b64decode(item["b64_json"]))) for item in answer["data"]]
    return [(image.format, image.size) for image in images]


@pytest.mark.parametrize("name", ["plain", "chunked"])
def test_a_plain_edit_gives_a_picture(act: Any, name: str) -> None:
    """From a buffer, and from a file stream, whose upload is chunked."""
    assert _pictures(act(name)) == [("PNG", (64, 64))]


def test_lists_masks_n_and_formats(act: Any) -> None:
    """Two file streams, a mask and `n` in one form."""
    answer = act("several")
    assert _pictures(answer) == [("WEBP", (451, 300))] * 2
    assert answer["output_format"] == "webp"


def test_a_stream_shows_partial_images(act: Any) -> None:
    """Typed events in order, each with its picture."""
    assert act("stream") == [
        *(["image_edit.partial_image", index, "iVBORw0K"] for index in range(3)),
        ["image_edit.completed", None, "iVBORw0K"],
    ]


def test_errors_have_the_package_s_classes(act: Any) -> None:
    """Each with status, code, param and the request's id; one that comes within a stream has no status."""
    assert [tuple(error.values()) for error in act("errors")] == [
        ("NotFoundError", 404, "model_not_found", "model", True),
        ("BadRequestError", 400, "invalid_value", "n", True),
        ("RateLimitError", 429, "rate_limit_exceeded", None, True),
        ("InternalServerError", 503, "mock_unavailable", None, True),
        ("APIError", None, "upstream_incomplete", None, True),
    ]


def test_a_wrong_key_is_an_authentication_error(node: Path, photos: Path) -> None:
    """401, with the code that OpenAI has for it."""
    with fronting("gpt-image-2") as front:
        error = run_on_node(node, PROGRAM, "unauthorized", f"{front.url}/v1", "sk-wrong", str(photos / "chelsea.png"))
    assert (error["name"], error["status"], error["code"]) == ("AuthenticationError", 401, "invalid_api_key")


def test_an_abort_within_the_stream_harms_nobody(act: Any, server: RunningServer) -> None:
    """The client leaves after one event; the edit ends by itself and leaves nothing behind."""
    assert act("abort") == ["image_edit.partial_image"]
    server.wait_until_idle()
    assert server.left_behind() == (0, 0)


def test_the_platform_s_own_form_is_taken(act: Any) -> None:
    """`FormData` with a nameless `Blob`, sent by `fetch`, streams."""
    assert act("form") == ["event: image_edit.completed"]
