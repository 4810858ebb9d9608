"""multipart/form-data, both ways, within its limits and with nothing left behind."""

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import pairwise

import pytest
from descriptors import temporary_files
from hypothesis import given
from hypothesis import strategies as st

from streamedit.edits import InputImage
from streamedit.errors import CallerError, InvalidRequest, TooLarge
from streamedit.uploads import Upload
from streamedit.wire.multipart import BodyLimits, Form, MultipartBody, read_form

MIB = 1 << 20
BOUNDARY = b"boundary"
BODY = (
    b'--boundary\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nmake it --boundary\r\n-- blue\r\n'
    b'--boundary\r\nContent-Type: image/png\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    b"\x89PNG\r\n--bound\r\n\r\n--boundar\r\n"
    b'--boundary\r\ncontent-disposition: form-data; name="empty"\r\n\r\n\r\n'
    b"--boundary--\r\n"
)
TEXTS = [("prompt", "make it --boundary\r\n-- blue"), ("empty", "")]
FILES = [("image", "a.png", "image/png", b"\x89PNG\r\n--bound\r\n\r\n--boundar")]
FILE_HEAD = b'--boundary\r\ncontent-disposition: form-data; name="image"; filename="x"\r\n\r\n'
LIMITS = BodyLimits(body_bytes=4 * MIB, image_bytes=3 * MIB, field_bytes=1000, parts=5)
Read = tuple[list[tuple[str, str]], list[tuple[str, str, str, bytes]]]

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters='"\r\n\\%'), min_size=1, max_size=20).filter(
    lambda name: name.strip(" \t") == name
)


class TestReading:
    """Bytes -> fields and files."""

    async def test_every_split_reads_the_same(self) -> None:
        """Cut in two anywhere or byte by byte: content that looks like a boundary is content."""
        assert await read([BODY]) == (TEXTS, FILES)
        assert await read(BODY[at : at + 1] for at in range(len(BODY))) == (TEXTS, FILES)
        for at in range(len(BODY)):
            assert await read([BODY[:at], BODY[at:]]) == (TEXTS, FILES), at

    async def test_what_stands_around_the_form_is_ignored(self) -> None:
        """A line end before the first boundary, anything after the last."""
        assert await read([b"\r\n" + BODY + b"\r\nepilogue"]) == (TEXTS, FILES)

    @pytest.mark.parametrize("end", [b"", b"\r\n"])
    async def test_a_form_may_be_empty(self, end: bytes) -> None:
        """No part is no mistake of the form's; whoever needs a field says so."""
        assert await read([BODY.partition(b"\r\n")[0] + b"--" + end]) == ([], [])

    async def test_a_file_input_left_empty_is_no_file(self) -> None:
        """Browsers send a file without name and content where nothing was chosen."""
        body = file_part("mask", "", b"") + file_part("image", "", b"x") + file_part("image", "x", b"") + b"--boundary--"
        assert [(name, filename, content) for name, filename, _, content in (await read([body]))[1]] == [
            ("image", "", b"x"),
            ("image", "x", b""),
        ]

    async def test_every_file_is_shown_before_it_is_read(self) -> None:
        """Who may refuse a file sees its name first, with the files before it."""
        seen: list[tuple[str, int]] = []
        form = await read_form(
            BOUNDARY,
            chunks([file_part("a", "x", b"1") + BODY]),
            LIMITS,
            lambda form, name: seen.append((name, len(form.files))),
        )
        form.close()
        assert seen == [("a", 0), ("image", 1)]

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            (FILE_HEAD, "body"),
            (FILE_HEAD + b"data", "body"),
            (FILE_HEAD + b"data\r\n--boundary", "body"),
            (FILE_HEAD + b"data\r\n--boundary\r\n", "body"),
            (FILE_HEAD + b"data\r\n--other--\r\n", "body"),
            (b"", "body"),
            (b"not a form", "body"),
            (b"--boundar\r\n", "body"),
            (b"--boundary\r\nno colon\r\n\r\n", "body"),
            (b"--boundary\r\nbad header: x\r\n\r\n\r\n--boundary--\r\n", "body"),
            (b"--boundary\r\nx: " + b"y" * 5000 + b"\r\n\r\n\r\n--boundary--\r\n", "body"),
            (b"--boundary\r\n" + b"x: y\r\n" * 9 + b"\r\n\r\n--boundary--\r\n", "body"),
            (b"--boundary\r\n\r\nx\r\n--boundary--\r\n", "body"),
            (b"--boundary\r\ncontent-disposition: form-data\r\n\r\nx\r\n--boundary--\r\n", "body"),
            (b'--boundary\r\ncontent-disposition: form-data; name=""\r\n\r\nx\r\n--boundary--\r\n', "body"),
            (b'--boundary\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n\xff\r\n--boundary--\r\n', "prompt"),
        ],
    )
    async def test_a_broken_body_is_a_400(self, body: bytes, param: str) -> None:
        """Cut off, without its last boundary, with bad headers, without names, not UTF-8; in any pieces."""
        for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
            error = await refusal(pieces)
            assert isinstance(error, InvalidRequest)
            assert error.detail.param == param

    async def test_a_boundary_has_its_bound(self) -> None:
        """A boundary of more than 256 bytes is refused."""
        error = await refusal([b""], boundary=b"x" * 257)
        assert (error.detail.status, error.detail.code) == (400, "invalid_multipart")


