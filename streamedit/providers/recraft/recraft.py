"""Recraft: `POST {api_base}/images/{service}`, a form with the image and, for some services, a mask. Pictures come whole.

A target names a model (`recraft/recraftv3`: `imageToImage`, and `inpaint` when there is a mask) or a service, in its place
(`recraft/replaceBackground`) or beside it (`service: replaceBackground`). Services that take no prompt do not get one:
`removeBackground`, `eraseRegion`, `crispUpscale`, `creativeUpscale`.

Source: recraft.ai, API reference, endpoints and pricing (2026-10); LiteLLM's `strength` of 0.2.
"""

from collections.abc import AsyncGenerator, Mapping

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest, TooLarge, UpstreamBroken
from streamedit.events import Event, Json, Usage, as_object
from streamedit.images import inspect
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities, adapted, extras_of
from streamedit.providers.finish import Finish
from streamedit.providers.inputs import grey_mask, typed
from streamedit.providers.recraft.services import FAMILIES, SERVICES, Service, capabilities_of, named, service_of
from streamedit.targets import Setup, Target
from streamedit.upstream.client import Call, RequestBody
from streamedit.wire.jsonbody import Base64, JsonBody
from streamedit.wire.multipart import MultipartBody

API_BASE = "https://external.api.recraft.ai/v1"

_MAX_BYTES = 10 << 20
_MAX_PIXELS = 16_000_000
_MAX_SIDE_PX = 4096
_STRENGTH = 0.2
_MICROS_PER_CREDIT = 1_000
"""1,000 API units are one dollar."""


def _mistake(target: Target) -> str | None:
    service = target.text("service")
    if service is not None and service not in SERVICES:
        return f"service must be one of {', '.join(SERVICES)}"
    if target.model.endswith("_vector"):
        return f"{target.model} makes SVG, which is no picture of an edit"
    return None


SETUP = Setup(
    environment={"api_key": ("RECRAFT_API_KEY", "RECRAFT_API_TOKEN"), "api_base": ("RECRAFT_API_BASE",)},
    params=frozenset({"service"}).union(*(service.capabilities.extras for service in SERVICES.values())),
    mistake=_mistake,
    models=("recraftv4_1", "recraftv3", "replaceBackground", "removeBackground", "crispUpscale"),
)

__all__ = ["FAMILIES", "SETUP", "Recraft"]


class Recraft:
    """The provider `recraft`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, _explain)

    def capabilities(self, target: Target) -> Capabilities:
        return capabilities_of(target)

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        service = service_of(request, target)
        answer = await self._api.ask(await _call(request, target, service), target)
        transparent = service.path == "removeBackground"
        finish = Finish(request, self._tools.now_s(), background="transparent" if transparent else "opaque")
        usage = _usage(answer.json)
        for index, picture in enumerate(_pictures(answer.json)):
            yield await finish.completed(answer.base64(picture), None if index else usage, index)


async def _call(request: EditRequest, target: Target, service: Service) -> Call:
    # A model's capabilities are those of two services; the one that it comes down to may take less.
    request = adapted(request, service.capabilities, target)
    await _check(request.images[0], service)
    if service.masked and request.mask is None:
        raise InvalidRequest(f"{service.path} needs a mask.", param="mask", code="missing_required_parameter")
    mask = await grey_mask(request, strict=True)
    files = [(service.file, await typed(request.images[0])), *([("mask", mask)] if mask else [])]
    url = f"{_api_base(target)}/images/{service.path}"
    return Call("POST", url, {"authorization": f"Bearer {target.api_key}"}, _body(_fields(request, target, service), files))


def _api_base(target: Target) -> str:
    """LiteLLM's configurations leave the version out."""
    base = (target.api_base or API_BASE).rstrip("/")
    return base if base.endswith("/v1") else f"{base}/v1"


async def _check(image: InputImage, service: Service) -> None:
    """Raises TooLarge, InvalidRequest for an image that Recraft would not take."""
    if image.upload.size_bytes > _MAX_BYTES:
        raise TooLarge("Recraft takes images of at most 10 MB.", param="image", code="image_too_large")
    info = inspect(await image.upload.head())
    if info is None or not info.pixels:
        return
    sides = (info.width_px, info.height_px)
    if min(sides) < service.least_px or max(sides) > _MAX_SIDE_PX or info.pixels > _MAX_PIXELS:
        told = f"sides of {service.least_px} to {_MAX_SIDE_PX} pixels and at most 16 megapixels"
        raise InvalidRequest(f"Recraft takes images with {told}.", param="image", code="invalid_image_size")


def _fields(request: EditRequest, target: Target, service: Service) -> dict[str, Json]:
    extras = extras_of(request, service.capabilities, target)
    if not service.prompted:
        return {"response_format": "b64_json", **extras}
    if "random_seed" in extras:
        extras["random_seed"] += request.image_index
    chosen = {
        "model": target.model if target.model != named(target) else None,
        "n": request.n if request.n > 1 else None,
        "size": request.options.size if request.options.size != "auto" else None,
        "strength": _STRENGTH if "strength" in service.capabilities.extras else None,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    return {"prompt": request.prompt, "response_format": "b64_json", **given, **extras}


def _body(fields: Mapping[str, Json], files: list[tuple[str, InputImage]]) -> RequestBody:
    """A form, which keeps the files' names; JSON where a field is an object or a list, which forms cannot say."""
    if any(isinstance(value, dict | list) for value in fields.values()):
        return JsonBody({**fields, **{_url_field(name): Base64.data_url(image) for name, image in files}})
    return MultipartBody([(name, str(value)) for name, value in fields.items()], files)


def _url_field(file: str) -> str:
    return "mask_url" if file == "mask" else "image_url"


def _pictures(answer: Json) -> list[Json]:
    """The pictures, as they stand in the answer: `data`, or the one `image`. Raises UpstreamBroken."""
    fields = as_object(answer)
    items = fields.get("data") or [fields.get("image")]
    pictures = [item["b64_json"] for item in items if isinstance(item, dict) and item.get("b64_json")]
    if not pictures:
        raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")
    return pictures


def _usage(answer: Json) -> Usage:
    told = answer.get("credits") if isinstance(answer, dict) else None
    return Usage(cost_micros=round(told * _MICROS_PER_CREDIT)) if isinstance(told, int | float) else Usage()


def _explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """`{"code": "...", "message": "..."}`."""
    return {"message": body.get("message"), "code": body.get("code")} if isinstance(body, dict) else {}
