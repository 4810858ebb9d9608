"""A dispatch for tests: of scripted providers, with a past that is kept in memory."""

from collections.abc import Mapping

from streamedit.admission import Admission, Judges, Rules, Stores
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.dispatch import Dispatch
from streamedit.limits import QuotaRules
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.stores import Healths
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.registries import NoRegistry
from streamedit.stores.spends import NoSpends
from streamedit.tracker import Tracker
from streamedit.walk import Tools


def tools_of(
    providers: Mapping[str, Provider],
    prices: Prices | None = None,
    clocks: Clocks = SYSTEM_CLOCKS,
    healths: Healths | None = None,
    max_attempts: int = 10,
) -> Tools:
    """What walks over these providers work with."""
    known = prices or Prices(())
    tracker = Tracker(healths or MemoryHealths(), 60, known, clocks.now_s)
    return Tools(providers, known, tracker, clocks, max_attempts)


def dispatch_of(providers: Mapping[str, Provider], prices: Prices | None = None, total_s: float = 5) -> Dispatch:
    """See the module."""
    return Dispatch(tools_of(providers, prices), total_s=total_s)


def open_admission() -> Admission:
    """Lets everything in."""
    return admission_of(Stores(NoRegistry(), MemoryQuotas(SYSTEM_CLOCKS, QuotaRules()), NoSpends()))


def admission_of(
    stores: Stores, rules: Rules | None = None, judges: Judges | None = None, clocks: Clocks = SYSTEM_CLOCKS
) -> Admission:
    """By these rules, with these counts."""
    return Admission(rules or Rules(), stores, judges or Judges(Prices(())), clocks)
