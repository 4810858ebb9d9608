"""Pictures in every way in which callers of Python have them."""

import io
import os
from base64 import b64encode
from pathlib import Path
from typing import Any, cast

import pytest

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest
from streamedit.sdk.pictures import Picture, is_file, listed, opened
from streamedit.wire.multipart import BodyLimits

LIMITS = BodyLimits()
PNG = (Path(__file__).parent.parent / "photos" / "chelsea.png").read_bytes()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A file with a picture."""
    path = tmp_path / "a photo.png"
    path.write_bytes(PNG)
    return path


async def told(picture: Any) -> tuple[str, str, bytes]:
    """A picture's name, media type and content."""
    image = opened(cast("Picture", picture), "image", LIMITS)
    content = await image.upload.read()
    image.upload.close()
    return image.filename, image.media_type, content


async def test_files_are_read(photo: Path) -> None:
    """By their path, as text or not, or by their URL; or open, when they stay open."""
    for picture in (photo, str(photo), os.fspath(photo), photo.as_uri()):
        assert await told(picture) == ("a photo.png", "image/png", PNG)
    with photo.open("rb") as file:
        assert await told(file) == ("a photo.png", "image/png", PNG)
        assert not file.closed


async def test_content_is_taken(photo: Path) -> None:
    """Bytes in any form; a name is made for what has none, of the field and of what it is."""
    for picture in (PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG)):
        assert await told(picture) == ("image.png", "image/png", PNG)
    assert await told(b"no picture") == ("image.bin", "application/octet-stream", b"no picture")


async def test_openais_tuples_are_taken(photo: Path) -> None:
    """A name before the content, and a media type behind it; headers count for nothing."""
    assert await told(("x.jpg", PNG)) == ("x.jpg", "image/png", PNG)
    assert await told(("x.bin", b"raw", "image/x-raw")) == ("x.bin", "image/x-raw", b"raw")
    assert await told((None, photo, None, {"a": "b"})) == ("a photo.png", "image/png", PNG)


async def test_data_urls_are_decoded() -> None:
    """Their own media type counts."""
    url = f"data:image/png;base64,{b64encode(PNG).decode()}"
    assert await told(url) == ("image", "image/png", PNG)


def test_what_is_on_the_web_stays_there() -> None:
    """Whoever makes the edit brings it in, behind the guard, or passes the URL on."""
    image = opened("https://example.com/cat.png", "image[1]", LIMITS)
    assert image.reference is not None
    assert (image.reference.url, image.reference.param, image.filename) == (
        "https://example.com/cat.png",
        "image[1]",
        "cat.png",
    )
    assert image.upload.size_bytes == 0


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("no such file.png", "image cannot be read: No such file or directory."),
        (io.StringIO("text"), "image must be a path, a URL, bytes or a file that is open for reading bytes."),
        (7, "image must be a path, a URL, bytes or a file that is open for reading bytes."),
        ("data:image/png;base64,!!", "image is not valid base64."),
        ("a\0b", "image cannot be read: embedded null byte."),
    ],
)
def test_what_is_no_picture_is_refused(picture: Any, words: str) -> None:
    """In words, naming the parameter."""
    with pytest.raises(InvalidRequest) as caught:
        opened(picture, "image", LIMITS)
    assert (caught.value.detail.message, caught.value.detail.param) == (words, "image")


def test_a_closed_file_is_refused(photo: Path) -> None:
    """It cannot be read any more."""
    with photo.open("rb") as file:
        pass
    with pytest.raises(InvalidRequest, match="image cannot be read: "):
        opened(file, "image", LIMITS)


def test_no_more_is_read_than_may_be(photo: Path) -> None:
    """One byte more is enough to know."""
    image: InputImage = opened(photo, "image", BodyLimits(image_bytes=100))
    assert image.upload.size_bytes == 101


def test_one_or_several(photo: Path) -> None:
    """A tuple may be one picture with its name, or several."""
    assert [*listed(None)] == []
    assert [*listed(photo)] == [photo]
    assert [*listed(("x.png", PNG))] == [("x.png", PNG)]
    assert [*listed((PNG, photo))] == [*listed([PNG, photo])] == [PNG, photo]


def test_what_can_only_be_a_file() -> None:
    """A text, or a pair of texts, may be meant as such; a timeout of httpx's has a `read`, too."""

    class Timeout:
        read = 60.0

    assert all(map(is_file, [b"", Path(), io.BytesIO(), ("x", b""), (None, Path(), "image/png")]))
    assert not any(map(is_file, ["x", ("a", "b"), ["x"], 7, None, {}, Timeout()]))
