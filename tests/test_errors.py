"""The error tree: what each failure fixes, and what its caller is told."""

import re
from collections.abc import Mapping

import pytest

from streamedit import errors
from streamedit.errors import EditError, ErrorDetail, InvalidRequest, TooLarge, UpstreamRefused

DRAWN = re.findall(r"^    (?:[| ]*[|`]- )?([A-Z]\w+)\b *(\d{3})?", errors.__doc__ or "", re.MULTILINE)
"""Each class that the module's docstring draws, with its status where one stands there."""

NAMED: Mapping[type[EditError], str] = {
    errors.Forbidden: "permission_error",
    errors.ModerationBlocked: "image_generation_user_error",
    errors.RateLimited: "requests",
    errors.ImagesLimited: "images",
    errors.ConcurrencyLimited: "rate_limit_error",
    errors.QueueFull: "rate_limit_error",
    errors.BudgetExceeded: "insufficient_quota",
}
"""The types that OpenAI, or where it has none sub2api, has for what is not just a wrong request."""

LEAVES = [getattr(errors, name) for name, status in DRAWN if status]


def test_the_drawing_names_every_error() -> None:
    """The tree in the docstring is the tree in the code."""
    defined = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, EditError)}
    assert {name for name, _ in DRAWN} == defined


@pytest.mark.parametrize(("name", "status"), [pair for pair in DRAWN if pair[1]])
def test_each_error_has_the_status_that_is_drawn(name: str, status: str) -> None:
    """An error's class fixes its HTTP status."""
    assert getattr(errors, name)("why").detail.status == int(status)


@pytest.mark.parametrize("kind", LEAVES)
def test_a_caller_error_is_a_4xx_that_nothing_retries(kind: type[EditError]) -> None:
    """Whoever is at fault is told by the status, and only OpenAI's names stand in `type`.

    What a provider's moderation blocks is told as OpenAI tells it, and what outlasts the caller's patience as Portkey tells it:
    a 4xx, though not of the caller's making alone.
    """
    detail = kind("why").detail
    by_caller = issubclass(kind, errors.CallerError)
    assert (400 <= detail.status < 500) == (by_caller or kind in (errors.Blocked, errors.RequestTimeout))
    assert (detail.type == NAMED.get(kind, "invalid_request_error")) == by_caller
    assert not (by_caller and (detail.retryable or detail.charged))


@pytest.mark.parametrize("kind", LEAVES)
def test_what_may_have_been_paid_is_never_retried(kind: type[EditError]) -> None:
    """No error is both charged and retryable: a second call could be a second bill."""
    detail = kind("why").detail
    assert not (detail.charged and detail.retryable)


def test_a_failed_connection_is_the_upstream_error_to_retry() -> None:
    """Nothing was sent, so nothing was paid, so another target may be tried; our own errors may be where nothing was begun."""
    retryable = [kind for kind in LEAVES if kind("why").detail.retryable]
    begun_nothing = [errors.NoTarget, errors.LogFull, errors.StoreUnavailable, errors.LedgerFull]
    begun_nothing += [errors.ModerationUnavailable, errors.FetchingBusy]
    assert retryable == [errors.UpstreamUnreachable, *begun_nothing]


def test_the_detail_carries_what_was_raised() -> None:
    """Message, parameter, code and headers reach the caller; the message is the exception's text too."""
    error = InvalidRequest("n is too large", param="n", code="invalid_value", headers={"retry-after": "1"})
    assert str(error) == "n is too large"
    assert error.detail == ErrorDetail(
        400, "invalid_request_error", "n is too large", "n", "invalid_value", headers={"retry-after": "1"}
    )


def test_a_code_given_goes_before_the_class_own() -> None:
    """A class has a code of its own, which a more exact one replaces."""
    assert TooLarge("why").detail.code == "request_too_large"
    assert TooLarge("why", code="image_too_large").detail.code == "image_too_large"


def test_a_refusal_repeats_the_provider() -> None:
    """What the provider said is passed on as it is, its status too."""
    detail = ErrorDetail(429, "rate_limit_error", "slow down", None, "rate_limit_exceeded", retryable=True)
    refused = UpstreamRefused(detail)
    assert refused.detail is detail
    assert str(refused) == "slow down"
