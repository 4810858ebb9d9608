"""Amazon's own picture models on Bedrock, Nova Canvas and Titan Image v2: one kind of request, in which a task is named.

Sources: Amazon Nova's user guide, "Image generation request and response structure"; Amazon Bedrock's user guide, "Amazon
Titan Image Generator G1 models". AWS has ended Titan v2 on 2026-06-30 and Nova Canvas on 2026-09-30: for configurations that
are left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from anyio import to_thread

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers import pixels
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of, joined
from streamedit.providers.inputs import grey_mask
from streamedit.providers.sizes import parse_size
from streamedit.targets import Target
from streamedit.uploads import Upload
from streamedit.wire.jsonbody import Base64

_QUALITIES = {"low": "standard", "medium": "standard", "standard": "standard"} | dict.fromkeys(
    ("high", "hd", "premium"), "premium"
)
_MODES = ("DEFAULT", "PRECISE")


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `params`: where its pictures and texts go; `extras`: those of the caller's fields that go there, too.

    `edit`: the shade of a mask where to edit, None where it takes no mask. `sized`: the picture's size can be chosen.
    """

    params: str
    extras: Mapping[str, Extra]
    edit: int | None = None
    sized: bool = False
    max_images: int = 1


_TEXT = Extra()
_MASKED = {"maskPrompt": _TEXT, "negativeText": _TEXT}
_CONFIG = {"cfgScale": Extra("number", 1.1, 10), "seed": Extra("integer", 0, 2_147_483_646)}

INPAINTING, OUTPAINTING, VARIATION, CUT_OUT = TASK_TYPES = (
    "INPAINTING", "OUTPAINTING", "IMAGE_VARIATION", "BACKGROUND_REMOVAL",
)  # fmt: skip

_TASKS = {
    INPAINTING: Task("inPaintingParams", _MASKED, edit=0),
    OUTPAINTING: Task("outPaintingParams", {**_MASKED, "outPaintingMode": Extra(choices=_MODES)}, edit=255),
    VARIATION: Task(
        "imageVariationParams",
        {"negativeText": _TEXT, "similarityStrength": Extra("number", 0.2, 1)},
        sized=True,
        max_images=5,
    ),
    CUT_OUT: Task("backgroundRemovalParams", {}),
}

_DONE = dict.fromkeys(("output_format", "output_compression", "response_format"), Support.MAPPED)


class Canvas:
    """One of the models. `seed`: the one that it takes when none is given; `sizes_edits`: what it paints in can be resized."""

    def __init__(self, seed: int, *, sizes_edits: bool = False) -> None:
        self._seed = seed
        sized = {name: replace(task, sized=task.sized or (sizes_edits and name != CUT_OUT)) for name, task in _TASKS.items()}
        self._tasks: Mapping[str, Task] = sized
        self._capabilities = {name: _capabilities(name, task) for name, task in sized.items()}
        self._any = _any(tuple(self._capabilities.values()))

    def capabilities(self, target: Target) -> Capabilities:
        """Of the one task that the target is configured for, or of all."""
        return self._capabilities.get(target.text("taskType") or "", self._any)

    def asked(self, request: EditRequest, target: Target) -> Capabilities:
        """Of the task that the request is for. Raises InvalidRequest."""
        return self._capabilities[self._task_type(request, target)]

    async def body(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        """Raises InvalidRequest."""
        task_type = self._task_type(request, target)
        task = self._tasks[task_type]
        extras = extras_of(request, self._capabilities[task_type], target)
        own = {name: extras[name] for name in task.extras if name in extras}
        params = {**await _pictures(request, task_type), **own, **await _mask(request, task, own)}
        if task_type == CUT_OUT:
            return {"taskType": task_type, task.params: params}
        config = {**self._seeded(extras, request), **_options(request)}
        return {"taskType": task_type, task.params: {**params, "text": request.prompt}, "imageGenerationConfig": config}

    def _task_type(self, request: EditRequest, target: Target) -> str:
        """The one that is named; else a mask tells, as LiteLLM has it."""
        extras = extras_of(request, self.capabilities(target), target)
        named = extras.get("taskType")
        return str(named or (INPAINTING if request.mask or extras.get("maskPrompt") else VARIATION))

    def _seeded(self, extras: Mapping[str, Json], request: EditRequest) -> dict[str, Json]:
        """Without a seed every call would make the same picture, so the second of n calls gets one."""
        config = {name: extras[name] for name in _CONFIG if name in extras}
        if request.image_index:
            config["seed"] = extras.get("seed", self._seed) + request.image_index
        return config


def _capabilities(task_type: str, task: Task) -> Capabilities:
    chosen = {"taskType": Extra(choices=(task_type,))}
    if task_type == CUT_OUT:
        return Capabilities(
            max_images=1, formats=("png", "jpeg", "webp"), parameters={**_DONE, "background": Support.MAPPED}, extras=chosen
        )
    parameters = {
        **_DONE,
        "quality": Support.MAPPED,
        "mask": Support.REFUSED if task.edit is None else Support.MAPPED,
        "size": Support.NATIVE if task.sized else Support.REFUSED,
    }
    return Capabilities(
        n=5,
        max_images=task.max_images,
        formats=("png", "jpeg", "webp"),
        parameters=parameters,
        extras={**chosen, **task.extras, **_CONFIG},
    )


def _any(each: Sequence[Capabilities]) -> Capabilities:
    """What any of the tasks can do; what the one that is asked for cannot is refused when that is known."""
    most = joined(each)
    parameters = {**most.parameters, "background": Support.REFUSED}
    return replace(most, parameters=parameters, extras={**most.extras, "taskType": Extra(choices=TASK_TYPES)})


async def _pictures(request: EditRequest, task_type: str) -> dict[str, Json]:
    images = [Base64(await _opaque(image)) for image in request.images]
    return {"images": images} if task_type == VARIATION else {"image": images[0]}


async def _opaque(image: InputImage) -> Upload:
    """The models refuse transparency, and all but PNG and JPEG."""
    data = await image.upload.read()
    opaque = await to_thread.run_sync(pixels.opaque, data)
    return image.upload if opaque is data else Upload(opaque)


async def _mask(request: EditRequest, task: Task, own: Mapping[str, Json]) -> dict[str, Json]:
    """The mask in pure black and white. Raises InvalidRequest unless there is one of mask and maskPrompt."""
    if task.edit is None:
        return {}
    if request.mask is not None and "maskPrompt" in own:
        raise InvalidRequest("Give one of mask and maskPrompt, not both.", param="mask", code="invalid_value")
    mask = await grey_mask(request, edit=task.edit, strict=True)
    if mask is None and "maskPrompt" not in own:
        raise InvalidRequest(
            "Give a mask, or say in maskPrompt what it covers.", param="mask", code="missing_required_parameter"
        )
    return {"maskImage": Base64(mask.upload)} if mask else {}


def _options(request: EditRequest) -> dict[str, Json]:
    """OpenAI's parameters in the models' terms."""
    size_px = parse_size(request.options.size)
    quality = _QUALITIES.get(request.options.quality or "")
    return {
        "numberOfImages": request.n,
        **({"width": size_px[0], "height": size_px[1]} if size_px else {}),
        **({"quality": quality} if quality else {}),
    }
