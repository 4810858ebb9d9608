"""Puts a server together: the only place that chooses concrete stores and providers."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware

from streamedit import providers
from streamedit.config import Settings
from streamedit.dispatch import Dispatch
from streamedit.gateway import Clocks, Gateway
from streamedit.keys import Keyring
from streamedit.providers.upstream import Upstream, UpstreamLimits
from streamedit.stores.memory import MemoryEventLog
from streamedit.telemetry import Telemetry
from streamedit.turns import Turns
from streamedit.web.answers import HANDLERS, RequestId
from streamedit.web.edits import EditRoutes
from streamedit.web.system import SystemRoutes

SYSTEM_CLOCKS = Clocks(clock=time.monotonic, now_s=time.time)


def create_app(settings: Settings, log: structlog.typing.FilteringBoundLogger, clocks: Clocks = SYSTEM_CLOCKS) -> Starlette:
    """The ASGI application of `settings`. `app.state` holds the gateway, the upstream pool and the event log."""
    server = settings.server
    events = MemoryEventLog(clocks.clock, budget_bytes=server.log_memory_bytes, retention_s=server.retention_s)
    turns = Turns()
    upstream = Upstream(UpstreamLimits(server.connect_s, server.silence_s))
    telemetry = Telemetry(log, lambda: events.size_bytes)
    catalogue = providers.build(settings.routes.providers, server, upstream, clocks.now_s)
    gateway = Gateway(settings.routes, Dispatch(catalogue, total_s=server.total_s), events, telemetry, clocks)
    keyring = Keyring(settings.api_keys)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with upstream.running(), gateway.running():
            yield

    app = Starlette(
        routes=[
            *EditRoutes(gateway, keyring, server, telemetry, turns).routes(),
            *SystemRoutes(gateway, keyring, telemetry, int(clocks.now_s())).routes(),
        ],
        middleware=[Middleware(RequestId)],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    app.state.gateway, app.state.upstream, app.state.events = gateway, upstream, events
    return app
