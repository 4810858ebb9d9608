"""Addresses that a provider names: where to look after a job, where a picture is. Nobody is sent anywhere else. Pure."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from streamedit.errors import UpstreamBroken
from streamedit.events import Json


def own_address(url: Json, hosts: Sequence[str], api_base: str | None) -> str:
    """The address, if it is the provider's: with TLS on one of `hosts` or below it, or where the configured API itself is.

    A `*` in a host stands for a part of one of its names. Raises UpstreamBroken for any other address, and for what is none.
    """
    if isinstance(url, str) and (is_at(url, api_base) or _is_below(url, hosts)):
        return url
    raise UpstreamBroken("The provider named an address that is not its own.", code="upstream_malformed")


def is_at(url: str, api_base: str | None) -> bool:
    """Whether the address is on the very host and port of the configured API."""
    given, base = _parts(url), _parts(api_base or "")
    return given is not None and given == base


def _is_below(url: str, hosts: Sequence[str]) -> bool:
    given = _parts(url)
    if given is None or given[0] != "https":
        return False
    return any(re.fullmatch(_pattern(host), given[1]) for host in hosts)


def _pattern(host: str) -> str:
    return r"(.+\.)?" + re.escape(host).replace(r"\*", "[a-z0-9-]*")


def _parts(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port; None for what is no address, or has a user in it."""
    try:
        parts = urlsplit(url)
        found = (parts.scheme, parts.hostname or "", parts.port)
    except ValueError:
        return None
    return found if found[1] and parts.scheme in ("http", "https") and "@" not in parts.netloc else None
