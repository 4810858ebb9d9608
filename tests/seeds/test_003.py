"""Portkey's "Image Edits": every request in it, under its heading.

Its programs run with Portkey's packages in the long mode, and as the requests that the package makes always. The provider that
is played is dall-e-2, as in the document: it gives addresses of pictures, unless it is asked for base64.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest
from clients import post
from examples import expect_addresses, expect_pictures, run_python, run_shell
from fronts import Front, fronting
from PIL import Image
from providers.fakes import KEY, b64
from providers.fakes.openai import OpenAI
from upstreams import Asked, Script, json_answer, sized

THEIR_KEY = "sk-..."
"""As the document has it; here it opens this server."""


class DallE2(OpenAI):
    """OpenAI's dall-e-2, and the place where its pictures are."""

    name = "openai/dall-e-2"

    def check(self, asked: Asked) -> None:
        if asked.method == "GET":
            return
        assert (asked.path, asked.headers["authorization"]) == ("/v1/images/edits", f"Bearer {KEY}")
        assert asked.field("model") == "dall-e-2"

    def ok(self, asked: Asked) -> Script:
        if asked.method == "GET":
            return [sized(self.picture())]
        number = int(asked.field("n") or 1)
        if asked.field("response_format") == "b64_json":
            data = [{"b64_json": b64(self.picture())} for _ in range(number)]
        else:
            data = [{"url": f"{self.url}/pictures/{index}.png"} for index in range(number)]
        return [json_answer({"created": 1_677_652_288, "data": data})]


@dataclass(frozen=True, slots=True)
class Example:
    """A program for the package, the fields that the package sends for it, and what it prints."""

    program: str
    fields: Mapping[str, str]
    prints: str
    mask: bool = False

    @property
    def n(self) -> int:
        return int(self.fields.get("n", "1"))


CLIENT = """
    from portkey_ai import Portkey
    from pathlib import Path

    client = Portkey(
        provider="openai",
        Authorization="sk-..."
    )
"""
SIZE = {"n": "1", "size": "1024x1024"}
ADDRESS = r"http://127\.0\.0\.1:\d+/v1/pictures/{}\.png"

EXAMPLES = {
    "Basic Image Edit": Example(
        """
        response = client.images.edit(
            image=Path("original.png").read_bytes(),
            prompt="Add a party hat to the cat",
            n=1,
            size="1024x1024"
        )

        image_url = response.data[0].url
        print(f"Edited image URL: {image_url}")
        """,
        {"prompt": "Add a party hat to the cat", **SIZE},
        f"Edited image URL: {ADDRESS.format(0)}\n",
    ),
    "Python with Mask": Example(
        """
        response = client.images.edit(
            image=Path("original.png").read_bytes(),
            mask=Path("mask.png").read_bytes(),
            prompt="A sunflower in a vase",
            n=2,
            size="1024x1024"
        )

        for i, img in enumerate(response.data):
            print(f"Image {i+1}: {img.url}")
        """,
        {"prompt": "A sunflower in a vase", "n": "2", "size": "1024x1024"},
        f"Image 1: {ADDRESS.format(0)}\nImage 2: {ADDRESS.format(1)}\n",
        mask=True,
    ),
    "Download Edited Image": Example(
        """
        import requests

        response = client.images.edit(
            image=Path("original.png").read_bytes(),
            prompt="Change the background to a beach scene",
            n=1,
            size="1024x1024"
        )

        # Download and save
        image_url = response.data[0].url
        image_data = requests.get(image_url).content
        Path("edited_image.png").write_bytes(image_data)
        print("Edited image saved!")
        """,
        {"prompt": "Change the background to a beach scene", **SIZE},
        "Edited image saved!\n",
    ),
    "Base64 Response": Example(
        """
        import base64

        response = client.images.edit(
            image=Path("original.png").read_bytes(),
            prompt="Add magical sparkles around the object",
            response_format="b64_json"
        )

        # Decode and save
        image_data = base64.b64decode(response.data[0].b64_json)
        Path("edited.png").write_bytes(image_data)
        """,
        {"prompt": "Add magical sparkles around the object", "response_format": "b64_json"},
        "",
    ),
    "Generate Multiple Variations": Example(
        """
        import requests

        response = client.images.edit(
            image=Path("original.png").read_bytes(),
            prompt="Change the color scheme to vibrant and colorful",
            n=4,
            size="1024x1024"
        )

        # Save all variations
        for i, img_data in enumerate(response.data):
            image_content = requests.get(img_data.url).content
            Path(f"variation_{i+1}.png").write_bytes(image_content)
            print(f"Saved variation {i+1}")
        """,
        {"prompt": "Change the color scheme to vibrant and colorful", "n": "4", "size": "1024x1024"},
        "".join(f"Saved variation {number}\n" for number in range(1, 5)),
    ),
}
SAVED = {
    "Download Edited Image": ["edited_image.png"],
    "Base64 Response": ["edited.png"],
    "Generate Multiple Variations": [f"variation_{number}.png" for number in range(1, 5)],
}

