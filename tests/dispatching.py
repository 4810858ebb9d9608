"""A dispatch for tests: of scripted providers, with a past that is kept in memory."""

from collections.abc import Mapping
from pathlib import Path

from loggers import logger

from streamedit.admission import Admission, Judges
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.dispatch import Dispatch
from streamedit.errors import InvalidRequest
from streamedit.gateway import Offer
from streamedit.hosting import Hosting
from streamedit.inputs import Inputs
from streamedit.keys import Links
from streamedit.limits import QuotaRules
from streamedit.permits import Rules, Stores
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.providers.stills import Stills
from streamedit.results import Results
from streamedit.routes import Routes
from streamedit.stores import Healths
from streamedit.stores.blobs.folder import FolderBlobs
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.registries import NoRegistry
from streamedit.stores.spends import NoSpends
from streamedit.tracker import Tracker
from streamedit.uploads import Upload
from streamedit.walk import Tools

STILLS = Stills(max_pixels=128_000_000, within_s=30)


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
    return Tools(providers, known, tracker, clocks, max_attempts, STILLS)


def dispatch_of(providers: Mapping[str, Provider], prices: Prices | None = None, total_s: float = 5) -> Dispatch:
    """See the module."""
    return Dispatch(tools_of(providers, prices), total_s=total_s)


def offer_of(routes: Routes, dispatch: Dispatch, admission: Admission | None = None) -> Offer:
    """What a gateway offers that brings no images in and hosts none."""

    async def nowhere(url: str, param: str, upload: Upload, max_bytes: int) -> None:
        raise InvalidRequest("Nothing is fetched here.", param=param)

    results = Results(FolderBlobs(Path("nowhere"), 0), Links(), 60, SYSTEM_CLOCKS.now_s)
    inputs = Inputs(nowhere, lambda url, param: None)
    return Offer(routes, dispatch, admission or open_admission(), inputs, Hosting(results, nowhere, logger()))


def open_admission() -> Admission:
    """Lets everything in."""
    return admission_of(Stores(NoRegistry(), MemoryQuotas(SYSTEM_CLOCKS, QuotaRules()), NoSpends()))


def admission_of(
    stores: Stores, rules: Rules | None = None, judges: Judges | None = None, clocks: Clocks = SYSTEM_CLOCKS
) -> Admission:
    """By these rules, with these counts."""
    return Admission(rules or Rules(), stores, judges or Judges(Prices(())), clocks)
