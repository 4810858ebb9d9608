"""The code that the playground shows does exactly what the playground does."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from browsers import Told
from PIL import Image
from playgrounds import Playground, offering, opened
from playwright.sync_api import Browser, expect
from servers import RunningServer, serving

SAMPLES = Path(__file__).parents[2] / "streamedit" / "web" / "pages" / "playground" / "samples"
KEY = "sk-right"
AWKWARD = 'it\'s "golden hour" at 100% & <b>more</b>; $HOME `x` \\ \n@file ;type=text/plain'
LANGUAGES = ("curl", "Python", "JavaScript")


def run(language: str, code: str, folder: Path, **environ: str) -> Sequence[bytes]:
    """The pictures that a piece of code has made in a folder, in their order."""
    if language == "JavaScript" and shutil.which("node") is None:
        pytest.skip("there is no node")
    commands = {"curl": ["bash", "-c", code], "Python": [sys.executable, "-c", code], "JavaScript": ["node", "edit.mjs"]}
    (folder / "edit.mjs").write_text(code)
    done = subprocess.run(
        commands[language], cwd=folder, env={**os.environ, **environ}, capture_output=True, check=True, timeout=50
    )
    if language == "curl":
        lines = [line for line in done.stdout.splitlines() if line.startswith(b"data: ")]
        return [base64.b64decode(json.loads(line[6:])["b64_json"]) for line in lines]
    files = sorted(folder.glob("edit-*"), key=lambda file: int(file.stem.partition("-")[2]))
    return [file.read_bytes() for file in files]


def shown(desk: Playground) -> bytes:
    """The picture that the playground itself has made."""
    desk.edit.click()
    desk.await_end()
    return desk.saved().read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_makes_the_same_picture(desk: Playground, language: str, tmp_path: Path) -> None:
    """With two images, a mask, every option that is no default and a field of the provider's own: bit for bit."""
    for name in ("coffee.jpg", "cat.jpg"):
        shutil.copy(SAMPLES / name, tmp_path)
    desk.take("A cup of coffee")
    desk.bring(SAMPLES / "cat.jpg")
    desk.paint((0.5, 0.6), (0.7, 0.6), size=60)
    desk.prompt.fill("a watercolour, film grain")
    desk.page.get_by_label("Format").select_option("jpeg")
    desk.page.get_by_label("Size", exact=True).fill("300x200")
    desk.page.get_by_label("Partial images").fill("2")
    desk.page.locator("#more summary").click()
    desk.button("Add a field").click()
    desk.page.get_by_label("Name", exact=True).fill("seed")
    desk.page.get_by_label("Value", exact=True).fill("11")
    code = desk.code(language)
    desk.button("Copy as code").click()
    shutil.copy(desk.saved("#mask-download"), tmp_path / "mask.png")
    desk.page.keyboard.press("Escape")
    made = run(language, code, tmp_path)
    assert len(made) == 3
    assert made[-1] == shown(desk)
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (600, 400)


@pytest.mark.parametrize("language", LANGUAGES)
def test_awkward_prompts_and_names_arrive_as_they_are(desk: Playground, language: str, tmp_path: Path) -> None:
    """Quotes, dollars, backslashes, semicolons and line ends: mock draws another picture for every other prompt."""
    name = 'my, "best" photo; v1.jpg'
    shutil.copy(SAMPLES / "cat.jpg", tmp_path / name)
    desk.bring(tmp_path / name)
    desk.await_picture()
    desk.page.get_by_label("Model").select_option("mock")
    desk.prompt.fill(AWKWARD)
    made = run(language, desk.code(language), tmp_path)
    assert made[-1] == shown(desk)
    desk.prompt.fill(f"{AWKWARD}!")
    assert made[-1] != shown(desk)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_comes_from_the_environment(browser: Browser, told: Told, language: str, tmp_path: Path) -> None:
    """Where the server asks for one."""
    shutil.copy(SAMPLES / "cat.jpg", tmp_path)
    with serving(offering(keys=(KEY,))) as server, opened(browser, server, told) as desk:
        desk.page.get_by_label("Key", exact=True).fill(KEY)
        desk.button("Use it").click()
        desk.take("A cat")
        desk.prompt.fill("a sepia tone")
        code = desk.code(language)
        assert run(language, code, tmp_path, STREAMEDIT_KEY=KEY)[-1] == shown(desk)


def test_several_images_are_told_apart_in_code_as_well(desk: Playground, tmp_path: Path) -> None:
    """n pictures come out of a stream that is asked for n."""
    shutil.copy(SAMPLES / "cat.jpg", tmp_path)
    desk.take("A cat")
    desk.prompt.fill("a sepia tone")
    desk.page.get_by_label("How many").fill("2")
    desk.page.get_by_label("Partial images").fill("0")
    assert len(run("Python", desk.code("Python"), tmp_path)) == 2


def test_code_is_copied(browser: Browser, server: RunningServer, told: Told) -> None:
    """To the clipboard; where a page has none, the code is selected."""
    with opened(browser, server, told, permissions=["clipboard-read", "clipboard-write"]) as desk:
        desk.take("A cat")
        desk.prompt.fill("a sepia tone")
        desk.button("Copy as code").click()
        code = desk.page.locator("#code").inner_text()
        desk.button("Copy").click()
        expect(desk.button("Copied")).to_be_visible()
        assert desk.page.evaluate("() => navigator.clipboard.readText()") == code
        desk.page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        desk.page.get_by_role("tab", name="Python").click()
        desk.button("Copy").click()
        expect(desk.button("Press Ctrl C")).to_be_visible()
        assert "images.edit" in desk.page.evaluate("() => getSelection().toString()")
