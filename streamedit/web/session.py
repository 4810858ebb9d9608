"""The admin page's session: a signed cookie in the place of the master key, good for reading and changing from that page alone.

The cookie is `expiry.nonce.signature`, with the expiry in Unix seconds and HMAC-SHA256 over both and the configuration's keys:
other keys end all sessions. Nothing is kept here, so that every worker knows every session.
"""

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from streamedit.errors import Forbidden
from streamedit.keys import Keyring, signature_of
from streamedit.parties import Principal

CSRF_HEADER = "x-csrf-token"

_LIFETIME_S = 12 * 3600
_COOKIE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")
_MASTER = Principal("session", is_master=True)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})
"""What Sec-Fetch-Site says of a page of this origin, and of a user who typed the address."""


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in. `csrf_token` goes with each request that changes something; only a page of this origin can have read it."""

    cookie: str = field(repr=False)
    expires_at_s: int
    csrf_token: str = field(repr=False)


class Sessions:
    """Begins sessions, and knows them again. `secret` is the streams' tokens'; `now_s` gives Unix time."""

    def __init__(self, keyring: Keyring, secret: str, now_s: Callable[[], float], public_base_url: str = "") -> None:
        self._keyring = keyring
        self._secret = secret.encode()
        self._now_s = now_s
        self._is_https = public_base_url.startswith("https://")
        self._own_host = urlsplit(public_base_url).netloc

    @property
    def can_begin(self) -> bool:
        """There is a master key to begin one with."""
        return bool(self._keyring)

    def begin(self, key: str) -> Session | None:
        """A new session; None for a key that is no master key."""
        if not self._keyring or self._keyring.recognise(key) is None:
            return None
        expires_at_s, nonce = int(self._now_s()) + _LIFETIME_S, secrets.token_hex(16)
        return self._session(f"{expires_at_s}.{nonce}.{self._signature('session', f'{expires_at_s}.{nonce}')}", expires_at_s)

    def of(self, request: Request) -> Session | None:
        """The session whose cookie a request carries; None for none, a forged one, and one that is over."""
        match = _COOKIE.fullmatch(request.cookies.get(self._name(request), ""))
        if match is None or not self._keyring:
            return None
        genuine = hmac.compare_digest(match[3], self._signature("session", f"{match[1]}.{match[2]}"))
        return self._session(match[0], int(match[1])) if genuine and self._now_s() < int(match[1]) else None

    def recognise(self, request: Request) -> Principal | None:
        """The master, when the admin page asks in a session; None without one.

        Raises Forbidden for a session that another page makes use of: one of another origin, or one without the token.
        """
        session = self.of(request)
        if session is None:
            return None
        if not self.is_own(request) or not (request.method in _SAFE or _has_token(request, session)):
            told = f"A session is for this server's own pages, which send '{CSRF_HEADER}' with all that changes something."
            raise Forbidden(told, code="cross_site_request")
        return _MASTER

    def is_own(self, request: Request) -> bool:
        """It does not come from a page of another origin. Whoever is no browser may read; to change he must say from where."""
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in _OWN_SITES
        origin = request.headers.get("origin")
        if origin is None:
            return request.method in _SAFE
        return _host_of(origin) in {request.headers.get("host"), self._own_host} - {"", None}

    def hand_over(self, session: Session, request: Request, answer: Response) -> None:
        """Give a browser its session."""
        self._set(request, answer, session.cookie, session.expires_at_s - int(self._now_s()))

    def take_back(self, request: Request, answer: Response) -> None:
        """Let a browser forget its session."""
        self._set(request, answer, "", 0)

    def _set(self, request: Request, answer: Response, cookie: str, lifetime_s: int) -> None:
        answer.set_cookie(
            self._name(request),
            cookie,
            max_age=lifetime_s,
            path="/",
            secure=self._is_secure(request),
            httponly=True,
            samesite="strict",
        )

    def _session(self, cookie: str, expires_at_s: int) -> Session:
        return Session(cookie, expires_at_s, self._signature("csrf", cookie))

    def _signature(self, purpose: str, text: str) -> str:
        return signature_of(f"{purpose}.{self._keyring.derived_secret()}.{text}", self._secret)

    def _name(self, request: Request) -> str:
        """Browsers take a `__Host-` cookie from nobody but this very host, and over TLS alone."""
        return "__Host-streamedit" if self._is_secure(request) else "streamedit"

    def _is_secure(self, request: Request) -> bool:
        return self._is_https or request.url.scheme == "https"


def _host_of(origin: str) -> str | None:
    """With its port; None for what no browser sends."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _has_token(request: Request, session: Session) -> bool:
    return hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), session.csrf_token.encode())
