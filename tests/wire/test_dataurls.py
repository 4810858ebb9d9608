"""data: URLs with images."""

import base64
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.streams import split

from streamedit.errors import InvalidRequest
from streamedit.uploads import Upload
from streamedit.wire.dataurls import Base64Decoder, decode


@given(st.binary(max_size=100), st.sampled_from(["image/png", "image/jpeg", "image/svg+xml;charset=utf-8"]))
async def test_an_image_comes_out_as_it_went_in(content: bytes, media_type: str) -> None:
    """Content and media type are those of the URL."""
    image = decode(f"data:{media_type};base64,{base64.b64encode(content).decode()}", "image_url", {})
    assert (await image.upload.read(), image.media_type) == (content, media_type)


@pytest.mark.parametrize("excess", [-1, 0, 1, 2])
async def test_large_images_are_decoded_in_pieces(excess: int) -> None:
    """The seams between the pieces that are decoded at a time do not show."""
    content = bytes(range(256)) * (3 * (1 << 20) // 4 * 2 // 256) + b"xyz"
    content = content[: len(content) - 3 + excess]
    image = decode("data:image/png;base64," + base64.b64encode(content).decode(), "image_url", {})
    assert image.upload.size_bytes == len(content)
    assert await image.upload.read() == content


def test_without_a_media_type_it_is_bytes() -> None:
    """What the client does not say is not guessed."""
    assert decode("data:;base64,QUJD", "image_url", {}).media_type == "application/octet-stream"


@pytest.mark.parametrize("url", ["DATA:image/png;BASE64,QUJD", "Data:image/png; base64,QUJD"])
async def test_scheme_and_encoding_may_be_in_any_case(url: str) -> None:
    """And spaces before the encoding do not matter (URL standard)."""
    image = decode(url, "image_url", {})
    assert (image.media_type, await image.upload.read()) == ("image/png", b"ABC")


def test_what_has_been_decoded_is_found_by_its_mark() -> None:
    """Its media type is still the URL's."""
    upload = Upload(b"photo")
    image = decode("data:image/png;base64,mark", "image_url", {"mark": upload})
    assert (image.upload, image.media_type) == (upload, "image/png")


BASE64 = st.binary(max_size=20).map(base64.b64encode) | st.text("QA=+*", max_size=12).map(str.encode)


@given(BASE64, st.lists(st.integers(0, 28), max_size=6))
def test_base64_is_judged_alike_in_any_pieces(text: bytes, cuts: list[int]) -> None:
    """What it holds, or that it is none: padding that is missing, too much, or in the middle."""
    assert decoded(split(text, cuts)) == decoded([text])


@pytest.mark.parametrize("following", [b"QUJD", b"Q", b"=", b"===="])
@pytest.mark.parametrize("padded", [b"QQ==", b"QUI="])
def test_nothing_follows_the_padding(padded: bytes, following: bytes) -> None:
    """In the next piece neither."""
    assert decoded([padded, b""]) is not None
    assert decoded([padded, following]) is None


@given(st.binary(max_size=40))
def test_base64_holds_what_was_written(content: bytes) -> None:
    """Whatever it was."""
    assert decoded([base64.b64encode(content)]) == content


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "unsupported_image_url"),
        ("https://example.com/a.png", "unsupported_image_url"),
        ("http://169.254.169.254/latest/meta-data", "unsupported_image_url"),
        ("file:///etc/passwd", "unsupported_image_url"),
        (" data:image/png;base64,QUJD", "unsupported_image_url"),
        ("data:", "invalid_data_url"),
        ("data:image/png;base64", "invalid_data_url"),
        ("data:image/png,QUJD", "invalid_data_url"),
        ("data:image/png;base64;x=y,QUJD", "invalid_data_url"),
        ("data:image/png;base64x,QUJD", "invalid_data_url"),
        ("data:image/png;base64,QUJ", "invalid_data_url"),
        ("data:image/png;base64,QU=D", "invalid_data_url"),
        ("data:image/png;base64,QQ==QUJD", "invalid_data_url"),
        ("data:image/png;base64,QUJD====", "invalid_data_url"),
        ("data:image/png;base64,QUJDR", "invalid_data_url"),
        ("data:image/png;ba\u017fe64,QUJD", "invalid_data_url"),
        ("data:image/png;base64,QUJ*", "invalid_data_url"),
        ("data:image/png;base64,QUJD,QUJD", "invalid_data_url"),
        ("data:image/png;base64,ÄÄÄÄ", "invalid_data_url"),
    ],
)
def test_anything_else_is_a_400_that_names_the_parameter(url: str, code: str) -> None:
    """Other schemes are not fetched; broken base64 is not guessed at; the message does not repeat the URL."""
    with pytest.raises(InvalidRequest) as caught:
        decode(url, "images[2].image_url", {})
    detail = caught.value.detail
    assert (detail.param, detail.code) == ("images[2].image_url", code)
    assert not url or url not in detail.message


def decoded(pieces: Sequence[bytes]) -> bytes | None:
    """What base64 in pieces holds, None when it is broken."""
    decoder = Base64Decoder()
    try:
        content = b"".join([decoder.decode(piece) for piece in pieces])
        decoder.end()
    except ValueError:
        return None
    return content
