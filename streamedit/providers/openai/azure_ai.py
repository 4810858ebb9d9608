"""Models of other makers in Microsoft Foundry, by the name of their deployment: FLUX.1 Kontext, FLUX.2 and MAI-Image.

    {base}/openai/deployments/{model}/images/edits?api-version=V           FLUX.1-Kontext-pro: OpenAI's form, one image
    {base}/providers/blackforestlabs/v1/flux-2-pro | flux-2-flex?...       FLUX.2: JSON, up to 8 | 10 images in base64
    {base}/mai/v1/images/edits?...                                         MAI-Image: a form, one image, PNG

The name of a deployment must tell which of them it is, or `base_model` does. All of them answer in one piece; nothing interim.
Sources: Microsoft's how-to pages of FLUX (2026-03) and MAI image models in Foundry (2026-09).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.inputs import seeded
from streamedit.providers.openai import azure, entra
from streamedit.providers.openai.dialect import Dialect, Speaker, bearer
from streamedit.providers.openai.form import Form
from streamedit.providers.sizes import parse_size
from streamedit.targets import Setup, Target
from streamedit.upstream.client import RequestBody
from streamedit.wire.jsonbody import Base64, JsonBody

_FORMATS = ("png", "jpeg", "webp")
_ANY_FORMAT = dict.fromkeys(("output_format", "output_compression"), Support.MAPPED)
_STEP_PX, _MOST_PX = 16, 4_194_304
_HOSTS = ("blob.core.windows.net", "azure.com", "microsoft.com", "bfl.ai")
"""Where pictures lie that are given by URL."""

_FLUX_2_EXTRAS = {
    "seed": Extra("integer", 0, 2**32 - 1),
    "guidance": Extra("number", 1.5, 10),
    "steps": Extra("integer", 1, 50),
    "safety_tolerance": Extra("integer", 0, 5),
    "aspect_ratio": Extra(),
}


@dataclass(frozen=True, slots=True)
class _Flux2Form(Form):
    """The JSON of Black Forest Labs."""

    async def body(self, request: EditRequest, target: Target, capabilities: Capabilities) -> RequestBody:
        asked = request.options.output_format
        value: dict[str, Json] = {
            "model": target.model,
            "prompt": request.prompt,
            **_sides(request),
            "output_format": asked if asked in self.formats else "png",
            **seeded(extras_of(request, capabilities, target), request),
        }
        for number, image in enumerate(request.images, 1):
            value["input_image" if number == 1 else f"input_image_{number}"] = Base64(image.upload)
        return JsonBody(value)


def _sides(request: EditRequest) -> Mapping[str, int]:
    """Raises InvalidRequest."""
    size_px = parse_size(request.options.size)
    if size_px is None:
        return {}
    width, height = size_px
    if width % _STEP_PX or height % _STEP_PX or width * height > _MOST_PX:
        message = f"size must be in steps of {_STEP_PX} pixels, of {_MOST_PX} pixels at most."
        raise InvalidRequest(message, param="size", code="invalid_value")
    return {"width": width, "height": height}


def _kind(target: Target) -> str:
    """The model's name, as far as it tells models apart."""
    return target.base_model.lower().replace(".", "-").replace("_", "-")


def _path(target: Target) -> str:
    return "flux-2-flex" if "flex" in _kind(target) else "flux-2-pro"


def _at(target: Target, path: str) -> str:
    """The URL of a path. What the base has of a path already is not taken twice."""
    base, _, version = azure.address(target)
    return f"{base}/{path}?api-version={quote(version or 'preview')}"


def _kontext_url(target: Target) -> str:
    return _at(target, f"openai/deployments/{quote(target.model, safe='')}/images/edits")


def _flux_2_url(target: Target) -> str:
    return _at(target, f"providers/blackforestlabs/v1/{_path(target)}")


def _mai_url(target: Target) -> str:
    return _at(target, "mai/v1/images/edits")


