"""Stability AI: `POST {api_base}/v2beta/stable-image/{service}`, a form with the pictures in it. One picture, whole.

It is asked for JSON rather than for the picture itself: the base64 in it goes on as it came, and what moderation says stands
beside it. Two services answer with an id, and `GET {api_base}/v2beta/results/{id}` with 202 until the picture is there.

Source: Stability's v2beta OpenAPI description of 2026. Credits are not told in answers, so no cost is.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from functools import partial
from string import punctuation
from urllib.parse import quote

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, NotFound, TooLarge, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Json
from streamedit.providers import polling
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, read_json
from streamedit.providers.capabilities import Capabilities, Support, joined
from streamedit.providers.finish import Finish
from streamedit.providers.polling import poll
from streamedit.providers.stability.requests import ServiceRequest, service_request
from streamedit.providers.stability.services import SERVICES, Service, find
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call
from streamedit.wire.cutouts import Cutout, Pieces
from streamedit.wire.multipart import MultipartBody

API_BASE = "https://api.stability.ai"
POLL_S = 10.0
"""Who looks more often may be locked out for a minute."""

_GONE = "generation_not_found"
_MAX_REQUEST_BYTES = 10 << 20
_MAX_CLIENT_CHARS = 256
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}", re.ASCII)
_CLIENT = ("stability_client_id", "stability_client_user_id", "stability_client_version")
_USERS = {"user": Support.MAPPED, "safety_identifier": Support.MAPPED}

_BLOCKED = {"status": 400, "type": Blocked.type, "code": Blocked.code}
_MEANINGS: Mapping[str, Mapping[str, Json]] = {
    "content_moderation": _BLOCKED,
    "public_figure": _BLOCKED,
    "unauthorized": {"status": 401},
    "permission_denied": {"status": 401},
    "payment_required": {"status": 402},
}
"""What names of errors mean where the status alone would mislead: for moderation it is 403 or 422."""


def _mistake(target: Target) -> str | None:
    if target.model != "*" and find(target.model) is None:
        return f"no service '{target.model}'; there are {_NAMES}"
    return polling.mistake(target)


_NAMES = ", ".join(SERVICES)
_ANY = joined([service.capabilities(**_USERS) for service in SERVICES.values()])
"""What any of the services can do: of `stability/*`."""

SETUP = Setup(
    environment={"api_key": ("STABILITY_API_KEY",), "api_base": ("STABILITY_API_BASE",)},
    params=frozenset({"poll_s", *_CLIENT, *_ANY.extras}),
    mistake=_mistake,
    models=tuple(SERVICES),
)
FAMILIES = {f"stability/{name}": service.capabilities(**_USERS) for name, service in SERVICES.items()}


class Stability:
    """The provider `stability`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, _explain)

    def capabilities(self, target: Target) -> Capabilities:
        return _ANY if target.model == "*" else _service(target).capabilities(**_USERS)

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        yield await self._edited(request, target)

    async def _edited(self, request: EditRequest, target: Target) -> Completed:
        service = _service(target)
        body = _body(await service_request(request, service, target))
        headers = {**_headers(target), **_user(request)}
        answer = await self._api.ask(Call("POST", _url(target, f"stable-image/{service.path}"), headers, body), target)
        if service.polled:
            answer = await self._result(_id(answer.json), target)
        finish = Finish(request, self._tools.now_s(), background="transparent" if service.is_cut_out else "opaque")
        return await finish.completed(_picture(answer), **_seed(answer.json))

    async def _result(self, job_id: str, target: Target) -> Cutout:
        """The answer with the picture of a job that was begun; what fails now may have been paid."""
        call = Call("GET", _url(target, f"results/{job_id}"), _headers(target))
        return await poll(partial(self._look, call, target), polling.poll_s(target, POLL_S))

    async def _look(self, call: Call, target: Target) -> Cutout | None:
        try:
            async with self._api.open(call, target, paid=True) as answer:
                if answer.status == 202:
                    return None
                return read_json(*await answer.pieces(self._tools.max_answer_bytes))
        except UpstreamRefused as error:
            if error.detail.code != _GONE:
                raise
            raise UpstreamBroken("The provider does not have the picture any more.", code="upstream_failed") from error


def _service(target: Target) -> Service:
    """Raises NotFound."""
    service = find(target.model)
    if service is None:
        raise NotFound(f"Stability has no service '{target.model}'; there are {_NAMES}.", param="model", code="model_not_found")
    return service


def _url(target: Target, path: str) -> str:
    return f"{(target.api_base or API_BASE).rstrip('/')}/v2beta/{path}"


def _headers(target: Target) -> dict[str, str]:
    told = {name.replace("_", "-"): target.text(name) for name in _CLIENT}
    clients = {name: _as_header(value) for name, value in told.items() if value}
    return {"authorization": f"Bearer {target.api_key}", "accept": "application/json", **clients}


def _user(request: EditRequest) -> dict[str, str]:
    """Stability asks for the end user's id, as it likes, so that it can tell whose request moderation has stopped."""
    user = request.options.safety_identifier or request.options.user
    return {"stability-client-user-id": _as_header(user)} if user else {}


def _as_header(text: str) -> str:
    """The text with what a header cannot carry percent-encoded."""
    return quote(text, safe=f"{punctuation} ")[:_MAX_CLIENT_CHARS].strip()


def _body(sent: ServiceRequest) -> MultipartBody:
    """Raises TooLarge."""
    body = MultipartBody(list(_texts(sent.fields)), sent.files)
    if body.content_length > _MAX_REQUEST_BYTES:
        raise TooLarge("Stability takes at most 10 MiB of images and fields in one request.", param="image")
    return body


def _texts(fields: Mapping[str, Json]) -> Iterator[tuple[str, str]]:
    """The fields as a form has them."""
    for name, value in fields.items():
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _id(answer: Json) -> str:
    """The id of a job. Raises UpstreamBroken for anything that is none."""
    job_id = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
        raise UpstreamBroken("The provider answered without an id.", code="upstream_empty")
    return job_id


def _picture(answer: Cutout) -> Pieces:
    """The picture, which finished jobs have under another name. Raises Blocked, UpstreamBroken."""
    fields = answer.json
    if not isinstance(fields, dict):
        raise UpstreamBroken("The provider's answer is no object.", code="upstream_malformed")
    if fields.get("finish_reason") == "CONTENT_FILTERED":
        raise Blocked("The provider's moderation has blurred the picture (CONTENT_FILTERED).")
    return answer.base64(fields.get("image") or fields.get("result"))


def _seed(answer: Json) -> dict[str, Json]:
    """With it the same picture can be made again."""
    return {"seed": answer["seed"]} if isinstance(answer.get("seed"), int) else {}


def _explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"id": "...", "name": "bad_request", "errors": ["field: what is wrong"]}`; an older form has a `message`."""
    if not isinstance(body, dict):
        return {}
    errors, name = body.get("errors"), body.get("name")
    told = "; ".join(str(error) for error in errors) if isinstance(errors, list) else body.get("message")
    return {"message": told, "code": name, **_MEANINGS.get(str(name), {})}