CURLS = {
    "Basic Image Edit": (
        """
        curl http://localhost:8787/v1/images/edits \\
          -H "x-portkey-provider: openai" \\
          -H "x-portkey-api-key: sk-..." \\
          -F image="@original.png" \\
          -F prompt="Add a party hat to the cat" \\
          -F n=1 \\
          -F size="1024x1024"
        """,
        1,
    ),
    "Using a Mask": (
        """
        curl http://localhost:8787/v1/images/edits \\
          -H "x-portkey-provider: openai" \\
          -H "x-portkey-api-key: sk-..." \\
          -F image="@original.png" \\
          -F mask="@mask.png" \\
          -F prompt="A sunflower in a vase" \\
          -F n=2 \\
          -F size="1024x1024"
        """,
        2,
    ),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Front]:
    """The document's model, on a server that takes the document's key."""
    with fronting("dall-e-2", fake=DallE2(), key=THEIR_KEY) as front:
        yield front


@pytest.fixture
def front(shared: Front) -> Front:
    """With nothing asked yet."""
    shared.clear()
    return shared


def expect_urls(answer: Mapping[str, Any], count: int) -> None:
    """The document's answer: when it was made, and where the pictures are; each of them is there."""
    assert answer["created"] == 1_677_652_288
    assert len(answer["data"]) == count
    for item in answer["data"]:
        assert httpx.get(item["url"]).content.startswith(b"\x89PNG")


@pytest.mark.parametrize("heading", CURLS)
def test_curl(front: Front, folder: Path, heading: str) -> None:
    """Its commands, but for the address."""
    command, count = CURLS[heading]
    answer = run_shell(dedent(command).strip().replace("http://localhost:8787", front.url).replace("curl", "curl -sS"), folder)
    expect_files(front, folder, mask=heading == "Using a Mask")
    expect_urls(answer, count)


def expect_files(front: Front, folder: Path, *, mask: bool) -> None:
    """The provider gets the pictures as they are, once."""
    sent = {"image": "original.png", **({"mask": "mask.png"} if mask else {})}
    assert {name.removesuffix("[]"): content for name, content in front.files} == {
        name: (folder / file).read_bytes() for name, file in sent.items()
    }


