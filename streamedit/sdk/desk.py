"""Where an editor's edits are made: a house for one user, who needs a provider only when it is asked for something."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import replace

import structlog
from anyio import to_thread

from streamedit import providers
from streamedit.clocks import Clocks
from streamedit.config import Settings
from streamedit.edits import Edit
from streamedit.events import Event
from streamedit.gateway import Gateway, Offer
from streamedit.house import House
from streamedit.parties import ANONYMOUS
from streamedit.routing import Plan
from streamedit.sdk.arguments import Arguments
from streamedit.sdk.places import Places
from streamedit.stores import Logged
from streamedit.uploads import closed_unless_done
from streamedit.wire.multipart import BodyLimits

_SILENCE_S = 60.0
"""After which a reader looks again whether anything has come."""


class Desk:
    """See the module. Making one reads certificates: no work for an event loop."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], log: structlog.typing.FilteringBoundLogger, clocks: Clocks
    ) -> None:
        self.routes = settings.routes
        self._settings = settings
        self._places = Places(settings, providers.available(), environ)
        self._limits = BodyLimits(settings.server.max_body_bytes, settings.server.max_image_bytes)
        self._house = House(settings, log, clocks)
        self._offered: AbstractSet[str] = frozenset()
        self._offering = asyncio.Lock()
        self._gateway = self._house.gateway(self._offer(self._offered))

    def running(self) -> AbstractAsyncContextManager[None]:
        """Edits are made inside. Raises StoreUnavailable, OSError."""
        return self._house.running(self._gateway)

    @asynccontextmanager
    async def following(self, asked: Arguments) -> AsyncIterator[tuple[Edit, AsyncIterator[Event]]]:
        """An edit and its events. Nobody else can ever read it: who leaves early cancels it. Raises EditError."""
        async with AsyncExitStack() as stack:
            gateway, edit = await self._submitted(asked)
            stack.callback(gateway.abandon, edit.id)
            logged = await stack.enter_async_context(aclosing(await gateway.follow(edit.id, 0, _SILENCE_S)))
            yield edit, _events_of(logged)

    async def _submitted(self, asked: Arguments) -> tuple[Gateway, Edit]:
        request = await to_thread.run_sync(asked.request, self._limits)
        with closed_unless_done(request.close):
            plan = self._places.plan(request, asked.params)
            gateway = await self._gateway_for(plan)
            submitted = await gateway.submit(request, ANONYMOUS, plan=plan)
        return gateway, submitted.edit

    async def _gateway_for(self, plan: Plan) -> Gateway:
        """With the providers of a plan, which are imported when they are asked for the first time."""
        needed = {target.provider for target in plan.targets}
        async with self._offering:
            if not needed <= self._offered:
                offered = self._offered | needed
                self._gateway = self._gateway.offering(await to_thread.run_sync(self._offer, offered))
                self._offered = offered
            return self._gateway

    def _offer(self, needed: AbstractSet[str]) -> Offer:
        """Pictures stay in their events: there is no server to host them."""
        return replace(self._house.offer(self._settings, needed), hosting=None)


async def _events_of(logged: AsyncGenerator[Logged | None]) -> AsyncGenerator[Event]:
    async for each in logged:
        if each is not None:
            yield each.event
