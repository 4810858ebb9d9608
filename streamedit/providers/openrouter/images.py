"""OpenRouter's API for images: `POST {api_base}/images`, in JSON, with the input images as data URLs.

Models of OpenAI can stream; the others ignore the wish. There is no field for the number of partial images, and each of them
is paid for, so a stream is asked for only where somebody watches, and no more of them are shown than were asked for.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from streamedit.edits import EditRequest
from streamedit.errors import UpstreamBroken
from streamedit.events import Completed, Event, Json, Usage
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, read_json
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.finish import Finish
from streamedit.providers.inputs import seeded, typed
from streamedit.providers.openrouter.http import checked, cut, explain, is_stream, post, reads, usage_of
from streamedit.targets import Target
from streamedit.upstream.client import Answer
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import Base64
from streamedit.wire.scanner import Frame, FrameScanner

_PARTIAL, _COMPLETED = "image_generation.partial_image", "image_generation.completed"
_QUALITIES = {**{name: name for name in ("low", "medium", "high", "xhigh", "max")}, "hd": "high"}

_PARAMETERS = {
    **dict.fromkeys(("size", "background", "output_format", "output_compression", "user"), Support.NATIVE),
    "quality": Support.MAPPED,
    "response_format": Support.MAPPED,
}
_EXTRAS = {
    "seed": Extra("integer"),
    "aspect_ratio": Extra(),
    "resolution": Extra(),
    "provider": Extra("json"),
    "session_id": Extra(),
    "trace": Extra("json"),
}
_FORMATS = ("png", "jpeg", "webp")

OPENAI = Capabilities(streams=True, partial_images=True, n=10, formats=_FORMATS, parameters=_PARAMETERS, extras=_EXTRAS)
"""Models of OpenAI: they alone stream, and all of them make several images of one call."""

OTHERS = Capabilities(formats=_FORMATS, parameters=_PARAMETERS, extras=_EXTRAS)


class Images:
    """The API `images`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, explain)

    def capabilities(self, target: Target) -> Capabilities:
        return OPENAI if target.model.startswith("openai/") else OTHERS

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        call = post("images", await self._body(request, target), target)
        finish = Finish(request, self._tools.now_s(), background=request.options.background or "auto")
        async with self._api.open(call, target) as answer:
            told = _Told(answer, target, finish, request.partial_images)
            events = self._stream(told) if is_stream(answer) else self._whole(told)
            async with aclosing(events):
                async for event in events:
                    yield event

    async def _body(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        references = [
            {"type": "image_url", "image_url": {"url": Base64.data_url(await typed(image))}} for image in request.images
        ]
        options = request.options
        chosen = {
            "n": request.n if request.n > 1 else None,
            "size": options.size if options.size != "auto" else None,
            "quality": _QUALITIES.get(options.quality or ""),
            "background": options.background,
            "output_format": options.output_format,
            "output_compression": options.output_compression,
            "user": options.user,
            "stream": True if request.partial_images else None,
        }
        return {
            "model": target.model,
            "prompt": request.prompt,
            "input_references": references,
            **{name: value for name, value in chosen.items() if value is not None},
            **seeded(extras_of(request, self.capabilities(target), target), request),
        }

    async def _whole(self, told: "_Told") -> AsyncGenerator[Event]:
        said = read_json(*await told.answer.pieces(self._tools.max_answer_bytes))
        fields = checked(said, told.answer, told.target)
        items = fields.get("data")
        if not isinstance(items, list) or not items:
            raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
        for index, item in enumerate(items):
            yield await told.completed(said, item, index, usage_of(fields) if index == 0 else None)

    async def _stream(self, told: "_Told") -> AsyncGenerator[Event]:
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(reads(told.answer, scanner)) as whole:
            async for _ in whole:
                # A frame is held by nobody while its event is out.
                for decoding in map(told.event, scanner.take()):
                    event = await decoding
                    if event is not None:
                        yield event


class _Told:
    """What one answer has told so far."""

    def __init__(self, answer: Answer, target: Target, finish: Finish, partial_images: int) -> None:
        self.answer = answer
        self.target = target
        self._finish = finish
        self._partial_images = partial_images
        self._shown = 0

    async def completed(self, said: Cutout, item: Json, index: int = 0, usage: Usage | None = None) -> Completed:
        """The picture in an item of an answer, or in an event. Raises UpstreamBroken."""
        if not isinstance(item, dict):
            raise UpstreamBroken("The provider's answer is not the one of its documentation.", code="upstream_malformed")
        return await self._finish.completed(said.base64(item.get("b64_json")), usage, index)

    async def event(self, frame: Frame) -> Event | None:
        """What a frame tells; None where that is nothing for an edit. Raises UpstreamError."""
        said = cut(frame)
        if said is None:
            return None
        fields = checked(said, self.answer, self.target)
        if fields.get("type") == _PARTIAL and self._shown < self._partial_images:
            self._shown += 1
            return await self._finish.partial(said.base64(fields.get("b64_json")), self._shown - 1)
        if fields.get("type") == _COMPLETED:
            self.answer.complete()
            return await self.completed(said, fields, usage=usage_of(fields))
        return None
