"""Amazon Bedrock: `POST {endpoint}/model/{id}/invoke` (InvokeModel), JSON both ways. Pictures come whole; nothing interim.

Calls are signed with AWS credentials (SigV4, by the extra `bedrock`) or carry a Bedrock API key. Bedrock refuses fields that a
model does not know, so each model is sent its own and no other. It tells no tokens and no cost.

Sources: botocore 1.44's description of bedrock-runtime; Amazon Bedrock's user guide, "Stability AI Image Services".
"""

import re
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, InvalidRequest, NotFound, TooLarge, UpstreamBroken, UpstreamRefused
from streamedit.events import Completed, Event, Json, as_object
from streamedit.providers.base import Tools
from streamedit.providers.bedrock.canvas import TASK_TYPES, Canvas
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities, Support, adapted, joined
from streamedit.providers.finish import Finish
from streamedit.providers.stability.requests import service_request
from streamedit.providers.stability.services import BEDROCK, Service
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call
from streamedit.wire import bodies
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import Base64, JsonBody

if TYPE_CHECKING:
    from streamedit.providers.bedrock.aws import Signer

REGION = "us-west-2"
"""Where nothing else is said: LiteLLM's default, and one of the three regions that have Stability's services."""

MAX_BODY_BYTES = 25_000_000
"""Of InvokeModel; botocore's description says so."""

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d+", re.ASCII)
_REGION_OF_ARN = re.compile(r"arn:aws[a-z-]*:bedrock:([a-z0-9-]+):", re.ASCII)
_OWN_CREDENTIALS = ("aws_access_key_id", "aws_profile_name", "aws_role_name")
_AWS_PARAMS = frozenset({
    "aws_region_name", "aws_bedrock_runtime_endpoint", "aws_access_key_id", "aws_secret_access_key", "aws_session_token",
    "aws_profile_name", "aws_role_name", "aws_session_name", "aws_external_id", "aws_sts_endpoint", "model_id",
})  # fmt: skip

_STATUS_OF = {"RequestExpired": 401, "ServiceQuotaExceededException": 429, "ModelErrorException": 502}
"""What errors mean to a caller, where their own status says something else."""

_FILTERED = "blocked by our content filters"
"""How the messages of Amazon's own models begin that tell of moderation."""


