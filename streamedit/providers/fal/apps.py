"""The apps that fal hosts, as data: under which names each family of them takes an edit's parameters.

Source: the apps' schemas at fal.ai/models (2026-10); fal's "model arguments" for what is common to apps that are not here. That
the flux-2 apps refuse more than four images, and gpt-image more than sixteen, is what their users have met.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from streamedit.providers.capabilities import Capabilities, Extra, Support

FORMATS = ("png", "jpeg", "webp")
_TWO_FORMATS = ("png", "jpeg")

RATIOS = ("1:1", "21:9", "16:9", "3:2", "4:3", "5:4", "4:5", "3:4", "2:3", "9:16")
KONTEXT_RATIOS = ("1:1", "21:9", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "9:21")
SIZES = ("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9", "auto")

_INTEGER = Extra("integer")
_FLAG = Extra("flag")


def _one_of(*choices: str) -> Extra:
    return Extra(choices=choices)


class Sizing(StrEnum):
    """How an app is told the size of its picture."""

    NONE = ""
    PIXELS = "image_size"
    RATIO = "aspect_ratio"
    RATIO_AND_TIER = "aspect_ratio and resolution"


class Masking(StrEnum):
    """How an app reads a mask."""

    NONE = ""
    WHITE = "white where to edit"
    BOTH = "transparent or white where to edit"
    """fal does not say which; it hands the mask to OpenAI, where it is transparency."""


@dataclass(frozen=True, slots=True)
class App:
    """One family. `many`: its images are `image_urls`, else it has one `image_url`. `formats`: those that it makes itself.

    `masked`: it makes nothing without a mask.
    """

    capabilities: Capabilities
    many: bool = True
    sizing: Sizing = Sizing.NONE
    ratios: tuple[str, ...] = RATIOS
    masking: Masking = Masking.NONE
    masked: bool = False
    formats: tuple[str, ...] = ()


def _can(extras: Mapping[str, Extra], max_images: int, n: int = 4, **parameters: Support) -> Capabilities:
    finished = dict.fromkeys(("output_format", "output_compression", "response_format"), Support.MAPPED)
    own = {"seed": _INTEGER, "enable_safety_checker": _FLAG, **extras}
    return Capabilities(n=n, max_images=max_images, formats=FORMATS, parameters={**finished, **parameters}, extras=own)


_SIZED = {"image_size": _one_of(*SIZES)}
_STEERED = {"guidance_scale": Extra("number", 0, 35), "num_inference_steps": Extra("integer", 1, 50)}
_ACCELERATED = {"acceleration": _one_of("none", "regular", "high")}
_FLUX_2_PRO = {**_SIZED, "safety_tolerance": _one_of("1", "2", "3", "4", "5")}
_SIX_TOLERANCES = {"safety_tolerance": _one_of("1", "2", "3", "4", "5", "6")}
_NANO = {"aspect_ratio": _one_of("auto", *RATIOS, "4:1", "1:4", "8:1", "1:8"), "limit_generations": _FLAG}
_NANO_PRO = {
    **_NANO,
    **_SIX_TOLERANCES,
    "resolution": _one_of("0.5K", "1K", "2K", "4K"),
    "enable_web_search": _FLAG,
    "system_prompt": Extra(),
    "thinking_level": _one_of("minimal", "high"),
}
_KONTEXT = {**_SIX_TOLERANCES, **_STEERED, "aspect_ratio": _one_of(*KONTEXT_RATIOS), "enhance_prompt": _FLAG}
_KONTEXT_DEV = {**_STEERED, **_ACCELERATED, "resolution_mode": Extra(), "enhance_prompt": _FLAG, "loras": Extra("json")}
_INPAINTING = {
    **_STEERED, **_ACCELERATED, **_SIX_TOLERANCES, **_SIZED, "strength": Extra("number", 0, 1), "negative_prompt": Extra(),
    "enhance_prompt": _FLAG, "loras": Extra("json"),
}  # fmt: skip

_MAPPED = Support.MAPPED
_GPT_IMAGE = _can(_SIZED, 16, size=_MAPPED, quality=_MAPPED, background=Support.NATIVE, mask=_MAPPED)
_FLUX_2 = {**_SIZED, **_STEERED, **_ACCELERATED, "enable_prompt_expansion": _FLAG, "loras": Extra("json")}
_FLUX_2_FLEX = {**_FLUX_2_PRO, **_STEERED, "enable_prompt_expansion": _FLAG}

APPS: Mapping[str, App] = {
    "*/inpaint*": App(_can(_INPAINTING, 1, mask=_MAPPED), False, masking=Masking.WHITE, masked=True, formats=_TWO_FORMATS),
    "*/fill*": App(_can(_INPAINTING, 1, mask=_MAPPED), False, masking=Masking.WHITE, masked=True, formats=_TWO_FORMATS),
    "openai/gpt-image-*": App(_GPT_IMAGE, sizing=Sizing.PIXELS, masking=Masking.BOTH, formats=FORMATS),
    "fal-ai/flux-2-flex*": App(_can(_FLUX_2_FLEX, 10, 1, size=_MAPPED), sizing=Sizing.PIXELS, formats=_TWO_FORMATS),
    "fal-ai/flux-2-*": App(_can(_FLUX_2_PRO, 8, 1, size=_MAPPED), sizing=Sizing.PIXELS, formats=_TWO_FORMATS),
    "fal-ai/flux-2/*": App(_can(_FLUX_2, 4, size=_MAPPED), sizing=Sizing.PIXELS, formats=FORMATS),
    "*/nano-banana-pro*": App(_can(_NANO_PRO, 14, size=_MAPPED), sizing=Sizing.RATIO_AND_TIER, formats=FORMATS),
    "*/nano-banana-2*": App(_can(_NANO_PRO, 14, size=_MAPPED), sizing=Sizing.RATIO_AND_TIER, formats=FORMATS),
    "*/nano-banana*": App(_can(_NANO, 10, size=_MAPPED), sizing=Sizing.RATIO, formats=FORMATS),
    "fal-ai/flux-pro/kontext*/multi": App(
        _can(_KONTEXT, 4, size=_MAPPED), sizing=Sizing.RATIO, ratios=KONTEXT_RATIOS, formats=_TWO_FORMATS
    ),
    "fal-ai/flux-pro/kontext*": App(
        _can(_KONTEXT, 1, size=_MAPPED), False, sizing=Sizing.RATIO, ratios=KONTEXT_RATIOS, formats=_TWO_FORMATS
    ),
    "fal-ai/flux-kontext*": App(_can(_KONTEXT_DEV, 1), False, formats=_TWO_FORMATS),
    "fal-ai/flux-lora-depth": App(
        _can({**_SIZED, **_STEERED, "loras": Extra("json")}, 1, size=_MAPPED), False, sizing=Sizing.PIXELS, formats=_TWO_FORMATS
    ),
    "*/edit": App(
        Capabilities(max_images=16, formats=FORMATS, parameters=_can({}, 1, size=_MAPPED).parameters, verbatim=True),
        sizing=Sizing.PIXELS,
    ),
    "*": App(
        Capabilities(max_images=1, formats=FORMATS, parameters=_can({}, 1, size=_MAPPED).parameters, verbatim=True),
        False,
        sizing=Sizing.PIXELS,
    ),
}
"""By a pattern of their names, the first that fits; the last two are for apps that nothing is known of: one image a call."""

FAMILIES: Mapping[str, Capabilities] = {f"fal_ai/{pattern}": app.capabilities for pattern, app in APPS.items()}

_WITH_EDIT = ("openai/gpt-image-*", "fal-ai/flux-2*", "*/nano-banana*")
"""What has an app that edits beside the one that draws: that one would take no notice of the images."""


_NAME = re.compile(r"/?[\w-][\w.-]*(/[\w-][\w.-]*)*/?", re.ASCII)


def name_of(model: str) -> str:
    """The app that a configuration means: `gpt-image-2` is `openai/gpt-image-2/edit`, as LiteLLM has it."""
    name = f"openai/{model}" if model.startswith("gpt-image-") else model
    is_drawing = any(fnmatchcase(name, pattern) for pattern in _WITH_EDIT) and "edit" not in name.split("/")
    return f"{name}/edit" if is_drawing and "/inpaint" not in name else name


def is_name(name: str) -> bool:
    """It can be a part of an address and stays what it is: callers may have chosen it."""
    return _NAME.fullmatch(name) is not None


def app_of(name: str) -> App:
    """What is known of an app."""
    return next(app for pattern, app in APPS.items() if fnmatchcase(name, pattern))
