"""What makes edits: of settings it makes the offer that a gateway has."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from streamedit import providers
from streamedit.admission import Admission, Judges
from streamedit.clocks import Clocks
from streamedit.config import ServerSettings, Settings
from streamedit.dispatch import Dispatch
from streamedit.equipment import Equipment
from streamedit.gateway import Offer
from streamedit.moderation import Moderation
from streamedit.parties import Allowance
from streamedit.permits import Rules, Stores
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.providers.stills import Stills
from streamedit.standards import ModerationSettings
from streamedit.stores import Healths
from streamedit.telemetry import Telemetry
from streamedit.tracker import Tracker
from streamedit.upstream.client import Upstream
from streamedit.walk import Tools


class Workshop:
    """It lives as long as the server; nothing of it changes with the settings but what it makes of them."""

    def __init__(self, equipment: Equipment, upstream: Upstream, telemetry: Telemetry, clocks: Clocks) -> None:
        self._equipment = equipment
        self._upstream = upstream
        self._telemetry = telemetry
        self._clocks = clocks
        self._moderation: Moderation | None = None

    def offer(self, settings: Settings, needed: AbstractSet[str] | None = None) -> Offer:
        """The models that there are, with their providers, and who may have edits made by them.

        `needed`: the providers that it is to have, where those are not all that the settings name.
        """
        prices = Prices.shipped()
        if needed is None:
            needed = settings.routes.providers | providers.for_callers(settings.server.callers_keys)
        dispatch = self._dispatch(settings.server, prices, needed)
        judges = Judges(prices, self._moderated(settings.server.moderation), dispatch.capabilities)
        depot, server = self._equipment.depot, settings.server
        return Offer(settings.routes, dispatch, self._admission(server, judges), depot.inputs(server), depot.hosting(server))

    def _dispatch(self, server: ServerSettings, prices: Prices, needed: AbstractSet[str]) -> Dispatch:
        """On the providers that are needed."""
        upstream = self._upstream.waiting(server.connect_s, server.silence_s)
        catalogue = providers.build(needed, server, upstream, self._clocks.now_s)
        return make_dispatch(server, catalogue, self._equipment.healths, prices, self._clocks)

    def _admission(self, server: ServerSettings, judges: Judges) -> Admission:
        equipment = self._equipment
        rules = Rules(
            Allowance(server.limits.read(), tuple(budget.read() for budget in server.budgets)),
            server.key_defaults.read(),
            server.end_user_defaults.read(),
            server.queue_wait_s,
            server.total_s,
        )
        stores = Stores(equipment.registry, equipment.quotas, equipment.spends)
        return Admission(rules, stores, judges, self._clocks)

    def _moderated(self, wanted: ModerationSettings | None) -> Moderation | None:
        """The same as before where nothing of it was changed: it remembers what it was told."""
        if wanted is None or not wanted.is_on:
            self._moderation = None
        elif self._moderation is None or self._moderation.settings != wanted:
            self._moderation = Moderation(wanted, self._upstream, self._telemetry, self._clocks.clock)
        return self._moderation


def make_dispatch(
    server: ServerSettings, catalogue: Mapping[str, Provider], healths: Healths, prices: Prices, clocks: Clocks
) -> Dispatch:
    """A dispatch on these providers."""
    tracker = Tracker(healths, server.total_s, prices, clocks.now_s)
    stills = Stills(server.max_image_pixels, server.convert_s)
    return Dispatch(Tools(catalogue, prices, tracker, clocks, server.max_attempts, stills), total_s=server.total_s)
