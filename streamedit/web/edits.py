"""POST /v1/images/edits and its aliases: read the request, submit it, relay or collapse its events, or leave that for later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.routing import Route

from streamedit.config import ServerSettings
from streamedit.edits import EditRequest, Wishes
from streamedit.gateway import Gateway, Submitted
from streamedit.idempotency import claim_of
from streamedit.uploads import closed_unless_done
from streamedit.web import eden
from streamedit.web.arrivals import arriving
from streamedit.web.pacing import Paced
from streamedit.web.portkey import Portkey
from streamedit.web.readers import Collapse, Relay, Telling, as_openai
from streamedit.web.resource import ResourceRoutes
from streamedit.web.sse import Answers
from streamedit.web.traceparent import parent_of
from streamedit.web.wishes import read_headers
from streamedit.wire.forms import read_request
from streamedit.wire.multipart import BodyLimits
from streamedit.wire.wishes import heeding

PATHS = (
    "/v1/images/edits",
    "/images/edits",
    eden.PATH,
    "/openai/v1/images/edits",
    "/openai/deployments/{model:path}/images/edits",
)

_RESPOND_ASYNC = "respond-async"
"""RFC 7240, 4.1."""

_QUOTED = re.compile(r'"(\\.|[^"\\])*"')


class EditRoutes:
    """The route's handlers and what they need."""

    def __init__(
        self, gateway: Gateway, portkey: Portkey, server: ServerSettings, resource: ResourceRoutes, answers: Answers
    ) -> None:
        self._gateway = gateway
        self._door = portkey.door
        self._portkey = portkey
        self._server = server
        self._resource = resource
        self._answers = answers
        self._limits = BodyLimits(server.max_body_bytes, server.max_image_bytes)

    def routes(self) -> list[Route]:
        return [
            *(Route(path, self.create, methods=["POST"]) for path in PATHS),
            *(Route(f"{path}/async", self.create_async, methods=["POST"]) for path in PATHS),
        ]

    async def create(self, request: Request) -> Paced:
        """Stream or not is the request's `stream` field alone: both SDKs send `Accept: application/json` either way."""
        if _prefers_async(request):
            answer = await self.create_async(request)
            answer.headers["preference-applied"] = _RESPOND_ASYNC
            return answer
        submitted, asked = await self._submit(request)
        telling = eden.told_of if _is_edens(request) else as_openai
        answer = await (self._relay(submitted, telling) if asked.stream else self._collapse(submitted, asked.wishes, telling))
        answer.insist(_naming(submitted))
        return answer

    async def create_async(self, request: Request) -> Paced:
        """202 at once; the edit is read by its own routes."""
        submitted, _ = await self._submit(request)
        answer = await self._resource.accepted(submitted.edit)
        answer.insist(_naming(submitted))
        return answer

    async def _submit(self, request: Request) -> tuple[Submitted, EditRequest]:
        """The edit, and how its caller wants to be answered: the request's uploads are not to be read any more."""
        with self._answers.telemetry.counting_refusals():
            return await self._submitted(request)

    async def _submitted(self, request: Request) -> tuple[Submitted, EditRequest]:
        principal = await self._door.authenticate(request)
        said = await self._portkey.asked(request)
        asked = await self._read(request)
        with closed_unless_done(asked.close):
            if _is_edens(request):
                eden.check(asked)
            asked, plan = self._portkey.planned(said, request, asked)
            key = request.headers.get("idempotency-key")
            claim = await claim_of(key, principal.id, asked) if key is not None else None
            return await self._gateway.submit(asked, principal, claim, plan), asked

    async def _read(self, request: Request) -> EditRequest:
        length = request.headers.get("content-length", "")
        self._limits.check_body(int(length) if length.isdecimal() else 0)
        headers = read_headers(request.headers)
        upload_s, silence_s = self._server.upload_s, self._server.upload_silence_s
        async with arriving(request.stream(), within_s=upload_s, silence_s=silence_s) as body:
            asked = await read_request(request.headers.get("content-type", ""), body, self._limits)
        model = request.path_params.get("model") or asked.model
        end_user = _text_of(request.headers.get(self._server.user_header, "")) if self._server.user_header else None
        wishes = replace(heeding(asked.wishes, headers), end_user=end_user)
        return replace(asked, model=model, wishes=wishes, parent=parent_of(request.headers), base_url=self._base_url(request))

    def _base_url(self, request: Request) -> str:
        """As the configuration says, else as the caller has reached this server."""
        return self._server.public_base_url or str(request.base_url).rstrip("/")

    async def _relay(self, submitted: Submitted, telling: Telling) -> Paced:
        events = await self._gateway.follow(submitted.edit.id, 0, self._server.heartbeat_s)
        return self._answers.stream(Relay(events, self._reader(submitted), telling))

    async def _collapse(self, submitted: Submitted, wishes: Wishes, telling: Telling) -> Paced:
        keepalive_s = wishes.keepalive_s or self._server.json_keepalive_s
        events = await self._gateway.follow(submitted.edit.id, 0, keepalive_s or self._server.heartbeat_s)
        return self._answers.json(Collapse(events, keepalive_s is not None, self._reader(submitted), telling))

    def _reader(self, submitted: Submitted) -> "_Reader":
        cancels = self._server.on_disconnect == "cancel" and submitted.is_new
        return _Reader(self._gateway, submitted.edit.id, cancels)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who waits for the answer to a post. One that `cancels` stops the edit that it began by hanging up."""

    gateway: Gateway
    edit_id: str
    cancels: bool

    def delivered(self) -> None:
        self.gateway.delivered(self.edit_id)

    def left(self) -> None:
        if self.cancels:
            self.gateway.abandon(self.edit_id)


def _text_of(header: str) -> str:
    """Headers are read as Latin-1, and mostly are UTF-8."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def _is_edens(request: Request) -> bool:
    return request.url.path.startswith(eden.PATH)


def _prefers_async(request: Request) -> bool:
    preferences = _QUOTED.sub("", ",".join(request.headers.getlist("prefer"))).lower().split(",")
    return any(preference.partition(";")[0].partition("=")[0].strip() == _RESPOND_ASYNC for preference in preferences)


def _naming(submitted: Submitted) -> Mapping[str, str]:
    """What an answer tells of the edit that a request became, whatever comes of it."""
    replayed = {} if submitted.is_new else {"idempotent-replayed": "true"}
    return {"x-edit-id": submitted.edit.id, **replayed, **submitted.headers}
