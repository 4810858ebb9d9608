"""Everything that can go wrong with an edit, as one tree.

    EditError
    |- CallerError              the request is wrong: the same request fails again
    |  |- InvalidRequest   400  a parameter is missing, malformed, out of range or not supported
    |  |- IdempotencyKeyReused 400  the key stands for another request
    |  |- Unauthorized     401  no key, or not one of ours
    |  |- Forbidden        403  the key, its group or its end user may not do that
    |  |- NotFound         404  no such model, edit or route
    |  |- MethodNotAllowed 405
    |  |- EditExpired      410  the edit was here, and is not kept any more
    |  |- LinkExpired      410  the time of a signed address is over
    |  |- UploadTimeout    408  the body did not arrive in time
    |  |- TooLarge         413  body or image above its limit
    |  |- StorageQuotaExceeded 413  the key's files have as much room as they may have
    |  |- UnsatisfiableRange 416  there are no such bytes
    |  |- UnsupportedBody  415  neither multipart/form-data nor application/json
    |  |- ModerationBlocked 400  this server's own moderation refuses the prompt or an input
    |  |- TooManyConnections 429  from one address
    |  |- RateLimited      429  as many requests in a minute as there may be
    |  |  `- ImagesLimited      as many images
    |  |- ConcurrencyLimited 429  as many edits at a time as there may be, and no end of that in time
    |  |  `- QueueFull          nor room to wait for it
    |  |- BudgetExceeded   429  the edit could cost more than is left
    |  |- HeadTooLarge     431  request line and headers above their limit
    |  `- Cancelled        499  its owner has cancelled the edit
    |- UpstreamError            the provider refused, broke or stayed silent
    |  |- UpstreamRefused       its own status, type, code and param, passed on
    |  |- Blocked          400  its moderation has taken the picture or the prompt away
    |  |- UpstreamUnreachable 502  no connection: nothing was sent, nothing was paid
    |  |- UpstreamBroken   502  an answer that cannot be used; it may have been paid
    |  |- RequestTimeout   408  it took longer than the caller allows; it may have been paid
    |  `- UpstreamTimeout  504  silence; it may have been paid
    `- ServerError
       |- InternalError    500
       |- Interrupted      503  the process that made the edit is gone; it may have been paid
       |- Unavailable           not now: nothing was begun, and nobody was paid
       |  |- NoTarget      503  whoever could make the edit cools down or is full
       |  |- LogFull       503  running edits fill the room that there is for events
       |  |- StoreUnavailable 503  the shared store or the database cannot be reached
       |  |- LedgerFull    503  the ledger is so far behind that nothing more may happen
       |  |- ModerationUnavailable 503  nobody can judge the request now
       |  `- FetchingBusy  503  as many images are being fetched as may be, and no end of that in time
       |- StorageFull      507  there is no room for files; nothing was begun
       `- ShuttingDown     503

Each class fixes the status and the envelope's `type` (OpenAI's names). This file knows nothing of HTTP bodies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar


def param_path(location: Sequence[str | int]) -> str:
    """`("images", 0, "image_url")` as `images[0].image_url`: how a nested field is named; empty for the whole."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """What a caller may be told of a failure, detached from the exception that carried it.

    `retryable`: another target, or the same later, may do better. `charged`: the provider may already have been paid.
    `headers`: answer headers that belong to the failure (`retry-after`, `x-ratelimit-*`), lower-case names.
    """

    status: int
    type: str
    message: str
    param: str | None = None
    code: str | None = None
    retryable: bool = False
    charged: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


class EditError(Exception):
    """An edit cannot go on. `detail` is what its caller is told."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str | None] = None
    retryable: ClassVar[bool] = False
    charged: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.detail = ErrorDetail(
            status=self.status,
            type=self.type,
            message=message,
            param=param,
            code=code or self.code,
            retryable=self.retryable,
            charged=self.charged,
            headers=headers or {},
        )

    def retold(self, detail: ErrorDetail) -> "EditError":
        """The same failure in other words."""
        error = type(self).__new__(type(self), detail.message)
        error.detail = detail
        return error

    @classmethod
    def told(cls, detail: ErrorDetail) -> "EditError":
        """A failure that has been told before, for one more caller."""
        error = cls(detail.message)
        error.detail = detail
        return error


class CallerError(EditError):
    """The request is wrong; sending it again unchanged gives the same answer."""

    status = 400
    type = "invalid_request_error"


class InvalidRequest(CallerError):
    """A parameter is missing, malformed, out of range or not supported by the model."""


class IdempotencyKeyReused(CallerError):
    """The Idempotency-Key was used before, with another request."""

    code = "idempotency_key_reused"


class Unauthorized(CallerError):
    """The request carries no API key, or none that is known here."""

    status = 401
    code = "invalid_api_key"


class Forbidden(CallerError):
    """Who asks is known, and may not do that. Typed as sub2api types it."""

    status = 403
    type = "permission_error"


class NotFound(CallerError):
    """No such model, edit or route."""

    status = 404
    code = "not_found"


