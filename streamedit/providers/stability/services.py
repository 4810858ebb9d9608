"""Stability AI's services that edit, restyle and enlarge pictures: what each takes. Data alone.

The REST API and its twins on Bedrock have the same services with the same fields, but for what `BEDROCK` says otherwise.
Sources: Stability's v2beta OpenAPI description of 2026; Amazon Bedrock's user guide, "Stability AI Image Services".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamedit.providers.capabilities import Capabilities, Extra, Support
from streamedit.providers.stability.input_limits import Limits

MAX_PROMPT_CHARS = 10_000
"""Of each prompt of whatever name."""

RATIOS = ("21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21")
STYLES = (
    "3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art", "isometric",
    "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art", "tile-texture",
)  # fmt: skip

_FREE = Limits()
_BOUND = Limits(ratio=2.5)
_SMALL = Limits(max_pixels=1_048_576)


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    `name`: LiteLLM's. `path`: below `/v2beta/stable-image`. `fields`: its own, beside images, prompt and output format.
    `images`: the names of a request's images, in order; `files`: of further pictures that it may take. `prompt`: the name of
    the prompt, None where it takes none. `required`: fields that must be there; `any_of`: one of these must be there, and not
    zero; `needs`: a field that has no meaning without one of some others. `limits`: of the first image; `further_limits`: of
    any other. `polled`: it answers with an id, and the picture is fetched when it is done.
    """

    name: str
    path: str
    fields: Mapping[str, Extra]
    images: tuple[str, ...] = ("image",)
    files: tuple[str, ...] = ()
    prompt: str | None = "prompt"
    required: tuple[str, ...] = ("prompt",)
    any_of: tuple[str, ...] = ()
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mask: bool = False
    formats: tuple[str, ...] = ("png", "jpeg", "webp")
    limits: Limits = _FREE
    further_limits: Limits = _FREE
    polled: bool = False

    def with_fields(self, **fields: Extra) -> "Service":
        """The same with some fields otherwise."""
        return replace(self, fields={**self.fields, **fields})

    def capabilities(self, **parameters: Support) -> Capabilities:
        """What it can do, and what an API does with further `parameters`."""
        done = {
            "mask": Support.MAPPED if self.mask else Support.REFUSED,
            "size": Support.MAPPED if "aspect_ratio" in self.fields else Support.REFUSED,
            "background": Support.MAPPED if self.is_cut_out else Support.REFUSED,
            "output_format": Support.NATIVE,
            "output_compression": Support.MAPPED,
            "response_format": Support.MAPPED,
        }
        extras = {**self.fields, **dict.fromkeys(self.further_images, Extra("file"))}
        return Capabilities(max_images=len(self.images), formats=self.formats, parameters=done | parameters, extras=extras)

    @property
    def further_images(self) -> tuple[str, ...]:
        """The pictures that may come in files of these names."""
        return (*self.images[1:], *self.files)

    @property
    def is_cut_out(self) -> bool:
        """What it makes is transparent."""
        return self.name == "remove-background"


_TEXT = Extra()
_PART = Extra("number", 0, 1)
_SEED = {"seed": Extra("integer", 0, 4_294_967_294)}
_NEGATIVE = {"negative_prompt": _TEXT}
_STYLE = {"style_preset": Extra(choices=STYLES)}
_GROW = {"grow_mask": Extra("integer", 0, 20)}
_SIDES = ("left", "right", "up", "down")

_CONTROL = {"control_strength": _PART, **_NEGATIVE, **_SEED, **_STYLE}
_RELIGHT = {
    "background_prompt": _TEXT,
    "foreground_prompt": _TEXT,
    **_NEGATIVE,
    "preserve_original_subject": _PART,
    "original_background_depth": _PART,
    "keep_original_background": Extra("flag"),
    "light_source_direction": Extra(choices=("above", "below", "left", "right")),
    "light_source_strength": _PART,
    **_SEED,
}
_TRANSFER = {
    **_NEGATIVE,
    "style_strength": _PART,
    "composition_fidelity": _PART,
    "change_strength": Extra("number", 0.1, 1),
    **_SEED,
}

