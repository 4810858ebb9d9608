"""One call of one target: held to its bounds, priced, counted."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import TypeAlias

from streamedit.edits import EditRequest
from streamedit.errors import EditError, RequestTimeout, UpstreamBroken, UpstreamTimeout
from streamedit.events import Completed, Event, Failed, PartialImage, Usage
from streamedit.failures import told_to_its_owner
from streamedit.pricing import Made, Prices
from streamedit.providers.base import Provider
from streamedit.providers.capabilities import adapted
from streamedit.providers.stills import Stills
from streamedit.routing import Stage
from streamedit.targets import Target
from streamedit.wire.forms import overridden

Emit: TypeAlias = Callable[[Event], Awaitable[None]]
"""Takes the next event of an edit."""


class Attempt:
    """With what was counted so far; `first_event_s` is None until an event was emitted. `clock` gives monotonic seconds."""

    def __init__(self, stage: Stage, target: Target, prices: Prices, stills: Stills, clock: Callable[[], float]) -> None:
        self._stage = stage
        self._target = target
        self._prices = prices
        self._stills = stills
        self._clock = clock
        self._is_counted = False
        self._priced = 0
        self._request: EditRequest | None = None
        self.started_s = clock()
        self.first_event_s: float | None = None
        self.partial_images = 0
        self.images = 0
        self.size_bytes = 0
        self.usage = Usage()
        self.cost_micros: int | None = None

    @property
    def total_s(self) -> float:
        """Since it began."""
        return self._clock() - self.started_s

    def charge_micros(self, *, may_be_paid: bool) -> int:
        """What counts against budgets: the cost of the images, and of those that are missing, or that no price fits, what they
        could have cost at most. Nothing that the caller's own account pays.
        """
        if self._target.is_callers:
            return 0
        known = self.cost_micros or 0
        if not may_be_paid or self._request is None:
            return known
        unknown = max(0, self._request.n - self._priced)
        return known + unknown * (self._prices.worst_micros(self._target, self._request) or 0)

    async def run(self, provider: Provider, request: EditRequest, emit: Emit) -> None:
        """Emit the events of the call. Raises EditError; beyond a bound UpstreamTimeout, beyond the caller's RequestTimeout."""
        target = _with_headers(self._target, request)
        capabilities = provider.capabilities(target)
        request = adapted(overridden(request, self._stage.overrides), capabilities, target)
        self._request = request = await self._stills.suited(request, capabilities)
        callers, own = self._stage.timeout_s, target.timeout_s
        bound = min((each for each in (callers, own) if each is not None), default=None)
        try:
            async with asyncio.timeout(bound) as deadline:
                await self._relay(provider.edit(request, target), request.n, emit if bound is None else _beside(deadline, emit))
        except TimeoutError:
            if callers is not None and bound == callers:
                raise RequestTimeout(f"Request exceeded the timeout sent in the request: {callers * 1000:.0f}ms") from None
            raise UpstreamTimeout("The provider took too long.") from None
        except EditError as error:
            if not target.is_callers:
                raise
            raise error.retold(told_to_its_owner(error.detail)) from error

    async def _relay(self, events: AsyncGenerator[Event], missing: int, emit: Emit) -> None:
        async with aclosing(events):
            async for event in events:
                if self.first_event_s is None:
                    self.first_event_s = self.total_s
                await emit(self._counted(event))
                missing -= isinstance(event, Completed)
                if not missing:
                    return
        raise UpstreamBroken("The provider's stream ended before the edit was completed.", code="upstream_incomplete")

    def _counted(self, event: Event) -> Event:
        if isinstance(event, Failed):
            return event
        self.size_bytes += event.payload.size_bytes
        self.partial_images += isinstance(event, PartialImage)
        if not isinstance(event, Completed):
            return event
        self.images += 1
        usage = Usage.of(event.payload)
        self.usage += usage
        cost_micros = self._cost_micros(event, usage)
        if cost_micros is not None:
            self._priced += 1
            self.cost_micros = (self.cost_micros or 0) + cost_micros
        goes_by_url = self._request is not None and self._request.options.response_format == "url"
        return replace(event, cost_micros=cost_micros, goes_by_url=goes_by_url)

    def _cost_micros(self, completed: Completed, usage: Usage) -> int | None:
        """What the image cost. The usage of all images of a call comes with the first of them."""
        tells = usage.cost_micros is not None or usage.input_tokens + usage.output_tokens > 0
        if self._is_counted and not tells:
            return 0
        fields = completed.payload.fields
        made = Made(fields.get("quality"), fields.get("size"), self.partial_images)
        cost_micros = self._prices.cost_micros(self._target, usage, made)
        self._is_counted = self._is_counted or (tells and cost_micros is not None)
        return cost_micros


def _with_headers(target: Target, request: EditRequest) -> Target:
    """With the caller's headers for the provider; where the configuration has the same, it counts."""
    if not request.wishes.headers:
        return target
    own = target.extra_headers
    settled = {name.lower() for name in own}
    headers = {**{name: value for name, value in request.wishes.headers.items() if name not in settled}, **own}
    return replace(target, params={**target.params, "extra_headers": headers})


def _beside(deadline: asyncio.Timeout, emit: Emit) -> Emit:
    """The same; the time that it takes is not the provider's."""

    async def emit_beside(event: Event) -> None:
        loop, until_s = asyncio.get_running_loop(), deadline.when()
        begun_s = loop.time()
        deadline.reschedule(None)
        await emit(event)
        deadline.reschedule(None if until_s is None else until_s + loop.time() - begun_s)

    return emit_beside
