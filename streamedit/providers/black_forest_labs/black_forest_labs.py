"""Black Forest Labs: `POST {api_base}/v1/{model}`, then its `polling_url` until the picture is there. Nothing interim.

The result's schema has a `preview`, whose content is nowhere documented, so it is not looked at. There is no call that cancels.
Sources: api.bfl.ai/openapi.json, docs.bfl.ai (integration guidelines, errors, get_result), as of October 2026.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import partial

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, NotFound, UpstreamBroken
from streamedit.events import Completed, Event, Json, Usage
from streamedit.providers import polling
from streamedit.providers.addresses import own_address
from streamedit.providers.base import Tools
from streamedit.providers.black_forest_labs import flux
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.finish import Finish
from streamedit.providers.polling import poll
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call
from streamedit.wire.jsonbody import JsonBody

API_BASE = "https://api.bfl.ai"
POLL_S = 0.5
"""As docs.bfl.ai's examples wait; `poll_s` of a target changes it."""

_HOSTS = ("bfl.ai",)
_DELIVERY = (*_HOSTS, "bfldelivery*.blob.core.windows.net")
"""Where pictures are; the webhooks' documentation still shows where they were before they moved to delivery-*.bfl.ai."""

_MODERATED = {"Request Moderated": "the request", "Content Moderated": "the picture"}
_FAILED = ("Error", "Failed", "Task not found")
_MICROS_PER_CREDIT = 10_000


def _mistake(target: Target) -> str | None:
    if "*" not in target.model and flux.family_of(target.model) is None:
        return f"{target.model} edits no images; those that do: {', '.join(flux.FAMILIES)}"
    return polling.mistake(target)


SETUP = Setup(
    environment={"api_key": ("BFL_API_KEY",), "api_base": ("BFL_API_BASE",)},
    params=frozenset({"poll_s"} | {name for family in flux.FAMILIES.values() for name in family.capabilities.extras}),
    mistake=_mistake,
    models=(
        "flux-3-image",
        "flux-2-pro",
        "flux-2-max",
        "flux-2-flex",
        "flux-2-klein-4b",
        "flux-2-klein-9b",
        "flux-kontext-pro",
        "flux-kontext-max",
        "flux-pro-1.0-fill",
        "flux-pro-1.0-expand",
        "flux-tools/erase-v1",
    ),
)
FAMILIES = {f"black_forest_labs/{pattern}": family.capabilities for pattern, family in flux.FAMILIES.items()}


class BlackForestLabs:
    """The provider `black_forest_labs`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, _explain)

    def capabilities(self, target: Target) -> Capabilities:
        family = flux.family_of(target.model)
        return family.capabilities if family else Capabilities()

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        task = await self._submit(request, target)
        polling_url = own_address(task.get("polling_url"), _HOSTS, target.api_base)
        result = await poll(partial(self._look, polling_url, target), polling.poll_s(target, POLL_S))
        yield await self._completed(result, _usage(task), request, target)

    async def _submit(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        family = flux.family_of(target.model)
        if family is None:
            raise NotFound(f"{target.model} is no model that edits images.", param="model", code="model_not_found")
        body = JsonBody(await family.body(request, target))
        base = (target.api_base or API_BASE).rstrip("/").removesuffix("/v1")
        answer = await self._api.ask(Call("POST", f"{base}/v1/{target.model}", _headers(target), body), target)
        return _object(answer.json)

    async def _look(self, polling_url: str, target: Target) -> Mapping[str, Json] | None:
        """The result, None while it is being made: any status that is not known to be an end. Raises UpstreamError."""
        state = _object((await self._api.ask(Call("GET", polling_url, _headers(target)), target, paid=True)).json)
        status = state.get("status")
        if status in _MODERATED:
            raise Blocked(f"The provider's moderation blocked {_MODERATED[status]}{_reasons(state.get('details'))}.")
        if status in _FAILED:
            raise UpstreamBroken(f"The provider could not make the picture: its status is '{status}'.", code="upstream_failed")
        return _object(state.get("result") or {}) if status == "Ready" else None

    async def _completed(self, result: Mapping[str, Json], usage: Usage, request: EditRequest, target: Target) -> Completed:
        if not result.get("sample"):
            raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
        finish = Finish(request, self._tools.now_s())
        # The key stays here: the URL is signed, and the host that delivers is another one.
        url = own_address(result["sample"], _DELIVERY, target.api_base)
        picture = await finish.base64(await self._api.download(url, target))
        return await finish.completed(picture, usage, **_revised(result, request))


def _headers(target: Target) -> Mapping[str, str]:
    return {"x-key": target.api_key or "", "accept": "application/json"}


def _object(value: Json) -> Mapping[str, Json]:
    """Raises UpstreamBroken for anything but a JSON object."""
    if not isinstance(value, dict):
        raise UpstreamBroken("The provider's answer is not the one of its documentation.", code="upstream_malformed")
    return value


def _usage(task: Mapping[str, Json]) -> Usage:
    """`cost` is in credits of a cent."""
    cost = task.get("cost")
    return Usage(cost_micros=round(cost * _MICROS_PER_CREDIT)) if isinstance(cost, int | float) else Usage()


def _revised(result: Mapping[str, Json], request: EditRequest) -> Mapping[str, Json]:
    """The prompt that was worked with, where that is another one."""
    prompt = result.get("prompt")
    return {"revised_prompt": prompt} if isinstance(prompt, str) and prompt not in ("", request.prompt) else {}


def _reasons(details: Json) -> str:
    """`{"Moderation Reasons": ["Violence", ...]}`."""
    reasons = details.get("Moderation Reasons") if isinstance(details, dict) else None
    return f": {', '.join(map(str, reasons))}" if isinstance(reasons, list) and reasons else ""


def _explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"detail": "text"}`, or of a field `{"detail": [{"loc": ["body", "seed"], "msg": "text", "type": "..."}]}`."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if isinstance(detail, list):
        problems = [problem for problem in detail if isinstance(problem, dict)]
        return {"message": "; ".join(_told(problems)), "param": next(map(_field, problems), None)}
    if isinstance(detail, str) and detail.startswith("Not authenticated"):
        # Said with 403, which by itself means that a key may not do something.
        return {"message": detail, "status": 401}
    return {"message": detail}


def _told(problems: Sequence[Mapping[str, Json]]) -> Iterator[str]:
    return (f"{_field(problem)}: {problem.get('msg')}" for problem in problems)


def _field(problem: Mapping[str, Json]) -> str:
    path = problem.get("loc")
    return str(path[-1]) if isinstance(path, list) and path else "body"