def _mai_usage(usage: Json) -> Json:
    """The counts under OpenAI's names. Source: what LiteLLM reads of this API; Microsoft's page does not tell."""
    if not isinstance(usage, dict) or "num_input_text_tokens" not in usage:
        return usage
    names = ("num_input_text_tokens", "num_input_image_tokens", "num_output_tokens")
    text, image, output = (int(usage.get(name) or 0) for name in names)
    return {
        "input_tokens": text + image,
        "output_tokens": output,
        "total_tokens": text + image + output,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
    }


def _flux_2_headers(target: Target) -> Mapping[str, str]:
    """The maker's own API takes the key as a bearer token."""
    return bearer(target) or entra.headers(target)


_KONTEXT = Dialect(
    Capabilities(max_images=1, formats=_FORMATS, parameters={**_ANY_FORMAT, "size": Support.NATIVE}),
    Form(("size",), model=False),
    _kontext_url,
    entra.headers,
    azure.explain,
    azure.BLOCKS,
    _HOSTS,
)
_FLUX_2_PRO = Dialect(
    Capabilities(
        max_images=8,
        formats=_FORMATS,
        parameters={**_ANY_FORMAT, "size": Support.MAPPED},
        extras=_FLUX_2_EXTRAS,
    ),
    _Flux2Form(formats=("png", "jpeg")),
    _flux_2_url,
    _flux_2_headers,
    azure.explain,
    azure.BLOCKS,
    _HOSTS,
)
_FLUX_2_FLEX = replace(_FLUX_2_PRO, capabilities=replace(_FLUX_2_PRO.capabilities, max_images=10))
_MAI_25 = replace(
    _KONTEXT, capabilities=replace(_KONTEXT.capabilities, parameters=_ANY_FORMAT), form=Form(()), url=_mai_url, usage=_mai_usage
)
_MAI_26 = replace(
    _MAI_25,
    capabilities=replace(_MAI_25.capabilities, extras={"auto_aspect_ratio": Extra("flag"), "web_grounding": Extra("flag")}),
)

FAMILIES = {
    "azure_ai/FLUX.1-Kontext-pro": _KONTEXT.capabilities,
    "azure_ai/FLUX.2-pro": _FLUX_2_PRO.capabilities,
    "azure_ai/FLUX.2-flex": _FLUX_2_FLEX.capabilities,
    "azure_ai/MAI-Image-2.5*": _MAI_25.capabilities,
    "azure_ai/MAI-Image-2.6*": _MAI_26.capabilities,
}


def _dialect_of(target: Target) -> Dialect:
    kind = _kind(target)
    if "mai-image" in kind or "maiimage" in kind:
        return _MAI_25 if "2-5" in kind else _MAI_26
    if "flux-2" in kind or "flux2" in kind:
        return _FLUX_2_FLEX if "flex" in kind else _FLUX_2_PRO
    return _KONTEXT


def _mistake(target: Target) -> str | None:
    kind = _kind(target)
    if kind != "*" and not any(name in kind for name in ("mai-image", "maiimage", "flux-2", "flux2", "kontext")):
        return "not known which model this deployment is: say base_model, such as FLUX.2-pro or MAI-Image-2.6"
    return azure.mistake(target)


SETUP = Setup(
    environment={
        "api_key": ("AZURE_AI_API_KEY",),
        "api_base": ("AZURE_AI_API_BASE",),
        "api_version": ("AZURE_AI_API_VERSION",),
        **entra.ENVIRONMENT,
    },
    params=frozenset({"api_version", "base_model", "auto_aspect_ratio", "web_grounding", *_FLUX_2_EXTRAS}) | entra.PARAMS,
    mistake=_mistake,
    models=("FLUX.1-Kontext-pro", "FLUX.2-pro", "FLUX.2-flex", "MAI-Image-2.6", "MAI-Image-2.6-Flash", "MAI-Image-2.5"),
)
"""Models: by the names that deployments have if nobody gives them another."""


class AzureAI(Speaker):
    """The provider `azure_ai`."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(tools, _dialect_of, entra.EntraTokens(tools).authorized)