class TestLimits:
    """What is too large, and what a refusal leaves behind."""

    @pytest.mark.parametrize(
        ("body", "status", "param", "code"),
        [
            (lambda: file_part("image", "x", bytes(3 * MIB + 1)), 413, "image", "image_too_large"),
            (
                lambda: file_part("a", "x", bytes(2 * MIB)) + file_part("b", "x", bytes(2 * MIB)),
                413,
                "body",
                "request_too_large",
            ),
            (
                lambda: file_part("a", "x", bytes(2 * MIB)) + text_part("prompt", b"x" * 1001),
                413,
                "prompt",
                "request_too_large",
            ),
            (lambda: file_part("a", "x", bytes(2 * MIB)) + text_part("a", b"x") * 5, 400, "body", "too_many_parts"),
            (lambda: file_part("a", "x", bytes(2 * MIB)) + b"\r\ncut off", 400, "body", "invalid_multipart"),
            (lambda: file_part("a", "x", bytes(2 * MIB)) + file_part("refused", "x", b""), 400, "refused", "x"),
        ],
        ids=["image", "body", "field", "parts", "cut off", "refused"],
    )
    async def test_a_refusal_names_the_part_and_leaves_no_file(self, body: object, status: int, param: str, code: str) -> None:
        """Whatever fails after megabytes went to disk: the answer says what, and every file is closed."""
        assert callable(body)
        content = body()
        before = temporary_files()
        error = await refusal(content[at : at + 65_536] for at in range(0, len(content), 65_536))
        assert (error.detail.status, error.detail.param, error.detail.code) == (status, param, code)
        assert temporary_files() == before

    async def test_a_source_that_breaks_leaves_no_file(self) -> None:
        """A client that hangs up in the middle of its upload leaves nothing behind."""

        async def breaking() -> AsyncIterator[bytes]:
            yield file_part("a", "x", bytes(2 * MIB))
            assert temporary_files() == before + 1
            raise ConnectionResetError

        before = temporary_files()
        with pytest.raises(ConnectionResetError):
            await read_form(BOUNDARY, breaking(), LIMITS, check_file)
        assert temporary_files() == before

    async def test_what_is_at_its_limit_is_taken(self) -> None:
        """Limits are inclusive."""
        body = (
            file_part("image", "x", bytes(3 * MIB)) + text_part("a", b"x" * 1000) + text_part("b", b"x") * 3 + b"--boundary--"
        )
        texts, files = await read([body])
        assert (len(texts), [len(content) for *_, content in files]) == (4, [3 * MIB])
        limits = BodyLimits(body_bytes=len(BODY))
        (await read_form(BOUNDARY, chunks([BODY]), limits, check_file)).close()
        with pytest.raises(TooLarge):
            await read_form(BOUNDARY, chunks([BODY, b"x"]), limits, check_file)


