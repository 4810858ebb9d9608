"""From where images are fetched for callers, as a configuration says it. Pure."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

PORTS = range(1, 1 << 16)

_MAX_NAME = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_ENTRY = re.compile(r"(?P<star>\*\.)?(?P<host>\[[0-9a-f:.]+\]|[^\[\]:]+)(:(?P<port>[0-9]{1,5}))?")


def host_of(text: str) -> str | None:
    """A host in the one form in which hosts are compared: a name in lower case, a literal address in its shortest form.

    None for what is neither. A host that ends in a number is an address or nothing (WHATWG URL 3.5), so that nobody's resolver
    makes one of `2130706433`, `0x7f.1` or `127.1`. Names have no dot at their end, addresses no zone.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return text.lower() if _is_name(text.lower()) else None
    return None if isinstance(address, IPv6Address) and address.scope_id else str(address)


def _is_name(text: str) -> bool:
    labels = text.split(".")
    return len(text) <= _MAX_NAME and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


@dataclass(frozen=True, slots=True)
class HostPattern:
    """A host, or with `below` every host below it; at a port, or at any."""

    host: str
    port: int | None = None
    below: bool = False

    def __str__(self) -> str:
        """As a configuration names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return ("*." if self.below else "") + host + (f":{self.port}" if self.port else "")

    def matches(self, host: str, port: int) -> bool:
        """`host` as `host_of` gives it."""
        if self.port not in (None, port):
            return False
        return host.endswith(f".{self.host}") if self.below else host == self.host


def _pattern(entry: object) -> HostPattern:
    """`example.com`, `*.example.com`, `192.0.2.1`, `2001:db8::1`, with a port `example.com:8080`, `[2001:db8::1]:8080`."""
    text = entry.lower() if isinstance(entry, str) else ""
    found = _ENTRY.fullmatch(text if text.count(":") < 2 or "[" in text else f"[{text}]")
    host = host_of(found["host"].strip("[]")) if found else None
    port = int(found["port"]) if found and found["port"] else None
    if not found or not host or (port is not None and port not in PORTS) or (found["star"] and _is_address(host)):
        raise PydanticCustomError("host", "must be a host or *.host, in ASCII, with or without :port")
    return HostPattern(host, port, bool(found["star"]))


def _network(entry: object) -> HostPattern | Network:
    """A pattern, or addresses, however hosts are named that have them: `203.0.113.0/24`, `2001:db8::1`."""
    text = entry.strip("[]") if isinstance(entry, str) else ""
    try:
        return ip_network(text)
    except ValueError:
        if "/" in text:
            raise PydanticCustomError("network", "must be a network like 203.0.113.0/24, with no bits beyond it") from None
    pattern = _pattern(entry)
    if _is_address(pattern.host):
        raise PydanticCustomError("network", "must not have a port: an address is denied at every port")
    return pattern


def _exact(entry: object) -> HostPattern:
    pattern = _pattern(entry)
    if pattern.below:
        raise PydanticCustomError("internal", "must be one host: what is internal is named, not matched")
    return pattern


def _is_address(host: str) -> bool:
    return ":" in host or bool(_NUMBER.fullmatch(host.rpartition(".")[2]))


_Allowed = Annotated[HostPattern, BeforeValidator(_pattern)]
_Denied = Annotated[HostPattern | Network, BeforeValidator(_network)]
_Internal = Annotated[HostPattern, BeforeValidator(_exact)]
_Port = Annotated[int, Field(ge=PORTS.start, lt=PORTS.stop)]


class ImageUrlSettings(BaseModel):
    """The `server.image_urls` section. Times in seconds.

    `allow`: when given, no other host is asked. `deny` wins over everything; of its networks no host may have an address.
    `internal`: hosts that may have any address and any port. `ports`: of all others. `timeout_s`: for one image, with all its
    redirects. `at_once`: how many images are fetched at a time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    fetch: bool = True
    allow: tuple[_Allowed, ...] = ()
    deny: tuple[_Denied, ...] = ()
    internal: tuple[_Internal, ...] = ()
    ports: tuple[_Port, ...] = (80, 443)
    redirects: int = Field(3, ge=0, le=10)
    timeout_s: float = Field(20, gt=0, le=60)
    at_once: int = Field(16, ge=1, le=1000)

    def is_listed(self, host: str, port: int) -> bool:
        """Whether the lists let the host be asked at the port; `host` as `host_of` gives it."""
        named = (pattern for pattern in self.deny if isinstance(pattern, HostPattern))
        if any(pattern.matches(host, port) for pattern in named):
            return False
        return not self.allow or any(pattern.matches(host, port) for pattern in self.allow)

    def is_internal(self, host: str, port: int) -> bool:
        return any(pattern.matches(host, port) for pattern in self.internal)

    def is_denied(self, address: Address) -> bool:
        """Whether it is in one of the networks that are denied."""
        networks = (network for network in self.deny if not isinstance(network, HostPattern))
        return any(address in network for network in networks)