class MethodNotAllowed(CallerError):
    """The route exists, for other methods."""

    status = 405
    code = "method_not_allowed"


class Cancelled(CallerError):
    """The edit was cancelled by its owner. A status that clients do not retry by themselves, as they do 409."""

    status = 499
    code = "cancelled"


class EditExpired(CallerError):
    """The edit was here, and its events are not kept any more."""

    status = 410
    code = "edit_expired"


class LinkExpired(CallerError):
    """The address was signed for a time that is over."""

    status = 410
    code = "link_expired"


class UploadTimeout(CallerError):
    """The request body did not arrive in time."""

    status = 408
    code = "upload_timeout"


class TooLarge(CallerError):
    """The body, or one image in it, is above its limit in bytes."""

    status = 413
    code = "request_too_large"


class StorageQuotaExceeded(CallerError):
    """With this file its key would have more stored than it may have."""

    status = 413
    code = "storage_quota_exceeded"


class UnsatisfiableRange(CallerError):
    """The bytes that are asked for are beyond the end."""

    status = 416
    code = "invalid_range"


class UnsupportedBody(CallerError):
    """The body is neither multipart/form-data nor application/json."""

    status = 415
    code = "unsupported_content_type"


class TooManyConnections(CallerError):
    """The client's address has as many connections as it may have."""

    status = 429
    code = "too_many_connections"


class ModerationBlocked(CallerError):
    """This server's moderation refuses the request; nobody was asked. Named as OpenAI names it."""

    type = "image_generation_user_error"
    code = "moderation_blocked"


class RateLimited(CallerError):
    """As many requests in a minute as there may be. Named as OpenAI names it; `retry-after` is exact."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"


class ImagesLimited(RateLimited):
    """As many images in a minute as there may be."""

    type = "images"


class ConcurrencyLimited(CallerError):
    """As many edits at a time as there may be, for as long as the edit could wait. Named as sub2api names it."""

    status = 429
    type = "rate_limit_error"
    code = "gateway_concurrency_limit"


class QueueFull(ConcurrencyLimited):
    """As many edits at a time as there may be, and as many that wait for it."""

    code = "gateway_queue_full"


class BudgetExceeded(CallerError):
    """What the edit could cost is more than is left of a budget. Named as OpenAI names it."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class HeadTooLarge(CallerError):
    """The request line and its headers are above their limit in bytes."""

    status = 431
    code = "headers_too_large"


class UpstreamError(EditError):
    """The provider did not give an edit."""

    status = 502
    type = "upstream_error"


class UpstreamRefused(UpstreamError):
    """The provider answered with an error of its own; `detail` repeats it."""

    def __init__(self, detail: ErrorDetail) -> None:
        super().__init__(detail.message)
        self.detail = detail


class Blocked(UpstreamError):
    """The provider answered, but its moderation has blocked the prompt, an input or the picture. Named as OpenAI names it."""

    status = 400
    type = "image_generation_user_error"
    code = "moderation_blocked"


class UpstreamUnreachable(UpstreamError):
    """No connection to the provider came about: nothing was sent and nothing was paid."""

    code = "upstream_unreachable"
    retryable = True


class UpstreamBroken(UpstreamError):
    """The provider took the request and gave an answer that cannot be used; it may have been paid."""

    code = "upstream_broken"
    charged = True


class UpstreamTimeout(UpstreamError):
    """The provider took the request and fell silent; it may have been paid."""

    status = 504
    code = "upstream_timeout"
    charged = True


class RequestTimeout(UpstreamError):
    """The provider took longer than the caller allows. Named as Portkey names it."""

    status = 408
    type = "timeout_error"
    charged = True


class ServerError(EditError):
    """The fault is here."""


class InternalError(ServerError):
    """A defect of this server."""

    code = "internal_error"
    charged = True


class Interrupted(ServerError):
    """The process that made the edit is gone, and with it the provider's answer; it may have been paid."""

    status = 503
    code = "interrupted"
    charged = True


class Unavailable(ServerError):
    """It cannot be done now, and may be soon: nothing was begun, and nobody was paid."""

    status = 503
    retryable = True


class NoTarget(Unavailable):
    """Whoever could make the edit cools down, or has as much to do as it may."""

    code = "no_target_available"


class LogFull(Unavailable):
    """Running edits fill the room that there is for events."""

    code = "server_overloaded"


class StoreUnavailable(Unavailable):
    """The store that workers share, or the database, cannot be reached."""

    code = "store_unavailable"


class LedgerFull(Unavailable):
    """What is still to be entered into the ledger fills the room that there is for it."""

    code = "ledger_full"


class ModerationUnavailable(Unavailable):
    """The moderation did not answer, and nothing goes on without it."""

    code = "moderation_unavailable"


class FetchingBusy(Unavailable):
    """As many images are being fetched as may be at a time."""

    code = "fetching_busy"


class StorageFull(ServerError):
    """There is no room for what was sent; nothing of it is kept. Trying again at once is of no use."""

    status = 507
    code = "storage_full"


class ShuttingDown(ServerError):
    """The server stops before the edit is done."""

    status = 503
    code = "server_shutting_down"
    charged = True
