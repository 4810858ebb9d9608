"""How an image is named in a JSON body."""

import pytest

from streamedit.edits import Reference
from streamedit.errors import InvalidRequest, TooLarge
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.references import MAX_URL_CHARS, resolve
from streamedit.wire.schemas import ImageReference

LIMITS = BodyLimits(image_bytes=3)


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://example.com", "HTTPS://x", "https://" + "x" * (MAX_URL_CHARS - 8)]
)
def test_an_http_url_is_a_reference(url: str) -> None:
    """As it is written, in any case, up to 8,192 characters; what it holds is not known yet."""
    image = resolve(ImageReference(image_url=url), "images[0]", {}, LIMITS)
    assert (image.reference, image.upload.size_bytes) == (Reference("images[0].image_url", url=url), 0)
    assert image.media_type == "application/octet-stream"


def test_a_file_id_is_a_reference() -> None:
    """Whatever it looks like."""
    image = resolve(ImageReference(file_id="https://x"), "mask", {}, LIMITS)
    assert image.reference == Reference("mask.file_id", file_id="https://x")
    assert (image.filename, image.upload.size_bytes) == ("image", 0)


def test_a_data_url_is_an_image() -> None:
    """With nothing left to bring in, and within its limit."""
    image = resolve(ImageReference(image_url="data:image/png;base64,QUJD"), "mask", {}, LIMITS)
    assert (image.reference, image.upload.size_bytes, image.media_type) == (None, 3, "image/png")
    with pytest.raises(TooLarge) as caught:
        resolve(ImageReference(image_url="data:image/png;base64,QUJDRA=="), "mask", {}, LIMITS)
    assert caught.value.detail.param == "mask"


@pytest.mark.parametrize(
    ("url", "filename"),
    [
        ("https://example.com/a/cat.png", "cat.png"),
        ("https://example.com/cat.png?size=1/dog.png#/bird.png", "cat.png"),
        ("https://example.com/Cat_1-2", "Cat_1-2"),
        ("https://example.com", "image"),
        ("https://example.com/", "image"),
        ("https://example.com/a/", "image"),
        ("https://example.com?/cat.png", "image"),
        ("https://example.com/a/..", "image"),
        ("https://example.com/.hidden", "image"),
        ("https://example.com/%2e%2e%2fpasswd", "image"),
        ("https://example.com/a\\b.png", "image"),
        ("https://example.com/a\nb.png", "image"),
        ("https://example.com/é.png", "image"),
        ("https://example.com/" + "x" * 200, "image"),
    ],
)
def test_a_url_names_its_image_where_its_name_is_plain(url: str, filename: str) -> None:
    """The last segment of its path; nothing that could lead elsewhere as a path."""
    assert resolve(ImageReference(image_url=url), "mask", {}, LIMITS).filename == filename


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "unsupported_image_url"),
        ("ftp://example.com/a.png", "unsupported_image_url"),
        ("file:///etc/passwd", "unsupported_image_url"),
        ("//example.com/a.png", "unsupported_image_url"),
        (" https://example.com/a.png", "unsupported_image_url"),
        ("http:example.com", "unsupported_image_url"),
        ("https://" + "x" * (MAX_URL_CHARS - 7), "invalid_value"),
    ],
)
def test_anything_else_is_a_400_that_names_the_parameter(url: str, code: str) -> None:
    """Other schemes, and a URL that is too long; the message does not repeat it."""
    with pytest.raises(InvalidRequest) as caught:
        resolve(ImageReference(image_url=url), "images[2]", {}, LIMITS)
    detail = caught.value.detail
    assert (detail.param, detail.code) == ("images[2].image_url", code)
    assert not url or url not in detail.message
    assert code == "invalid_value" or detail.message == "images[2].image_url must be an http(s) or data URL."
