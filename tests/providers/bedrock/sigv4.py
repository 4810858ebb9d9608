"""AWS' Signature Version 4 as whoever receives a request checks it, from what arrived on the wire.

Source: AWS IAM user guide, "Create a signed AWS API request". It shares no code with botocore.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from urllib.parse import quote

from upstreams import Asked

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """Who has signed, for where and for what."""

    access_key: str
    region: str
    service: str
    token: str | None


def verified(asked: Asked, secret_key: str, *, at: datetime | None = None) -> Signed:
    """Assert that AWS would take the signature, `at` that time, by default now."""
    matched = _AUTHORIZATION.fullmatch(asked.headers["authorization"])
    assert matched, asked.headers["authorization"]
    access_key, date, region, service, names, signature = matched.groups()
    signed = names.split(";")
    _check_time(asked, date, at or datetime.now(UTC))
    must = {"host", *(name for name in asked.headers if name.startswith("x-amz-") or name == "content-type")}
    assert must <= set(signed), f"not signed: {must - set(signed)}"
    assert signed == sorted(signed)
    payload = hashlib.sha256(asked.body).hexdigest()
    assert asked.headers.get("x-amz-content-sha256", payload) == payload, "another body"
    canonical = _canonical(asked, signed, payload)
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", asked.headers["x-amz-date"], scope, digest))
    key = reduce(_hmac, (date, region, service, "aws4_request"), f"AWS4{secret_key}".encode())
    assert _hmac(key, text).hex() == signature, f"not the signature of:\n{canonical}"
    return Signed(access_key, region, service, asked.headers.get("x-amz-security-token"))


def _check_time(asked: Asked, date: str, now: datetime) -> None:
    """A signature is good for a quarter of an hour."""
    time = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs(now - time) < timedelta(minutes=15)
    assert date == f"{time:%Y%m%d}"


def _canonical(asked: Asked, signed: list[str], payload: str) -> str:
    """The request as it is signed. The path is encoded once more than it is sent, for all services but S3."""
    path, _, query = asked.path.partition("?")
    assert not query, "nothing here has a query"
    headers = "".join(f"{name}:{' '.join(asked.headers[name].split())}\n" for name in signed)
    return "\n".join((asked.method, quote(path, safe="/"), query, headers, ";".join(signed), payload))


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
