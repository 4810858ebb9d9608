"""An edit as a resource: GET it, watch its events, cancel it. Its owner's key opens it, and for reading a token, too."""

from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit import tally
from streamedit.config import ServerSettings
from streamedit.edits import Edit
from streamedit.errors import EditExpired, LogFull, StoreUnavailable
from streamedit.gateway import Gateway
from streamedit.stores import Entry, Logged
from streamedit.web.auth import Door
from streamedit.web.pacing import Paced
from streamedit.web.readers import Whole
from streamedit.web.sse import Answers
from streamedit.web.views import View, Visits, retry_frame
from streamedit.wire import bodies

_PATH = "/v1/images/edits/{id}"

_ID_DIGITS = 19
"""More than any edit has events."""

_PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""The address may hold a token."""


class ResourceRoutes:
    """The handlers of one edit's routes."""

    def __init__(self, gateway: Gateway, door: Door, server: ServerSettings, answers: Answers, visits: Visits) -> None:
        self._gateway = gateway
        self._door = door
        self._server = server
        self._answers = answers
        self._visits = visits

    def routes(self) -> list[Route]:
        return [
            Route(_PATH, self.show, methods=["GET", "OPTIONS"]),
            Route(f"{_PATH}/events", self.events, methods=["GET", "OPTIONS"]),
            Route(f"{_PATH}/cancel", self.cancel, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The edit object, with its result once there is one."""
        if request.method == "OPTIONS":
            return _options()
        return await self.answer(await self._find(request))

    async def events(self, request: Request) -> Response:
        """The events behind `Last-Event-ID` as they come; 204, which makes an EventSource stop, when there will be no more."""
        if request.method == "OPTIONS":
            return _options()
        try:
            entry = await self._find(request)
            after = _last_event_id(request, entry)
            if entry.ended and after == entry.last_id:
                return Response(status_code=HTTPStatus.NO_CONTENT, headers=_PRIVATE)
            view = View(self._gateway, self._visits, self._server, entry.edit.id, after)
            await view.follow()
        except (LogFull, StoreUnavailable):
            # An EventSource never comes back after an error status: it is told to try again later.
            return Response(retry_frame(), media_type="text/event-stream", headers=_PRIVATE)
        answer = self._answers.stream(view)
        answer.headers.update({**_PRIVATE, "x-edit-id": entry.edit.id})
        if request.method == "HEAD":
            await view.aclose()
            return _head_of(answer)
        return answer

    async def cancel(self, request: Request) -> Response:
        """The edit object after its end. An edit that has ended stays as it is."""
        principal = await self._door.authenticate(request)
        entry = await self._gateway.find(request.path_params["id"], principal.id)
        logged = await self._gateway.cancel(entry.edit.id)
        # A server that is full keeps nothing of it; then its time is over at once.
        with suppress(EditExpired):
            entry = await self._gateway.find(entry.edit.id, principal.id)
        return self._object(entry, logged)

    async def answer(self, entry: Entry, status: HTTPStatus = HTTPStatus.OK) -> Paced:
        """The edit object of an entry."""
        return self._object(entry, await self._gateway.so_far(entry), status)

    def _object(self, entry: Entry, logged: Sequence[Logged], status: HTTPStatus = HTTPStatus.OK) -> Paced:
        ended = bool(logged) and logged[-1].last
        events = [each.event for each in logged]
        links = {
            "events_url": self._events_url(entry.edit),
            "expires_at": int(self._door.now_s() + (entry.expires_in_s or 0)) if ended else None,
            **({"status": "queued"} if self._gateway.waits(entry.edit.id) else {}),
        }
        answer = self._answers.json(Whole(bodies.edit_object(entry.edit, events, ended, links)), status)
        facts = {name: value for name, value in tally.of_edit(events).items() if name in tally.HEADERS}
        answer.headers.update({**facts, **_PRIVATE, "x-edit-id": entry.edit.id})
        return answer

    async def accepted(self, edit: Edit) -> Paced:
        """202 for an edit that goes on without its caller."""
        answer = await self.answer(await self._gateway.find(edit.id, edit.owner), HTTPStatus.ACCEPTED)
        answer.headers["location"] = self._url(edit)
        return answer

    async def _find(self, request: Request) -> Entry:
        edit_id = request.path_params["id"]
        reader = await self._door.authenticate_reader(request, edit_id)
        return await self._gateway.find(edit_id, reader.id)

    def _url(self, edit: Edit) -> str:
        """Without a base URL a path: who is before this server, and under which name, it cannot know."""
        return f"{self._server.public_base_url}{_PATH.format(id=edit.id)}"

    def _events_url(self, edit: Edit) -> str:
        token = self._door.token_for(edit, self._server.total_s + self._server.retention_s)
        return f"{self._url(edit)}/events?token={token}"


def _last_event_id(request: Request, entry: Entry) -> int | None:
    """What the reader has read, 0 when it has read nothing; None when it names an event that never was.

    The header, which a browser sends when it comes back, counts more than the query of the address that it was given.
    """
    text = request.headers.get("last-event-id") or request.query_params.get("last_event_id") or "0"
    known = text.isascii() and text.isdecimal() and len(text) < _ID_DIGITS and int(text) <= entry.last_id
    return int(text) if known else None


def _head_of(answer: Response) -> Response:
    """Of a stream nobody knows the length."""
    head = Response(headers=dict(answer.headers))
    del head.headers["content-length"]
    return head


def _options() -> Response:
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"allow": "GET, HEAD, OPTIONS"})
