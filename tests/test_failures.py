"""Whose fault a failure is, whether anybody else may be asked, and how long a provider wants to be left alone."""

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import (
    Blocked,
    EditError,
    ErrorDetail,
    InvalidRequest,
    NoTarget,
    RequestTimeout,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from streamedit.failures import Kind, kind_of, may_go_on, retry_after_s, status_of, told_to_its_owner

NOW_S = 1_800_000_000.0


def refused(status: int, code: str | None = None, **headers: str) -> ErrorDetail:
    """What a provider has answered; `_` in a header's name stands for `-`."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return ErrorDetail(status, "t", "m", code=code, headers=told)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.BAD_REQUEST),
        (401, Kind.AUTHENTICATION),
        (403, Kind.AUTHENTICATION),
        (404, Kind.NOT_FOUND),
        (408, Kind.TIMEOUT),
        (409, Kind.INTERNAL),
        (413, Kind.BAD_REQUEST),
        (422, Kind.BAD_REQUEST),
        (429, Kind.RATE_LIMIT),
        (499, Kind.BAD_REQUEST),
        (500, Kind.INTERNAL),
        (502, Kind.INTERNAL),
        (503, Kind.INTERNAL),
        (504, Kind.TIMEOUT),
        (520, Kind.INTERNAL),
        (529, Kind.INTERNAL),
    ],
)
def test_a_status_has_a_kind(status: int, kind: Kind) -> None:
    """Those that no standard knows, too: 520 is Cloudflare's, 529 Anthropic's."""
    assert kind_of(refused(status)) is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "moderation_blocked", Kind.CONTENT_POLICY),
        (400, "content_policy_violation", Kind.CONTENT_POLICY),
        (502, "content_filter", Kind.CONTENT_POLICY),
        (502, "upstream_unauthorized", Kind.AUTHENTICATION),
        (502, "upstream_payment_required", Kind.AUTHENTICATION),
        (400, "billing_hard_limit_reached", Kind.AUTHENTICATION),
        (429, "rate_limit_exceeded", Kind.RATE_LIMIT),
    ],
)
def test_a_code_says_more_than_a_status(status: int, code: str, kind: Kind) -> None:
    """What moderation has blocked, and what is wrong with this server's account, is known by its code."""
    assert kind_of(refused(status, code)) is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("m"), Kind.BAD_REQUEST),
        (Blocked("m"), Kind.CONTENT_POLICY),
        (UpstreamUnreachable("m"), Kind.INTERNAL),
        (UpstreamBroken("m"), Kind.INTERNAL),
        (UpstreamTimeout("m"), Kind.TIMEOUT),
        (RequestTimeout("m"), Kind.TIMEOUT),
        (NoTarget("m"), Kind.INTERNAL),
    ],
)
def test_this_server_s_own_errors_have_a_kind(error: EditError, kind: Kind) -> None:
    """As those have that a provider gives."""
    assert kind_of(error.detail) is kind


@given(st.integers(100, 999), st.none() | st.text())
def test_every_error_has_a_kind(status: int, code: str | None) -> None:
    """Whatever a provider answers; and a 4xx is never the provider's breakdown but for a conflict."""
    kind = kind_of(refused(status, code))
    if kind is Kind.INTERNAL:
        assert status >= 500 or status == 409
    if kind is Kind.BAD_REQUEST:
        assert status < 500


@pytest.mark.parametrize("charged", [True, False])
@pytest.mark.parametrize("committed", [True, False])
def test_only_what_nobody_can_have_been_paid_for_goes_on(charged: bool, committed: bool) -> None:
    """Not once an event was logged, not after somebody may have been paid."""
    error = ErrorDetail(500, "t", "m", charged=charged)
    assert may_go_on(error, committed) == (not charged and not committed)


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "0"}, 0.0),
        ({"retry_after": " 1.5 "}, 1.5),
        ({"retry_after": format_datetime(datetime.fromtimestamp(NOW_S + 90, UTC), usegmt=True)}, 90.0),
        ({"retry_after": format_datetime(datetime.fromtimestamp(NOW_S - 90, UTC), usegmt=True)}, 0.0),
        ({"retry_after": "Fri, 15 Jan 2027 08:01:00 -0000"}, 60.0),
        ({"retry_after": "Friday, 15-Jan-27 08:01:00 GMT"}, 60.0),
        ({"retry_after_ms": "250"}, 0.25),
        ({"x_ms_retry_after_ms": "1500"}, 1.5),
        ({"retry_after": "9", "retry_after_ms": "250"}, 0.25),
        ({"retry_after": "9", "retry_after_ms": "soon"}, 9.0),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({"retry_after": "1e999"}, None),
        ({"retry_after": "later"}, None),
        ({"retry_after": ""}, None),
        ({"retry_after": "Fri, 32 Jan 2027 08:00:00 GMT"}, None),
    ],
)
def test_a_provider_says_when_to_come_back(headers: dict[str, str], wait_s: float | None) -> None:
    """In seconds, as a date of any of HTTP's forms, or in milliseconds; what is none of these says nothing."""
    assert retry_after_s(refused(429, **headers).headers, NOW_S) == wait_s


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,3} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d [-+]?\w{1,5}", fullmatch=True))
def test_whatever_a_provider_says_is_a_time_or_nothing(value: str) -> None:
    """A header is anybody's text: it never breaks an edit, and never makes one wait without end."""
    wait_s = retry_after_s({"retry-after": value, "retry-after-ms": value}, NOW_S)
    assert wait_s is None or 0 <= wait_s < float("inf")


OURS = ErrorDetail(502, "upstream_error", "The provider refused this server's credentials.", code="upstream_unauthorized")
EMPTY = ErrorDetail(502, "upstream_error", "No credit.", code="upstream_payment_required")
BROKEN = ErrorDetail(502, "upstream_error", "Broken.", code="upstream_broken")


def test_the_providers_own_status() -> None:
    """What is told as this server's failure was another status there."""
    assert [status_of(error) for error in (OURS, EMPTY, BROKEN)] == [401, 402, 502]


def test_a_refused_key_of_the_callers_own() -> None:
    """It is told as theirs, and is still one of authentication; other failures stay as they are."""
    told = told_to_its_owner(OURS)
    assert (told.status, told.type, told.code) == (401, "invalid_request_error", "invalid_api_key")
    assert kind_of(told) is kind_of(OURS) is Kind.AUTHENTICATION
    assert (told_to_its_owner(EMPTY).status, told_to_its_owner(EMPTY).code) == (402, "insufficient_quota")
    assert told_to_its_owner(BROKEN) is BROKEN
