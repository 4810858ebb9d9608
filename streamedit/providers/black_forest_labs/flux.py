"""The FLUX models of Black Forest Labs: what each family takes, and a request in its terms.

Sources: api.bfl.ai/openapi.json (`FluxKontextProInputs`, `Flux2Inputs`, `Flux2FlexInputs`, `Flux2KleinInputs`,
`Flux3ImageInputs`, `FluxProFillInputs`, `FluxProExpandInputs` and erase-v1's), docs.bfl.ai and help.bfl.ai, as of October 2026.
FLUX 3 refuses fields that it does not know, so each family is told what is its own and nothing else.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.inputs import grey_mask, seeded
from streamedit.providers.sizes import nearest_ratio, parse_size, side_px
from streamedit.targets import Target
from streamedit.wire.jsonbody import Base64

_SIDES = ("top", "bottom", "left", "right")
_WIDEST, _TALLEST = "21:9", "9:21"
_FLUX_3_RATIOS = (
    "21:9", "2:1", "16:9", "3:2", "7:5", "4:3", "5:4", "1:1", "4:5", "3:4", "5:7", "2:3", "9:16", "1:2", "9:21",
)  # fmt: skip
_FLUX_3_SIDES_PX = {"768sq": 768, "1k": 1024, "1.5k": 1536, "2k": 2048, "4k": 4096}
_FLUX_2_STEP_PX, _FLUX_2_LEAST_PX, _FLUX_2_MOST_PX = 16, 64, 2048 * 2048

_FORMATS = ("png", "jpeg", "webp")
_FORMAT_SUPPORT = {"output_format": Support.MAPPED, "output_compression": Support.MAPPED, "response_format": Support.MAPPED}
_SIZED = {**_FORMAT_SUPPORT, "size": Support.MAPPED}
_MASKED = {**_FORMAT_SUPPORT, "mask": Support.MAPPED}

_SEED = {"seed": Extra("integer")}
_UPSAMPLING = {"prompt_upsampling": Extra("flag")}
_FLUX_1 = {
    **_SEED,
    **_UPSAMPLING,
    "safety_tolerance": Extra("integer", 0, 6),
    "steps": Extra("integer", 15, 50),
    "guidance": Extra("number", 1.5, 100),
}
_FLUX_2 = {
    **_SEED,
    "safety_tolerance": Extra("integer", 0, 5),
    "width": Extra("integer", _FLUX_2_LEAST_PX, _FLUX_2_MOST_PX // _FLUX_2_LEAST_PX),
    "height": Extra("integer", _FLUX_2_LEAST_PX, _FLUX_2_MOST_PX // _FLUX_2_LEAST_PX),
}


def _numbered(images: Sequence[Json]) -> Mapping[str, Json]:
    """`input_image`, `input_image_2`, `input_image_3` ..."""
    return {f"input_image_{number}" if number > 1 else "input_image": image for number, image in enumerate(images, 1)}


def _listed(images: Sequence[Json]) -> Mapping[str, Json]:
    return {"images": list(images)}


def _single(images: Sequence[Json]) -> Mapping[str, Json]:
    return {"image": images[0]}


def _kontext_size(size_px: tuple[int, int]) -> Mapping[str, Json]:
    """Any ratio between 21:9 and 9:21; the picture has about a megapixel whatever is asked."""
    width_px, height_px = size_px
    if 9 * max(size_px) > 21 * min(size_px):
        return {"aspect_ratio": nearest_ratio(size_px, (_WIDEST, _TALLEST))}
    divisor = math.gcd(width_px, height_px)
    return {"aspect_ratio": f"{width_px // divisor}:{height_px // divisor}"}


def _flux_2_size(size_px: tuple[int, int]) -> Mapping[str, Json]:
    """Multiples of 16 from 64, up to four megapixels. Raises InvalidRequest beyond."""
    width_px, height_px = (max(_FLUX_2_LEAST_PX, round(side / _FLUX_2_STEP_PX) * _FLUX_2_STEP_PX) for side in size_px)
    if width_px * height_px > _FLUX_2_MOST_PX:
        raise InvalidRequest("size must have 4 megapixels (2048x2048) at most.", param="size", code="invalid_value")
    return {"width": width_px, "height": height_px}


def _flux_3_size(size_px: tuple[int, int]) -> Mapping[str, Json]:
    resolution = min(_FLUX_3_SIDES_PX, key=lambda name: abs(math.log(side_px(size_px) / _FLUX_3_SIDES_PX[name])))
    return {"aspect_ratio": nearest_ratio(size_px, _FLUX_3_RATIOS), "resolution": resolution}


def _check_sides(body: Mapping[str, Json]) -> None:
    if not any(body.get(side) for side in _SIDES):
        told = "top, bottom, left or right must say by how many pixels the image is to grow."
        raise InvalidRequest(told, param="top", code="missing_required_parameter")


def _check_mask(body: Mapping[str, Json]) -> None:
    if "mask" not in body:
        raise InvalidRequest("mask must say what to erase.", param="mask", code="missing_required_parameter")


@dataclass(frozen=True, slots=True)
class Family:
    """Models that take the same fields.

    `images`: the fields for input images. `size`: the fields for a size in pixels, None where the picture keeps the input's.
    `takes`: those of `prompt` and `output_format` that it knows. `check`: raises InvalidRequest for a body that is not enough.
    """

    capabilities: Capabilities
    images: Callable[[Sequence[Json]], Mapping[str, Json]]
    size: Callable[[tuple[int, int]], Mapping[str, Json]] | None = None
    takes: tuple[str, ...] = ("prompt", "output_format")
    check: Callable[[Mapping[str, Json]], None] = lambda _: None

    async def body(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        """The request's body; the family's own fields come before what `size` says. Raises InvalidRequest."""
        size_px = parse_size(request.options.size)
        extras = extras_of(request, self.capabilities, target)
        common = {"prompt": request.prompt, "output_format": _output_format(request)}
        body = {
            **{name: common[name] for name in self.takes},
            **self.images([Base64(image.upload) for image in request.images]),
            **(self.size(size_px) if self.size and size_px else {}),
            **seeded(extras, request),
        }
        mask = await grey_mask(request, strict=True)
        if mask is not None:
            body["mask"] = Base64(mask.upload)
        self.check(body)
        return body


FAMILIES: Mapping[str, Family] = {
    "flux-kontext-*": Family(
        Capabilities(
            max_images=4,
            formats=_FORMATS,
            parameters=_SIZED,
            extras={**_SEED, **_UPSAMPLING, "safety_tolerance": Extra("integer", 0, 6), "aspect_ratio": Extra()},
        ),
        _numbered,
        _kontext_size,
    ),
    "flux-2-klein-*": Family(
        Capabilities(max_images=4, formats=_FORMATS, parameters=_SIZED, extras=_FLUX_2), _numbered, _flux_2_size
    ),
    "flux-2-flex*": Family(
        Capabilities(
            max_images=8,
            formats=_FORMATS,
            parameters=_SIZED,
            extras={**_FLUX_2, **_UPSAMPLING, "steps": Extra("integer", 1, 50), "guidance": Extra("number", 1.5, 10)},
        ),
        _numbered,
        _flux_2_size,
    ),
    "flux-2-*": Family(
        Capabilities(max_images=8, formats=_FORMATS, parameters=_SIZED, extras={**_FLUX_2, "disable_pup": Extra("flag")}),
        _numbered,
        _flux_2_size,
    ),
    "flux-3-image*": Family(
        Capabilities(
            max_images=10,
            formats=_FORMATS,
            parameters=_SIZED,
            extras={
                "aspect_ratio": Extra(choices=("auto", *_FLUX_3_RATIOS)),
                "resolution": Extra(choices=tuple(_FLUX_3_SIDES_PX)),
                "grounding": Extra("flag"),
                "safety_tolerance": Extra("integer", 0, 4),
                "version": Extra(),
            },
        ),
        _listed,
        _flux_3_size,
        takes=("prompt",),
    ),
    "flux-pro-1.0-fill": Family(Capabilities(max_images=1, formats=_FORMATS, parameters=_MASKED, extras=_FLUX_1), _single),
    "flux-pro-1.0-expand": Family(
        Capabilities(
            max_images=1,
            formats=_FORMATS,
            parameters=_FORMAT_SUPPORT,
            extras={**_FLUX_1, **dict.fromkeys(_SIDES, Extra("integer", 0, 2048))},
        ),
        _single,
        check=_check_sides,
    ),
    "flux-tools/erase-v1": Family(
        Capabilities(
            max_images=1,
            formats=_FORMATS,
            parameters=_MASKED,
            extras={
                **_SEED,
                "safety_tolerance": Extra("integer", 0, 5),
                "dilate_pixels": Extra("integer", 0, 25),
            },
        ),
        _single,
        takes=("output_format",),
        check=_check_mask,
    ),
}
"""By a pattern of the models' names; the first that fits. Fill takes the image's own transparency where there is no mask."""


def family_of(model: str) -> Family | None:
    """The family of a model; None where there is none that edits images. A slash is in a pattern or it does not fit."""
    fitting = (pattern for pattern in FAMILIES if fnmatchcase(model, pattern) and model.count("/") == pattern.count("/"))
    return next((FAMILIES[pattern] for pattern in fitting), None)


def _output_format(request: EditRequest) -> str:
    """JPEG where nothing but that is wanted; else lossless, which what is wanted is made of here."""
    wants_jpeg = request.options.output_format == "jpeg" and request.options.output_compression is None
    return "jpeg" if wants_jpeg else "png"
