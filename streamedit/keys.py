"""API keys: who may ask. Keys are kept as SHA-256 hashes; comparing takes the same time for a near miss as for a far one."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass


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
        return Principal(f"key_{digest.hex()[:12]}") if any(known) else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