class TestWriting:
    """Fields and files -> bytes."""

    @given(
        texts=st.lists(st.tuples(NAMES, st.text(st.characters(exclude_categories=["Cs"]), max_size=50)), max_size=3),
        files=st.lists(st.tuples(NAMES, NAMES, st.binary(max_size=50)), max_size=3),
        cuts=st.lists(st.integers(0, 1500), max_size=5),
    )
    async def test_what_is_written_is_read(
        self, texts: list[tuple[str, str]], files: list[tuple[str, str, bytes]], cuts: list[int]
    ) -> None:
        """Any names and contents, in their order, through any pieces; the length is told exactly."""
        limits = BodyLimits(parts=20)
        images = [(name, InputImage(Upload(content), filename, "image/png")) for name, filename, content in files]
        body = MultipartBody(texts, images)
        sent = b"".join([piece async for piece in body])
        assert len(sent) == body.content_length
        expected = [(name, filename, "image/png", content) for name, filename, content in files]
        assert await read(split(sent, cuts), boundary_of(body), limits) == (texts, expected)

    async def test_large_files_are_sent_in_slices(self) -> None:
        """An upload on disk is read while it is sent, never whole."""
        upload = Upload()
        upload.feed(bytes(range(256)) * (10 * MIB // 1024))
        await upload.flush()
        body = MultipartBody([("n", "1")], [("image", InputImage(upload, "a", "image/png"))])
        pieces = [piece async for piece in body]
        assert max(map(len, pieces)) <= MIB
        assert sum(map(len, pieces)) == body.content_length
        (_, ((_, _, _, content),)) = await read(pieces, boundary_of(body))
        assert content == await upload.read()
        upload.close()

    @pytest.mark.parametrize(
        ("filename", "sent"),
        [
            ('a"b.png', "a%22b.png"),
            ("a\r\nx-evil: 1\r\n\r\n.png", "a%0D%0Ax-evil: 1%0D%0A%0D%0A.png"),
            ("фото 🎨; name=x.png", "фото 🎨; name=x.png"),
            ("a'b;c=d.png", "a'b;c=d.png"),
        ],
    )
    async def test_a_filename_stays_in_its_quotes(self, filename: str, sent: str) -> None:
        """Quotes and line ends are escaped as browsers escape them; nothing breaks out of the header."""
        body = MultipartBody([], [(filename, InputImage(Upload(b"data"), filename, "image/png\r\nx-evil: 1"))])
        texts, files = await read([piece async for piece in body], boundary_of(body))
        assert texts == []
        assert files == [(sent, sent, "image/pngx-evil: 1", b"data")]

    async def test_a_body_can_be_sent_again(self) -> None:
        """A retry sends the same bytes."""
        body = MultipartBody([("n", "1")], [("image", InputImage(Upload(b"data"), "a", "image/png"))])
        assert [piece async for piece in body] == [piece async for piece in body]


def check_file(form: Form, name: str) -> None:
    """Takes every file but one."""
    if name == "refused":
        raise InvalidRequest("refused", param=name, code="x")


async def chunks(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """A body as it arrives."""
    for piece in pieces:
        yield piece


async def read(pieces: Iterable[bytes], boundary: bytes = BOUNDARY, limits: BodyLimits = LIMITS) -> Read:
    """The texts and files of a form, and its uploads closed."""
    form = await read_form(boundary, chunks(pieces), limits, check_file)
    files = [(name, image.filename, image.media_type, await image.upload.read()) for name, image in form.files]
    form.close()
    return form.texts, files


async def refusal(pieces: Iterable[bytes], boundary: bytes = BOUNDARY) -> CallerError:
    """What is raised for a body."""
    with pytest.raises(CallerError) as caught:
        await read_form(boundary, chunks(pieces), LIMITS, check_file)
    return caught.value


def text_part(name: str, content: bytes) -> bytes:
    """One text field."""
    return b'--boundary\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), content)


def file_part(name: str, filename: str, content: bytes) -> bytes:
    """One file without a media type."""
    disposition = f'form-data; name="{name}"; filename="{filename}"'.encode()
    return b"--boundary\r\ncontent-disposition: %s\r\n\r\n%s\r\n" % (disposition, content)


def boundary_of(body: MultipartBody) -> bytes:
    """What separates the parts of a form to be sent."""
    return body.content_type.partition("boundary=")[2].encode()


def split(stream: bytes, cuts: Sequence[int]) -> list[bytes]:
    """The stream in the pieces between the cuts, empty ones too."""
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(places)]
