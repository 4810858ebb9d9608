"""A server of the admin page alone, with a real database: its keys are managed and its budgets counted in the simplest way."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from streamedit.allowances import AllowanceFields
from streamedit.budgets import Spend, period_of
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.errors import Forbidden
from streamedit.keys import Keyring, StreamTokens, digest_of, make_key
from streamedit.parties import ApiKey, Scope
from streamedit.stores import Spends
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.overview import SqlOverview
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.telemetry import Telemetry
from streamedit.web.admin_page import AdminPage
from streamedit.web.answers import HANDLERS, RequestId
from streamedit.web.auth import Door
from streamedit.web.logins import Logins
from streamedit.web.overview import Books, OverviewRoutes
from streamedit.web.session import Sessions

MASTER = "sk-master-0123456789"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a page is to be served with. `spent`: micro-dollars spent and reserved of each budget, by the scope's name."""

    database_url: str | None = None
    master: str | None = MASTER
    clocks: Clocks = SYSTEM_CLOCKS
    public_base_url: str = ""
    cors_origins: tuple[str, ...] = ()
    spent: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class PageServer:
    """It answers at `url`. `telemetry` is what it tells live numbers from."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.database = Database(setting.database_url) if setting.database_url else None
        self.telemetry = Telemetry(cast("structlog.typing.FilteringBoundLogger", structlog.get_logger()), clocks=setting.clocks)
        self._uvicorn = uvicorn.Server(uvicorn.Config(self._app(), log_level="error", lifespan="on", proxy_headers=False))
        self._runner = asyncio.Runner()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return "http://{}:{}".format(*self._listener.getsockname())

    def ask(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Its answer to somebody without cookies; no authorities are loaded for it."""
        return httpx.request(method, self.url + path, verify=False, timeout=30, **what)

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(10)

    def stop(self) -> None:
        self._uvicorn.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._listener.close()

    def run(self, coroutine: Any) -> Any:
        """Its result, from the server's own event loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._runner.get_loop()).result(20)

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._uvicorn.serve(sockets=[self._listener]))

    def _app(self) -> Starlette:
        setting, now_s = self._setting, self._setting.clocks.now_s
        keyring = Keyring([setting.master] if setting.master else [])
        sessions = Sessions(keyring, keyring.derived_secret(), now_s, setting.public_base_url)
        door = Door(keyring, StreamTokens(keyring.derived_secret()), now_s, sessions)
        overview = OverviewRoutes(door, self.telemetry, self._books())
        page = AdminPage(door, sessions, overview, Logins())
        cors = Middleware(
            CORSMiddleware, allow_origins=setting.cors_origins, allow_methods=["*"], allow_headers=["*"], allow_credentials=True
        )
        keys = _KeyRoutes(door, SqlRegistry(self.database)).routes() if self.database else []
        return Starlette(
            routes=[*page.routes(), *keys],
            middleware=[Middleware(RequestId), cors],
            exception_handlers=HANDLERS,
            lifespan=self._lifespan,
        )

    def _books(self) -> Books | None:
        if self.database is None:
            return None
        spends = cast("Spends", _Spends(self._setting))
        return Books(SqlOverview(self.database), SqlRegistry(self.database), spends)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        if self.database is None:
            self._started.set()
            yield
            return
        async with self.database.serving():
            self._started.set()
            yield


@contextmanager
def page_serving(setting: Setting) -> Iterator[PageServer]:
    """A server for the time of a `with` block."""
    server = PageServer(setting)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Spends:
    """What budgets have come to, as the setting says."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting

    async def of(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Spend]]:
        now_s = self._setting.clocks.now_s()
        return {
            scope.name: [
                Spend(budget, period_of(budget.period, now_s), *self._setting.spent.get(scope.name, (0, 0)))
                for budget in scope.allowance.budgets
            ]
            for scope in scopes
        }


class _KeyRoutes:
    """What of /v1/admin/keys the page needs."""

    def __init__(self, door: Door, registry: SqlRegistry) -> None:
        self._door = door
        self._registry = registry

    def routes(self) -> list[Route]:
        path = "/v1/admin/keys"
        return [
            Route(path, self.create, methods=["POST"]),
            Route(f"{path}/{{id}}/rotate", self.rotate, methods=["POST"]),
            Route(f"{path}/{{id}}", self.revoke, methods=["DELETE"]),
        ]

    async def create(self, request: Request) -> Response:
        await self._door.authenticate_master(request)
        said = await request.json()
        if said.get("group"):
            raise Forbidden("There is no such group.", param="group", code="group_not_found")
        key_id, text = make_key()
        allowance = AllowanceFields(budgets=said.get("budgets", ())).read()
        key = ApiKey(key_id, said["name"], digest_of(text), self._door.now_s(), said.get("expires_at"), allowance=allowance)
        await self._registry.save_key(key)
        return JSONResponse({"object": "api_key", "id": key_id, "key": text})

    async def rotate(self, request: Request) -> Response:
        key = await self._find(request)
        _, text = make_key(key.id)
        await self._registry.save_key(replace(key, digest=digest_of(text)))
        return JSONResponse({"object": "api_key", "id": key.id, "key": text})

    async def revoke(self, request: Request) -> Response:
        key = await self._find(request)
        await self._registry.save_key(replace(key, revoked_at_s=self._door.now_s()))
        return JSONResponse({"object": "api_key", "id": key.id})

    async def _find(self, request: Request) -> ApiKey:
        await self._door.authenticate_master(request)
        key = await self._registry.key(request.path_params["id"])
        assert key is not None
        return key
