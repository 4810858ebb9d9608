"""`response_format="url"` in process: files, where nobody else can read them, and a provider's own URLs as they are."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from upstreams import ScriptedUpstream, json_answer

import streamedit

MOCK: dict[str, Any] = {"image": b"photo", "prompt": "x", "model": "mock", "mock_pace_s": 0, "response_format": "url"}


@pytest.fixture
def downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_picture_is_a_file(downloads: Path) -> None:
    """In a folder of its call's own, which stays; the next call can take it as it is."""
    responses = [streamedit.image_edit(**MOCK, n=2, output_format="webp") for _ in range(2)]
    folders = {Path(urlsplit(str(image.url)).path).parent for response in responses for image in response.data}
    assert {folder.parent for folder in folders} == {downloads}
    assert [oct(folder.stat().st_mode & 0o777) for folder in folders] == ["0o700"] * 2
    for image in responses[0].data:
        assert image.b64_json is None
        with Image.open(urlsplit(str(image.url)).path) as picture:
            assert picture.format == "WEBP"
    again = streamedit.image_edit(**{**MOCK, "image": responses[0].data[0].url, "model": "darkroom", "prompt": "sepia"}
                                  | {"mock_pace_s": None})  # fmt: skip
    assert str(again.data[0].url).endswith(".png")


def test_a_stream_tells_of_a_file(downloads: Path) -> None:
    """When its picture is finished; what is interim comes as base64."""
    partial, completed = streamedit.image_edit(**MOCK, stream=True, partial_images=1)
    assert (bool(partial.b64_json), completed.b64_json) == (True, None)
    assert completed.get("url") == next(downloads.glob("*/image-0.png")).as_uri()


def test_a_providers_url_stays(downloads: Path, scripted: ScriptedUpstream) -> None:
    """It is told as it came, and nothing is written."""
    scripted.play([json_answer({"created": 1, "data": [{"url": "https://example.com/a.png"}]})])
    environ = {"OPENAI_API_KEY": "sk-own", "OPENAI_BASE_URL": scripted.url}
    response = streamedit.image_edit(b"photo", "x", "dall-e-2", response_format="url", environ=environ)
    assert response.data[0].url == "https://example.com/a.png"
    assert [*downloads.iterdir()] == []


def test_a_call_that_fails_leaves_no_file(downloads: Path) -> None:
    """Nor a folder."""
    with pytest.raises(streamedit.APIError):
        streamedit.image_edit(**MOCK, mock_fault="error")
    assert [*downloads.iterdir()] == []
