"""How often somebody may try to log in: five wrong keys a minute from one address, sixty attempts a minute in all. Pure."""

import ipaddress
import math
from collections import OrderedDict, deque

from streamedit.errors import RateLimited

_WINDOW_S = 60.0
_WRONG_OF_ONE = 5
_OF_ALL = 60
_ADDRESSES = 10_000
"""Those who were wrong longest ago are forgotten first; what they could gain by it, the limit of all takes away."""


class Logins:
    """The attempts of the last minute, of one process. Callers say what time it is, in seconds."""

    def __init__(self) -> None:
        self._all: deque[float] = deque()
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, address: str, now_s: float) -> None:
        """Count an attempt. Raises RateLimited."""
        _check(self._wrong.get(_network(address), deque()), _WRONG_OF_ONE, now_s)
        _check(self._all, _OF_ALL, now_s)
        self._all.append(now_s)

    def failed(self, address: str, now_s: float) -> None:
        """It was the wrong key."""
        network = _network(address)
        self._wrong.setdefault(network, deque(maxlen=_WRONG_OF_ONE)).append(now_s)
        self._wrong.move_to_end(network)
        if len(self._wrong) > _ADDRESSES:
            self._wrong.popitem(last=False)


def _check(times_s: deque[float], limit: int, now_s: float) -> None:
    while times_s and times_s[0] <= now_s - _WINDOW_S:
        times_s.popleft()
    if len(times_s) >= limit:
        wait_s = max(1, math.ceil(times_s[0] + _WINDOW_S - now_s))
        raise RateLimited(f"Too many attempts to log in. Try again in {wait_s} s.", headers={"retry-after": str(wait_s)})


def _network(address: str) -> str:
    """One host has one IPv4 address, and a whole /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    # A socket for both kinds names IPv4 addresses so.
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((parsed, 64), strict=False))
