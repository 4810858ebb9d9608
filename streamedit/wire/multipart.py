"""multipart/form-data (RFC 7578), both ways: bytes -> fields and files, fields and files -> bytes.

Parsing is python-multipart's; here is what it fills: text in memory, files in uploads that spool to disk, all within limits.
Whatever goes wrong, the uploads read so far are closed.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest, TooLarge, UnsupportedBody
from streamedit.uploads import Upload, closed_unless_done


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a request body may hold. 16 images of 50 MiB, a mask and a markup fit into the default."""

    body_bytes: int = 1 << 30
    image_bytes: int = 50 << 20
    field_bytes: int = 256 << 10
    parts: int = 128

    def check_body(self, size_bytes: int) -> None:
        """Raises TooLarge."""
        if size_bytes > self.body_bytes:
            raise TooLarge(f"The request body is larger than {self.body_bytes} bytes.", param="body")

    def check_field(self, size_bytes: int, param: str) -> None:
        """Raises TooLarge."""
        if size_bytes > self.field_bytes:
            raise TooLarge(f"{param} is larger than {self.field_bytes} bytes.", param=param)

    def check_parts(self, parts: int) -> None:
        """Raises InvalidRequest."""
        if parts > self.parts:
            raise InvalidRequest(f"More than {self.parts} parts.", param="body", code="too_many_parts")

    def check_image(self, size_bytes: int, param: str) -> None:
        """Raises TooLarge."""
        if size_bytes > self.image_bytes:
            raise TooLarge(f"{param} is larger than {self.image_bytes} bytes.", param=param, code="image_too_large")


def boundary_of(content_type: str, beside: str = "") -> bytes:
    """What stands between the parts. Raises InvalidRequest where that is not said; UnsupportedBody for any other type.

    `beside`: what else might have been sent, in words.
    """
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data":
        raise UnsupportedBody(f"Send multipart/form-data{beside}.", param="content-type")
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidRequest("The content type names no boundary.", param="content-type", code="invalid_multipart")
    return boundary


async def read_form(
    boundary: bytes, chunks: AsyncIterator[bytes], limits: BodyLimits, check_file: Callable[["Form", str], None]
) -> "Form":
    """The whole form; the caller closes it. `check_file` sees each file's name before its content and may refuse it.

    Raises InvalidRequest for a broken or cut-off body, TooLarge naming what is too large.
    """
    form = Form(limits, check_file)
    with closed_unless_done(form.close):
        try:
            parser = form.parser(boundary)
            async for chunk in chunks:
                form.count(chunk)
                parser.write(chunk)
                await form.flush()
        except FormParserError as error:
            raise InvalidRequest(f"Broken multipart body: {error}", param="body", code="invalid_multipart") from error
        if not form.ended:
            raise InvalidRequest("The multipart body is cut off.", param="body", code="invalid_multipart")
    return form


class _Part:
    """One part of a multipart body while it arrives."""

    def __init__(self) -> None:
        self._headers: dict[bytes, bytes] = {}
        self.header_name = b""
        self.header_value = b""
        self.name = ""
        self.image: InputImage | None = None
        self.text = bytearray()

    def end_header(self) -> None:
        self._headers[self.header_name.lower()] = self.header_value
        self.header_name, self.header_value = b"", b""

    def headers_finished(self) -> None:
        """Know the field, and whether it is a file: a part with a filename is one, any other is text."""
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self.name = options.get(b"name", b"").decode("utf-8", "replace")
        if not self.name:
            raise InvalidRequest("A part of the multipart body has no name.", param="body", code="invalid_multipart")
        filename = options.get(b"filename")
        if filename is not None:
            media_type = self._headers.get(b"content-type", b"").decode("latin-1") or "application/octet-stream"
            self.image = InputImage(Upload(), filename.decode("utf-8", "replace"), media_type)

    @property
    def is_empty_file_input(self) -> bool:
        """A browser sends a file input in which nothing was chosen as a file without name and content."""
        return self.image is not None and not self.image.filename and not self.image.upload.size_bytes


class Form:
    """Collects the fields and files of a multipart body, within its limits."""

    def __init__(self, limits: BodyLimits, check_file: Callable[["Form", str], None]) -> None:
        self._limits = limits
        self._check_file = check_file
        self._body_bytes = 0
        self._parts = 0
        self._part = _Part()
        self._uploads: list[Upload] = []
        self.ended = False
        self.texts: list[tuple[str, str]] = []
        self.files: list[tuple[str, InputImage]] = []

    def parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished,
                "on_part_data": self._part_data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def count(self, chunk: bytes) -> None:
        self._body_bytes += len(chunk)
        self._limits.check_body(self._body_bytes)

    async def flush(self) -> None:
        """Bring to disk what has become large. Never in a callback of the parser, which cannot wait."""
        if self._part.image is not None:
            await self._part.image.upload.flush()

    def close(self) -> None:
        for upload in self._uploads:
            upload.close()

    def _part_begin(self) -> None:
        self._parts += 1
        self._limits.check_parts(self._parts)
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _header_end(self) -> None:
        self._part.end_header()

    def _headers_finished(self) -> None:
        self._part.headers_finished()
        if self._part.image is None:
            return
        self._uploads.append(self._part.image.upload)
        self._check_file(self, self._part.name)

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.image is not None:
            part.image.upload.feed(memoryview(data)[start:end])
            self._limits.check_image(part.image.upload.size_bytes, part.name)
            return
        part.text += data[start:end]
        self._limits.check_field(len(part.text), part.name)

    def _part_end(self) -> None:
        part = self._part
        if part.image is None:
            self.texts.append((part.name, _utf8(part)))
        elif not part.is_empty_file_input:
            self.files.append((part.name, part.image))

    def _end(self) -> None:
        self.ended = True


def _utf8(part: _Part) -> str:
    try:
        return part.text.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{part.name} is not UTF-8.", param=part.name, code="invalid_encoding") from error


class MultipartBody:
    """A form to send: text fields first, files behind them, in the given order; content is read while it is sent."""

    def __init__(self, fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, InputImage]]) -> None:
        self._boundary = secrets.token_hex(16)
        self._text = b"".join(self._text_part(name, text) for name, text in fields)
        self._files = [(self._file_head(name, image), image.upload) for name, image in files]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self._boundary}"

    @property
    def content_length(self) -> int:
        files = sum(len(head) + upload.size_bytes + len(b"\r\n") for head, upload in self._files)
        return len(self._text) + files + len(self._end)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._text
        for head, upload in self._files:
            yield head
            async for piece in upload.slices():
                yield piece
            yield b"\r\n"
        yield self._end

    def _text_part(self, name: str, text: str) -> bytes:
        return f'--{self._boundary}\r\ncontent-disposition: form-data; name="{_quoted(name)}"\r\n\r\n{text}\r\n'.encode()

    def _file_head(self, name: str, image: InputImage) -> bytes:
        media_type = image.media_type.replace("\r", "").replace("\n", "")
        disposition = f'form-data; name="{_quoted(name)}"; filename="{_quoted(image.filename)}"'
        return (f"--{self._boundary}\r\ncontent-disposition: {disposition}\r\ncontent-type: {media_type}\r\n\r\n").encode()


def _quoted(name: str) -> str:
    """A name within quotes, as browsers escape it (HTML standard, multipart/form-data encoding algorithm)."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
