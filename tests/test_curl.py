"""Every curl example of the documents that this project implements, with darkroom as the model, gives a picture.

The documents: LiteLLM's image edits (a), llmapi.site's OpenAI edits (b), OpenAI's create image edit (c), Portkey's image edits
(d), Eden AI's image edits (e). Only the model, the prompt and, where a document fetches an image by http, its URL are changed.
"""

import base64
import io
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from servers import RunningServer

SIZE = "size=1024x1024"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    """The files that the examples name."""
    made = tmp_path_factory.mktemp("curl")
    for name in (
        "original_image.png",
        "image1.png",
        "image2.png",
        "image3.png",
        "input.png",
        "original.png",
        "body-lotion.png",
    ):
        shutil.copy(photos / "chelsea.png", made / name)
    mask = Image.new("RGBA", (451, 300), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (150, 100, 300, 200))
    for name in ("mask_image.png", "mask.png"):
        mask.save(made / name)
    url = f"data:image/png;base64,{base64.b64encode((photos / 'chelsea.png').read_bytes()).decode()}"
    body = {"model": "darkroom", "prompt": "sepia", "images": [{"image_url": url}], "size": "1024x1024"}
    (made / "body.json").write_text(json.dumps(body))
    (made / "stream.json").write_text(
        json.dumps({**body, "stream": True, "partial_images": 2, "mask": None, "metadata": {"a": 1}})
    )
    return made


def form(*fields: str) -> list[str]:
    """curl's `-F` for each field."""
    return [argument for field in fields for argument in ("-F", field)]


EXAMPLES: dict[str, tuple[str, list[str], int]] = {
    "a: edit with mask": (
        "/v1/images/edits",
        form(
            "model=darkroom", "image=@original_image.png", "mask=@mask_image.png", "prompt=sepia", "n=1", SIZE,
            "response_format=url",
        ),
        1,
    ),
    "a: multiple images": (
        "/v1/images/edits",
        form(
            "model=darkroom", "image=@image1.png", "image=@image2.png", "image=@image3.png",
            "prompt=Apply vintage filter to all images", "n=1", SIZE, "response_format=url",
        ),
        1,
    ),
    "a: golden hour": (
        "/v1/images/edits",
        form("model=darkroom", "image=@original_image.png", "prompt=Add a warm golden-hour glow to the scene", SIZE),
        1,
    ),
    "b: multipart": ("/v1/images/edits", form("model=darkroom", "image=@input.png", "prompt=black and white", SIZE), 1),
    "b: JSON": ("/v1/images/edits", ["-H", "Content-Type: application/json", "-d", "@body.json"], 1),
    "c: several images": (
        "/v1/images/edits",
        form(*["image[]=@body-lotion.png"] * 4, "model=darkroom", "prompt=black and white"),
        1,
    ),
    "d: basic": (
        "/v1/images/edits",
        ["-H", "x-portkey-provider: darkroom", *form("image=@original.png", "prompt=film grain", "n=1", SIZE)],
        1,
    ),
    "d: mask": (
        "/v1/images/edits",
        ["-H", "x-portkey-api-key: sk-x", *form("image=@original.png", "mask=@mask.png", "prompt=film grain", "n=2", SIZE)],
        2,
    ),
    "e: multipart": (
        "/v3/images/edits",
        form("model=darkroom", "image[]=@input.png", "mask=@mask.png", "prompt=erase the object"),
        1,
    ),
    "e: JSON": ("/v3/images/edits", ["-H", "Content-Type: application/json", "-d", "@body.json"], 1),
}  # fmt: skip

STREAMS: dict[str, list[str]] = {
    "c: streaming": form(
        "model=darkroom", *["image[]=@body-lotion.png"] * 4, "prompt=sepia and a vignette", "stream=true", "partial_images=2"
    ),
    "e: streaming JSON": ["-H", "Content-Type: application/json", "-d", "@stream.json"],
}


def curl(folder: Path, url: str, arguments: Sequence[str]) -> str:
    """What curl prints."""
    command = ["curl", "-sSN", "-X", "POST", url, "-H", "Authorization: Bearer your-api-key", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_its_pictures(server: RunningServer, folder: Path, example: str) -> None:
    """The answer is an ImagesResponse with as many pictures as were asked for, of the asked-for size, or their addresses.

    Portkey's document has addresses unless something else is asked for.
    """
    path, arguments, n = EXAMPLES[example]
    answer = json.loads(curl(folder, server.url + path, arguments))
    assert all(("url" in item) == ("response_format=url" in arguments or example.startswith("d: ")) for item in answer["data"])
    sizes = [_size_of(item) for item in answer["data"]]
    assert sizes == [(1024, 1024) if SIZE in arguments or "@body.json" in arguments else (451, 300)] * n


@pytest.mark.parametrize("example", STREAMS)
def test_a_streaming_example_shows_its_pictures(server: RunningServer, folder: Path, example: str) -> None:
    """`curl -N` shows two partial images and the completed one, each a picture."""
    frames = curl(folder, server.edits_url, STREAMS[example]).removesuffix("\n\n").split("\n\n")
    events = [json.loads(frame.split("\ndata: ")[1]) for frame in frames if not frame.startswith(":")]
    assert [event["type"] for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert len({_size_of(event) for event in events}) == 1


def _size_of(item: dict[str, Any]) -> tuple[int, int]:
    data = httpx.get(item["url"]).content if "url" in item else base64.b64decode(item["b64_json"])
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.size
