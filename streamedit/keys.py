"""API keys: who may ask; and the tokens by which those may read one edit who cannot send a key.

Keys are kept as SHA-256 hashes; comparing takes the same time for a near miss as for a far one.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

_TOKEN = re.compile(r"([0-9]{1,12})\.([a-z0-9_]{1,64})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Principal:
    """On whose behalf an edit is made: the id of an API key, or `anonymous` where none is configured."""

    id: str


ANONYMOUS = Principal("anonymous")


class Keyring:
    """The keys that open this server. Empty: it is open, and must not listen beyond loopback."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def recognise(self, key: str | None) -> Principal | None:
        """The key's principal; None for an unknown key. Without any keys everybody is anonymous."""
        if not self._digests:
            return ANONYMOUS
        digest = _digest(key or "")
        known = [hmac.compare_digest(digest, candidate) for candidate in self._digests]
        return _principal(digest) if any(known) else None

    def knows(self, principal: Principal) -> bool:
        """The principal's key is still one of ours."""
        ids = {_principal(digest).id for digest in self._digests} or {ANONYMOUS.id}
        return principal.id in ids

    def derived_secret(self) -> str:
        """A secret that all processes with these keys have in common. An open server has nothing to hide."""
        return hashlib.sha256(b"stream tokens" + b"".join(self._digests)).hexdigest()


class StreamTokens:
    """Signs and checks tokens for EventSource, which cannot send headers: read-only, for one edit, until a time.

    A token is `expiry.key id.signature`, with the expiry in Unix seconds and HMAC-SHA256 over edit id, key id and expiry.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def sign(self, edit_id: str, principal: Principal, expires_at_s: int) -> str:
        return f"{expires_at_s}.{principal.id}.{self._signature(edit_id, principal.id, expires_at_s)}"

    def recognise(self, token: str, edit_id: str, now_s: float) -> Principal | None:
        """Who signed in for this edit; None for any other token, and for one that has expired."""
        match = _TOKEN.fullmatch(token)
        if match is None:
            return None
        expires_at_s, principal_id, signature = int(match[1]), match[2], match[3]
        genuine = hmac.compare_digest(signature, self._signature(edit_id, principal_id, expires_at_s))
        return Principal(principal_id) if genuine and now_s < expires_at_s else None

    def _signature(self, edit_id: str, principal_id: str, expires_at_s: int) -> str:
        signed = f"{edit_id}.{principal_id}.{expires_at_s}".encode()
        return hmac.new(self._secret, signed, hashlib.sha256).hexdigest()


def _principal(digest: bytes) -> Principal:
    return Principal(f"key_{digest.hex()[:12]}")


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
