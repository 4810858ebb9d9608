"""ComfyUI: a workflow of one's own on a machine of one's own, with its previews as partial images.

`litellm_params`: `workflow`, a file in ComfyUI's API format; `inputs`, a name for each input of it that is filled in, as in
`prompt: 6.inputs.text` or `image: [10.inputs.image, Reference.inputs.image]` (nodes by number or by title); `output`, the
node whose picture is wanted (else what was saved last; a PreviewImage named here keeps the pictures out of ComfyUI's output
folder). `prompt` and `image` must be named. `mask`, `markup`, `width` with `height` are OpenAI's own; any other name is a
field of the callers', of the kind of its value in the workflow. A `seed` that nobody gives is drawn by lot and told in the
completed event; without a name for it, ComfyUI answers the same edit from its cache. The file is read when the server starts.

Uploads stay in ComfyUI's input folder as `streamedit-*`: it has no route to remove them.
"""

import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from importlib.util import find_spec

from streamedit.edits import EditRequest
from streamedit.events import Event, Json
from streamedit.providers import polling
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities, Extra, Support, extras_of
from streamedit.providers.comfyui.prompt import connected
from streamedit.providers.comfyui.server import Server
from streamedit.providers.comfyui.uploads import Placed, files_of
from streamedit.providers.comfyui.workflow import PARAMS, Mistake, Place, Workflow
from streamedit.providers.finish import Finish
from streamedit.providers.inputs import seeded
from streamedit.providers.sizes import parse_size
from streamedit.targets import Setup, Target

_SEEDS = 1 << 31
"""Every node that takes a seed takes one below this."""

_PREVIEW_METHODS = ("default", "auto", "latent2rgb", "taesd", "none")
_DONE_HERE = dict.fromkeys(("output_format", "output_compression", "response_format"), Support.MAPPED)


def _mistake(target: Target) -> str | None:
    if find_spec("websockets") is None:
        return "ComfyUI needs a WebSocket client: pip install 'streamedit[comfyui]'"
    if not target.api_base:
        return "api_base is missing: where ComfyUI listens, as in http://127.0.0.1:8188 (or COMFYUI_API_BASE)"
    if not target.api_base.startswith(("http://", "https://")):
        return f"api_base: '{target.api_base}' must begin with http:// or https://"
    if _preview_method(target) not in _PREVIEW_METHODS:
        return f"preview_method must be one of {', '.join(_PREVIEW_METHODS)}"
    if mistake := polling.mistake(target):
        return mistake
    try:
        Workflow.of(target)
    except Mistake as mistake:
        return str(mistake)
    return None


def _preview_method(target: Target) -> str:
    return target.text("preview_method") or "auto"


SETUP = Setup(environment={"api_key": ("COMFYUI_API_KEY",), "api_base": ("COMFYUI_API_BASE",)}, params=PARAMS, mistake=_mistake)
FAMILIES = {
    "comfyui/*": Capabilities(
        streams=True,
        partial_images=True,
        formats=("png", "jpeg", "webp"),
        parameters={**_DONE_HERE, **dict.fromkeys(("mask", "markup", "size"), Support.MAPPED)},
        extras={"seed": Extra("integer"), "steps": Extra("integer"), "negative_prompt": Extra()},
    )
}
"""Of a workflow in which all of it is named; of any other without what is not."""


class ComfyUI:
    """The provider `comfyui`."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def capabilities(self, target: Target) -> Capabilities:
        workflow = Workflow.of(target)
        has_size = {"size"} if "width" in workflow.places else set()
        can = [name for name in ("mask", "markup", "size") if name in workflow.places.keys() | has_size]
        return Capabilities(
            streams=True,
            partial_images=True,
            max_images=len(workflow.places["image"]),
            formats=("png", "jpeg", "webp"),
            parameters={**_DONE_HERE, **dict.fromkeys(can, Support.MAPPED)},
            extras=workflow.extras,
        )

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        workflow = Workflow.of(target)
        fields = self._fields(request, workflow, target)
        files = await files_of(request, workflow)
        server = Server(self._tools, target, workflow)
        finish = Finish(request, self._tools.now_s())
        async with connected(server, self._tools, target) as prompt:
            values = {**_values(workflow, fields), **await _uploaded(files, server)}
            await prompt.submit(workflow.filled(values), _preview_method(target) if request.partial_images else "none")
            async with aclosing(prompt.previews(request.partial_images)) as previews:
                index = 0
                async for preview in previews:
                    yield await finish.partial(await finish.base64(preview), index)
                    index += 1
        told = {"seed": fields["seed"]} if "seed" in fields else {}
        yield await finish.completed(await finish.base64(await server.download(prompt.picture_url)), **told)

    def _fields(self, request: EditRequest, workflow: Workflow, target: Target) -> dict[str, Json]:
        """The named inputs that are no images. Raises InvalidRequest."""
        fields = seeded(extras_of(request, self.capabilities(target), target), request)
        if "seed" in workflow.places:
            # The same seed twice is answered from ComfyUI's cache.
            fields.setdefault("seed", secrets.randbelow(_SEEDS))
        size_px = parse_size(request.options.size)
        size = dict(zip(("width", "height"), size_px, strict=True)) if size_px else {}
        return {**fields, **size, "prompt": request.prompt}


def _values(workflow: Workflow, fields: Mapping[str, Json]) -> dict[Place, Json]:
    """The fields at their places; whole numbers as such, for inputs that take nothing else."""
    whole = {name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in fields.items()}
    return {place: value for name, value in whole.items() for place in workflow.places[name]}


async def _uploaded(files: Sequence[Placed], server: Server) -> dict[Place, Json]:
    """ComfyUI's names for the images, at their places. Raises UpstreamError."""
    names: dict[Place, Json] = {}
    for file, places in files:
        names |= dict.fromkeys(places, await server.upload(file))
    return names
