"""A real server on a real socket, on a thread of its own, for tests that are its clients."""

import asyncio
import io
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import uvicorn
import uvloop
from loggers import logger
from starlette.applications import Starlette

from streamedit.app import create_app
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.config import ServerSettings, Settings
from streamedit.connections import Connections
from streamedit.routes import Route, Routes
from streamedit.serving import give_up_lost_peers, keep_little_for_slow_peers, uvicorn_config
from streamedit.storage import StorageSettings
from streamedit.targets import Target

_Result = TypeVar("_Result")


_KEPT = tempfile.TemporaryDirectory(prefix="streamedit-kept-")


def settings_of(*targets: Target, keys: tuple[str, ...] = (), **server: Any) -> Settings:
    """Settings with one model name per target, the target's own; the first is the default. `server`: as for `server_of`."""
    routes = [Route(target.model, (target,)) for target in targets]
    return Settings(Routes(routes, routes[0].model), server_of(**server), keys)


def server_of(**said: Any) -> ServerSettings:
    """What is said of a server. Stopping takes no time.

    What a database does not have yet, and the files that it knows, are in folders that no other database has, unless it is said
    where; hosted results of servers without one are in one folder.
    """
    said = {"drain_timeout_s": 0, **said}
    place = Path(_KEPT.name) / sha256((said.get("database_url") or "").encode()).hexdigest()
    if said.get("database_url"):
        said.setdefault("ledger_folder", place / "ledger")
    storage = said.get("storage", StorageSettings())
    if storage.folder is None and storage.bucket is None:
        said["storage"] = storage.model_copy(update={"folder": place / "blobs"})
    return ServerSettings(**said)


class RunningServer:
    """A server that answers at `url`. `log_text` is what it has logged."""

    def __init__(self, settings: Settings, clocks: Clocks, keep_alive_s: int | None) -> None:
        self._log = io.StringIO()
        self._listener = socket.create_server(("127.0.0.1", 0))
        keep_little_for_slow_peers(self._listener)
        give_up_lost_peers(self._listener, settings.server.stuck_reader_s)
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self.app: Starlette = create_app(settings, logger(self._log), clocks)
        config = uvicorn_config(lambda: self.app, settings.server)
        config.timeout_keep_alive = keep_alive_s or config.timeout_keep_alive
        self.connections = cast("Connections", config.http)
        self._uvicorn = _Uvicorn(config)
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self.address)

    @property
    def edits_url(self) -> str:
        return f"{self.url}/v1/images/edits"

    @property
    def log_text(self) -> str:
        return self._log.getvalue()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._listener.getsockname()
        return host, port

    @property
    def sockets(self) -> list[socket.socket]:
        """The server's ends of its connections."""
        return [connection.transport.get_extra_info("socket") for connection in self._uvicorn.server_state.connections]

    @property
    def requests(self) -> int:
        """How many are being answered."""
        return len(self._uvicorn.server_state.tasks)

    def reload(self, settings: Settings) -> Sequence[str]:
        """Let other settings hold for the requests to come; the names of those that only a restart can change."""
        left: Sequence[str] = self.run(lambda: self.app.state.reload(settings))
        return left

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

    def break_off(self) -> None:
        """All connections are gone at once, as when a network breaks."""

        async def abort() -> None:
            for connection in list(self._uvicorn.server_state.connections):
                connection.transport.abort()

        self.run(abort)

    def wait_until_idle(self) -> None:
        """Returns when no edit is running any more."""
        self.run(self.app.state.gateway._idle.wait)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Returns when `condition` holds, looking after each turn of the server's event loop."""
        deadline_s = time.monotonic() + 10
        while not condition():
            self.run(lambda: asyncio.sleep(0))
            assert time.monotonic() < deadline_s

    def left_behind(self) -> tuple[int, int]:
        """Producers that run and upstream connections in use: (0, 0) when all is well."""
        return len(self.app.state.gateway._running), self.app.state.upstream.open_connections

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
def serving(settings: Settings, clocks: Clocks = SYSTEM_CLOCKS, *, keep_alive_s: int | None = None) -> Iterator[RunningServer]:
    """A server for the time of a `with` block, configured as in production but for `keep_alive_s`."""
    server = RunningServer(settings, clocks, keep_alive_s)
    server.start()
    try:
        yield server
    finally:
        server.stop()
