"""OpenAI's Responses API: `POST {api_base}/responses`, where a text model edits with the tool `image_generation`, in a stream.

The model that is named is the text model; `image_model` is the tool's. One call makes one picture (openai-python issue 2481).
Source: openai-python 3.54 `types/responses`.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing, contextmanager

from streamedit.edits import EditRequest
from streamedit.errors import UpstreamBroken, UpstreamError
from streamedit.events import Completed, Event, Json
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, is_stream, read_json, without_secrets
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.inputs import typed
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire.jsonbody import Base64, JsonBody
from streamedit.wire.responses import Reply
from streamedit.wire.scanner import FrameScanner

API_BASE = "https://api.openai.com/v1"

_OF_THE_TOOL: Mapping[str, Extra] = {
    "image_model": Extra(),
    "action": Extra(choices=("edit", "generate", "auto")),
    "complexity": Extra(choices=("low", "medium", "high")),
    "frame_count": Extra("integer", 2, 16),
    "frame_duration_ms": Extra("integer", 20, 600_000),
    "svg": Extra("json"),
}
_OF_THE_MODEL: Mapping[str, Extra] = {
    "instructions": Extra(),
    "reasoning": Extra("json"),
    "temperature": Extra("number", 0, 2),
    "top_p": Extra("number", 0, 1),
    "max_output_tokens": Extra("integer", 16, 1_000_000),
    "max_tool_calls": Extra("integer", 1, 100),
    "service_tier": Extra(),
    "prompt_cache_key": Extra(),
    "previous_response_id": Extra(),
    "store": Extra("flag"),
}
_DETAIL = Extra(choices=("low", "high", "auto", "original"))
_TOOL_OPTIONS = ("size", "quality", "background", "output_format", "output_compression", "input_fidelity", "moderation")
_MODEL_OPTIONS = ("user", "safety_identifier")
_NEVER_PARTIAL = ("gif", "svg")
"""Formats of which no interim picture can be shown, and asking for one is an error."""

SETUP = Setup(
    environment={
        "api_key": ("OPENAI_API_KEY",),
        "api_base": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "organization": ("OPENAI_ORG_ID",),
        "project": ("OPENAI_PROJECT_ID",),
    },
    params=frozenset({"organization", "project", "stream", "detail", *_OF_THE_TOOL, *_OF_THE_MODEL}),
    models=("gpt-5.2",),
)
CAPABILITIES = Capabilities(
    streams=True,
    partial_images=True,
    formats=("png", "jpeg", "webp", "gif", "svg"),
    parameters={
        **dict.fromkeys(("mask", *_TOOL_OPTIONS, *_MODEL_OPTIONS), Support.NATIVE),
        "response_format": Support.MAPPED,
    },
    extras={**_OF_THE_TOOL, **_OF_THE_MODEL, "detail": _DETAIL},
)
FAMILIES = {"openai_responses/*": CAPABILITIES}


class OpenAIResponses:
    """The provider `openai_responses`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools)

    def capabilities(self, _: Target) -> Capabilities:
        return CAPABILITIES

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        async with self._api.open(await _call(request, target), target) as answer:
            reply = Reply(answer.headers, int(self._tools.now_s()))
            if not await is_stream(answer):
                with _secrets_kept(target):
                    completed = await self._whole(answer, reply)
                yield completed
                return
            async with aclosing(self._stream(answer, reply, target)) as events:
                async for event in events:
                    yield event

    async def _whole(self, answer: Answer, reply: Reply) -> Completed:
        """The picture of an answer by an upstream that does not stream."""
        response = read_json(*await answer.pieces(self._tools.max_answer_bytes))
        return reply.end(response.json if isinstance(response.json, dict) else {}, response)

    async def _stream(self, answer: Answer, reply: Reply, target: Target) -> AsyncGenerator[Event]:
        """The stream's events. A picture that is here is given, whatever becomes of the rest: it is paid for."""
        try:
            with _secrets_kept(target):
                async with aclosing(self._events(answer, reply)) as events:
                    async for event in events:
                        yield event
        except UpstreamError:
            if not reply.has_picture:
                raise
        if reply.has_picture:
            yield reply.completed({})

    async def _events(self, answer: Answer, reply: Reply) -> AsyncGenerator[Event]:
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(answer.push(scanner)) as reads:
            async for _ in reads:
                for event in _told(scanner, reply):
                    if reply.is_ended:
                        answer.complete()
                    yield event
        scanner.finish()
        for event in _told(scanner, reply):
            yield event
        if not reply.is_ended:
            raise UpstreamBroken("The provider's stream ended before the edit was completed.", code="upstream_incomplete")


def _told(scanner: FrameScanner, reply: Reply) -> Iterator[Event]:
    """The events of the frames that are whole. No frame is held any longer: its pieces are its event's and may leave memory."""
    return (event for event in map(reply.take, scanner.take()) if event is not None)


@contextmanager
def _secrets_kept(target: Target) -> Iterator[None]:
    """No caller sees a key that an error inside an answer quotes."""
    try:
        yield
    except UpstreamError as error:
        error.detail = without_secrets(error.detail, target)
        raise


async def _call(request: EditRequest, target: Target) -> Call:
    extras = extras_of(request, CAPABILITIES, target)
    url = f"{(target.api_base or API_BASE).rstrip('/')}/responses"
    value: dict[str, Json] = {
        "model": target.model,
        "input": [{"role": "user", "content": await _content(request, extras.get("detail"))}],
        "tools": [await _tool(request, extras)],
        "tool_choice": {"type": "image_generation"},
        "store": False,
        **_options(request, _MODEL_OPTIONS),
        **{name: value for name, value in extras.items() if name in _OF_THE_MODEL},
    }
    if target.params.get("stream") is not False:
        value["stream"] = True
    return Call("POST", url, _headers(target), JsonBody(value))


def _headers(target: Target) -> Mapping[str, str]:
    headers = {"accept": "text/event-stream, application/json"}
    if target.api_key:
        headers["authorization"] = f"Bearer {target.api_key}"
    return headers | {f"openai-{name}": text for name in ("organization", "project") if (text := target.text(name))}


async def _content(request: EditRequest, detail: Json) -> list[Json]:
    """The prompt, and the images in their order. `detail`: how closely the text model looks at them."""
    told = {"detail": detail} if detail else {}
    images = [{"type": "input_image", "image_url": Base64.data_url(await typed(image)), **told} for image in request.images]
    return [{"type": "input_text", "text": request.prompt}, *images]


async def _tool(request: EditRequest, extras: Mapping[str, Json]) -> Mapping[str, Json]:
    own = {name: value for name, value in extras.items() if name in _OF_THE_TOOL and name != "image_model"}
    tool: dict[str, Json] = {"type": "image_generation", "action": "edit", **_options(request, _TOOL_OPTIONS), **own}
    if "image_model" in extras:
        tool["model"] = extras["image_model"]
    if request.partial_images and request.options.output_format not in _NEVER_PARTIAL:
        tool["partial_images"] = request.partial_images
    if request.mask is not None:
        tool["input_image_mask"] = {"image_url": Base64.data_url(await typed(request.mask))}
    return tool


def _options(request: EditRequest, names: tuple[str, ...]) -> Mapping[str, Json]:
    return {name: value for name in names if (value := getattr(request.options, name)) is not None}
