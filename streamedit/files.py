"""Files that a caller has uploaded to name them later: OpenAI's File, as far as it is known here.

Source: OpenAI's API reference, "Files".
"""

import re
import secrets
from dataclasses import dataclass

VISION = "vision"
"""OpenAI's purpose for images."""

_ID = re.compile(r"file-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. `owner`: the id of the principal who has uploaded it, and who alone may see it.

    `filename`: as the client has named it, without a path. `media_type`: of its content. `digest`: the content's SHA-256, and
    `blob`: the key under which it is kept, once for all. Times are Unix time; `expires_at_s`: None for what stays.
    """

    id: str
    owner: str
    filename: str
    media_type: str
    purpose: str
    size_bytes: int
    digest: bytes
    blob: str
    created_at_s: float
    expires_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Room:
    """What the files of one owner may come to, together; None where there is no limit."""

    size_bytes: int | None = None
    files: int | None = None


@dataclass(frozen=True, slots=True)
class FileQuery:
    """A page of files: those of a purpose, or of any; at most `limit`, behind the file `after`, the newest or oldest first."""

    purpose: str | None = None
    limit: int = 10_000
    after: str | None = None
    oldest_first: bool = False


def new_file_id() -> str:
    """`file-` and 128 random bits: not to be guessed."""
    return f"file-{secrets.token_hex(16)}"


def is_file_id(text: str) -> bool:
    """Whether a text could be an id of this server's making; nothing else is ever looked for."""
    return _ID.fullmatch(text) is not None
