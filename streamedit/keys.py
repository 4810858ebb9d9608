"""API keys: who may ask; and the tokens by which those may read one edit who cannot send a key.

Keys are kept as SHA-256 hashes; comparing takes the same time for a near miss as for a far one.
"""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Callable, Iterable
from typing import TypeAlias

from streamedit.parties import ANONYMOUS, ApiKey, Principal

Same: TypeAlias = Callable[[bytes, bytes], bool]
"""Compares two digests, in a time that does not depend on them."""

_KEY = re.compile(r"sk-se-([a-z0-9]{12})-[A-Za-z0-9_-]{43}")
_LETTERS = string.ascii_lowercase + string.digits
_ID_CHARS = 12
_SECRET_BYTES = 32
_NOBODYS = bytes(hashlib.sha256().digest_size)
"""No text is known that has this digest."""

_TOKEN = re.compile(r"([0-9]{1,12})\.([a-z0-9_]{1,64})\.([0-9a-f]{64})")


def make_key(key_id: str | None = None) -> tuple[str, str]:
    """A new key, as its id and its text; `key_id`: of the key that it takes the place of.

    The text begins with the id, by which it is looked up: `sk-se-`, the id without `key_`, a hyphen, and 256 random bits.
    """
    name = (key_id or "").removeprefix("key_") or "".join(secrets.choice(_LETTERS) for _ in range(_ID_CHARS))
    return f"key_{name}", f"sk-se-{name}-{secrets.token_urlsafe(_SECRET_BYTES)}"


def id_of(text: str) -> str | None:
    """The id that a key's text begins with; None for what is no key of this server's making."""
    match = _KEY.fullmatch(text)
    return f"key_{match[1]}" if match else None


def fits(text: str, key: ApiKey | None, now_s: float, same: Same = hmac.compare_digest) -> bool:
    """The text is that of the key, or of the one before its last rotation as long as that opens; whatever became of the key.

    It is as much work for a key that is not there as for a wrong text: nobody learns by the time which keys there are.
    """
    digest = digest_of(text)
    is_present = same(digest, key.digest if key else _NOBODYS)
    is_previous = same(digest, (key and key.previous_digest) or _NOBODYS)
    return key is not None and (is_present or (is_previous and now_s < (key.previous_until_s or 0)))


def beginning_of(key_id: str) -> str:
    """How the text of a key with this id begins: enough to know it by, and no secret."""
    return f"sk-se-{key_id.removeprefix('key_')}"


class Keyring:
    """The keys that open this server. Empty: it is open, and must not listen beyond loopback."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [digest_of(key) for key in keys]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def recognise(self, key: str | None) -> Principal | None:
        """The key's principal; None for an unknown key. Without any keys everybody is anonymous."""
        if not self._digests:
            return ANONYMOUS
        digest = digest_of(key or "")
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
        return signature_of(f"{edit_id}.{principal_id}.{expires_at_s}", self._secret)


class Links:
    """Signs and checks addresses of hosted results: whoever has one may read that result until a time, and nothing else.

    A signature is HMAC-SHA256 over the result's name and the expiry in Unix seconds.
    """

    def __init__(self, secret: str = "") -> None:
        self._secret = secret.encode()

    def use(self, secret: str) -> None:
        """Sign with another secret from now on: it is known once the database is open, and may change with the settings."""
        self._secret = secret.encode()

    def sign(self, name: str, expires_at_s: int) -> str:
        return signature_of(f"result.{name}.{expires_at_s}", self._secret)

    def is_genuine(self, name: str, expires_at_s: int, signature: str) -> bool:
        """Whether it was signed here; whether its time is over is another question."""
        return hmac.compare_digest(signature.encode(), self.sign(name, expires_at_s).encode())


def signature_of(text: str, secret: bytes) -> str:
    """HMAC-SHA256, in hexadecimal digits."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _principal(digest: bytes) -> Principal:
    return Principal(f"key_{digest.hex()[:12]}", is_master=True)


def digest_of(key: str) -> bytes:
    """What is kept of a key. Its 256 random bits need no salt, and no slow hash."""
    return hashlib.sha256(key.encode()).digest()
