"""xAI: `POST {api_base}/images/edits`, in JSON only, with images as data URLs. One picture or n, whole; nothing interim.

Source: docs.x.ai and xai-sdk 1.21 (facts of 2026-11-20). Which part of a mask is edited is not documented, so none is taken.
"""

from collections.abc import AsyncGenerator, Mapping

from streamedit.edits import EditRequest
from streamedit.errors import Blocked, UpstreamBroken
from streamedit.events import Event, Json, Usage
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities, Support
from streamedit.providers.finish import Finish
from streamedit.providers.inputs import typed
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import Base64, JsonBody

API_BASE = "https://api.x.ai/v1"

_RATIOS = (
    "1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2", "9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1",
)  # fmt: skip
_QUALITIES = {"low": "low", "medium": "medium", "high": "medium"}
_TICKS_PER_MICRO = 10_000
"""A tick is 1e-10 dollars."""

SETUP = Setup(
    environment={"api_key": ("XAI_API_KEY",), "api_base": ("XAI_API_BASE",)},
    models=("grok-imagine-image-2.0", "grok-imagine-image"),
)
CAPABILITIES = Capabilities(
    n=10,
    max_images=3,
    formats=("png", "jpeg", "webp"),
    parameters={
        "size": Support.MAPPED,
        "output_format": Support.MAPPED,
        "output_compression": Support.MAPPED,
        "response_format": Support.MAPPED,
        "quality": Support.MAPPED,
        "user": Support.NATIVE,
    },
)
FAMILIES = {"xai/*": CAPABILITIES}


class XAI:
    """The provider `xai`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, _explain)

    def capabilities(self, _: Target) -> Capabilities:
        return CAPABILITIES

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        answer = await self._api.ask(await _call(request, target), target)
        finish = Finish(request, self._tools.now_s())
        usage = _usage(answer.json)
        for index, picture in enumerate(_pictures(answer)):
            yield await finish.completed(answer.base64(picture), None if index else usage, index)


async def _call(request: EditRequest, target: Target) -> Call:
    url = f"{(target.api_base or API_BASE).rstrip('/')}/images/edits"
    references = [{"url": Base64.data_url(await typed(image))} for image in request.images]
    value: dict[str, Json] = {
        "model": target.model,
        "prompt": request.prompt,
        **({"image": references[0]} if len(references) == 1 else {"images": references}),
        "response_format": "b64_json",
        **_options(request),
    }
    return Call("POST", url, {"authorization": f"Bearer {target.api_key}"}, JsonBody(value))


def _options(request: EditRequest) -> Mapping[str, Json]:
    options = request.options
    size_px = parse_size(options.size)
    chosen = {
        "n": request.n if request.n > 1 else None,
        "aspect_ratio": nearest_ratio(size_px, _RATIOS) if size_px else None,
        "resolution": ("2k" if side_px(size_px) >= 1536 else "1k") if size_px else None,
        "quality": _QUALITIES.get(options.quality or ""),
        "user": options.user,
    }
    return {name: value for name, value in chosen.items() if value is not None}


def _pictures(answer: Cutout) -> list[Json]:
    """The pictures, as they stand in the answer. Raises Blocked, UpstreamBroken."""
    items = answer.json.get("data") if isinstance(answer.json, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    if any(item.get("respect_moderation") is False for item in items):
        raise Blocked("The provider's moderation blocked the picture.")
    pictures = [item["b64_json"] for item in items if item.get("b64_json")]
    if not pictures:
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    return pictures


def _usage(answer: Json) -> Usage:
    ticks = (answer.get("usage") or {}).get("cost_in_usd_ticks")
    return Usage(cost_micros=round(ticks / _TICKS_PER_MICRO)) if isinstance(ticks, int) else Usage()


def _explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"code": "...", "error": "text"}`."""
    if not isinstance(body, dict):
        return {}
    return {"message": body.get("error"), "code": body.get("code")}
