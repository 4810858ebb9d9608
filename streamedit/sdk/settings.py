"""The settings of a process that is no server."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from streamedit.config import Settings
from streamedit.sources import Source
from streamedit.storage import StorageSettings

_NO_DATABASE = {"STREAMEDIT_DATABASE_URL": "none"}


def settings_of(config: Path | None, environ: Mapping[str, str]) -> Settings:
    """What a server of this configuration has, but for what only those need who come to a server.

    No database unless one is named, and without one no files; nothing is shared over Redis; and of an edit that has ended
    nothing is kept: nobody can come back for it. Raises ConfigError.
    """
    is_named = any(environ.get(name) for name in ("STREAMEDIT_DATABASE_URL", "DATABASE_URL"))
    settings = Source(config, environ if is_named else {**environ, **_NO_DATABASE}).read()
    server = settings.server
    storage = server.storage if server.database_url else StorageSettings()
    return replace(settings, server=server.model_copy(update={"retention_s": 0, "redis_url": None, "storage": storage}))


def no_log() -> structlog.typing.FilteringBoundLogger:
    """It says nothing."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=[], wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
    )
    return log