class Model(Protocol):
    """What is known of a model."""

    def capabilities(self, target: Target) -> Capabilities: ...

    def asked(self, request: EditRequest, target: Target) -> Capabilities:
        """What it can do of what this request is for."""
        ...

    async def body(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        """What is sent to it."""
        ...


@dataclass(frozen=True, slots=True)
class StabilityModel:
    """One of Stability's services."""

    service: Service

    def capabilities(self, _: Target) -> Capabilities:
        return self.service.capabilities()

    def asked(self, _: EditRequest, target: Target) -> Capabilities:
        return self.capabilities(target)

    async def body(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        """Raises InvalidRequest."""
        sent = await service_request(request, self.service, target)
        return {**sent.fields, **{name: Base64(image.upload) for name, image in sent.files}}


_NOVA, _TITAN = "amazon.nova-canvas-v1:0", "amazon.titan-image-generator-v2:0"
_SERVICES: Mapping[str, Model] = {name: StabilityModel(service) for name, service in BEDROCK.items()}
MODELS: Mapping[str, Model] = {**_SERVICES, _NOVA: Canvas(seed=12), _TITAN: Canvas(seed=42, sizes_edits=True)}
"""By their ids, without the prefix of a cross-region profile."""

FAMILIES = {f"bedrock/{name}": model.capabilities(Target("bedrock", name)) for name, model in MODELS.items()}
_ANY = joined(tuple(FAMILIES.values()))


def _mistake(target: Target) -> str | None:
    if target.model != "*" and _model(target) is None:
        return f"'{target.model}' edits no images here; an id or ARN of another name goes into model_id, beside one of {_NAMES}"
    if not _REGION.fullmatch(_region(target)):
        return "aws_region_name is no name of a region"
    if (target.text("aws_access_key_id") is None) != (target.text("aws_secret_access_key") is None):
        return "aws_access_key_id and aws_secret_access_key go together"
    if target.text("taskType") not in (None, *TASK_TYPES):
        return f"taskType must be one of {', '.join(TASK_TYPES)}"
    if not _has_key(target) and find_spec("botocore") is None:
        return "AWS credentials need botocore: pip install 'streamedit[bedrock]'; an api_key does not"
    return None


_NAMES = ", ".join(MODELS)

SETUP = Setup(
    environment={
        "api_key": ("AWS_BEARER_TOKEN_BEDROCK",),
        "api_base": ("AWS_BEDROCK_RUNTIME_ENDPOINT", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME"),
        "aws_region_name": ("AWS_REGION_NAME", "AWS_REGION", "AWS_DEFAULT_REGION"),
    },
    params=_AWS_PARAMS | _ANY.extras.keys(),
    mistake=_mistake,
    models=tuple(f"us.{name}" for name in BEDROCK),
    is_keyless=True,
)


class Bedrock:
    """The provider `bedrock`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, _explain)
        self._signer: Signer | None = None

    def capabilities(self, target: Target) -> Capabilities:
        model = _model(target)
        return model.capabilities(target) if model else _ANY

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        events = await self._events(request, target)
        while events:
            yield events.popleft()

    async def _events(self, request: EditRequest, target: Target) -> deque[Completed]:
        """One for each picture; the answer itself is held no longer."""
        model = _found(target)
        asked = model.asked(request, target)
        request = adapted(request, asked, target)
        if request.n > asked.n:
            raise InvalidRequest(f"{target.model} makes one image of this at a time.", param="n", code="invalid_value")
        call = Call("POST", invoke_url(target), {"accept": "application/json"}, _body(await model.body(request, target)))
        answer = await self._ask(await self._authorized(call, target), target)
        cut_out = asked.support("background") is not Support.REFUSED
        finish = Finish(request, self._tools.now_s(), background="transparent" if cut_out else "opaque")
        pictures = enumerate(map(answer.base64, _pictures(answer)))
        return deque([await finish.completed(picture, image_index=index) for index, picture in pictures])

    async def _ask(self, call: Call, target: Target) -> Cutout:
        """Whatever is forbidden is so to this server, and the messages name its account and roles."""
        try:
            return await self._api.ask(call, target)
        except UpstreamRefused as error:
            if error.detail.status != HTTPStatus.FORBIDDEN:
                raise
            raise UpstreamRefused(bodies.refusal(HTTPStatus.UNAUTHORIZED, {}, error.detail.headers)) from None

    async def _authorized(self, call: Call, target: Target) -> Call:
        if _has_key(target):
            return replace(call, headers={**call.headers, "authorization": f"Bearer {target.api_key}"})
        if self._signer is None:
            from streamedit.providers.bedrock.aws import Signer  # noqa: PLC0415 - an optional extra

            self._signer = Signer("bedrock")
        return replace(call, headers=await self._signer.signed_headers(call, target, _region(target)))


def _has_key(target: Target) -> bool:
    """A Bedrock API key is to be used: AWS credentials that a target has of its own go before one of the environment's."""
    return bool(target.api_key) and not any(target.text(name) for name in _OWN_CREDENTIALS)


def _model(target: Target) -> Model | None:
    """By the name, which may be an ARN, and may have a region's prefix."""
    name = target.model.rpartition("/")[2] if target.model.startswith("arn:") else target.model
    return next((model for known, model in MODELS.items() if name == known or name.endswith(f".{known}")), None)


def _found(target: Target) -> Model:
    """Raises NotFound."""
    model = _model(target)
    if model is None:
        raise NotFound(f"'{target.model}' edits no images on Bedrock.", param="model", code="model_not_found")
    return model


def _region(target: Target) -> str:
    """An ARN says for itself where it is."""
    arn = _REGION_OF_ARN.match(target.text("model_id") or target.model)
    return arn[1] if arn else target.text("aws_region_name") or REGION


def invoke_url(target: Target) -> str:
    """`:` and `/` of ids are encoded, as AWS' own clients do; signatures are of the path as it is sent."""
    endpoint = target.text("aws_bedrock_runtime_endpoint") or target.api_base
    endpoint = endpoint or f"https://bedrock-runtime.{_region(target)}.amazonaws.com"
    return f"{endpoint.rstrip('/')}/model/{quote(target.text('model_id') or target.model, safe='')}/invoke"


def _body(value: Mapping[str, Json]) -> JsonBody:
    """Raises TooLarge."""
    body = JsonBody(value)
    if body.content_length > MAX_BODY_BYTES:
        raise TooLarge("Bedrock takes at most 25 MB of JSON, which is 18 MB of images, in one request.", param="image")
    return body


def _pictures(answer: Cutout) -> list[Json]:
    """The pictures, as they stand in the answer. Raises Blocked, UpstreamBroken."""
    said = answer.json
    if not isinstance(said, dict):
        raise UpstreamBroken("The provider's answer is no object.", code="upstream_malformed")
    reasons = said.get("finish_reasons")
    for reason in reasons if isinstance(reasons, list) else ():
        if reason is not None:
            raise _stopped(str(reason))
    if said.get("error"):
        raise Blocked(f"The provider's moderation has blocked it: {said['error']}")
    pictures = said.get("images")
    if not isinstance(pictures, list) or not pictures or not all(isinstance(picture, str) and picture for picture in pictures):
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    return pictures


def _stopped(reason: str) -> Blocked | UpstreamBroken:
    """`Filter reason: prompt`, `output image` or `input image`; else `Inference error`."""
    if reason.startswith("Filter reason"):
        return Blocked(f"The provider's moderation has blocked it ({reason}).")
    return UpstreamBroken(f"The provider could not make the picture ({reason}).")


def _explain(body: Json, headers: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"message": "..."}`, and the error's name in a header, or in `__type`, either with more around it."""
    said = as_object(body)
    message = said.get("message") or said.get("Message")
    if _FILTERED in str(message):
        return {"message": message, "status": 400, "type": Blocked.type, "code": Blocked.code}
    name = str(headers.get("x-amzn-errortype") or said.get("__type") or "")
    return {"message": message, "status": _STATUS_OF.get(name.partition(":")[0].rpartition("#")[2])}
