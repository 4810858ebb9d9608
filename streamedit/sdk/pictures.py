"""Pictures as callers of Python have them -> input images: paths, bytes, open files, URLs, and OpenAI's tuples of them."""

import mimetypes
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TypeAlias, TypeGuard, cast
from urllib.parse import unquote, urlsplit

from streamedit.edits import InputImage
from streamedit.errors import InvalidRequest
from streamedit.images import inspect
from streamedit.uploads import Upload
from streamedit.wire import references
from streamedit.wire.multipart import BodyLimits

Content: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | IO[bytes]
Picture: TypeAlias = Content | tuple[str | None, Content] | tuple[str | None, Content, str | None]
"""A path, a URL (http, https, data or file), what is in a file, or that file, open; also as OpenAI has it: with a file name
before it, and a media type behind it."""

_URLS = ("http://", "https://", "data:")
_FILE = "file:"
_UNKNOWN = "application/octet-stream"


Pictures: TypeAlias = Picture | Sequence[Picture] | None
"""One, several, or none."""

_NAMED = (2, 3, 4)
"""So many members have OpenAI's tuples: behind the media type there may be headers."""


def listed(pictures: Pictures) -> Sequence[Picture]:
    """All of them."""
    if isinstance(pictures, list) or (isinstance(pictures, tuple) and not _is_named(pictures)):
        return pictures
    return () if pictures is None else (cast("Picture", pictures),)


def is_file(value: object) -> TypeGuard[Picture]:
    """Nothing but a file can be meant: a text may mean itself."""
    if isinstance(value, tuple):
        return _is_named(value) and is_file(value[1])
    return isinstance(value, bytes | bytearray | memoryview | os.PathLike) or callable(getattr(value, "read", None))


def _is_named(value: tuple[object, ...]) -> bool:
    """`("photo.jpg", content)`."""
    return len(value) in _NAMED and isinstance(value[0], str | None)


def opened(picture: Picture, param: str, limits: BodyLimits) -> InputImage:
    """The picture, read but for what is at a web URL; the caller closes it. Runs in a thread.

    Raises InvalidRequest naming `param` for what is no picture and for files that cannot be read; StorageFull.
    """
    if isinstance(picture, tuple):
        filename, content, *rest = picture
        return _named(content, param, limits, (filename, next(iter(rest), None)))
    if isinstance(picture, str) and picture.lower().startswith(_URLS):
        return references.at_url(picture, param, {})
    return _named(picture, param, limits, (None, None))


def _named(content: Content, param: str, limits: BodyLimits, said: tuple[str | None, str | None]) -> InputImage:
    """`said`: the file's name and its media type, where its caller tells them."""
    data = _read(content, param, limits.image_bytes + 1)
    info = inspect(data)
    guessed = info.media_type if info else _UNKNOWN
    filename = said[0] or _name_of(content) or f"{param.partition('[')[0]}{mimetypes.guess_extension(guessed) or ''}"
    media_type = said[1] or (info.media_type if info else mimetypes.guess_type(filename)[0]) or _UNKNOWN
    return InputImage(Upload.spooled(data), filename, media_type)


def _read(content: Content, param: str, most_bytes: int) -> bytes:
    if isinstance(content, bytes | bytearray | memoryview):
        return bytes(content)
    try:
        if isinstance(content, str | os.PathLike):
            with _path(content).open("rb") as file:
                return file.read(most_bytes)
        data = content.read(most_bytes) if callable(getattr(content, "read", None)) else None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise InvalidRequest(f"{param} cannot be read: {why}.", param=param, code="unreadable_file") from error
    if not isinstance(data, bytes):
        told = f"{param} must be a path, a URL, bytes or a file that is open for reading bytes."
        raise InvalidRequest(told, param=param, code="invalid_type")
    return data


def _path(content: str | os.PathLike[str]) -> Path:
    """A file's URL is what this package itself gives for `response_format="url"`."""
    text = os.fspath(content)
    return Path(unquote(urlsplit(text).path) if text.lower().startswith(_FILE) else text)


def _name_of(content: Content) -> str | None:
    if isinstance(content, str | os.PathLike):
        return _path(content).name
    name = getattr(content, "name", None)
    return os.path.basename(name) if isinstance(name, str) else None  # noqa: PTH119 - of whatever a file calls itself
