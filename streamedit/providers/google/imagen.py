"""Imagen's edit models at Vertex AI, which Google has announced the end of: `POST .../models/{model}:predict`.

Sources: cloud.google.com (Imagen: edit, customize), google-genai 3.4 (`EditImageConfig`, field names on the wire). The mask is
white where to edit, and of the first image's size.
"""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import Blocked, InvalidRequest, UpstreamBroken
from streamedit.events import Event, Json
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.finish import Finish
from streamedit.providers.google.call import Place
from streamedit.providers.google.responses import explain
from streamedit.providers.inputs import grey_mask, seeded
from streamedit.providers.sizes import nearest_ratio, parse_size
from streamedit.targets import Target
from streamedit.upstream.client import Call
from streamedit.wire.cutouts import Cutout
from streamedit.wire.jsonbody import Base64, JsonBody

METHOD = "predict"
MODELS = ("imagen-*",)

_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
_EDIT_MODES = (
    "EDIT_MODE_DEFAULT", "EDIT_MODE_INPAINT_REMOVAL", "EDIT_MODE_INPAINT_INSERTION", "EDIT_MODE_OUTPAINT",
    "EDIT_MODE_CONTROLLED_EDITING", "EDIT_MODE_STYLE", "EDIT_MODE_BGSWAP", "EDIT_MODE_PRODUCT_IMAGE",
)  # fmt: skip
_FOUND_MASKS = ("MASK_MODE_DEFAULT", "MASK_MODE_BACKGROUND", "MASK_MODE_FOREGROUND", "MASK_MODE_SEMANTIC")
_DRAWN_MASK = "MASK_MODE_USER_PROVIDED"
_CONFIGS = {
    "REFERENCE_TYPE_RAW": None,
    "REFERENCE_TYPE_CONTROL": "controlImageConfig",
    "REFERENCE_TYPE_STYLE": "styleImageConfig",
    "REFERENCE_TYPE_SUBJECT": "subjectImageConfig",
}
"""What an image can be -> the field that says more of it."""

_PARAMETERS = {
    "editMode": Extra(choices=_EDIT_MODES),
    "aspectRatio": Extra(choices=_RATIOS),
    "guidanceScale": Extra("number", 0, 500),
    "negativePrompt": Extra(),
    "seed": Extra("integer", 0, 2**32 - 1),
    "language": Extra(choices=("auto", "en", "ja", "ko", "hi", "zh", "pt", "es")),
    "personGeneration": Extra(choices=("DONT_ALLOW", "ALLOW_ADULT", "ALLOW_ALL")),
    "safetySetting": Extra(choices=("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE")),
    "addWatermark": Extra("flag"),
}
_ELSEWHERE = {
    "baseSteps": Extra("integer", 1, 75),
    "maskMode": Extra(choices=(*_FOUND_MASKS, _DRAWN_MASK)),
    "maskClasses": Extra("json"),
    "dilation": Extra("number", 0, 1),
    "referenceImages": Extra("json"),
    "labels": Extra("json"),
}
PARAMS = frozenset((*_PARAMETERS, *_ELSEWHERE))

CAPABILITIES = Capabilities(
    n=4,
    max_images=4,
    formats=("png", "jpeg", "webp"),
    parameters={
        "mask": Support.MAPPED,
        "size": Support.MAPPED,
        "output_format": Support.NATIVE,
        "output_compression": Support.NATIVE,
        "response_format": Support.MAPPED,
    },
    extras={**_PARAMETERS, **_ELSEWHERE},
)


def is_imagen(model: str) -> bool:
    """Whether a model of Vertex AI is one of these."""
    return model.startswith("imagen-")


