"""Google's `generateContent` as AI Studio and Vertex AI both speak it: what the image models can do, and a call's body.

Sources: ai.google.dev (image generation), google-genai 3.4 (`ImageConfig`, `GenerateContentConfig`), Google's model cards.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.capabilities import Capabilities, Extra, Support
from streamedit.providers.inputs import typed
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px
from streamedit.targets import Target
from streamedit.wire.jsonbody import Base64, JsonBody

_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_MORE_RATIOS = (*_RATIOS, "1:4", "4:1", "1:8", "8:1")
_IMAGEN_SIZES = {(1280, 896): "4:3", (896, 1280): "3:4"}
"""Google's own sizes of these ratios that are nearer to another ratio. All its other sizes are nearest to their own."""

_BELOW_PX = {"512": 768, "1K": 1536, "2K": 3072}
"""Each class of resolution, up to a side of the square with as many pixels; `4K` is beyond. Source: LiteLLM."""


@dataclass(frozen=True, slots=True)
class Model:
    """One family of models. `image_sizes`: those of its classes of resolution that can be chosen.

    `thinks`: it shows interim images where it is asked for its thoughts; `thinking_level`: at which it has some to show.
    """

    max_images: int = 14
    ratios: tuple[str, ...] = _MORE_RATIOS
    image_sizes: tuple[str, ...] = ("1K", "2K", "4K")
    thinks: bool = True
    thinking_level: str | None = None


MODELS: Mapping[str, Model] = {
    "*2.5-flash-image*": Model(max_images=3, ratios=_RATIOS, image_sizes=(), thinks=False),
    "gemini-3.1-flash-lite-image*": Model(image_sizes=()),
    "gemini-3.1-flash-image*": Model(image_sizes=("512", "1K", "2K", "4K"), thinking_level="HIGH"),
    "gemini-3-pro-image*": Model(ratios=_RATIOS),
    "nano-banana-pro*": Model(ratios=_RATIOS),
    "*": Model(),
}
"""By a pattern of their names, the first that matches; a model that is not known may have all that the newest have."""

_CONFIG = {
    "responseModalities": Extra("json"),
    "seed": Extra("integer", 0, 2**31 - 1),
    "temperature": Extra("number", 0, 2),
    "topP": Extra("number", 0, 1),
    "topK": Extra("number", 1, 1000),
    "maxOutputTokens": Extra("integer", 1, 1 << 20),
    "mediaResolution": Extra(choices=("MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH")),
    "imageConfig": Extra("json"),
    "thinkingConfig": Extra("json"),
}
_BESIDE = {"safetySettings": Extra("json"), "systemInstruction": Extra(), "tools": Extra("json")}
_BESIDE_ON_VERTEX = {"labels": Extra("json"), "modelArmorConfig": Extra("json")}

_OBJECTS = ("imageConfig", "thinkingConfig", "labels", "modelArmorConfig")
_LISTS = ("responseModalities", "safetySettings", "tools")


@dataclass(frozen=True, slots=True)
class Service:
    """Where the models can be had. `formats`: the output formats that it makes itself; `extras`: its fields beside OpenAI's."""

    formats: tuple[str, ...]
    extras: Mapping[str, Extra]

    @property
    def params(self) -> frozenset[str]:
        """What a configuration may say of it."""
        return frozenset((*self.extras, "mask"))

    def capabilities(self, model: Model) -> Capabilities:
        """What it can do with a model."""
        done = Support.NATIVE if self.formats else Support.MAPPED
        return Capabilities(
            streams=model.thinks,
            partial_images=model.thinks,
            max_images=model.max_images,
            inputs=("png", "jpeg", "webp", "heic", "heif"),
            formats=("png", "jpeg", "webp"),
            parameters={
                "size": Support.MAPPED,
                "output_format": done,
                "output_compression": done,
                "response_format": Support.MAPPED,
            },
            extras=self.extras,
        )

    def families(self, provider: str) -> dict[str, Capabilities]:
        """What it can do, by a pattern of the models' full names."""
        return {f"{provider}/{pattern}": self.capabilities(model) for pattern, model in MODELS.items()}


