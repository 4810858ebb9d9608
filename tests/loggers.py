"""Logs for tests: of all levels, in memory."""

import io

import structlog


def logger(file: io.StringIO | None = None) -> structlog.typing.FilteringBoundLogger:
    """It writes JSON into `file`."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(file or io.StringIO()),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return log
