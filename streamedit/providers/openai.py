"""OpenAI's own API and every server that speaks it: `POST {api_base}/images/edits`.

The upstream is asked for a stream where it can give one, with as many partial images as the caller wants to see (each costs
100 output tokens). Whatever comes back, SSE or JSON, becomes events; their JSON is the upstream's own bytes.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import fields
from functools import partial

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import UpstreamRefused
from streamedit.events import Completed, Event
from streamedit.providers.base import Tools
from streamedit.providers.calls import is_stream, without_secrets
from streamedit.providers.capabilities import PARAMETERS, Capabilities, Support
from streamedit.providers.inputs import typed
from streamedit.routing import Setup, Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire import bodies, frames
from streamedit.wire.multipart import MultipartBody
from streamedit.wire.scanner import FrameScanner

API_BASE = "https://api.openai.com/v1"

_ALWAYS_BASE64 = ("gpt-image-", "chatgpt-image-")
"""Families that answer in base64 and refuse `response_format`."""

_NEVER_STREAM = ("dall-e-",)
_NEVER_STREAMED_FORMATS = ("gif", "svg")
_ERROR_BODY_BYTES = 1 << 20


SETUP = Setup(
    environment={
        "api_key": ("OPENAI_API_KEY",),
        "api_base": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
        "organization": ("OPENAI_ORG_ID",),
        "project": ("OPENAI_PROJECT_ID",),
    },
    params=frozenset({"organization", "project", "stream"}),
    models=("gpt-image-2", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare", "gpt-image-2.6-sunburst", "gpt-image-2.6-flare"),
)
"""Models: those that are not about to end. Source: openai-python 3.52 `ImageModel`."""

CAPABILITIES = Capabilities(
    streams=True, partial_images=True, n=10, parameters=dict.fromkeys(PARAMETERS, Support.NATIVE), verbatim=True
)
FAMILIES = {"openai/*": CAPABILITIES}


class OpenAI:
    """The provider `openai`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def capabilities(self, _: Target) -> Capabilities:
        return CAPABILITIES

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        url = f"{(target.api_base or API_BASE).rstrip('/')}/images/edits"
        body = MultipartBody(_fields(request, target), [(name, await typed(image)) for name, image in _files(request)])
        async with self._tools.upstream.send(Call("POST", url, _headers(target), body, target.timeout_s)) as answer:
            if answer.status >= 300:
                error = bodies.parse_error_body(answer.status, await answer.read(_ERROR_BODY_BYTES), answer.headers)
                raise UpstreamRefused(without_secrets(error, target))
            events = self._stream(answer, request.n) if await is_stream(answer) else self._json(answer, request.n)
            async with aclosing(events):
                async for event in events:
                    yield event

    async def _json(self, answer: Answer, n: int) -> AsyncGenerator[Event]:
        raw = await answer.read(self._tools.max_answer_bytes)
        for completed in bodies.expand(raw, n, answer.headers, int(self._tools.now_s())):
            yield completed

    async def _stream(self, answer: Answer, n: int) -> AsyncGenerator[Event]:
        async with aclosing(self._events(answer)) as events:
            async for event in events:
                if isinstance(event, Completed):
                    n -= 1
                if n == 0:
                    answer.complete()
                yield event

    async def _events(self, answer: Answer) -> AsyncGenerator[Event]:
        """The upstream's events, each as soon as it is whole."""
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(answer.push(scanner)) as reads:
            async for _ in reads:
                for event in _decoded(scanner, answer.headers):
                    yield event
        scanner.finish()
        for event in _decoded(scanner, answer.headers):
            yield event


def _decoded(scanner: FrameScanner, headers: Mapping[str, str]) -> Iterator[Event]:
    """The events of the frames that are whole. No frame is held any longer: its pieces are its event's and may leave memory."""
    decoded = map(partial(frames.decode, headers=headers), scanner.take())
    return (event for event in decoded if event is not None)


def _headers(target: Target) -> Mapping[str, str]:
    """Credentials, and what the configuration adds (`extra_headers`)."""
    headers = {"accept": "text/event-stream, application/json"}
    if target.api_key:
        headers["authorization"] = f"Bearer {target.api_key}"
    for name in ("organization", "project"):
        if target.params.get(name):
            headers[f"openai-{name}"] = str(target.params[name])
    return {**headers, **target.extra_headers}


def _fields(request: EditRequest, target: Target) -> list[tuple[str, str]]:
    values = {field.name: getattr(request.options, field.name) for field in fields(EditOptions)}
    if target.model.startswith(_ALWAYS_BASE64):
        values.pop("response_format")
    values["partial_images"] = None
    if request.n == 1:
        values["n"] = None
    if _asks_for_stream(request, target):
        values |= {"stream": "true", "partial_images": request.partial_images}
    given = [(name, str(value)) for name, value in values.items() if value is not None]
    return [("model", target.model), ("prompt", request.prompt), *given, *request.extra]


def _asks_for_stream(request: EditRequest, target: Target) -> bool:
    """OpenAI refuses a stream of several images, of GIF and of SVG; whoever asks for one all the same hears it from there."""
    if request.stream:
        return True
    streamable = not target.model.startswith(_NEVER_STREAM) and request.options.output_format not in _NEVER_STREAMED_FORMATS
    return request.n == 1 and streamable and target.params.get("stream") is not False


def _files(request: EditRequest) -> list[tuple[str, InputImage]]:
    name = "image" if len(request.images) == 1 else "image[]"
    named = [(name, image) for image in request.images]
    named += [(name, image) for name, image in (("mask", request.mask), ("markup", request.markup)) if image is not None]
    return [*named, *request.extra_files]
