"""All of a server but its web: what lives as long as it does, and makes of settings what holds for an edit."""

from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager

import structlog

from streamedit.clocks import Clocks
from streamedit.config import ServerSettings, Settings
from streamedit.deliveries import Deliveries, Tools
from streamedit.equipment import Equipment
from streamedit.gateway import Gateway, Offer
from streamedit.records import Sink
from streamedit.telemetry import Telemetry
from streamedit.turns import Turns
from streamedit.upstream.client import Upstream, UpstreamLimits
from streamedit.workshop import Workshop


class House:
    """The upstream pool, the stores and the telemetry of `settings`. Nothing of it changes with other settings."""

    def __init__(self, settings: Settings, log: structlog.typing.FilteringBoundLogger, clocks: Clocks) -> None:
        self.settings = settings
        self.clocks = clocks
        server = settings.server
        # Those who send events out have a line of their own: this one may be held while theirs goes on.
        intake = Turns()
        self.upstream = Upstream(UpstreamLimits(server.connect_s, server.silence_s), intake)
        self.equipment = Equipment(server, log, clocks, self.upstream, intake)
        sinks = _sinks(server, Tools(self.upstream, log, clocks))
        self.telemetry = Telemetry(log, lambda: self.equipment.events.size_bytes, sinks, clocks)
        self._workshop = Workshop(self.equipment, self.upstream, self.telemetry, clocks)

    def gateway(self, offer: Offer) -> Gateway:
        """One that begins with `offer`."""
        return Gateway(offer, self.equipment.events, self.equipment.ledger, self.telemetry, self.clocks)

    def offer(self, settings: Settings, needed: AbstractSet[str] | None = None) -> Offer:
        """What these settings decide. `needed`: the providers that it must have; None for all that the settings name."""
        return self._workshop.offer(settings, needed)

    @asynccontextmanager
    async def running(self, gateway: Gateway, drain_s: float = 0) -> AsyncIterator[None]:
        """Edits are made inside; `drain_s` as for the gateway. Raises StoreUnavailable, OSError."""
        async with (
            self.equipment.serving(), self.upstream.running(), self.telemetry.serving(), gateway.running(drain_s)
        ):  # fmt: skip
            yield


def _sinks(server: ServerSettings, tools: Tools) -> list[Sink]:
    """Who wants reports of edits, besides the log and Prometheus."""
    sinks: list[Sink] = [Deliveries(server.webhooks, tools)] if server.webhooks else []
    if server.otel is None:
        return sinks
    from streamedit.traces import Traces  # noqa: PLC0415 - an optional extra

    return [*sinks, Traces(server.otel)]
