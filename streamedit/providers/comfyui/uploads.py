"""The images of an edit as a ComfyUI workflow wants them, each for its place."""

from dataclasses import replace
from typing import TypeAlias

from anyio import to_thread

from streamedit.edits import EditRequest, InputImage
from streamedit.providers import pixels
from streamedit.providers.comfyui.workflow import Place, Workflow
from streamedit.uploads import Upload

Placed: TypeAlias = tuple[InputImage, tuple[Place, ...]]
"""A file, and where it goes."""


async def files_of(request: EditRequest, workflow: Workflow) -> list[Placed]:
    """Every file of the request. A place for which there is no file keeps what the workflow has there.

    Without a mask everything is to be edited, as OpenAI has it: a mask that says so is made. Raises InvalidRequest.
    """
    images = list(request.images)
    if workflow.draws_mask_into_image:
        images[0] = await _masked_image(request)
    files: list[Placed] = [(image, (place,)) for image, place in zip(images, workflow.places["image"], strict=False)]
    if "mask" in workflow.places and not workflow.draws_mask_into_image:
        files.append((await _mask(request), workflow.places["mask"]))
    others = [("markup", request.markup), *request.extra_files]
    return [*files, *((file, workflow.places[name]) for name, file in others if file is not None)]


async def _mask(request: EditRequest) -> InputImage:
    """A PNG which says the same in every channel: LoadImage and LoadImageMask (ComfyUI's nodes.py) edit where red, green and
    blue are white, and where alpha is transparent.
    """
    mask, image = await _contents(request)
    return _png(request, await to_thread.run_sync(pixels.two_way_mask, mask, image))


async def _masked_image(request: EditRequest) -> InputImage:
    """The first image, transparent where it is to be edited: what the MASK of its own LoadImage says."""
    mask, image = await _contents(request)
    return _png(request, await to_thread.run_sync(pixels.transparent_where_edited, mask, image))


async def _contents(request: EditRequest) -> tuple[bytes | None, bytes]:
    mask = None if request.mask is None else await request.mask.upload.read()
    return mask, await request.images[0].upload.read()


def _png(request: EditRequest, content: bytes) -> InputImage:
    return replace(request.images[0], upload=Upload(content), filename="mask.png", media_type="image/png")
