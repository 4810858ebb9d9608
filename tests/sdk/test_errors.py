"""Failures by LiteLLM's and OpenAI's names."""

import inspect
import pickle
import re

import openai
import pytest

import streamedit
from streamedit import errors as tree
from streamedit.documents import ConfigError
from streamedit.errors import EditError, ErrorDetail, InvalidRequest
from streamedit.sdk import errors
from streamedit.sdk.errors import APIError, error_of, named

OPENAIS = [
    "APIError", "APIStatusError", "APIConnectionError", "APITimeoutError", "BadRequestError", "AuthenticationError",
    "PermissionDeniedError", "NotFoundError", "ConflictError", "UnprocessableEntityError", "RateLimitError",
    "InternalServerError",
]  # fmt: skip
LITELLMS = [
    "Timeout", "ServiceUnavailableError", "BadGatewayError", "ContentPolicyViolationError", "UnsupportedParamsError",
]  # fmt: skip
STATUSES = {
    400: "BadRequestError", 401: "AuthenticationError", 402: "RateLimitError", 403: "PermissionDeniedError",
    404: "NotFoundError", 408: "APITimeoutError", 409: "ConflictError", 410: "APIStatusError", 413: "BadRequestError",
    418: "APIStatusError", 422: "UnprocessableEntityError", 429: "RateLimitError", 499: "APIStatusError",
    500: "InternalServerError", 502: "BadGatewayError", 503: "ServiceUnavailableError", 504: "APITimeoutError",
    507: "InternalServerError", 529: "InternalServerError",
}  # fmt: skip
CODES = {
    "moderation_blocked": "ContentPolicyViolationError",
    "content_policy_violation": "ContentPolicyViolationError",
    "unsupported_parameter": "UnsupportedParamsError",
    "upstream_unreachable": "APIConnectionError",
}


def test_every_name_is_there() -> None:
    """OpenAI's under the same parents as there, and LiteLLM's."""
    for name in OPENAIS:
        theirs, ours = getattr(openai, name), getattr(streamedit, name)
        parents = [parent.__name__ for parent in theirs.__mro__ if parent.__name__ in OPENAIS]
        assert [parent.__name__ for parent in ours.__mro__ if parent.__name__ in OPENAIS] == parents
    assert all(issubclass(getattr(streamedit, name), APIError) for name in LITELLMS)
    assert issubclass(APIError, EditError)


@pytest.mark.parametrize(("status", "name"), STATUSES.items())
def test_a_status_has_its_error(status: int, name: str) -> None:
    """It tells all that was told."""
    error = error_of(ErrorDetail(status, "some_type", "words", "size", "a_code", charged=True))
    assert type(error).__name__ == name
    told = (error.status_code, error.status, error.message, str(error), error.param, error.code, error.type, error.is_charged)
    assert told == (status, status, "words", "words", "size", "a_code", "some_type", True)


@pytest.mark.parametrize(("code", "name"), CODES.items())
def test_a_code_says_more_than_its_status(code: str, name: str) -> None:
    """Where there is an error of its own for it."""
    assert type(error_of(ErrorDetail(400, "t", "words", code=code))).__name__ == name


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("upstream_unauthorized", 401, streamedit.AuthenticationError),
        ("upstream_payment_required", 402, streamedit.RateLimitError),
    ],
)
def test_the_account_is_the_callers(code: str, status: int, error: type[APIError]) -> None:
    """A server's caller is told of a 502: it is not their key."""
    told = error_of(ErrorDetail(502, "upstream_error", "This server's account ...", code=code))
    assert (type(told), told.status_code, told.type) == (error, status, "invalid_request_error")
    assert "server" not in told.message


def test_every_failure_of_the_tree_has_an_error() -> None:
    """Of the same status; what a caller has done wrong is no fault of anybody else's."""
    for name, kind in inspect.getmembers(tree, inspect.isclass):
        if issubclass(kind, EditError) and kind is not tree.UpstreamRefused:
            error = error_of(kind("words").detail)
            assert error.status_code == kind.status, name
            assert issubclass(type(error), streamedit.InternalServerError) <= (kind.status >= 500), name


def test_an_error_goes_to_another_process() -> None:
    """Pools of processes pickle what their work raises."""
    error = error_of(ErrorDetail(429, "requests", "slow down", code="rate_limit_exceeded", headers={"retry-after": "7"}))
    there = pickle.loads(pickle.dumps(error))
    assert (type(there), str(there), there.detail, there.code) == (type(error), str(error), error.detail, error.code)


def test_a_failure_is_raised_by_its_name() -> None:
    """With what it was before behind it; once only."""
    with pytest.raises(streamedit.BadRequestError, match="no size") as caught, named(), named():
        raise InvalidRequest("no size", param="size")
    assert isinstance(caught.value.__cause__, InvalidRequest)


def test_mistakes_of_a_configuration_are_a_bad_request() -> None:
    """All of them, a line for each."""
    with pytest.raises(streamedit.BadRequestError, match="one\ntwo") as caught, named():
        raise ConfigError(["one", "two"])
    assert (caught.value.status_code, caught.value.param) == (400, "config")


def test_the_drawing_is_the_tree() -> None:
    """Every error stands in it."""
    names = set(re.findall(r"\w+Error|Timeout", str(errors.__doc__)))
    made = {kind.__name__ for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, APIError)}
    assert made <= names
