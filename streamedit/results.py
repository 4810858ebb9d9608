"""Hosted results: pictures under signed addresses that hold for a time.

A result's key among the blobs begins with the second in which its time is over: whoever has its address has all that is needed
to find it, and whoever clears up need not look into anything.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from streamedit.errors import LinkExpired, NotFound, Unauthorized
from streamedit.keys import Links
from streamedit.stores.blobs import Blob, Blobs

PATH = "/v1/images/results"

_FOLDER = "results"
_NAME = re.compile(r"img_[0-9a-f]{32}\.([a-z0-9]{1,8})")
_EXPIRY = re.compile(r"[0-9]{1,12}")
_GRACE_S = 60
"""Whoever has begun to read in time reads to the end."""

_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "avif": "image/avif",
    "svg": "image/svg+xml",
}
_ENDINGS = {media_type: ending for ending, media_type in _MEDIA_TYPES.items()}
_UNKNOWN = "application/octet-stream"


def ending_of(media_type: str) -> str:
    """Of a file with a picture of this type, without the dot; `bin` where it is not known."""
    return _ENDINGS.get(media_type, "bin")


@dataclass(frozen=True, slots=True)
class Result:
    """A hosted picture, open to be read; whoever opens it closes `blob`. `expires_at_s`: Unix time."""

    name: str
    media_type: str
    expires_at_s: int
    blob: Blob


class Results:
    """Hosts pictures for `lifetime_s` each. `now_s` gives Unix time. All methods raise StoreUnavailable."""

    def __init__(self, blobs: Blobs, links: Links, lifetime_s: float, now_s: Callable[[], float]) -> None:
        self._blobs = blobs
        self.links = links
        self._lifetime_s = lifetime_s
        self._now_s = now_s

    async def host(self, size_bytes: int, slices: AsyncIterator[bytes], media_type: str) -> str:
        """Host a picture, and give the path and the query of its address. Raises StorageFull."""
        expires_at_s = int(self._now_s() + self._lifetime_s)
        name = f"img_{secrets.token_hex(16)}.{ending_of(media_type)}"
        await self._blobs.put(_key(name, expires_at_s), size_bytes, slices)
        return f"{PATH}/{name}?expires={expires_at_s}&signature={self.links.sign(name, expires_at_s)}"

    async def open(self, name: str, expires: str, signature: str) -> Result:
        """A result by what its address says. Raises NotFound, Unauthorized for what was not signed here, LinkExpired."""
        named = _NAME.fullmatch(name)
        if named is None:
            raise NotFound("There is no such result.", param="name", code="result_not_found")
        expires_at_s = int(expires) if _EXPIRY.fullmatch(expires) else 0
        if not self.links.is_genuine(name, expires_at_s, signature):
            raise Unauthorized("This address was not signed here.", param="signature", code="invalid_signature")
        blob = await self._blobs.open(_key(name, expires_at_s)) if self._now_s() < expires_at_s else None
        if blob is None:
            raise LinkExpired("This result is not kept any more.", param="expires")
        return Result(name, _MEDIA_TYPES.get(named[1], _UNKNOWN), expires_at_s, blob)

    async def clear(self) -> None:
        """Away with results whose time is over."""
        for expiry in await self._expired():
            await self._blobs.delete_below(f"{_FOLDER}/{expiry}")

    async def _expired(self) -> Sequence[str]:
        latest_s = self._now_s() - _GRACE_S
        seconds = await self._blobs.below(_FOLDER)
        return [second for second in seconds if _EXPIRY.fullmatch(second) and int(second) < latest_s]


def _key(name: str, expires_at_s: int) -> str:
    return f"{_FOLDER}/{expires_at_s}/{name}"