@pytest.mark.parametrize("heading", EXAMPLES)
def test_requests(front: Front, folder: Path, heading: str) -> None:
    """What portkey-ai 2.3.4 sends for each program: its empty key, files without a name or type of their own."""
    example = EXAMPLES[heading]
    names = {"image": "original.png", **({"mask": "mask.png"} if example.mask else {})}
    files = [(name, ("upload", (folder / file).read_bytes(), "application/octet-stream")) for name, file in names.items()]
    headers = {
        "authorization": f"Bearer {THEIR_KEY}", "x-portkey-api-key": "", "x-portkey-provider": "openai",
        "x-portkey-package-version": "portkey-2.3.4", "x-portkey-runtime": "CPython",
        "x-portkey-strict-open-ai-compliance": "false",
    }  # fmt: skip
    answer = post(f"{front.url}/v1/images/edits", example.fields, files, headers)
    assert answer.status == 200, answer.body
    assert answer.headers["x-portkey-provider"] == "openai"
    fields = {"response_format": "url", **example.fields}
    assert front.fields.items() == {pair for pair in fields.items() if pair[0] != "prompt" and pair != ("n", "1")}
    expect_files(front, folder, mask=example.mask)
    if example.fields.get("response_format") == "b64_json":
        assert set(answer.json["data"][0]) == {"b64_json"}
    else:
        expect_urls(answer.json, example.n)


@pytest.fixture(scope="module")
def newer() -> Iterator[Front]:
    """The same server with a model that has base64 alone."""
    with fronting("gpt-image-2", key=THEIR_KEY) as front:
        yield front


def test_a_newer_model_gives_addresses_too(newer: Front, folder: Path) -> None:
    """Who names no model gets them as the document has it: hosted here, where the provider gives base64."""
    newer.clear()
    fields = EXAMPLES["Download Edited Image"].fields
    files = [("image", ("upload", (folder / "original.png").read_bytes(), "application/octet-stream"))]
    headers = {"authorization": f"Bearer {THEIR_KEY}", "x-portkey-api-key": "", "x-portkey-provider": "openai"}
    answer = post(f"{newer.url}/v1/images/edits", fields, files, headers)
    expect_addresses(answer)
    assert answer.json["data"][0]["url"].startswith(f"{newer.url}/v1/images/results/")
    assert newer.fields == {"size": "1024x1024"}
    named = post(f"{newer.url}/v1/images/edits", {**fields, "model": "gpt-image-2"}, files, headers)
    expect_pictures(named)


@pytest.mark.timeout(900)
def test_python_downloads_from_a_newer_model(newer: Front, portkey: str, tmp_path: Path, folder: Path) -> None:
    """The program as it is: what `requests` saves is a picture."""
    newer.clear()
    (tmp_path / "original.png").write_bytes((folder / "original.png").read_bytes())
    example = EXAMPLES["Download Edited Image"]
    program = dedent(CLIENT) + dedent(example.program)
    assert run_python(program, tmp_path, {"PORTKEY_PROXY": f"{newer.url}/v1"}, portkey) == example.prints
    with Image.open(tmp_path / "edited_image.png") as picture:
        picture.load()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("heading", EXAMPLES)
def test_python(front: Front, folder: Path, portkey: str, heading: str) -> None:
    """Each program as it is, with the package: only the environment says where the gateway is."""
    example = EXAMPLES[heading]
    program = dedent(CLIENT) + dedent(example.program)
    printed = run_python(program, folder, {"PORTKEY_PROXY": f"{front.url}/v1"}, portkey)
    assert re.fullmatch(example.prints, printed), printed
    for file in SAVED.get(heading, ()):
        with Image.open(folder / file) as picture:
            picture.load()


JAVASCRIPT = """
import { Portkey } from 'portkey-ai';
import fs from 'fs';

const client = new Portkey({
  provider: 'openai',
  Authorization: 'sk-...'
});

const response = await client.images.edit({
  image: fs.createReadStream('original.png'),
  prompt: 'Add a party hat to the cat',
  n: 1,
  size: '1024x1024'
});

const imageUrl = response.data[0].url;
console.log(`Edited image URL: ${imageUrl}`);
"""


