"""Whose failure an error is."""

from streamedit.errors import ErrorDetail
from streamedit.failures import Kind, kind_of, status_of, told_to_its_owner

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
