"""What kind of failure an error is: whose fault, and whether anybody else may be asked. Pure.

The kinds are those by which LiteLLM's `retry_policy` and `allowed_fails_policy` tell errors apart.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus

from streamedit.errors import ErrorDetail


class Kind(StrEnum):
    """Of a failed attempt."""

    BAD_REQUEST = "bad_request"
    """The request is wrong, whoever is asked."""
    CONTENT_POLICY = "content_policy"
    """The provider's moderation does not want it; another's may."""
    AUTHENTICATION = "authentication"
    """The provider refuses this server's credentials."""
    NOT_FOUND = "not_found"
    """The provider has no such model."""
    RATE_LIMIT = "rate_limit"
    TIMEOUT = "timeout"
    INTERNAL = "internal"
    """The provider broke, or could not be reached."""


_BLOCKED = frozenset({"moderation_blocked", "content_policy_violation", "content_filter"})
_NO_CREDIT = frozenset({"billing_hard_limit_reached"})
"""OpenAI answers 400 with these, and yet it is not the request that is wrong: another account's key may do."""

_OUR_ACCOUNT = {"upstream_unauthorized": HTTPStatus.UNAUTHORIZED, "upstream_payment_required": HTTPStatus.PAYMENT_REQUIRED}
"""Told to callers as failures of this server, which they are: what the provider's status was."""

_CALLERS_ACCOUNT = {
    HTTPStatus.UNAUTHORIZED: ("The provider refused your key.", "invalid_api_key"),
    HTTPStatus.PAYMENT_REQUIRED: ("Your account at the provider has no credit left.", "insufficient_quota"),
}

_KIND_OF_STATUS: Mapping[int, Kind] = {
    HTTPStatus.UNAUTHORIZED: Kind.AUTHENTICATION,
    HTTPStatus.FORBIDDEN: Kind.AUTHENTICATION,
    HTTPStatus.NOT_FOUND: Kind.NOT_FOUND,
    HTTPStatus.REQUEST_TIMEOUT: Kind.TIMEOUT,
    HTTPStatus.CONFLICT: Kind.INTERNAL,
    HTTPStatus.TOO_MANY_REQUESTS: Kind.RATE_LIMIT,
    HTTPStatus.GATEWAY_TIMEOUT: Kind.TIMEOUT,
}

CALLERS = frozenset({Kind.BAD_REQUEST, Kind.CONTENT_POLICY})
"""Failures that say nothing of the target: it has answered."""


def kind_of(error: ErrorDetail) -> Kind:
    """By its code, else by its status."""
    if error.code in _BLOCKED:
        return Kind.CONTENT_POLICY
    if error.code in _OUR_ACCOUNT or error.code in _NO_CREDIT:
        return Kind.AUTHENTICATION
    other = Kind.INTERNAL if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR else Kind.BAD_REQUEST
    return _KIND_OF_STATUS.get(error.status, other)


def status_of(error: ErrorDetail) -> int:
    """The status that the provider gave."""
    return _OUR_ACCOUNT.get(error.code or "", error.status)


def told_to_its_owner(error: ErrorDetail) -> ErrorDetail:
    """A failure of an account that is the caller's own, not this server's."""
    status = _OUR_ACCOUNT.get(error.code or "")
    if status is None:
        return error
    message, code = _CALLERS_ACCOUNT[status]
    return replace(error, status=status, type="invalid_request_error", message=message, code=code, retryable=False)


def may_go_on(error: ErrorDetail, committed: bool) -> bool:
    """Whether anybody may be asked after `error`: never once an event was logged or somebody may have been paid."""
    return not error.charged and not committed


def retry_after_s(headers: Mapping[str, str], now_s: float) -> float | None:
    """How long a provider asks not to be asked: `retry-after` in seconds or as a date (RFC 9110), or in milliseconds.

    Sources of the others: openai-python 3.52 (`retry-after-ms`), Azure (`x-ms-retry-after-ms`).
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (wait_ms := _number(headers.get(name))) is not None:
            return wait_ms / 1000
    value = headers.get("retry-after", "")
    wait_s = _number(value)
    return _until(value, now_s) if wait_s is None else wait_s


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _until(date: str, now_s: float) -> float | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_s)
