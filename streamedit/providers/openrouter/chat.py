"""OpenRouter's older way to images: `POST {api_base}/chat/completions` with `modalities`, for models that `/images` has not.

Streamed, because that keeps a long wait alive; a picture comes whole in any case. It is the last one that the model shows:
those before it, if any, are on the way there.
"""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, UpstreamBroken
from streamedit.events import Completed, Event, Json, Usage
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api, read_json
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.finish import Finish
from streamedit.providers.inputs import seeded, typed
from streamedit.providers.openrouter.http import checked, cut, explain, is_stream, post, reads, usage_of
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px
from streamedit.targets import Target
from streamedit.upstream.client import Answer
from streamedit.wire.cutouts import Cutout, Pieces
from streamedit.wire.jsonbody import Base64
from streamedit.wire.scanner import FrameScanner

_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_SIDES_PX = {"1K": 1024, "2K": 2048, "4K": 4096}
_QUALITIES = {"low": "1K", "standard": "1K", "medium": "2K", "high": "4K", "hd": "4K"}
"""As LiteLLM has it, for callers that have no other way to say how large; a size in pixels says it better."""

_IMAGE_CONFIG = ("aspect_ratio", "image_size")
_BLOCKING = frozenset(("SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT", "BLOCKLIST", "SPII"))
"""Among the `native_finish_reason`s of Gemini."""

_WORDS_CHARS = 300

CAPABILITIES = Capabilities(
    formats=("png", "jpeg", "webp"),
    parameters={
        **dict.fromkeys(("size", "quality", "output_format", "output_compression", "response_format"), Support.MAPPED),
        "user": Support.NATIVE,
    },
    extras={
        "seed": Extra("integer"),
        **dict.fromkeys(_IMAGE_CONFIG, Extra()),
        "provider": Extra("json"),
        "session_id": Extra(),
        "trace": Extra("json"),
    },
)


class Chat:
    """The API `chat`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, explain)

    def capabilities(self, _: Target) -> Capabilities:
        return CAPABILITIES

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        call = post("chat/completions", await _body(request, target), target)
        async with self._api.open(call, target) as answer:
            yield await self._completed(answer, request, target)

    async def _completed(self, answer: Answer, request: EditRequest, target: Target) -> Completed:
        message = _Message()
        await (self._stream(message, answer, target) if is_stream(answer) else self._whole(message, answer, target))
        return await Finish(request, self._tools.now_s()).completed(message.image(), message.usage)

    async def _whole(self, message: "_Message", answer: Answer, target: Target) -> None:
        said = read_json(*await answer.pieces(self._tools.max_answer_bytes))
        message.add(said, checked(said, answer, target))

    async def _stream(self, message: "_Message", answer: Answer, target: Target) -> None:
        scanner = FrameScanner(self._tools.max_event_bytes)
        async with aclosing(reads(answer, scanner)) as whole:
            async for _ in whole:
                message.add_all(scanner, answer, target)


class _Message:
    """The assistant's message, while it is being told."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._image: Pieces = ()
        self._words = ""
        self._is_blocked = False

    def add_all(self, scanner: FrameScanner, answer: Answer, target: Target) -> None:
        """Add what the whole frames say. Raises UpstreamError."""
        for said in filter(None, map(cut, scanner.take())):
            self.add(said, checked(said, answer, target))

    def add(self, said: Cutout, fields: Mapping[str, Json]) -> None:
        """Add a completion, or a chunk of one."""
        if fields.get("usage"):
            self.usage = usage_of(fields)
        for choice in _objects(fields.get("choices")):
            self._add(said, choice)

    def image(self) -> Pieces:
        """The picture's base64. Raises Blocked, UpstreamBroken with what was said in its place."""
        if self._image:
            return self._image
        words = f": {self._words[:_WORDS_CHARS]}" if self._words else "."
        if self._is_blocked:
            raise Blocked(f"The provider's moderation blocked the edit{words}")
        raise UpstreamBroken(f"The provider answered without an image{words}", code="upstream_empty")

    def _add(self, said: Cutout, choice: Mapping[str, Json]) -> None:
        told = choice.get("message") or choice.get("delta") or {}
        for image in _objects(told.get("images")):
            self._image = said.base64((image.get("image_url") or {}).get("url"))
        self._words += _text(said, told.get("refusal")) + _text(said, told.get("content"))
        filtered = choice.get("finish_reason") == "content_filter" or choice.get("native_finish_reason") in _BLOCKING
        self._is_blocked = self._is_blocked or filtered or bool(told.get("refusal"))


async def _body(request: EditRequest, target: Target) -> Mapping[str, Json]:
    images = [{"type": "image_url", "image_url": {"url": Base64.data_url(await typed(image))}} for image in request.images]
    extras = seeded(extras_of(request, CAPABILITIES, target), request)
    config = {**_image_config(request), **{name: extras.pop(name) for name in _IMAGE_CONFIG if name in extras}}
    return {
        "model": target.model,
        "messages": [{"role": "user", "content": [{"type": "text", "text": request.prompt}, *images]}],
        "modalities": ["image", "text"],
        "stream": True,
        **({"image_config": config} if config else {}),
        **({"user": request.options.user} if request.options.user else {}),
        **extras,
    }


def _image_config(request: EditRequest) -> Mapping[str, Json]:
    size_px = parse_size(request.options.size)
    if size_px is None:
        image_size = _QUALITIES.get(request.options.quality or "")
        return {"image_size": image_size} if image_size else {}
    nearest = min(_SIDES_PX, key=lambda name: abs(math.log(side_px(size_px) / _SIDES_PX[name])))
    return {"aspect_ratio": nearest_ratio(size_px, _RATIOS), "image_size": nearest}


def _objects(values: Json) -> list[Mapping[str, Json]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _text(said: Cutout, value: Json) -> str:
    return bytes(said.text(value)).decode("utf-8", "replace")
