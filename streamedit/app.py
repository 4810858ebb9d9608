"""Puts a server together: the only place that chooses concrete stores and providers."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext

import structlog
from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from streamedit import limits, providers
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.config import ServerSettings, Settings
from streamedit.gateway import Gateway
from streamedit.house import House
from streamedit.keys import Keyring, StreamTokens
from streamedit.portkey.offers import Offers
from streamedit.registrar import Registrar
from streamedit.reloads import Reloads, taken
from streamedit.stores.sql.audits import SqlAudits
from streamedit.stores.sql.overview import SqlOverview
from streamedit.stores.sql.usage import SqlUsage
from streamedit.turns import Turns
from streamedit.web import facts, playground
from streamedit.web.admin import AdminRoutes
from streamedit.web.admin_page import AdminPage
from streamedit.web.answers import HANDLERS, RequestId
from streamedit.web.auth import Door
from streamedit.web.edits import EditRoutes
from streamedit.web.files import FileRoutes
from streamedit.web.logins import Logins
from streamedit.web.overview import Accounts, OverviewRoutes
from streamedit.web.pacing import Pace
from streamedit.web.portkey import Portkey
from streamedit.web.resource import ResourceRoutes
from streamedit.web.results import ResultRoutes
from streamedit.web.session import Sessions
from streamedit.web.sse import Answers
from streamedit.web.system import SystemRoutes
from streamedit.web.usage import Entered, UsageRoutes
from streamedit.web.views import Visits

_EXPOSED_HEADERS = (
    "location", "preference-applied", "x-edit-id", "idempotent-replayed", "x-request-id", "retry-after", "retry-after-ms",
    "x-should-retry", "x-has-more", *limits.HEADERS, *facts.HEADERS,
)  # fmt: skip


def create_app(
    settings: Settings,
    log: structlog.typing.FilteringBoundLogger,
    clocks: Clocks = SYSTEM_CLOCKS,
    reloads: Reloads | None = None,
) -> Starlette:
    """The ASGI application of `settings`.

    `app.state` holds the gateway, the upstream pool, the equipment and of that the event log, and the visits.

    `await app.state.reload(settings)` lets other settings hold for the requests to come, and gives the names of those that
    only a restart can change. `reloads` does so as often as it is asked to, while the application runs.
    """
    return _Application(House(settings, log, clocks), reloads)


class _Front:
    """Makes of settings what a request meets. What all of that shares lives as long as the server."""

    def __init__(self, house: House) -> None:
        self._clocks = house.clocks
        self._telemetry = house.telemetry
        self._equipment = house.equipment
        self.visits = Visits()
        self._logins = Logins()
        books = house.equipment.books
        self._sums = SqlOverview(books.database) if books else None
        self._answers = Answers(Pace(house.settings.server.stuck_reader_s, Turns()), house.telemetry)
        self._started_at_s = int(house.clocks.now_s())

    def surface(self, settings: Settings, gateway: Gateway) -> ASGIApp:
        """The routes with all that decides of a request before it is an edit."""
        server, keyring = settings.server, Keyring(settings.api_keys)
        secret = settings.token_secret or self._secret_with(keyring)
        depot = self._equipment.depot
        depot.results.links.use(secret)
        sessions = Sessions(keyring, secret, self._clocks.now_s, server.public_base_url)
        door = Door(keyring, self._equipment.registry, StreamTokens(secret), self._clocks.now_s, sessions)
        offers = Offers(settings.routes, providers.available(), providers.for_callers(server.callers_keys), server.custom_hosts)
        portkey = Portkey(door, offers, server.portkey_configs)
        resource = ResourceRoutes(gateway, door, server, self._answers, self.visits)
        surface = Starlette(
            routes=[
                *EditRoutes(gateway, portkey, server, resource, self._answers).routes(),
                *resource.routes(),
                *SystemRoutes(gateway, door, self._telemetry, self._started_at_s, server.metrics_keys).routes(),
                *FileRoutes(door, depot.filing, server, self._answers).routes(),
                *ResultRoutes(depot.results, self._answers, self._clocks.now_s).routes(),
                *self._routes_of_books(door, server),
                *(playground.routes() if server.playground else ()),
                *AdminPage(
                    door, sessions, OverviewRoutes(door, self._telemetry, self._accounts(server)), self._logins
                ).routes(),
            ],
            middleware=[Middleware(RequestId), *_cors(server)],
            exception_handlers=HANDLERS,
        )
        # Without the application around it: that would be one more call for each piece that is sent.
        return surface.build_middleware_stack()

    def _routes_of_books(self, door: Door, server: ServerSettings) -> Sequence[BaseRoute]:
        books = self._equipment.books
        if books is None:
            return [*AdminRoutes(door, None, None, server).routes(), *UsageRoutes(door, None).routes()]
        registrar = Registrar(books.registry, providers.CATALOGUE, self._clocks.now_s, self._equipment.registry.forget)
        entered = Entered(SqlUsage(books.database), SqlAudits(books.database), books.ledger.flushed)
        return [*AdminRoutes(door, registrar, books.spends, server).routes(), *UsageRoutes(door, entered).routes()]

    def _accounts(self, server: ServerSettings) -> Accounts | None:
        """What the admin page shows of the database."""
        books = self._equipment.books
        if books is None or self._sums is None:
            return None
        return Accounts(self._sums, books.registry, books.spends, server.key_defaults.read())

    def _secret_with(self, keyring: Keyring) -> str:
        """For stream tokens: of the keys, or else of the database, for everybody knows what comes of no keys."""
        return keyring.derived_secret() if keyring else self._equipment.secret or keyring.derived_secret()


class _Application(Starlette):
    """Each request goes to the surface of the moment, and stays with it."""

    def __init__(self, house: House, reloads: Reloads | None) -> None:
        super().__init__(lifespan=self._running)
        self._house = house
        self._front = _Front(house)
        self._reloads = reloads
        gateway = house.gateway(house.offer(house.settings))
        self._surface = self._front.surface(house.settings, gateway)
        self.state.gateway, self.state.reload = gateway, self._reload
        self.state.upstream, self.state.visits = house.upstream, self._front.visits
        self.state.equipment, self.state.events = house.equipment, house.equipment.events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self._surface(scope, receive, send)

    @asynccontextmanager
    async def _running(self, _: Starlette) -> AsyncIterator[None]:
        gateway: Gateway = self.state.gateway
        reloading = self._reloads.running(self._reload) if self._reloads else nullcontext()
        house = self._house
        async with house.running(gateway, house.settings.server.drain_timeout_s), reloading:
            if house.equipment.secret is not None:
                # Only now is known what tokens are signed with.
                self._surface = self._front.surface(house.settings, gateway)
            yield

    async def _reload(self, settings: Settings) -> Sequence[str]:
        settings, left = taken(settings, self._house.settings)
        # Providers are imported, the API is described: no work for the event loop.
        gateway, surface = await to_thread.run_sync(self._made, settings)
        self.state.gateway, self._surface = gateway, surface
        return left

    def _made(self, settings: Settings) -> tuple[Gateway, ASGIApp]:
        gateway: Gateway = self.state.gateway
        gateway = gateway.offering(self._house.offer(settings))
        return gateway, self._front.surface(settings, gateway)


def _cors(server: ServerSettings) -> list[Middleware]:
    """Pages of the configured origins may do all that a client can; without any, browsers keep everybody else's out."""
    if not server.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=server.cors_origins,
            allow_methods=("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"),
            allow_headers=("*",),
            expose_headers=_EXPOSED_HEADERS,
            allow_credentials=True,
        )
    ]
