"""Puts a server together: the only place that chooses concrete stores and providers."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from streamedit import providers
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.config import ServerSettings, Settings
from streamedit.deliveries import Deliveries
from streamedit.deliveries import Tools as DeliveryTools
from streamedit.dispatch import Dispatch
from streamedit.gateway import Gateway
from streamedit.health import Caller
from streamedit.keys import Keyring, StreamTokens
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.records import Sink
from streamedit.stores import EventLog, Healths
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.telemetry import Telemetry
from streamedit.tracker import Tracker
from streamedit.turns import Turns
from streamedit.upstream.client import Upstream, UpstreamLimits
from streamedit.walk import Tools
from streamedit.web.answers import HANDLERS, RequestId
from streamedit.web.auth import Door
from streamedit.web.edits import EditRoutes
from streamedit.web.pacing import Pace
from streamedit.web.resource import ResourceRoutes
from streamedit.web.sse import Answers
from streamedit.web.system import SystemRoutes
from streamedit.web.views import Visits

_EXPOSED_HEADERS = (
    "location", "preference-applied", "x-edit-id", "idempotent-replayed", "x-request-id", "retry-after", "x-should-retry",
)  # fmt: skip


def create_app(settings: Settings, log: structlog.typing.FilteringBoundLogger, clocks: Clocks = SYSTEM_CLOCKS) -> Starlette:
    """The ASGI application of `settings`. `app.state` holds the gateway, the upstream pool, the event log and the visits."""
    server = settings.server
    # Those who bring events in and those who send them out are two lines: the first may be held while the second goes on.
    intake, outlet = Turns(), Turns()
    events = _event_log(server, clocks, intake)
    upstream = Upstream(UpstreamLimits(server.connect_s, server.silence_s), intake)
    telemetry = Telemetry(log, lambda: events.size_bytes, _sinks(server, DeliveryTools(upstream, log, clocks)), clocks)
    catalogue = providers.build(settings.routes.providers, server, upstream, clocks.now_s)
    dispatch = make_dispatch(server, catalogue, MemoryHealths(), clocks)
    gateway = Gateway(settings.routes, dispatch, events, telemetry, clocks)
    keyring, visits = Keyring(settings.api_keys), Visits()
    door = Door(keyring, StreamTokens(settings.token_secret or keyring.derived_secret()), clocks.now_s)
    answers = Answers(Pace(server.stuck_reader_s, outlet), telemetry)
    resource = ResourceRoutes(gateway, door, server, answers, visits)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with upstream.running(), telemetry.serving(), gateway.running(server.drain_timeout_s):
            yield

    app = Starlette(
        routes=[
            *EditRoutes(gateway, door, server, resource, answers).routes(),
            *resource.routes(),
            *SystemRoutes(gateway, door, telemetry, int(clocks.now_s())).routes(),
        ],
        middleware=[Middleware(RequestId), *_cors(server)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.gateway, app.state.upstream, app.state.events, app.state.visits = gateway, upstream, events, visits
    return app


def make_dispatch(server: ServerSettings, catalogue: Mapping[str, Provider], healths: Healths, clocks: Clocks) -> Dispatch:
    """A dispatch on these providers."""
    prices = Prices.shipped()
    tracker = Tracker(healths, Caller(secrets.token_hex(8), server.total_s), prices, clocks.now_s)
    return Dispatch(Tools(catalogue, prices, tracker, clocks, server.max_attempts), total_s=server.total_s)


def _event_log(server: ServerSettings, clocks: Clocks, intake: Turns) -> EventLog:
    bounds = LogBounds(server.log_memory_bytes, server.log_disk_bytes, server.retention_s, server.log_folder)
    local = MemoryEventLog(clocks.clock, bounds, intake)
    if server.redis_url is None:
        return local
    # An extra: whoever has no Redis need not have its client.
    from streamedit.stores.redis import RedisEventLog, RedisPlace  # noqa: PLC0415

    return RedisEventLog(RedisPlace(server.redis_url, server.redis_prefix, server.retention_s), local, clocks.clock)


def _sinks(server: ServerSettings, tools: DeliveryTools) -> list[Sink]:
    """Who wants reports of edits, besides the log and Prometheus."""
    sinks: list[Sink] = [Deliveries(server.webhooks, tools)] if server.webhooks else []
    if server.otel is None:
        return sinks
    from streamedit.traces import Traces  # noqa: PLC0415 - an optional extra

    return [*sinks, Traces(server.otel)]


def _cors(server: ServerSettings) -> list[Middleware]:
    """Pages of the configured origins may do all that a client can; without any, browsers keep everybody else's out."""
    if not server.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=server.cors_origins,
            allow_methods=("GET", "HEAD", "POST", "OPTIONS"),
            allow_headers=("*",),
            expose_headers=_EXPOSED_HEADERS,
            allow_credentials=True,
        )
    ]
