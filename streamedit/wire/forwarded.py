"""Headers that a caller may add to the calls of providers, `extra_headers`: which, and how many.

They are sent with this server's credentials, so none may name others, choose whose account pays, or say where a message ends.
"""

import re
from collections.abc import Mapping

_MAX_HEADERS = 32
_MAX_CHARS = 8192
"""Of all names and values; servers take about as much in a request's head."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
"""RFC 9110, 5.1: a token; in lower case here."""

_VALUE = re.compile(r"[\t\x20-\x7e]*")
_CREDENTIAL = re.compile("auth|cookie|credential|key|password|secret|signature|token")
_ACCOUNTS = frozenset(("openai-organization", "openai-project", "x-goog-user-project"))
_CONNECTION = frozenset(
    ("accept", "accept-encoding", "connection", "expect", "forwarded", "host", "keep-alive", "range", "te", "trailer",
     "transfer-encoding", "upgrade", "via"),
)  # fmt: skip
"""RFC 9110, 7.6.1: what belongs to one connection; and what decides of the form in which an answer comes."""

_FAMILIES = ("content-", "proxy-", "sec-", "x-amz-", "x-amzn-", "x-forwarded-")
"""The body's own, a proxy's, a browser's; and AWS's, which are signed, or set a model's guardrails."""

_GATEWAYS = ("cf-aig-", "helicone-", "x-portkey-")
"""Gateways may be asked like providers: these headers say to which host they send what they were sent, keys and all."""


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers with names in lower case. Raises ValueError, which names the one that is not taken."""
    if len(headers) > _MAX_HEADERS:
        raise ValueError(f"at most {_MAX_HEADERS} headers")
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    if sum(len(name) + len(value) for name, value in lower.items()) > _MAX_CHARS:
        raise ValueError(f"at most {_MAX_CHARS} characters in all")
    for name, value in lower.items():
        _check(name, value)
    return lower


def _check(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("a header's name has letters, digits and hyphens")
    if _CREDENTIAL.search(name) or name in _ACCOUNTS or name.startswith(_GATEWAYS):
        raise ValueError(f"{name} is not forwarded: credentials and accounts are this server's")
    if name in _CONNECTION or name.startswith(_FAMILIES):
        raise ValueError(f"{name} is not forwarded: it belongs to the connection or the body")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of {name} must be printable ASCII on one line")
