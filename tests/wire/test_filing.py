"""OpenAI's Files: what an upload's body may be, and what is answered."""

from collections.abc import AsyncIterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import CallerError
from streamedit.files import FileQuery, StoredFile
from streamedit.wire.filing import EdensUpload, FileObject, SentFile, plain_name, read_file, read_list

TYPE = "multipart/form-data; boundary=b"
LIMIT = 1000


def part(name: str, content: bytes, filename: str | None = None) -> bytes:
    """One part of a form."""
    named = "" if filename is None else f'; filename="{filename}"'
    return f'--b\r\ncontent-disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"


FILE = part("file", b"content", "photo.png")
PURPOSE = part("purpose", b"vision")


async def sent(*parts: bytes, content_type: str = TYPE, defaults: Mapping[str, str] | None = None) -> SentFile:
    """The upload in a body of these parts."""

    async def body() -> AsyncIterator[bytes]:
        yield b"".join([*parts, b"--b--\r\n"])

    return await read_file(content_type, body(), LIMIT, defaults)


async def test_an_upload_is_a_file_with_a_purpose() -> None:
    """In any order; fields that are not known are left alone."""
    read = await sent(part("other", b"1"), FILE, PURPOSE)
    assert (read.filename, read.purpose, read.expires_in_s) == ("photo.png", "vision", None)
    assert await read.content.upload.read() == b"content"
    assert read.content.filename == "photo.png"


async def test_it_may_expire() -> None:
    """So many seconds after it was made."""
    read = await sent(FILE, PURPOSE, part("expires_after[anchor]", b"created_at"), part("expires_after[seconds]", b"3600"))
    assert read.expires_in_s == 3600


async def test_what_may_be_left_out_has_a_default() -> None:
    """Where there is one; what is said counts more."""
    assert (await sent(FILE, defaults={"purpose": "vision"})).purpose == "vision"
    assert (await sent(FILE, part("purpose", b"ocr"), defaults={"purpose": "vision"})).purpose == "ocr"


@pytest.mark.parametrize(
    ("parts", "param", "code"),
    [
        ([PURPOSE], "file", "missing_required_parameter"),
        ([FILE], "purpose", "missing_required_parameter"),
        ([part("file", b"text"), PURPOSE], "file", "invalid_type"),
        ([FILE, FILE, PURPOSE], "file", "too_many_files"),
        ([FILE, part("image", b"x", "a.png"), PURPOSE], "image", "invalid_type"),
        ([FILE, part("purpose", b"")], "purpose", "invalid_value"),
        ([FILE, part("purpose", b"x" * 65)], "purpose", "invalid_value"),
        ([FILE, part("purpose", b"two\nlines")], "purpose", "invalid_value"),
        ([FILE, PURPOSE, part("expires_after", b"3600")], "expires_after", "invalid_value"),
        ([FILE, PURPOSE, part("expires_after[seconds]", b"3600")], "expires_after.anchor", "missing_required_parameter"),
        (
            [FILE, PURPOSE, part("expires_after[anchor]", b"created_at"), part("expires_after[seconds]", b"3599")],
            "expires_after.seconds",
            "invalid_value",
        ),
        (
            [FILE, PURPOSE, part("expires_after[anchor]", b"now"), part("expires_after[seconds]", b"3600")],
            "expires_after.anchor",
            "invalid_value",
        ),
        ([FILE, PURPOSE, part("a[b]", b"1"), part("a[]", b"1")], "body", "invalid_value"),
    ],
)
async def test_what_is_wrong_is_named(parts: list[bytes], param: str, code: str) -> None:
    """By the parameter that it is in."""
    with pytest.raises(CallerError) as refused:
        await sent(*parts)
    assert (refused.value.detail.status, refused.value.detail.param, refused.value.detail.code) == (400, param, code)


async def test_a_large_file_is_refused_before_its_end() -> None:
    """By its own bound, not by that of an image."""
    with pytest.raises(CallerError) as refused:
        await sent(part("file", b"x" * (LIMIT + 1), "a.png"), PURPOSE)
    detail = refused.value.detail
    assert (detail.status, detail.param, detail.code) == (413, "file", "file_too_large")


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/mixed; boundary=b"])
async def test_anything_else_is_no_upload(content_type: str) -> None:
    """415, as OpenAI's other routes."""
    with pytest.raises(CallerError) as refused:
        await sent(FILE, PURPOSE, content_type=content_type)
    assert (refused.value.detail.status, refused.value.detail.param) == (415, "content-type")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("photo.png", "photo.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\x\\photo.png", "photo.png"),
        ("/", "upload"),
        ("..", ".."),
        ("a\x00b\x7f.png", "ab.png"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
        ("naïve 😀.png", "naïve 😀.png"),
    ],
)
async def test_a_filename_is_a_name_and_no_path(name: str, plain: str) -> None:
    """Nothing of it is ever used as one."""
    assert (await sent(part("file", b"x", name), PURPOSE)).filename == plain


@given(st.text(max_size=400))
def test_no_name_has_a_path_or_a_control_character_in_it(name: str) -> None:
    """Whatever is sent: it stands in a database and in a header."""
    plain = plain_name(name)
    assert 0 < len(plain) <= 255
    assert not set(plain) & {"/", "\\", "\0", "\r", "\n"}
    plain.encode()


def test_times_are_told_as_each_api_has_them() -> None:
    """OpenAI in Unix seconds, Eden AI in words; null for what stays."""
    file = StoredFile("file-1", "key", "a.png", "", "vision", 7, b"", "", 1_705_314_600.9, 1_705_919_400.9)
    told = FileObject.of(file).model_dump()
    assert (told["bytes"], told["created_at"], told["expires_at"]) == (7, 1_705_314_600, 1_705_919_400)
    edens = EdensUpload.of(file).model_dump()
    assert (edens["created_at"], edens["expires_at"]) == ("2024-01-15T10:30:00Z", "2024-01-22T10:30:00Z")
    assert edens["file_id"] == "file-1"
    assert (edens["filename"], edens["bytes"]) == (edens["file_name"], edens["file_size"]) == ("a.png", 7)
    stays = StoredFile("file-1", "key", "a.png", "", "vision", 7, b"", "", 0.0)
    assert FileObject.of(stays).expires_at is None
    assert EdensUpload.of(stays).expires_at is None


def test_a_list_is_asked_for_by_its_query() -> None:
    """The newest first, as many as there may be, unless it says otherwise."""
    assert read_list({}) == FileQuery()
    asked = {"purpose": "vision", "limit": "5", "after": "file-1", "order": "asc"}
    assert read_list(asked) == FileQuery("vision", 5, "file-1", oldest_first=True)


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "10001"), ("limit", "x"), ("order", "up")])
def test_a_wrong_query_is_named(name: str, value: str) -> None:
    """By its parameter."""
    with pytest.raises(CallerError) as refused:
        read_list({name: value})
    assert refused.value.detail.param == name
