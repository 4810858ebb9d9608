"""fal: `POST {api_base}/{app}`, for any app that edits images; the model is the app (`fal_ai/fal-ai/flux-2-pro/edit`).

An edit goes one of three ways. By itself: one call, whose answer has the picture in it (`sync_mode`). With `queue: true` in the
configuration by way of fal's queue: the job is looked after every `poll_s`, and cancelled when it is not wanted any more. With
`stream: true`, for apps that have a stream, callers who stream see the first of its interim pictures.

Source: fal-client 1.0.3, fal.ai/docs (2026-10).
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial

from streamedit.edits import EditRequest
from streamedit.errors import NotFound, UpstreamBroken, UpstreamError
from streamedit.events import Event, Json, as_object
from streamedit.providers import polling
from streamedit.providers.addresses import own_address
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, tell
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.fal.answers import API_HOSTS, MEDIA_HOSTS, explain, pictures
from streamedit.providers.fal.apps import APPS, FAMILIES, app_of, is_name, name_of
from streamedit.providers.fal.request import arguments, base_of
from streamedit.providers.fal.stream import Draft, Drafts
from streamedit.providers.finish import Base64, Finish
from streamedit.providers.polling import poll
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import JsonBody
from streamedit.wire.scanner import FrameScanner

_POLL_S = 0.5
_RUNNING = ("IN_QUEUE", "IN_PROGRESS")


def _mistake(target: Target) -> str | None:
    if "/" not in name_of(target.model).strip("/"):
        return "the model must be an app, as in fal_ai/fal-ai/flux-2-pro/edit"
    return polling.mistake(target)


SETUP = Setup(
    environment={"api_key": ("FAL_AI_API_KEY", "FAL_KEY", "FAL_API_KEY"), "api_base": ("FAL_AI_API_BASE",)},
    params=frozenset({"queue", "stream", "poll_s", "store_io", "sync_mode"}).union(
        *(app.capabilities.extras for app in APPS.values())
    ),
    mistake=_mistake,
    models=("openai/gpt-image-2/edit", "fal-ai/flux-2-pro/edit", "fal-ai/nano-banana-pro/edit", "fal-ai/flux-pro/kontext"),
)

__all__ = ["FAMILIES", "SETUP", "Fal"]


@dataclass(frozen=True, slots=True)
class _Job:
    """An edit in fal's queue."""

    status_url: str
    response_url: str
    cancel_url: str

    @classmethod
    def of(cls, answer: Json, target: Target) -> "_Job":
        """Raises UpstreamBroken."""
        fields = as_object(answer)
        return cls(
            *(
                own_address(fields.get(name), API_HOSTS, target.api_base)
                for name in ("status_url", "response_url", "cancel_url")
            )
        )


class Fal:
    """The provider `fal_ai`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, explain)

    def capabilities(self, target: Target) -> Capabilities:
        capabilities = app_of(name_of(target.model)).capabilities
        return replace(capabilities, streams=True, partial_images=True) if target.params.get("stream") is True else capabilities

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        finish = Finish(request, self._tools.now_s(), background=_background(request))
        streams = request.stream and target.params.get("stream") is True
        events = self._streamed(request, target, finish) if streams else self._whole(request, target, finish)
        async with aclosing(events):
            async for event in events:
                yield event

    async def _whole(self, request: EditRequest, target: Target, finish: Finish) -> AsyncGenerator[Event]:
        call = await _call(request, target)
        answer = await (self._queued(call, target) if target.params.get("queue") is True else self._api.ask(call, target))
        found = pictures(answer.json)
        if not found:
            raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
        for index, picture in enumerate(found):
            yield await finish.completed(await self._base64(answer, picture, target, finish), image_index=index)

    async def _queued(self, call: Call, target: Target) -> Cutout:
        """The answer of a job; one that is not waited for any more is cancelled."""
        job = _Job.of((await self._api.ask(call, target)).json, target)
        async with AsyncExitStack() as unless_done:
            unless_done.push_async_callback(self._cancel, job, target)
            await poll(partial(self._ended, job, target), polling.poll_s(target, _POLL_S))
            unless_done.pop_all()
        return await self._api.ask(Call("GET", job.response_url, _headers(target)), target, paid=True)

    async def _ended(self, job: _Job, target: Target) -> bool | None:
        """Whether there is an answer by now, be it an error."""
        answer = await self._api.ask(Call("GET", job.status_url, _headers(target)), target, paid=True)
        status = answer.json.get("status") if isinstance(answer.json, dict) else None
        if status in _RUNNING:
            return None
        if status != "COMPLETED":
            raise UpstreamBroken("The provider's queue gave no status that is known.", code="upstream_malformed")
        return True

    async def _cancel(self, job: _Job, target: Target) -> None:
        with suppress(UpstreamError):
            await tell(self._api.ask(Call("PUT", job.cancel_url, _headers(target)), target))

    async def _streamed(self, request: EditRequest, target: Target, finish: Finish) -> AsyncGenerator[Event]:
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with self._api.open(await _call(request, target, "/stream"), target) as answer:
            drafts = Drafts(request.partial_images, answer, target)
            async with aclosing(answer.push(scanner)) as reads:
                async for _ in reads:
                    drafts.take(scanner)
                    while drafts.shown:
                        yield await self._partial(drafts.shown.popleft(), target, finish)
                    if drafts.ended:
                        answer.complete()
                        break
            drafts.finish(scanner)
            while drafts.shown:
                yield await self._partial(drafts.shown.popleft(), target, finish)
            yield await self._last(drafts.last(), target, finish)

    async def _partial(self, draft: Draft, target: Target, finish: Finish) -> Event:
        return await finish.partial(await self._base64(draft.event, draft.picture, target, finish), draft.index)

    async def _last(self, draft: Draft, target: Target, finish: Finish) -> Event:
        return await finish.completed(await self._base64(draft.event, draft.picture, target, finish))

    async def _base64(self, answer: Cutout, picture: Json, target: Target, finish: Finish) -> Base64:
        """A picture's base64, downloaded where the answer has its address. Raises UpstreamError."""
        image = answer.base64(picture)
        if not image or bytes(image[0][:4]) != b"http":
            return image
        url = own_address(answer.plain(picture), MEDIA_HOSTS, target.api_base)
        return await finish.base64(await self._api.download(url, target))


async def _call(request: EditRequest, target: Target, path: str = "") -> Call:
    name = name_of(target.model)
    if not is_name(name):
        raise NotFound(f"fal has no app '{name}'.", param="model", code="model_not_found")
    queued = target.params.get("queue") is True and not path
    body = await arguments(request, target, app_of(name))
    if path and request.partial_images and name.startswith("openai/"):
        body["partial_images"] = request.partial_images
    # What a queue has done is kept for a while, and pictures in it would be kept with it.
    body["sync_mode"] = target.params.get("sync_mode", not queued) is True
    return Call("POST", f"{base_of(target, queued=queued)}/{name}{path}", _headers(target), JsonBody(body))


def _headers(target: Target) -> Mapping[str, str]:
    """`store_io: false`: fal is not to keep what the edit was made of."""
    private = {"x-fal-store-io": "0"} if target.params.get("store_io") is False else {}
    return {"authorization": f"Key {target.api_key}", **private}


def _background(request: EditRequest) -> str:
    return "transparent" if request.options.background == "transparent" else "opaque"
