"""LiteLLM's `/images/edits` (https://docs.litellm.ai/docs/image_edits), for Python without a server.

Every program for its package runs as it stands there, with `import streamedit as litellm`; the provider and its key are played.
"""

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlsplit

import pytest
from litellm_programs import GEMINI, OPENAI, Example
from PIL import Image
from providers.fakes import KEY, Fake, body_of
from providers.fakes.google import Gemini25
from providers.fakes.openai import OpenAI1
from upstreams import ScriptedUpstream

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""That examples leave their files open is not our matter."""


@pytest.fixture
def place(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the pictures that the programs name, in which they run; what they download is below it."""
    for picture in folder.iterdir():
        (tmp_path / picture.name).symlink_to(picture)
    (tmp_path / "downloads").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "downloads"))
    return tmp_path


def _played(fake: Fake, scripted: ScriptedUpstream) -> Fake:
    fake.url = scripted.url
    scripted.serve(fake.answer)
    return fake


def _run(example: Example) -> str:
    """What a program prints."""
    program = dedent(example.program).replace("import litellm", "import streamedit as litellm")
    program = program.replace("from litellm", "from streamedit").replace("your-api-key", KEY)
    assert "streamedit" in program
    with redirect_stdout(StringIO()) as shown:
        exec(compile(program, "the document", "exec"), {})
    return shown.getvalue()


@pytest.mark.parametrize("base", ["OPENAI_BASE_URL", "OPENAI_API_BASE"])
@pytest.mark.parametrize("heading", OPENAI)
def test_openai(place: Path, scripted: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, heading: str, base: str) -> None:
    """It prints as many pictures as it asks for, as it asks for them; the provider got its images, fields and headers."""
    _played(OpenAI1(), scripted)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv(base, scripted.url)
    example = OPENAI[heading]
    shown = _run(example)
    urls = re.findall(r"file://[^'\s]+", shown)
    assert len(set(urls)) == len(urls) == (example.n if example.asks_for_urls else 0), shown
    assert shown.count("b64_json='iVBORw0KGgo") == (0 if example.asks_for_urls else example.n)
    for url in urls:
        with Image.open(urlsplit(url).path) as picture:
            assert picture.size == (64, 48)
    [asked] = scripted.asked
    names = [*example.images, *([example.mask] if example.mask else [])]
    assert [content for *_, content in asked.files] == [(place / name).read_bytes() for name in names]
    assert asked.field("n") == (str(example.n) if example.n > 1 else None)
    is_custom = heading == "Image Edit with Custom Parameters"
    assert (asked.field("user"), asked.headers.get("custom-header")) == (("user-123", "value") if is_custom else (None, None))
    if is_custom:
        assert re.fullmatch(r"Generated 3 image variations\n(Image [123]: \S+\n){3}", shown), shown


@pytest.mark.parametrize(("heading", "saved"), [*zip(GEMINI, ["edited_image.png", "gemini_edit_0.png"], strict=True)])
def test_gemini(place: Path, scripted: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch, heading: str, saved: str) -> None:
    """Google is asked for the picture with all images, in the nearest of its shapes; the picture is saved."""
    fake = _played(Gemini25(), scripted)
    monkeypatch.setenv("GEMINI_API_KEY", "replaced by the program")
    monkeypatch.setenv("GEMINI_API_BASE", scripted.url)
    _run(GEMINI[heading])
    assert (place / saved).read_bytes().startswith(b"\x89PNG")
    [asked] = scripted.asked
    assert fake.images_of(asked) == [(place / name).read_bytes() for name in GEMINI[heading].images]
    shape = {"aspectRatio": "16:9"} if heading == "Basic Image Edit" else None
    assert body_of(asked)["generationConfig"].get("imageConfig") == shape
