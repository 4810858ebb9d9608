"""OpenAI's Files, both directions: the form of an upload, the query of a list, and the objects that are answered.

Sources: OpenAI's API reference, "Files"; Eden AI's guides to `/v3/upload`, which name two of its fields in two ways.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest, TooLarge
from streamedit.files import VISION, FileQuery, StoredFile
from streamedit.uploads import closed_unless_done
from streamedit.wire.forms import validated
from streamedit.wire.multipart import BodyLimits, Form, boundary_of, read_form
from streamedit.wire.nested import unflatten

HOUR_S = 3600
MONTH_S = 30 * 24 * HOUR_S
MAX_LIST = 10_000

_FORM_BYTES = 1 << 20
"""For what is in an upload's body beside the file."""

_MAX_FILENAME_CHARS = 255
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


_Purpose: TypeAlias = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[\x20-\x7e]+$")]


class Expiry(BaseModel):
    """For how long a file is kept."""

    model_config = ConfigDict(extra="forbid")

    anchor: Literal["created_at"]
    seconds: int = Field(ge=HOUR_S, le=MONTH_S)


class FileFields(BaseModel):
    """The fields of an upload beside its file. Fields that are not known have no effect."""

    purpose: _Purpose = Field(description="`vision` for images, or any other.")
    expires_after: Expiry | None = Field(None, description="It stays until it is deleted, when this is not given.")


class FileForm(FileFields):
    """An upload."""

    file: bytes = Field(description="The file.")


class EdensForm(FileForm):
    """Eden AI's, which need not have a purpose."""

    purpose: _Purpose = Field(VISION, description="Any word.")


class ListFields(BaseModel):
    """The query of a list."""

    purpose: _Purpose | None = None
    limit: int = Field(MAX_LIST, ge=1, le=MAX_LIST)
    after: str | None = None
    order: Literal["asc", "desc"] = "desc"

    def read(self) -> FileQuery:
        return FileQuery(self.purpose, self.limit, self.after, oldest_first=self.order == "asc")


class FileObject(BaseModel):
    """OpenAI's File. `expires_at`: null for a file that stays."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    status_details: None = None

    @classmethod
    def of(cls, file: StoredFile) -> "FileObject":
        return cls(
            id=file.id,
            bytes=file.size_bytes,
            created_at=int(file.created_at_s),
            expires_at=None if file.expires_at_s is None else int(file.expires_at_s),
            filename=file.filename,
            purpose=file.purpose,
        )


class FileList(BaseModel):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool

    @classmethod
    def of(cls, files: Sequence[StoredFile], *, has_more: bool) -> "FileList":
        ids = [file.id for file in files]
        data = [FileObject.of(file) for file in files]
        return cls(data=data, first_id=ids[0] if ids else None, last_id=ids[-1] if ids else None, has_more=has_more)


class DeletedFile(BaseModel):
    """A file that is not there any more."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True


class EdensUpload(BaseModel):
    """Eden AI's answer to an upload. Its pages call two fields differently, so that both names are there."""

    file_id: str
    filename: str
    file_name: str
    bytes: int
    file_size: int
    purpose: str
    created_at: str
    expires_at: str | None

    @classmethod
    def of(cls, file: StoredFile) -> "EdensUpload":
        return cls(
            file_id=file.id,
            filename=file.filename,
            file_name=file.filename,
            bytes=file.size_bytes,
            file_size=file.size_bytes,
            purpose=file.purpose,
            created_at=_iso(file.created_at_s),
            expires_at=None if file.expires_at_s is None else _iso(file.expires_at_s),
        )


@dataclass(frozen=True, slots=True)
class SentFile:
    """An upload as it was sent; whoever reads it closes `content`. `expires_in_s`: None for what stays."""

    content: InputImage
    filename: str
    purpose: str
    expires_in_s: float | None


class _Limits(BodyLimits):
    def check_image(self, size_bytes: int, param: str) -> None:
        if size_bytes > self.image_bytes:
            raise TooLarge(f"{param} is larger than {self.image_bytes} bytes.", param=param, code="file_too_large")


async def read_file(
    content_type: str, chunks: AsyncIterator[bytes], max_bytes: int, defaults: Mapping[str, str] | None = None
) -> SentFile:
    """The upload in a body; `defaults`: fields that may be left out. Raises CallerError naming the parameter."""
    boundary = boundary_of(content_type)
    form = await read_form(boundary, chunks, _Limits(max_bytes + _FORM_BYTES, max_bytes), _check_file)
    with closed_unless_done(form.close):
        fields = _fields(form, defaults or {})
        if not form.files:
            raise InvalidRequest("file is required", param="file", code="missing_required_parameter")
        content = form.files[0][1]
        expires_in_s = None if fields.expires_after is None else float(fields.expires_after.seconds)
        return SentFile(content, plain_name(content.filename), fields.purpose, expires_in_s)


def read_list(query: Mapping[str, str]) -> FileQuery:
    """The query of a list. Raises InvalidRequest."""
    return validated(lambda: ListFields.model_validate(dict(query))).read()


def _check_file(form: Form, name: str) -> None:
    if name != "file":
        raise InvalidRequest(f"{name[:64]} must not be a file.", param=name[:64], code="invalid_type")
    if form.files:
        raise InvalidRequest("At most one file.", param="file", code="too_many_files")


def _fields(form: Form, defaults: Mapping[str, str]) -> FileFields:
    for name, _ in form.texts:
        if name == "file":
            raise InvalidRequest("file must be a file.", param="file", code="invalid_type")
    try:
        given: dict[str, Any] = unflatten(form.texts, read=str)
    except ValueError as error:
        raise InvalidRequest(f"The form cannot be read: {error}.", param="body", code="invalid_value") from None
    return validated(lambda: FileFields.model_validate({**defaults, **given}))


def plain_name(filename: str) -> str:
    """A file's name alone: no path, and nothing that a header or a database could stumble over."""
    name = _CONTROL.sub("", re.split(r"[/\\]", filename)[-1]).strip()
    return name[-_MAX_FILENAME_CHARS:] or "upload"


def _iso(time_s: float) -> str:
    return datetime.fromtimestamp(int(time_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
