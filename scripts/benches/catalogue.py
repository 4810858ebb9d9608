"""Every relay there is, and which of them a run can have."""

from collections.abc import Iterator, Mapping, Sequence

from .bench import progress
from .ours import OURS
from .peers import PEERS
from .proxies import PROXIES
from .relays import Relay

BUILT_IN: Mapping[str, Relay] = {relay.name: relay for relay in [*PROXIES, *OURS]}
ON_DEMAND: Mapping[str, Relay] = {relay.name: relay for relay in PEERS}
DEFAULT = ("direct", "nginx-default", "nginx-tuned", "haproxy", "streamedit")


def available(names: Sequence[str]) -> Iterator[Relay]:
    """The named relays, peers installed now where they are not yet; one that cannot be had is left out, with the reason."""
    relays = {**BUILT_IN, **ON_DEMAND}
    for relay in (relays[name] for name in names if name != "direct"):
        reason = _missing(relay)
        if reason:
            progress(f"{relay.name} is left out: {reason}")
        else:
            yield relay


def _missing(relay: Relay) -> str:
    """Why the relay cannot run; empty when it can."""
    try:
        if relay.install is not None:
            relay.install()
    except RuntimeError as error:
        return f"it cannot be installed: {error}"
    return "" if relay.program() else f"it is not installed: {relay.hint}"
