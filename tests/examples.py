"""Examples of documents, run as they are written: but for the address, the keys and what a text lost on its way here."""

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
from clients import Answer
from PIL import Image

PICTURES = (
    "original_image", "image1", "image2", "image3", "portrait", "portrait1", "portrait2", "scene", "style_reference", "input",
    "original",
)  # fmt: skip
MASKS = ("mask_image", "mask")
SIDE_PX = 64


def make_pictures(folder: Path) -> None:
    """The files that the examples name, each of a colour of its own; the masks are transparent in their upper half."""
    for number, name in enumerate(PICTURES):
        Image.new("RGB", (SIDE_PX, SIDE_PX), (20 * number, 90, 200)).save(folder / f"{name}.png")
    mask = Image.new("RGBA", (SIDE_PX, SIDE_PX), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, SIDE_PX, SIDE_PX // 2))
    for name in MASKS:
        mask.save(folder / f"{name}.png")


def run_shell(text: str, folder: Path) -> dict[str, Any]:
    """The JSON that a shell's example prints."""
    value: dict[str, Any] = json.loads(_run(["bash", "-c", dedent(text)], folder, {}))
    return value


def run_python(text: str, folder: Path, environ: Mapping[str, str], interpreter: str = sys.executable) -> str:
    """What a program prints. That examples leave their files open is not our matter."""
    return _run([interpreter, "-W", "ignore::ResourceWarning", "-c", dedent(text)], folder, environ)


def _run(command: list[str], folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environ}, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def expect_addresses(answer: Answer | Mapping[str, Any], count: int = 1) -> None:
    """So many pictures, each to be downloaded from an address of its own."""
    value = _value_of(answer)
    assert len({item["url"] for item in value["data"]}) == len(value["data"]) == count
    for item in value["data"]:
        assert set(item) == {"url"}
        expect_download(item["url"])


def expect_download(url: str) -> None:
    """There is a whole picture, for whoever has the address alone."""
    answer = httpx.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    with Image.open(io.BytesIO(answer.content)) as picture:
        picture.load()


def expect_pictures(answer: Answer | Mapping[str, Any], count: int = 1) -> None:
    """So many pictures, in base64."""
    value = _value_of(answer)
    assert len(value["data"]) == count
    for item in value["data"]:
        with Image.open(io.BytesIO(base64.b64decode(item["b64_json"], validate=True))) as picture:
            picture.load()


def _value_of(answer: Answer | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(answer, Answer):
        assert answer.status == 200, answer.body
    value = answer.json if isinstance(answer, Answer) else answer
    assert isinstance(value["created"], int), value
    return value