@pytest.mark.timeout(900)
def test_javascript(front: Front, folder: Path, node: Path) -> None:
    """The program, with the package, in a folder where it is found. Node by itself finds no default export in it."""
    (folder / "node_modules").symlink_to(node / "node_modules")
    (folder / "edit.mjs").write_text(JAVASCRIPT)
    command = [str(node / "node_modules" / ".bin" / "node"), "edit.mjs"]
    environ = {"PORTKEY_BASE_URL": f"{front.url}/v1"}
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(EXAMPLES["Basic Image Edit"].prints, done.stdout), done.stdout


MASK = """
from PIL import Image
import numpy as np

# Load original image
img = Image.open("original.png").convert("RGBA")
width, height = img.size

# Create a new image with transparency
mask = Image.new("RGBA", (width, height), (255, 255, 255, 255))

# Make a circular area transparent (to be edited)
center_x, center_y = width // 2, height // 2
radius = 200

for x in range(width):
    for y in range(height):
        if (x - center_x)**2 + (y - center_y)**2 < radius**2:
            mask.putpixel((x, y), (255, 255, 255, 0))

mask.save("mask.png")
"""


def test_a_mask_of_theirs(front: Front, tmp_path: Path) -> None:
    """The mask that their program draws arrives as it is."""
    Image.new("RGB", (512, 512), (90, 20, 20)).save(tmp_path / "original.png")
    run_python(MASK, tmp_path, {}, sys.executable)
    with Image.open(tmp_path / "mask.png") as mask:
        assert [mask.getpixel(at) for at in ((256, 256), (0, 0))] == [(255, 255, 255, 0), (255, 255, 255, 255)]
    files = [(name, (file, (tmp_path / file).read_bytes())) for name, file in (("image", "original.png"), ("mask", "mask.png"))]
    headers = {"x-portkey-provider": "openai", "x-portkey-api-key": THEIR_KEY}
    assert post(f"{front.url}/v1/images/edits", {}, files, headers).status == 200
    expect_files(front, tmp_path, mask=True)


WAYS: Mapping[str, tuple[str, str]] = {
    "a key of this server's": ('api_key="sk-...", provider="openai"', "config"),
    "a virtual key": ('api_key="sk-...", virtual_key="openai"', "config"),
    "a slug": ('api_key="sk-...", provider="@openai"', "config"),
    "a config": (
        'api_key="sk-...", config={"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}]}',
        "config.targets[0]",
    ),
    "no provider": ('api_key="sk-..."', "config"),
}

WAY = """
import json
from portkey_ai import Portkey

client = Portkey({way}, metadata={{"team": "cats"}}, trace_id="t-1", request_timeout=9000)
response = client.images.edit(image=open("original.png", "rb"), prompt="p", model="dall-e-2", response_format="b64_json")
headers = response.get_headers()
names = ("provider", "retry-attempt-count", "last-used-option-index", "trace-id")
print(json.dumps([headers.get(name) or headers.get(f"x-portkey-{{name}}") for name in names]))
"""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", WAYS)
def test_other_ways_of_the_package(front: Front, folder: Path, portkey: str, way: str) -> None:
    """Its other parameters, and what it reads of the answer's headers."""
    said, option = WAYS[way]
    printed = run_python(WAY.format(way=said), folder, {"PORTKEY_PROXY": f"{front.url}/v1"}, portkey)
    assert json.loads(printed) == ["@openai" if way == "a slug" else "openai", "0", option, "t-1"]


STREAM = """
from portkey_ai import Portkey

client = Portkey(api_key="sk-...", provider="openai")
for event in client.images.edit(image=open("original.png", "rb"), prompt="p", stream=True, partial_images=1):
    print(event.type)
"""


@pytest.mark.timeout(900)
def test_a_stream_of_the_package(folder: Path, portkey: str) -> None:
    """What Portkey's gateway has no document for: interim pictures while they come."""
    with fronting("gpt-image-2", key=THEIR_KEY) as front:
        printed = run_python(STREAM, folder, {"PORTKEY_PROXY": f"{front.url}/v1"}, portkey)
    assert printed == "image_edit.partial_image\nimage_edit.completed\n"
