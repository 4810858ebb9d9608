"""Recraft's operations on an image, as data: where each is, what it takes and under which names.

Source: recraft.ai, API reference, endpoints (2026-10); the facts of 2026-11-20.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from streamedit.edits import EditRequest
from streamedit.providers.capabilities import Capabilities, Extra, Support
from streamedit.targets import Target

_FORMATS = ("png", "jpeg", "webp")
_FINISHED = dict.fromkeys(("output_format", "output_compression", "response_format"), Support.MAPPED)
_STYLED = {
    "style": Extra(),
    "style_id": Extra(),
    "substyle": Extra(),
    "negative_prompt": Extra(),
    "text_layout": Extra("json"),
    "controls": Extra("json"),
}
_SIMILAR = {"strength": Extra("number", 0, 1), "random_seed": Extra("integer")}
_MARGINS = dict.fromkeys(("expand_left", "expand_right", "expand_top", "expand_bottom"), Extra("integer", 0, 4096))


@dataclass(frozen=True, slots=True)
class Service:
    """One operation: `POST /images/{path}`.

    `prompted`: it makes something new of a prompt, by a model, n at once, and answers with `data`; the others answer with
    `image`. `masked`: it needs a mask. `file`: the name of the image's part. `least_px`: the shortest side of an image.
    """

    path: str
    capabilities: Capabilities
    prompted: bool = True
    masked: bool = False
    file: str = "image"
    least_px: int = 256


def _can(extras: Mapping[str, Extra], n: int = 6, **parameters: Support) -> Capabilities:
    return Capabilities(n=n, max_images=1, formats=_FORMATS, parameters={**_FINISHED, **parameters}, extras=extras)


IMAGE_TO_IMAGE = Service("imageToImage", _can({**_SIMILAR, **_STYLED}))
INPAINT = Service("inpaint", _can(_STYLED, mask=Support.MAPPED), masked=True)

SERVICES: Mapping[str, Service] = {
    service.path: service
    for service in (
        IMAGE_TO_IMAGE,
        INPAINT,
        Service("replaceBackground", _can(_STYLED)),
        Service("generateBackground", _can(_STYLED, mask=Support.MAPPED), masked=True),
        Service("outpaint", _can({**_MARGINS, "zoom_out_percentage": Extra("number", 0, 100), **_STYLED}, size=Support.NATIVE)),
        Service("eraseRegion", _can({}, 1, mask=Support.MAPPED), prompted=False, masked=True),
        Service("removeBackground", _can({}, 1, background=Support.MAPPED), prompted=False, file="file"),
        Service("crispUpscale", _can({}, 1), prompted=False, file="file", least_px=32),
        Service("creativeUpscale", _can({}, 1), prompted=False, file="file"),
    )
}
"""By name. What is left out makes SVG (`vectorize`) or no edit (`variateImage`, `explore`)."""

INPAINTING_MODEL = _can({**_SIMILAR, **_STYLED}, mask=Support.MAPPED)
"""A model that has both: without a mask `imageToImage`, with one `inpaint`."""

FAMILIES: Mapping[str, Capabilities] = {
    "recraft/recraftv4*": IMAGE_TO_IMAGE.capabilities,
    "recraft/recraftv*": INPAINTING_MODEL,
    **{f"recraft/{name}": service.capabilities for name, service in SERVICES.items()},
}


def named(target: Target) -> str | None:
    """The service that the configuration names, as `service` or in place of a model; None where it names a model."""
    return target.text("service") or (target.model if target.model in SERVICES else None)


def service_of(request: EditRequest, target: Target) -> Service:
    """The one service that makes this edit."""
    name = named(target)
    if name is not None:
        return SERVICES[name]
    return INPAINT if request.mask is not None else IMAGE_TO_IMAGE


def capabilities_of(target: Target) -> Capabilities:
    """What the target's service can do, or its model; only the models of version 3 can inpaint."""
    name = named(target)
    if name is not None:
        return SERVICES[name].capabilities
    return IMAGE_TO_IMAGE.capabilities if target.model.startswith("recraftv4") else INPAINTING_MODEL
