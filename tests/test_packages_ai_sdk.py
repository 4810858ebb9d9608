"""Vercel's AI SDK edits images with this server, through its packages for OpenAI and for servers like it. See `packages`."""

from pathlib import Path
from typing import Any

import pytest
from fronts import KEY, Front, fronting
from packages import run_on_node
from PIL import Image
from servers import RunningServer

pytestmark = pytest.mark.timeout(900)
PROGRAM = "ai_sdk.mjs"
PNG = ["image/png", "iVBORw0K"]


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Two pictures and a mask."""
    paths = [tmp_path / name for name in ("a.png", "b.png", "mask.png")]
    for number, path in enumerate(paths):
        Image.new("RGBA", (64, 64), (200, 100, 90 * number, 255 if number < 2 else 0)).save(path)
    return [str(path) for path in paths]


def edit(node: Path, front: Front, name: str, *files: str) -> Any:
    """What the program saw, its pictures by their beginnings."""
    shown = run_on_node(node, PROGRAM, name, f"{front.url}/v1", KEY, "gpt-image-2", *files)
    return {**shown, "images": [[kind, base64[:8]] for kind, base64 in shown["images"]]}


def test_one_image(node: Path, files: list[str]) -> None:
    """A prompt with an image is an edit."""
    with fronting("gpt-image-2") as front:
        assert edit(node, front, "one", files[0]) == {"images": [PNG], "warnings": []}
        assert front.files == [("image", Path(files[0]).read_bytes())]
        assert (front.asked.field("prompt"), front.fields) == ("sepia", {})


def test_several_images_a_mask_and_options(node: Path, files: list[str]) -> None:
    """All of it reaches the provider under OpenAI's names."""
    with fronting("gpt-image-2") as front:
        assert edit(node, front, "several", *files) == {"images": [PNG] * 2, "warnings": []}
        first, second, mask = (Path(file).read_bytes() for file in files)
        assert front.files == [("image[]", first), ("image[]", second), ("mask", mask)]
        assert front.fields == {
            "n": "2", "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png",
            "input_fidelity": "high", "user": "u-1",
        }  # fmt: skip


def test_the_package_for_compatible_servers(node: Path, files: list[str]) -> None:
    """Its options are form fields as they are."""
    with fronting("gpt-image-2") as front:
        shown = edit(node, front, "compatible", files[0])
        assert [kind for kind, _ in shown["images"]] == ["image/webp"]
        assert front.fields == {"quality": "high", "output_format": "webp"}


def test_an_error_says_why(node: Path, server: RunningServer, files: list[str]) -> None:
    """The SDK finds the message in the envelope."""
    error = run_on_node(node, PROGRAM, "refused", f"{server.url}/v1", "none", "nobody", files[0])
    assert error == {"name": "AI_APICallError", "status": 404, "message": "The model 'nobody' does not exist here."}
