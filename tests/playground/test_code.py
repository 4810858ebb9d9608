"""The code that the playground shows does exactly what the playground does."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from browsers import Told
from PIL import Image
from playgrounds import CAT, COFFEE, Playground, offering, opened
from playwright.sync_api import Browser, expect
from servers import RunningServer, serving

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


@dataclass(frozen=True, slots=True)
class Copied:
    """What a page showed: its code by language, and the picture that it made of the same. `folder`: the files it needs."""

    code: Mapping[str, str]
    picture: bytes
    folder: Path

    def run(self, language: str, folder: Path, **environ: str) -> Sequence[bytes]:
        """The pictures that the code makes in another folder."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        return run(language, self.code[language], folder, **environ)


def copied(desk: Playground, folder: Path) -> Copied:
    """Of what is in the form."""
    code = {language: desk.code(language) for language in LANGUAGES}
    desk.button("Copy as code").click()
    expect(desk.page.locator("#copy-dialog")).to_be_visible()
    if desk.page.locator("#mask-download").is_visible():
        shutil.copy(desk.saved("#mask-download"), folder / "mask.png")
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#copy-dialog")).to_be_hidden()
    desk.edit.click()
    desk.await_end()
    return Copied(code, desk.saved().read_bytes(), folder)


@pytest.fixture(scope="module")
def elaborate(browser: Browser, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Copied:
    """Two images, a mask, every option that is no default, and a field of the provider's own."""
    folder = tmp_path_factory.mktemp("elaborate")
    for photograph in (CAT, COFFEE):
        shutil.copy(photograph, folder)
    with opened(browser, server, Told()) as desk:
        desk.take("A cup of coffee")
        desk.bring(CAT)
        desk.paint((0.5, 0.6), (0.7, 0.6), size=60)
        desk.prompt.fill("a watercolour, film grain")
        desk.page.get_by_label("Format").select_option("jpeg")
        desk.page.get_by_label("Size", exact=True).fill("300x200")
        desk.page.get_by_label("Partial images").fill("2")
        desk.add_field("seed", "11")
        return copied(desk, folder)


@pytest.fixture(scope="module")
def awkward(browser: Browser, server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Copied:
    """A prompt and a file's name that mean something to a shell, to curl and to programs."""
    folder = tmp_path_factory.mktemp("awkward")
    photograph = folder / 'my, "best" photo; v1.jpg'
    shutil.copy(CAT, photograph)
    with opened(browser, server, Told()) as desk:
        desk.bring(photograph)
        desk.await_picture()
        desk.page.get_by_label("Model").select_option("mock")
        desk.prompt.fill(AWKWARD)
        return copied(desk, folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_code_makes_the_same_picture(elaborate: Copied, language: str, tmp_path: Path) -> None:
    """Bit for bit, and as many partial images before it."""
    made = elaborate.run(language, tmp_path)
    assert len(made) == 3
    assert made[-1] == elaborate.picture
    with Image.open(tmp_path / "mask.png") as mask:
        assert mask.size == (600, 400)


@pytest.mark.parametrize("language", LANGUAGES)
def test_awkward_prompts_and_names_arrive_as_they_are(awkward: Copied, language: str, tmp_path: Path) -> None:
    """Quotes, dollars, backslashes, semicolons and line ends: mock draws another picture for every other prompt."""
    assert awkward.run(language, tmp_path)[-1] == awkward.picture


def test_another_prompt_is_another_picture(desk: Playground, awkward: Copied) -> None:
    """Else the test above could not fail."""
    desk.take("A cat")
    desk.page.get_by_label("Model").select_option("mock")
    desk.ask(f"{AWKWARD}!")
    desk.await_end()
    assert desk.saved().read_bytes() != awkward.picture


@pytest.fixture(scope="module")
def keyed(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copied]:
    """Of a server that asks for a key, for as long as it runs."""
    folder = tmp_path_factory.mktemp("keyed")
    shutil.copy(CAT, folder)
    with serving(offering(keys=(KEY,))) as server, opened(browser, server, Told()) as desk:
        desk.unlock(KEY)
        desk.take("A cat")
        desk.prompt.fill("a sepia tone")
        yield copied(desk, folder)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_key_comes_from_the_environment(keyed: Copied, language: str, tmp_path: Path) -> None:
    """Where the server asks for one."""
    assert keyed.run(language, tmp_path, STREAMEDIT_KEY=KEY)[-1] == keyed.picture


def test_several_images_are_told_apart_in_code_as_well(desk: Playground, tmp_path: Path) -> None:
    """n pictures come out of a stream that is asked for n."""
    shutil.copy(CAT, tmp_path)
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
