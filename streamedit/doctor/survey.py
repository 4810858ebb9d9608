"""Looks at the files and the machine around a configuration. It changes nothing, and opens no connection."""

import re
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from streamedit import databases
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.config import Settings
from streamedit.doctor import folder
from streamedit.doctor.facts import Facts
from streamedit.documents import Document, Location
from streamedit.errors import param_path
from streamedit.events import Json

_SECRET = re.compile(r"(key|secret|token|password|credentials|authorization|access_key_id)$", re.IGNORECASE)
_SECRET_CHARS = 6
"""Nothing shorter is one: `none`, `dummy`."""


def survey(settings: Settings, file: Path | None, host: str, workers: int) -> Facts:
    """What there is around the settings of a file that can be read, or of no file."""
    server = settings.server
    path = databases.place_of(server.database_url).path if server.database_url else None
    return Facts(
        host,
        workers,
        SYSTEM_CLOCKS.now_s(),
        literals=tuple(_literals(file)) if file else (),
        file_mode=folder.mode_of(file) if file else None,
        database_mode=folder.mode_of(path) if path else None,
        database_folder_mode=folder.mode_of(path.parent) if path else None,
        log_free_bytes=folder.found(server.log_folder or Path(tempfile.gettempdir())).free_bytes,
        open_files=_open_files(),
        backlog_bytes=_size_bytes(server.ledger_folder),
        storage=folder.found(server.storage.folder) if server.storage.folder else None,
    )


def _literals(file: Path) -> Iterator[str]:
    """The places of a file where a secret stands. What `os.environ/` names is not there."""
    document = Document(file)
    variables = {name: value for name, value in document.environment({}).items() if _SECRET.search(name)}
    yield from (f"environment_variables.{name}" for name in variables)
    yield from (param_path(location) for location, text in _texts(document.resolved({}), ()) if _is_secret(location, text))


def _texts(value: Json, location: Location) -> Iterator[tuple[Location, str]]:
    if isinstance(value, str):
        yield location, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in members:
        yield from _texts(member, (*location, step))


def _is_secret(location: Location, text: str) -> bool:
    if len(text) < _SECRET_CHARS:
        return False
    return bool(_SECRET.search(str(location[-1]))) or _has_password(text)


def _has_password(text: str) -> bool:
    try:
        return "://" in text and bool(urlsplit(text).password)
    except ValueError:
        return False


def _open_files() -> int | None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def _size_bytes(folder: Path | None) -> int | None:
    if folder is None or not folder.is_dir():
        return None
    return sum(_file_bytes(path) for path in folder.rglob("*"))


def _file_bytes(path: Path) -> int:
    """A running server takes files away."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
