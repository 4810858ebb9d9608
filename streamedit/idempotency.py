"""Idempotency keys: which request a key stands for.

The key is the caller's own, one principal's keys never meet another's. Two requests are the same when they ask for the same
pictures of the same makers: fields and file contents count, of an image that is only named its URL or file id, and among a
caller's wishes the fallbacks, the tags, the headers for the provider and a config; the multipart boundary, file names, the
order of fields, how the answer is to be read (`stream`, `partial_images`), how patiently it is to be made (retries, timeout)
and what the caller notes of it do not.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest

_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Claim:
    """A principal's key and the request that it stands for, both as SHA-256 digests."""

    key: bytes
    fingerprint: bytes


async def claim_of(key: str, principal: str, request: EditRequest) -> Claim:
    """The claim that a request makes with its Idempotency-Key. Raises InvalidRequest."""
    if _KEY.fullmatch(key) is None:
        raise InvalidRequest(
            "Idempotency-Key must be 1 to 255 printable ASCII characters.",
            param="idempotency-key",
            code="invalid_idempotency_key",
        )
    digest = hashlib.sha256()
    extra_files = sorted(request.extra_files, key=lambda named: named[0])
    for name, image in replace(request, extra_files=tuple(extra_files)).named_files():
        await _add_file(digest, name, image)
    for part in _fields(request):
        _add(digest, part)
    return Claim(hashlib.sha256(f"{principal}\n{key}".encode()).digest(), digest.digest())


def _fields(request: EditRequest) -> Iterator[str]:
    yield request.prompt
    yield request.model or ""
    yield repr(astuple(replace(request.options, partial_images=None)))
    yield repr(sorted(request.extra))
    wishes = request.wishes
    yield repr((wishes.fallbacks, sorted(wishes.tags), sorted(wishes.headers.items()), wishes.config))


async def _add_file(digest: "hashlib._Hash", name: str, image: InputImage) -> None:
    if image.reference is not None:
        _add(digest, repr((name, image.reference.url, image.reference.file_id)))
        return
    _add(digest, f"{name} {image.upload.size_bytes}")
    await image.upload.hash_into(digest)


def _add(digest: "hashlib._Hash", part: str) -> None:
    """Its length first: no two lists of parts look the same."""
    data = part.encode(errors="surrogatepass")
    digest.update(b"%d:%b" % (len(data), data))
