"""How far a connection goes, as far as a host's name tells."""

import ipaddress
from urllib.parse import parse_qs, urlsplit

from streamedit.sources import is_loopback


def plainly_to(url: str, schemes: tuple[str, ...] = ("http",)) -> str | None:
    """The host to which an address leads without TLS; None where it has TLS, leaves this machine not, or is none."""
    return host_beyond(url) if url.partition("://")[0].lower() in schemes else None


def host_beyond(url: str) -> str | None:
    """The host to which an address leads, with TLS or without; None where it leaves this machine not, or is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return host if host and not is_loopback(host) else None


def has_password(url: str) -> bool:
    """Whether an address has one in it."""
    parts = urlsplit(url)
    return bool(parts.password or parse_qs(parts.query).get("password"))


def is_near(host: str) -> bool:
    """Whether it is in one's own network: a private address, or a name that only such a network knows."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".svc", ".lan"))
