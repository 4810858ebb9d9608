"""Which database a server has: SQLite in a file of its own, unless the configuration or the environment names another."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from streamedit.documents import ConfigError

_VARIABLES = ("STREAMEDIT_DATABASE_URL", "DATABASE_URL")
"""The second is LiteLLM's."""

_OFF = frozenset({"none", "off"})

_ENCRYPTED = ("require", "verify-ca", "verify-full")
"""PostgreSQL's words for it. By others it may be, and need not."""

_PRISMAS = ("schema", "connection_limit", "pool_timeout", "socket_timeout", "pgbouncer", "statement_cache_size", "sslaccept")
"""What LiteLLM's client takes in a URL, and PostgreSQL's own refuses."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: in a file, at a host, or, without both, at a socket. `is_encrypted`: surely, on the way there."""

    path: Path | None
    host: str | None
    is_encrypted: bool


def normal(url: str) -> str:
    """A URL as SQLAlchemy takes it, with the driver that this project has. Raises ValueError."""
    return _parsed(url).render_as_string(hide_password=False)


def shown(url: str) -> str:
    """A URL without whatever may be secret in it: its user, password and parameters. Raises ValueError."""
    place = _parsed(url)
    return URL.create(place.get_backend_name(), host=place.host, port=place.port, database=place.database).render_as_string()


def place_of(url: str) -> Place:
    """Where a URL leads. Raises ValueError."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return Place(Path(str(parsed.database)), None, is_encrypted=True)
    host = parsed.host or str(parsed.query.get("host", ""))
    is_encrypted = parsed.query.get("sslmode") in _ENCRYPTED
    return Place(None, None if host.startswith("/") else host or None, is_encrypted)


def read(url: str) -> str | None:
    """A URL that somebody has written down; None for `none` and `off`. Raises ValueError with what is wrong with it."""
    if url.lower() in _OFF:
        return None
    if _parsed(url).get_backend_name() == "postgresql" and find_spec("psycopg") is None:
        raise ValueError("needs PostgreSQL's client: pip install 'streamedit[postgres]'")
    return url


def of_environment(environ: Mapping[str, str]) -> str | None:
    """The database that the environment names, else the default; None when it says that there is none. Raises ConfigError."""
    name = next((name for name in _VARIABLES if environ.get(name)), None)
    if name is None:
        return default_url(environ)
    try:
        return read(environ[name])
    except ValueError as error:
        raise ConfigError([f"{name}: {error}"]) from None


def default_url(environ: Mapping[str, str]) -> str:
    """SQLite, below the folder for a user's data (XDG). Raises ConfigError where there is none: other folders do not last."""
    return URL.create("sqlite", database=str(data_folder(environ) / "streamedit.db")).render_as_string()


def ledger_beside(url: str) -> Path | None:
    """The folder beside a database that is a file, for what it does not have yet; None for any other. Raises ValueError."""
    path = place_of(url).path
    return None if path is None else path.with_name(f"{path.name}.ledger")


def ledger_folder(url: str, environ: Mapping[str, str]) -> Path:
    """That folder; for another database one below the folder for a user's data. Raises ValueError, ConfigError."""
    return ledger_beside(url) or data_folder(environ) / "ledger"


def data_folder(environ: Mapping[str, str]) -> Path:
    """Where a user's data is, of all that is this server's (XDG). Raises ConfigError where there is no home."""
    folder = Path(environ.get("XDG_DATA_HOME", ""))
    if not folder.is_absolute():
        folder = _home(environ) / ".local" / "share"
    return folder / "streamedit"


def _home(environ: Mapping[str, str]) -> Path:
    home = Path(environ.get("HOME", _home_of_user()))
    if not home.is_absolute():
        raise ConfigError(
            ["There is no home for a database: set server.database_url, or STREAMEDIT_DATABASE_URL; none for none."]
        )
    return home


def _home_of_user() -> str:
    """Services often are started without HOME."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""


def _parsed(url: str) -> URL:
    scheme, separator, rest = url.partition("://")
    backend = scheme.partition("+")[0]
    if not separator or backend not in ("sqlite", "postgresql", "postgres"):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    try:
        parsed = make_url(f"sqlite://{rest}" if backend == "sqlite" else f"postgresql+psycopg://{rest}")
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL") from None
    if backend == "sqlite" and parsed.host:
        raise ValueError("must have three slashes before a path, and four before one from the root")
    if backend == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ValueError("must name a file: what is in memory is not shared, and does not last")
    return parsed.difference_update_query(_PRISMAS)
