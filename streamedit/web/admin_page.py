"""The admin page, its files, and logging in to it."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from streamedit.errors import Forbidden, InvalidRequest, TooLarge, Unauthorized
from streamedit.events import Json
from streamedit.web.answers import json_answer
from streamedit.web.arrivals import arriving
from streamedit.web.auth import Door
from streamedit.web.logins import Logins
from streamedit.web.overview import OverviewRoutes
from streamedit.web.session import Session, Sessions
from streamedit.web.static import Assets, guarded, page
from streamedit.wire import payloads

_MAX_LOGIN_BYTES = 8 << 10
_LOGIN_S = 10.0

_ORIGINS = frozenset({"origin", "sec-fetch-site"})
"""By these a browser says where a request comes from; whoever is no browser may log in, too."""

_GUARDS = guarded()


class AdminPage:
    """The handlers. `sessions` are those that the door knows, too; log-ins are counted in each process by itself."""

    def __init__(self, door: Door, sessions: Sessions, overview: OverviewRoutes, logins: Logins) -> None:
        self._now_s = door.now_s
        self._sessions = sessions
        self._overview = overview
        self._logins = logins

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/admin", self.page),
            Route("/admin/session", self.session),
            Route("/admin/login", self.login, methods=["POST"]),
            Route("/admin/logout", self.logout, methods=["POST"]),
            Mount("/admin/assets", Assets()),
            *self._overview.routes(),
        ]

    async def page(self, _: Request) -> Response:
        """The same for everybody: it asks for its session, and then for what it shows."""
        return page("admin.html", _GUARDS)

    async def session(self, request: Request) -> Response:
        """Whether there is one, and whether one can be begun: both a page must know before it shows anything."""
        if not self._sessions.is_own(request):
            raise _foreign()
        return self._told(self._sessions.of(request))

    async def login(self, request: Request) -> Response:
        """A session for a master key, which comes as `key` in a form or in JSON. Five wrong ones a minute are enough."""
        if _ORIGINS & set(request.headers) and not self._sessions.is_own(request):
            raise _foreign()
        if not self._sessions.can_begin:
            told = "No master key is configured: set general_settings.master_key or STREAMEDIT_API_KEY."
            raise Forbidden(told, code="master_key_required")
        key = _key_of(request, await _body_of(request))
        address, now_s = request.client.host if request.client else "", self._now_s()
        # From here on nothing waits: attempts at the same time count each other.
        self._logins.admit(address, now_s)
        session = self._sessions.begin(key)
        if session is None:
            self._logins.failed(address, now_s)
            raise Unauthorized("This is not the master key.", param="key")
        answer = self._told(session)
        self._sessions.hand_over(session, request, answer)
        return answer

    async def logout(self, request: Request) -> Response:
        """The browser forgets its session."""
        if self._sessions.recognise(request) is None:
            raise Unauthorized("There is no session to end.")
        answer = self._told(None)
        self._sessions.take_back(request, answer)
        return answer

    def _told(self, session: Session | None) -> Response:
        told: dict[str, Json] = {
            "object": "admin_session",
            "is_open": session is not None,
            "can_begin": self._sessions.can_begin,
        }
        if session is not None:
            told |= {"expires_at": session.expires_at_s, "csrf_token": session.csrf_token}
        answer = json_answer(told)
        answer.headers.update({**_GUARDS, "cache-control": "no-store"})
        return answer


async def _body_of(request: Request) -> bytes:
    body = b""
    async with arriving(request.stream(), within_s=_LOGIN_S, silence_s=_LOGIN_S) as pieces:
        async for piece in pieces:
            body += piece
            if len(body) > _MAX_LOGIN_BYTES:
                raise TooLarge(f"To log in takes at most {_MAX_LOGIN_BYTES} bytes.")
    return body


def _key_of(request: Request, body: bytes) -> str:
    """Raises InvalidRequest."""
    is_json = request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    key = _in_json(body) if is_json else parse_qs(body.decode(errors="replace")).get("key", [None])[0]
    if not isinstance(key, str):
        raise InvalidRequest("Log in with the master key as 'key'.", param="key", code="missing_required_parameter")
    # JSON can have halves of characters, which no key has.
    return key.strip().encode(errors="replace").decode()


def _in_json(body: bytes) -> Json:
    try:
        value = payloads.loads(body)
    except ValueError:
        raise InvalidRequest("The request body is not valid JSON.", code="invalid_json") from None
    return value.get("key") if isinstance(value, dict) else None


def _foreign() -> Forbidden:
    return Forbidden("Pages of other origins have no business with this one's sessions.", code="cross_site_request")
