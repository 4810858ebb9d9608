"""One `generateContent` call, to whichever of Google's services, and the URLs of their methods."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from streamedit.edits import EditRequest
from streamedit.errors import NotFound
from streamedit.events import Event
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities, Support, extras_of
from streamedit.providers.google.dialect import Service, body_of, composites, model_of
from streamedit.providers.google.reading import Reading
from streamedit.providers.google.responses import explain
from streamedit.providers.inputs import grey_mask, seeded
from streamedit.targets import Target
from streamedit.upstream.client import Call

METHOD = "streamGenerateContent?alt=sse"

_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
_OF_A_MODEL = re.compile(r"/models/[^/:]+$")
_OF_A_METHOD = re.compile(r"/models/[^/:]+:(generateContent|streamGenerateContent|predict)(\?.*)?$")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a call goes to, and as whom."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class GenerateContent:
    """Edits by `streamGenerateContent`. Without partial images it is a stream all the same, of one picture."""

    def __init__(self, tools: Tools, service: Service) -> None:
        self._tools = tools
        self._api = Api(tools, explain)
        self._service = service

    def capabilities(self, target: Target) -> Capabilities:
        capabilities = self._service.capabilities(model_of(target.model))
        if not composites(target):
            return capabilities
        return replace(capabilities, parameters={**capabilities.parameters, "mask": Support.MAPPED})

    async def edit(self, request: EditRequest, target: Target, place: Place) -> AsyncGenerator[Event]:
        extras = seeded(extras_of(request, self.capabilities(target), target), request)
        # A mask that does not fit is told before anything is paid.
        await grey_mask(request)
        body = await body_of(request, self._service, model_of(target.model), extras)
        call = Call("POST", place.url, place.headers, body)
        reading = Reading(self._tools, request, target)
        async with self._api.open(call, target) as answer, aclosing(reading.events(answer)) as events:
            async for event in events:
                yield event


def method_url(base: str, model: str, method: str) -> str:
    """A method of a model below `base`; a base may be of a model, or of a method, already.

    Raises NotFound for what no model is called: callers may name models, and not other paths.
    """
    if _OF_A_METHOD.search(base):
        return base
    if not _MODEL.fullmatch(model):
        raise NotFound("There is no model of this name.", param="model", code="model_not_found")
    base = base.rstrip("/")
    return f"{base}:{method}" if _OF_A_MODEL.search(base) else f"{base}/models/{model}:{method}"