AI_STUDIO = Service((), {**_CONFIG, **_BESIDE})
VERTEX = Service(("png", "jpeg"), {**_CONFIG, **_BESIDE, **_BESIDE_ON_VERTEX})


def model_of(name: str) -> Model:
    """What is known of a model."""
    return next(model for pattern, model in MODELS.items() if fnmatchcase(name, pattern))


def composites(target: Target) -> bool:
    """Whether the original is put back here outside the mask: no Gemini model takes one."""
    return target.params.get("mask") == "composite"


def mistake(target: Target) -> str | None:
    """What is wrong with a target's `mask`."""
    return None if target.params.get("mask") is None or composites(target) else "mask must be 'composite'"


async def body_of(request: EditRequest, service: Service, model: Model, extras: Mapping[str, Json]) -> JsonBody:
    """The images and the prompt, and how the picture is to be. Raises InvalidRequest."""
    for name, kind in (*((name, dict) for name in _OBJECTS), *((name, list) for name in _LISTS)):
        if name in extras and not isinstance(extras[name], kind):
            words = "an object" if kind is dict else "a list"
            raise InvalidRequest(f"{name} must be {words} in JSON.", param=name, code="invalid_value")
    parts = [_inline(await typed(image)) for image in request.images]
    beside = {name: extras[name] for name in extras if name not in _CONFIG}
    if "systemInstruction" in beside:
        beside["systemInstruction"] = {"parts": [{"text": beside["systemInstruction"]}]}
    return JsonBody(
        {
            "contents": [{"role": "user", "parts": [*parts, {"text": request.prompt}]}],
            "generationConfig": _generation_config(request, service, model, extras),
            **beside,
        }
    )


def image_config(size: str | None, model: Model) -> dict[str, Json]:
    """OpenAI's `size` as a ratio and, where the model has a choice, a class of resolution. Raises InvalidRequest."""
    size_px = parse_size(size)
    if size_px is None:
        return {}
    ratio = _IMAGEN_SIZES.get(size_px) or nearest_ratio(size_px, model.ratios)
    return {"aspectRatio": ratio, **({"imageSize": _image_size(side_px(size_px), model)} if model.image_sizes else {})}


def _image_size(side: float, model: Model) -> str:
    return next((name for name, below in _BELOW_PX.items() if name in model.image_sizes and side < below), "4K")


def _inline(image: InputImage) -> Json:
    return {"inlineData": {"mimeType": image.media_type, "data": Base64(image.upload)}}


def _generation_config(request: EditRequest, service: Service, model: Model, extras: Mapping[str, Json]) -> dict[str, Json]:
    images = {**image_config(request.options.size, model), **_output(request, service), **extras.get("imageConfig", {})}
    thinking = {**_thinking(request, model), **extras.get("thinkingConfig", {})}
    return {
        "responseModalities": ["IMAGE"],
        **{name: extras[name] for name in extras if name in _CONFIG},
        **({"imageConfig": images} if images else {}),
        **({"thinkingConfig": thinking} if thinking else {}),
    }


def _output(request: EditRequest, service: Service) -> dict[str, Json]:
    """The output format, where the service makes it; a picture that is composited here is better left whole."""
    output_format = request.options.output_format
    if output_format not in service.formats or request.mask is not None:
        return {}
    compression = request.options.output_compression
    quality = {"compressionQuality": compression} if output_format == "jpeg" and compression is not None else {}
    return {"imageOutputOptions": {"mimeType": f"image/{output_format}", **quality}}


def _thinking(request: EditRequest, model: Model) -> dict[str, Json]:
    """Thoughts are billed either way; they are sent, and more of them are had, only for those who want to see them."""
    if not request.partial_images or not model.thinks:
        return {}
    return {"includeThoughts": True, **({"thinkingLevel": model.thinking_level} if model.thinking_level else {})}
