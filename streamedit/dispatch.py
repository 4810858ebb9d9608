"""Walks the targets of a route until one commits, and makes n images of as many calls as that takes.

A target commits with its first event. Until then the next target may be tried; after it never: somebody may have paid.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

from streamedit.edits import EditRequest
from streamedit.errors import EditError, UpstreamBroken, UpstreamTimeout
from streamedit.events import Completed, Event, Failed, PartialImage, Usage
from streamedit.pricing import Made, Prices
from streamedit.providers.base import Provider
from streamedit.providers.capabilities import Capabilities, adapted
from streamedit.routing import Route, Target, may_fall_back
from streamedit.wire import payloads

Emit: TypeAlias = Callable[[Event], Awaitable[None]]
"""Takes the next event of an edit."""


class Dispatch:
    """Runs requests on providers. An edit calls each target at most once for each image."""

    def __init__(self, providers: Mapping[str, Provider], prices: Prices, *, total_s: float) -> None:
        self._providers = providers
        self._prices = prices
        self._total_s = total_s

    def capabilities(self, target: Target) -> Capabilities:
        return self._providers[target.provider].capabilities(target)

    async def run(self, request: EditRequest, route: Route, emit: Emit) -> None:
        """Emit the edit's partial and completed images. Raises EditError when any image could not be made.

        One call makes all n images where the client does not stream and the provider can; else n calls run side by side, and
        each event of a stream says in `image_index` which image it belongs to. All of it takes `total_s` at most.
        """
        try:
            async with asyncio.timeout(self._total_s):
                await self._make(request, route, emit)
        except TimeoutError:
            raise UpstreamTimeout("The edit took too long.") from None

    async def _make(self, request: EditRequest, route: Route, emit: Emit) -> None:
        if request.n == 1 or self._makes_all(request, route):
            await self._walk(request, route, emit)
            return
        async with asyncio.TaskGroup() as images:
            calls = [images.create_task(self._one_of_n(request.single(i), route, emit)) for i in range(request.n)]
        failed = [error for call in calls if (error := call.result()) is not None]
        if failed:
            raise failed[0]

    def _makes_all(self, request: EditRequest, route: Route) -> bool:
        """Whichever target takes over makes all of the images in one call."""
        return not request.stream and all(request.n <= self.capabilities(target).n for target in route.targets)

    async def _one_of_n(self, request: EditRequest, route: Route, emit: Emit) -> EditError | None:
        """One image's call. Its failure is a result: the other images are already being paid for."""

        async def emit_indexed(event: Event) -> None:
            await emit(_indexed(event, request))

        try:
            await self._walk(request, route, emit_indexed)
        except EditError as error:
            return error
        return None

    async def _walk(self, request: EditRequest, route: Route, emit: Emit) -> None:
        for target in route.targets:
            attempt = _Attempt(target, self._prices, emit)
            try:
                await attempt.run(self._providers[target.provider], request)
            except EditError as error:
                if target is route.targets[-1] or not may_fall_back(error.detail, attempt.committed):
                    raise
            else:
                return


class _Attempt:
    """One call of one target."""

    def __init__(self, target: Target, prices: Prices, emit: Emit) -> None:
        self._target = target
        self._prices = prices
        self._emit = emit
        self._partial_images = 0
        self._is_counted = False
        self.committed = False

    async def run(self, provider: Provider, request: EditRequest) -> None:
        """Raises EditError; beyond the target's own bound UpstreamTimeout."""
        target = self._target
        request = adapted(request, provider.capabilities(target), target)
        try:
            async with asyncio.timeout(target.timeout_s):
                await self._relay(provider.edit(request, target), request.n)
        except TimeoutError:
            raise UpstreamTimeout("The provider took too long.") from None

    async def _relay(self, events: AsyncGenerator[Event], missing: int) -> None:
        async with aclosing(events):
            async for event in events:
                self.committed = True
                await self._emit(self._priced(event))
                missing -= isinstance(event, Completed)
                if not missing:
                    return
        raise UpstreamBroken("The provider's stream ended before the edit was completed.", code="upstream_incomplete")

    def _priced(self, event: Event) -> Event:
        self._partial_images += isinstance(event, PartialImage)
        return replace(event, cost_micros=self._cost_micros(event)) if isinstance(event, Completed) else event

    def _cost_micros(self, completed: Completed) -> int | None:
        """What the image cost. The usage of all images of a call comes with the first of them."""
        usage = Usage.of(completed.payload)
        tells = usage.cost_micros is not None or usage.input_tokens + usage.output_tokens > 0
        if self._is_counted and not tells:
            return 0
        fields = completed.payload.fields
        made = Made(fields.get("quality"), fields.get("size"), self._partial_images)
        cost_micros = self._prices.cost_micros(self._target, usage, made)
        self._is_counted = self._is_counted or (tells and cost_micros is not None)
        return cost_micros


def _indexed(event: Event, request: EditRequest) -> Event:
    if isinstance(event, Failed):
        return event
    index = request.image_index
    payload = payloads.with_field(event.payload, "image_index", index) if request.stream else event.payload
    return replace(event, payload=payload, image_index=index)
