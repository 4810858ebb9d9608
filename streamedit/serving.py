"""The application under uvicorn: in this process, or in several that take connections from the same listening socket.

An edit begins and ends in the worker that took its request. Workers share nothing but their metrics.
"""

import asyncio
import logging
import math
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType

import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from streamedit import telemetry
from streamedit.app import create_app
from streamedit.config import Settings


def serve(settings: Settings, listener: socket.socket, workers: int) -> int:
    """Serve until a signal ends it, and give the exit code."""
    if workers == 1:
        uvicorn.Server(_config(settings, workers)).run(sockets=[listener])
        return 0
    with tempfile.TemporaryDirectory(prefix="streamedit-metrics-") as folder:
        os.environ[telemetry.SHARED_FOLDER] = folder
        share = settings.server.log_memory_bytes // workers
        server = settings.server.model_copy(update={"log_memory_bytes": share})
        supervisor = Multiprocess(_config(replace(settings, server=server), workers), [listener])
        supervisor.run()
    # A worker that was told to stop has a negative one: the signal's number.
    return max([0, *(process.exitcode or 0 for process in supervisor.processes)])


@dataclass(frozen=True, slots=True)
class _Application:
    """Makes the application, in each worker anew; what it holds travels there."""

    settings: Settings

    def __call__(self) -> Starlette:
        _log_warnings()
        telemetry.forget_the_dead()
        app = create_app(self.settings, _log())
        _when_told_to_stop(self.settings.server.drain_s, app.state.gateway.end_running)
        return app


def _config(settings: Settings, workers: int) -> uvicorn.Config:
    return uvicorn.Config(
        _Application(settings),
        factory=True,
        workers=workers,
        http="httptools",
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=math.ceil(settings.server.drain_s) + 1,
    )


def _when_told_to_stop(delay_s: float, then: Callable[[], object]) -> None:
    """Call `then` so long after the first signal; uvicorn tells its application only once all answers have ended."""
    loop = asyncio.get_running_loop()

    def chain(number: signal.Signals) -> None:
        known = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(loop.call_later, delay_s, then)
            if callable(known):
                known(received, frame)

        signal.signal(number, handle)

    chain(signal.SIGTERM)
    chain(signal.SIGINT)


def _log_warnings() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # It warns of every broken body, which the client is told anyway.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def _log() -> structlog.typing.FilteringBoundLogger:
    """One JSON object a line, on stderr."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return log
