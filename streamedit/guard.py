"""What may be fetched for a caller: a URL is judged by itself, then every address of its host. Pure.

Whoever connects takes the URL that was judged, as it was parsed then, and the addresses that were judged, and resolves nothing
again. Packages that do so (httpx-secure, drawbridge, safehttpx) sit inside httpcore, which this server does not use.

Sources: IANA's registries of special-purpose addresses; RFC 4291, 5214 and 6052 for IPv4 inside IPv6; the clouds' documents for
their metadata services.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import httpx

from streamedit.image_urls import PORTS, Address, ImageUrlSettings, host_of

_NEVER_IN_A_URL = re.compile(r"[\x00-\x20\x7f-\x9f\\\s]")
"""What some parsers skip and others do not: controls, blanks, and the backslash, which browsers take for a slash."""

_DEFAULT_PORTS = {"http": 80, "https": 443}

_GLOBAL_UNICAST = IPv6Network("2000::/3")

_TRANSLATED = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""Mapped, and NAT64 (RFC 6052): such an address is the IPv4 address inside, and nothing else."""

_ISATAP = 0x5EFE
"""RFC 5214: the upper half of an interface identifier that carries an IPv4 address, but for its bit `u`."""

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "100.64.0.0/10",  # shared by the customers of a carrier; Alibaba's metadata
            "168.63.129.16/32",  # Azure's own services
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata
            "192.88.99.0/24",  # 6to4 relays
            "2001::/23",  # protocol assignments; Teredo
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
"""Beside what is not global as Python's `ipaddress` has it; some of these are, in some versions."""


class Refused(Exception):
    """It must not be fetched. The text says why, and quotes nothing."""


def admitted(text: str, settings: ImageUrlSettings, base: httpx.URL | None = None) -> httpx.URL:
    """A caller's URL, or with `base` where a redirect leads from there, if it may be asked as far as it tells by itself.

    Raises Refused.
    """
    if not settings.fetch:
        raise Refused("this server does not fetch images from URLs")
    url = _parsed(text, base)
    if url.scheme not in _DEFAULT_PORTS:
        raise Refused("it must be an http or https URL")
    if url.userinfo:
        raise Refused("it must not have a user name or a password in it")
    host, port = host_of(url.raw_host.decode("ascii")), _port_of(url)
    if host is None:
        raise Refused("its host must be a name or an address")
    if not settings.is_listed(host, port):
        raise Refused("this server does not fetch images from its host")
    if port not in (PORTS if settings.is_internal(host, port) else settings.ports):
        raise Refused("this server does not fetch images from its port")
    return url


def judge(host: str, port: int, addresses: Sequence[Address], settings: ImageUrlSettings) -> None:
    """Raises Refused unless every one of the host's addresses, all of which have to be given, may be connected to."""
    if not addresses:
        raise Refused("its host has no address")
    is_internal = settings.is_internal(host_of(host) or host, port)
    for address in addresses:
        if any(settings.is_denied(each) for each in (address, *_meant(address))):
            raise Refused("its host has an address that is denied")
        if not (is_internal or is_public(address)):
            raise Refused("its host has an address that is not public")


def is_public(address: Address) -> bool:
    """Whether it is somebody's on the open internet, for all that it says."""
    return all(map(_is_public, _meant(address)))


def _meant(address: Address) -> Iterator[Address]:
    """The addresses that are reached by it."""
    if isinstance(address, IPv4Address):
        yield address
        return
    inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    is_translated = any(address in network for network in _TRANSLATED)
    if not is_translated:
        yield address
    if is_translated or (int(address) >> 32) & 0xFDFF_FFFF == _ISATAP:
        yield inner


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _NOT_PUBLIC)
    return address.is_global and not is_special


def _parsed(text: str, base: httpx.URL | None) -> httpx.URL:
    if _NEVER_IN_A_URL.search(text):
        raise Refused("it must not have blanks, control characters or backslashes in it")
    try:
        return base.join(text) if base is not None else httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise Refused("it is not a URL") from None


def _port_of(url: httpx.URL) -> int:
    return url.port if url.port is not None else _DEFAULT_PORTS[url.scheme]