class Imagen:
    """Edits by `predict`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._api = Api(tools, explain)

    async def edit(self, request: EditRequest, target: Target, place: Place) -> AsyncGenerator[Event]:
        """The pictures that were made; then, if others were filtered out, Blocked with the reason."""
        body = JsonBody(await _body(request, seeded(extras_of(request, CAPABILITIES, target), request)))
        answer = await self._api.ask(Call("POST", place.url, place.headers, body), target)
        finish = Finish(request, self._tools.now_s())
        predictions = _predictions(answer)
        pictures = [one["bytesBase64Encoded"] for one in predictions if one.get("bytesBase64Encoded")]
        for index, picture in enumerate(pictures):
            yield await finish.completed(answer.base64(picture), image_index=index)
        reasons = [str(one["raiFilteredReason"]) for one in predictions if one.get("raiFilteredReason")]
        if reasons:
            raise Blocked(f"The provider filtered a picture out: {reasons[0]}")
        if not pictures:
            raise UpstreamBroken("The provider answered without an image.", code="upstream_empty")


def _predictions(answer: Cutout) -> list[Mapping[str, Json]]:
    """Raises UpstreamBroken."""
    found = answer.json.get("predictions", []) if isinstance(answer.json, dict) else None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise UpstreamBroken("The provider's answer has no list of predictions.", code="upstream_malformed")
    return found


async def _body(request: EditRequest, extras: Mapping[str, Json]) -> dict[str, Json]:
    """Raises InvalidRequest."""
    mask = await grey_mask(request, strict=True)
    references = _references(request.images, extras.get("referenceImages"))
    references += _mask_reference(mask, extras, 1 + max(reference["referenceId"] for reference in references))
    if len(references) > CAPABILITIES.max_images:
        raise InvalidRequest("A mask counts as one of four images.", param="image", code="too_many_images")
    labels = {"labels": extras["labels"]} if "labels" in extras else {}
    instance = {"prompt": request.prompt, "referenceImages": references}
    return {"instances": [instance], "parameters": _parameters(request, extras), **labels}


def _references(images: Sequence[InputImage], told: Json) -> list[dict[str, Json]]:
    """Each image as what `referenceImages` says it is, in order, in Google's fields; one alone is the one to edit."""
    if told is None and len(images) == 1:
        told = [{"referenceType": "REFERENCE_TYPE_RAW"}]
    if not isinstance(told, list) or len(told) != len(images):
        raise _invalid("referenceImages must say of each image what it is: a list of objects with a referenceType.")
    return [_reference(image, one, number) for number, (image, one) in enumerate(zip(images, told, strict=True), 1)]


def _reference(image: InputImage, told: Json, number: int) -> dict[str, Json]:
    kind = told.get("referenceType") if isinstance(told, dict) else None
    if kind not in _CONFIGS:
        raise _invalid(f"referenceType must be one of {', '.join(_CONFIGS)}.")
    unknown = set(told) - {"referenceType", "referenceId", _CONFIGS[kind]}
    if unknown or not isinstance(told.get("referenceId", 1), int):
        raise _invalid(f"What {kind} takes beside an integer referenceId is {_CONFIGS[kind] or 'nothing'}.")
    return {"referenceId": number, **told, "referenceImage": {"bytesBase64Encoded": Base64(image.upload)}}


def _mask_reference(mask: InputImage | None, extras: Mapping[str, Json], number: int) -> list[dict[str, Json]]:
    """The mask that was drawn, or the one that is to be found; none where neither is asked for."""
    mode = extras.get("maskMode") or (_DRAWN_MASK if mask else None)
    if mode is None:
        return []
    if (mode == _DRAWN_MASK) != (mask is not None):
        raise _invalid(f"{_DRAWN_MASK} is what a mask is sent with, and nothing else.", "maskMode")
    config = {"maskMode": mode, "maskClasses": extras.get("maskClasses"), "dilation": extras.get("dilation")}
    return [
        {
            "referenceType": "REFERENCE_TYPE_MASK",
            "referenceId": number,
            **({"referenceImage": {"bytesBase64Encoded": Base64(mask.upload)}} if mask else {}),
            "maskImageConfig": {name: value for name, value in config.items() if value is not None},
        }
    ]


def _parameters(request: EditRequest, extras: Mapping[str, Json]) -> dict[str, Json]:
    if "seed" in extras and extras.get("addWatermark") is True:
        raise _invalid("seed cannot be had with addWatermark.", "seed")
    size_px = parse_size(request.options.size)
    masked = request.mask is not None or "maskMode" in extras
    return {
        "sampleCount": request.n,
        "editMode": "EDIT_MODE_INPAINT_INSERTION" if masked else "EDIT_MODE_DEFAULT",
        "includeRaiReason": True,
        **({"aspectRatio": nearest_ratio(size_px, _RATIOS)} if size_px else {}),
        **({"addWatermark": False} if "seed" in extras else {}),
        **{name: extras[name] for name in _PARAMETERS if name in extras},
        **({"editConfig": {"baseSteps": extras["baseSteps"]}} if "baseSteps" in extras else {}),
        **dict(_output(request)),
    }


def _output(request: EditRequest) -> Iterator[tuple[str, Json]]:
    """The formats that it makes; the others are made of PNG here."""
    options = request.options
    if options.output_format == "jpeg":
        quality = {} if options.output_compression is None else {"compressionQuality": options.output_compression}
        yield "outputOptions", {"mimeType": "image/jpeg", **quality}
    elif options.output_format:
        yield "outputOptions", {"mimeType": "image/png"}


def _invalid(message: str, param: str = "referenceImages") -> InvalidRequest:
    return InvalidRequest(message, param=param, code="invalid_value")
