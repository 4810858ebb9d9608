"""What goes wrong, by the names that LiteLLM and OpenAI's package have for it: one more branch of the tree of errors.

    EditError
    `- APIError
       |- APIStatusError
       |  |- BadRequestError                400, 413, 415, 416; a configuration with mistakes
       |  |  |- UnsupportedParamsError       the model cannot do that
       |  |  `- ContentPolicyViolationError  a moderation refuses it
       |  |- AuthenticationError            401: no key, or the provider refuses it
       |  |- PermissionDeniedError          403
       |  |- NotFoundError                  404
       |  |- ConflictError                  409
       |  |- UnprocessableEntityError       422
       |  |- RateLimitError                 402, 429
       |  `- InternalServerError            500 and above
       |     |- BadGatewayError             502
       |     `- ServiceUnavailableError     503
       `- APIConnectionError                nobody could be reached
          `- APITimeoutError, Timeout       408, 504

Sources: openai-python 3.54 (`_exceptions.py`), LiteLLM 1.106 (`exceptions.py`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from streamedit import tally
from streamedit.documents import ConfigError
from streamedit.errors import EditError, ErrorDetail
from streamedit.failures import Kind, kind_of, told_to_its_owner


class APIError(EditError):
    """An edit that was not made. `status`, `type` and `code` are the failure's own."""

    def __init__(self, detail: ErrorDetail) -> None:
        # Its argument is what it is made of again, in another process, too.
        Exception.__init__(self, detail)
        self.detail = detail
        vars(self).update(status=detail.status, type=detail.type, code=detail.code)

    def __str__(self) -> str:
        return self.detail.message

    @property
    def message(self) -> str:
        return self.detail.message

    @property
    def status_code(self) -> int:
        return self.detail.status

    @property
    def param(self) -> str | None:
        """The parameter that is wrong."""
        return self.detail.param

    @property
    def model(self) -> str | None:
        """Who was asked last."""
        return self.detail.headers.get(tally.MODEL)

    @property
    def llm_provider(self) -> str | None:
        return self.detail.headers.get(tally.PROVIDER)

    @property
    def is_charged(self) -> bool:
        """The provider may already have been paid."""
        return self.detail.charged


class APIStatusError(APIError):
    """Somebody has refused it."""


class BadRequestError(APIStatusError):
    """The call is wrong."""


class UnsupportedParamsError(BadRequestError):
    """The model cannot do that: leave it out, or say `drop_params=True`."""


class ContentPolicyViolationError(BadRequestError):
    """A moderation does not want it."""


class AuthenticationError(APIStatusError):
    """There is no key, or it opens nothing."""


class PermissionDeniedError(APIStatusError):
    """The key may not do that."""


class NotFoundError(APIStatusError):
    """There is no such model."""


class ConflictError(APIStatusError):
    """The provider is in the middle of something else."""


class UnprocessableEntityError(APIStatusError):
    """The provider understands the call, and cannot do it."""


class RateLimitError(APIStatusError):
    """Too much was asked for, or no credit is left."""


class InternalServerError(APIStatusError):
    """The fault is not the caller's."""


class BadGatewayError(InternalServerError):
    """The provider gave nothing that can be used."""


class ServiceUnavailableError(InternalServerError):
    """Not now."""


class APIConnectionError(APIError):
    """The provider cannot be reached."""


class APITimeoutError(APIConnectionError):
    """It took too long."""


Timeout = APITimeoutError
"""LiteLLM's name."""

_BY_CODE: Mapping[str, type[APIError]] = {
    "unsupported_parameter": UnsupportedParamsError,
    "unsupported_value": UnsupportedParamsError,
    "upstream_unreachable": APIConnectionError,
}
_BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: RateLimitError,
    403: PermissionDeniedError,
    404: NotFoundError,
    408: APITimeoutError,
    409: ConflictError,
    413: BadRequestError,
    415: BadRequestError,
    416: BadRequestError,
    422: UnprocessableEntityError,
    429: RateLimitError,
    502: BadGatewayError,
    503: ServiceUnavailableError,
    504: APITimeoutError,
}


def error_of(detail: ErrorDetail) -> APIError:
    """The error for a failure. The account at the provider is the caller's own here, and so it is told."""
    detail = told_to_its_owner(detail)
    if kind_of(detail) is Kind.CONTENT_POLICY:
        return ContentPolicyViolationError(detail)
    others = InternalServerError if detail.status >= 500 else APIStatusError
    return (_BY_CODE.get(detail.code or "") or _BY_STATUS.get(detail.status, others))(detail)


@contextmanager
def named() -> Iterator[None]:
    """What goes wrong inside is raised by those names."""
    try:
        yield
    except APIError:
        raise
    except EditError as error:
        raise error_of(error.detail) from error
    except ConfigError as error:
        detail = ErrorDetail(400, "invalid_request_error", str(error), param="config", code="invalid_value")
        raise BadRequestError(detail) from error
