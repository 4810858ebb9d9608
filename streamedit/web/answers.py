"""Answers that are not streams: errors in OpenAI's envelope, and the request id that every answer carries."""

import json
import secrets
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from streamedit.errors import EditError, ErrorDetail, InternalError, MethodNotAllowed, NotFound, StoreUnavailable
from streamedit.web import facts
from streamedit.wire import bodies


def stamp(headers: MutableHeaders) -> None:
    """Add what every answer carries: a fresh `x-request-id`, and `nosniff`."""
    headers["x-request-id"] = f"req_{secrets.token_hex(16)}"
    headers["x-content-type-options"] = "nosniff"


class RequestId:
    """ASGI middleware that stamps every answer, and tells in other gateways' names what it tells of an edit."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                stamp(answer)
                facts.rename(Headers(scope=scope), answer)
            await send(message)

        await self._app(scope, receive, send_stamped)


def json_answer(value: object) -> Response:
    """A small JSON body."""
    return Response(json.dumps(value, separators=(",", ":")), media_type="application/json")


def private_answer(value: object) -> Response:
    """The same, for nobody to keep."""
    answer = json_answer(value)
    answer.headers["cache-control"] = "no-store"
    return answer


def no_database() -> StoreUnavailable:
    """For what is only there with one. Nobody need try again."""
    told = "This server has no database: set server.database_url."
    return StoreUnavailable(told, code="no_database", headers={"x-should-retry": "false"})


def error_answer(error: ErrorDetail) -> Response:
    """An error as HTTP. `x-should-retry: false` tells both SDKs not to buy the edit again, nor to fill a disk."""
    headers = dict(error.headers)
    if error.charged or error.status == HTTPStatus.INSUFFICIENT_STORAGE:
        headers["x-should-retry"] = "false"
    return Response(bodies.error_envelope(error), error.status, headers, media_type="application/json")


async def _on_edit_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, EditError)  # noqa: S101 - Starlette hands over what it was registered for
    return error_answer(error.detail)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own 404 and 405."""
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allow = (error.headers or {}).get("allow", (error.headers or {}).get("Allow", ""))
        refusal: EditError = MethodNotAllowed(f"{request.method} is not allowed here; use {allow}.", headers={"allow": allow})
    else:
        refusal = NotFound(f"There is no {request.url.path} here.")
    return error_answer(refusal.detail)


async def _on_disconnect(_: Request, __: Exception) -> Response:
    """The client left during its upload: nobody is there to be answered."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


async def _on_defect(_: Request, __: Exception) -> Response:
    return error_answer(InternalError("This server made a mistake.").detail)


HANDLERS = {
    EditError: _on_edit_error,
    HTTPException: _on_http_exception,
    ClientDisconnect: _on_disconnect,
    Exception: _on_defect,
}
