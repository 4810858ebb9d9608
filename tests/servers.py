"""A real server on a real socket, on a thread of its own, for tests that are its clients."""

import asyncio
import io
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog
import uvicorn
import uvloop
from starlette.applications import Starlette

from streamedit.app import SYSTEM_CLOCKS, create_app
from streamedit.config import ServerSettings, Settings
from streamedit.gateway import Clocks
from streamedit.routing import Route, Routes, Target

_Result = TypeVar("_Result")


def settings_of(*targets: Target, keys: tuple[str, ...] = (), **server: Any) -> Settings:
    """Settings with one model name per target, the target's own; the first is the default."""
    routes = [Route(target.model, (target,)) for target in targets]
    return Settings(Routes(routes, routes[0].model), ServerSettings(**server), keys)


class RunningServer:
    """A server that answers at `url`. `log_text` is what it has logged."""

    def __init__(self, settings: Settings, clocks: Clocks) -> None:
        self._log = io.StringIO()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.app: Starlette = create_app(settings, _logger(self._log), clocks)
        self._uvicorn = _Uvicorn(uvicorn.Config(self.app, http="httptools", log_config=None, access_log=False))
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def edits_url(self) -> str:
        return f"{self.url}/v1/images/edits"

    @property
    def log_text(self) -> str:
        return self._log.getvalue()

    def start(self) -> None:
        self._thread.start()
        assert self._uvicorn.answering.wait(10)

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()

    def run(self, function: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """The result of a coroutine on the server's own event loop."""
        return asyncio.run_coroutine_threadsafe(function(), self._runner.get_loop()).result(10)

    def wait_until_idle(self) -> None:
        """Returns when no edit is running any more."""
        self.run(self._idle)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Returns when `condition` holds, looking after each turn of the server's event loop."""
        deadline_s = time.monotonic() + 10
        while not condition():
            self.run(lambda: asyncio.sleep(0))
            assert time.monotonic() < deadline_s

    def left_behind(self) -> tuple[int, int]:
        """Producers that run and upstream connections in use: (0, 0) when all is well."""
        return len(self.app.state.gateway._running), self.app.state.upstream.open_connections

    async def _idle(self) -> None:
        if running := self.app.state.gateway._running:
            await asyncio.wait(running)

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._uvicorn.serve(sockets=[self._listener]))


class _Uvicorn(uvicorn.Server):
    """Tells when it answers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.answering = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.answering.set()


@contextmanager
def serving(settings: Settings, clocks: Clocks = SYSTEM_CLOCKS) -> Iterator[RunningServer]:
    """A server for the time of a `with` block."""
    server = RunningServer(settings, clocks)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _logger(file: io.StringIO) -> structlog.typing.FilteringBoundLogger:
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(file),
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(0),
    )
    return logger
