"""The application under uvicorn: in this process, or in several that take connections from the same listening socket.

An edit begins and ends in the worker that took its request. Workers share nothing but their metrics.
"""

import asyncio
import gc
import logging
import math
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from streamedit import metrics
from streamedit.app import create_app
from streamedit.config import ServerSettings, Settings
from streamedit.connections import Connections
from streamedit.reloads import Reloads, read_again, taken, tell_left
from streamedit.sources import Source

_NOT_SENT_BYTES = 1 << 17

_MAX_KEEPALIVE_S = 32_767
_MAX_USER_TIMEOUT_MS = 2**31 - 1
"""What Linux takes."""

_TOLD = (structlog.processors.add_log_level, structlog.processors.TimeStamper(fmt="iso", utc=True))
"""What each line of the log says beside what it tells."""


def defer_hangups() -> None:
    """Let each SIGHUP wait until somebody is ready for it: it would end this process. Workers inherit that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def serve(settings: Settings, source: Source, listener: socket.socket, workers: int) -> int:
    """Serve until a signal ends it, and give the exit code. A SIGHUP has the settings read from `source` again."""
    _raise_open_files()
    keep_little_for_slow_peers(listener)
    give_up_lost_peers(listener, settings.server.stuck_reader_s)
    application = _Application(settings, source, workers)
    if workers == 1:
        uvicorn.Server(uvicorn_config(application, settings.server)).run(sockets=[listener])
        return 0
    with tempfile.TemporaryDirectory(prefix="streamedit-metrics-") as folder:
        os.environ[metrics.SHARED_FOLDER] = folder
        supervisor = _Supervisor(uvicorn_config(application, settings.server, workers), [listener])
        supervisor.run()
    # A worker that was told to stop has a negative one: the signal's number.
    return max([0, *(process.exitcode or 0 for process in supervisor.processes)])


@dataclass(frozen=True, slots=True)
class _Application:
    """Makes the application, in each worker anew; what it holds travels there."""

    settings: Settings
    source: Source
    workers: int

    def __call__(self) -> Starlette:
        _log_warnings()
        metrics.forget_the_dead()
        log = _log()
        # What all workers have in common is told once, by their supervisor.
        reloads = Reloads(self.source, log, tells=self.workers == 1)
        app = create_app(self._share(), log, reloads=reloads)
        _when_told_to_stop(0, app.state.visits.send_away)
        _when_told_to_stop(self.settings.server.drain_timeout_s, app.state.gateway.end_running)
        _at_hangup(reloads.ask)
        _spare_what_stays()
        return app

    def _share(self) -> Settings:
        """One worker's: what they may keep is divided among them."""
        server = self.settings.server
        shares = {name: getattr(server, name) // self.workers for name in ("log_memory_bytes", "log_disk_bytes")}
        return replace(self.settings, server=server.model_copy(update=shares))


class _Supervisor(Multiprocess):
    """Hands SIGHUP on to its workers, unless the settings have a mistake; uvicorn's own replaces them, and ends their streams.

    The signal is blocked, and looked for between two looks at the workers.
    """

    def handle_signals(self) -> None:
        super().handle_signals()
        if signal.SIGHUP in signal.sigpending():
            signal.sigwait({signal.SIGHUP})
            self._reload(self.config.app, _log())

    def keep_subprocess_alive(self) -> None:
        # While a worker's end of its pipe is open here too, its death is no end of what it is awaited to say.
        for process in self.processes:
            process.child_conn.close()
        super().keep_subprocess_alive()

    def _reload(self, application: Any, log: structlog.typing.FilteringBoundLogger) -> None:
        settings = read_again(application.source, log)
        if settings is None:
            return
        settings, left = taken(settings, application.settings)
        tell_left(left, log)
        # For workers that take the place of others.
        self.config.app = replace(application, settings=settings)
        for process in self.processes:
            if process.pid is not None and process.exitcode is None:
                os.kill(process.pid, signal.SIGHUP)


def uvicorn_config(application: Callable[[], Starlette], server: ServerSettings, workers: int = 1) -> uvicorn.Config:
    """How uvicorn serves what `application` makes. Each worker counts connections for itself."""
    return uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        http=Connections(server),  # type: ignore[arg-type] # uvicorn only ever calls it, as it would a class
        ws="none",
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        # Five seconds are not enough for a worker to start on a busy machine: it would be killed, and started again, for ever.
        timeout_worker_healthcheck=60,
        timeout_graceful_shutdown=math.ceil(server.drain_timeout_s) + 1,
    )


def keep_little_for_slow_peers(listener: socket.socket) -> None:
    """Let the system take only so much for a peer that does not take it: megabytes for each would be sent to nobody first."""
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOT_SENT_BYTES)


def give_up_lost_peers(listener: socket.socket, after_s: float) -> None:
    """Let the system end a connection, up to a quarter late, whose peer has vanished or has taken nothing for so long.

    Accepted sockets take this over from the one that listens. What a system does not know is left out.
    """
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    whole_s = min(math.ceil(after_s), _MAX_KEEPALIVE_S)
    bounds = {
        "TCP_KEEPIDLE": whole_s,
        "TCP_KEEPINTVL": math.ceil(whole_s / 4),
        "TCP_USER_TIMEOUT": min(math.ceil(after_s * 1000), _MAX_USER_TIMEOUT_MS),
    }
    for name, value in bounds.items():
        if hasattr(socket, name):
            listener.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _raise_open_files() -> None:
    """Each stream is an open file, and the usual soft limit of 1,024 is meant for programs that use select()."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems refuse an unlimited number, and name none.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


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


def _at_hangup(then: Callable[[], object]) -> None:
    """Call `then` at each SIGHUP, and at one that has waited for this."""
    loop = asyncio.get_running_loop()
    signal.signal(signal.SIGHUP, lambda _number, _frame: loop.call_soon_threadsafe(then))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


def _spare_what_stays() -> None:
    """What there is by now stays: a collection of garbage that looked at it, too, would take 75 ms, for nothing."""
    gc.collect()
    gc.freeze()


def _log_warnings() -> None:
    """What libraries warn of becomes part of the log."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_TOLD],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    # It warns of every broken body, which the client is told anyway.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)


def _log() -> structlog.typing.FilteringBoundLogger:
    """One JSON object a line, on stderr."""
    log: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(sys.stderr),
        processors=[*_TOLD, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return log