_ALL = (
    Service("erase", "edit/erase", {**_GROW, **_SEED}, prompt=None, required=(), mask=True),
    Service("inpaint", "edit/inpaint", {**_NEGATIVE, "grow_mask": Extra("integer", 0, 100), **_SEED, **_STYLE}, mask=True),
    Service(
        "outpaint",
        "edit/outpaint",
        {**dict.fromkeys(_SIDES, Extra("integer", 0, 2_000)), "creativity": _PART, **_SEED, **_STYLE},
        required=(),
        any_of=_SIDES,
        limits=_BOUND,
    ),
    Service(
        "search-and-replace",
        "edit/search-and-replace",
        {"search_prompt": _TEXT, **_NEGATIVE, **_GROW, **_SEED, **_STYLE},
        required=("prompt", "search_prompt"),
        limits=_BOUND,
    ),
    Service(
        "search-and-recolor",
        "edit/search-and-recolor",
        {"select_prompt": _TEXT, **_NEGATIVE, **_GROW, **_SEED, **_STYLE},
        required=("prompt", "select_prompt"),
        limits=_BOUND,
    ),
    Service(
        "remove-background",
        "edit/remove-background",
        {},
        prompt=None,
        required=(),
        formats=("png", "webp"),
        limits=Limits(max_pixels=4_194_304),
    ),
    Service(
        "replace-background-and-relight",
        "edit/replace-background-and-relight",
        _RELIGHT,
        images=("subject_image",),
        files=("background_reference", "light_reference"),
        prompt="background_prompt",
        required=(),
        any_of=("background_prompt", "background_reference"),
        needs={"light_source_strength": ("light_source_direction", "light_reference")},
        limits=_BOUND,
        polled=True,
    ),
    Service(
        "fast",
        "upscale/fast",
        {},
        prompt=None,
        required=(),
        limits=Limits(min_pixels=1_024, max_pixels=1_048_576, min_side_px=32, max_side_px=1_536),
    ),
    Service(
        "conservative",
        "upscale/conservative",
        {**_NEGATIVE, "creativity": Extra("number", 0.2, 0.5), **_SEED},
        limits=_BOUND,
    ),
    Service(
        "creative",
        "upscale/creative",
        {**_NEGATIVE, "creativity": Extra("number", 0.1, 0.5), **_SEED, **_STYLE},
        limits=_SMALL,
        polled=True,
    ),
    Service("sketch", "control/sketch", _CONTROL, limits=_BOUND),
    Service("structure", "control/structure", _CONTROL, limits=_BOUND),
    Service(
        "style",
        "control/style",
        {"aspect_ratio": Extra(choices=RATIOS), "fidelity": _PART, **_NEGATIVE, **_SEED, **_STYLE},
        limits=_BOUND,
    ),
    Service(
        "style-transfer",
        "control/style-transfer",
        _TRANSFER,
        images=("init_image", "style_image"),
        required=(),
        limits=Limits(max_side_px=16_383, ratio=2.5),
        further_limits=Limits(max_side_px=16_383),
    ),
)

SERVICES: Mapping[str, Service] = {service.name: service for service in _ALL}
"""By LiteLLM's names, for the REST API."""

_ALIASES = {"search-replace": "search-and-replace", "search-recolor": "search-and-recolor"}
"""As the names of Bedrock's models have them."""


def find(model: str) -> Service | None:
    """The service whose name is part of a model's name, the longest such name first; None where there is none.

    So `style-transfer` is not `style`, and names of Bedrock's models are understood.
    """
    names = {**{name: name for name in SERVICES}, **_ALIASES}
    found = [name for name in names if name in model]
    return SERVICES[names[max(found, key=len)]] if found else None


def _twin(name: str, limits: Limits = _BOUND) -> Service:
    """A service as Bedrock has it: answered at once, whatever the REST API does."""
    return replace(SERVICES[name], limits=limits, further_limits=limits, polled=False)


_WIDE_CREATIVITY = Extra("number", 0.1, 0.5)

BEDROCK: Mapping[str, Service] = {
    "stability.stable-conservative-upscale-v1:0": _twin("conservative").with_fields(creativity=_WIDE_CREATIVITY),
    "stability.stable-creative-upscale-v1:0": _twin("creative", _SMALL),
    "stability.stable-fast-upscale-v1:0": _twin("fast", SERVICES["fast"].limits),
    "stability.stable-image-control-sketch-v1:0": _twin("sketch"),
    "stability.stable-image-control-structure-v1:0": _twin("structure"),
    "stability.stable-image-erase-object-v1:0": _twin("erase"),
    "stability.stable-image-inpaint-v1:0": _twin("inpaint").with_fields(**_GROW),
    "stability.stable-image-remove-background-v1:0": replace(_twin("remove-background"), formats=("png", "jpeg", "webp")),
    "stability.stable-image-search-recolor-v1:0": _twin("search-and-recolor"),
    "stability.stable-image-search-replace-v1:0": _twin("search-and-replace"),
    "stability.stable-image-style-guide-v1:0": _twin("style"),
    "stability.stable-outpaint-v1:0": _twin("outpaint").with_fields(creativity=Extra("number", 0.1, 1)),
    "stability.stable-style-transfer-v1:0": _twin("style-transfer"),
}
"""By the ids of Bedrock's models, without a region's prefix (`us.`). There is no relighting."""
