"""A request's images and fields as providers take them."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from anyio import to_thread

from streamedit.edits import EditRequest, InputImage
from streamedit.events import Json
from streamedit.images import inspect
from streamedit.providers import pixels
from streamedit.uploads import Upload


async def typed(image: InputImage) -> InputImage:
    """The image with the media type of its content: providers judge by that, clients often leave it open."""
    info = inspect(await image.upload.head())
    return replace(image, media_type=info.media_type) if info else image


async def grey_mask(request: EditRequest, *, edit: int = 255, strict: bool = False) -> InputImage | None:
    """The request's mask as a grey PNG, see `pixels.grey_mask`; None where there is none. Raises InvalidRequest."""
    return await _mask(request, partial(pixels.grey_mask, edit=edit, strict=strict))


async def two_way_mask(request: EditRequest) -> InputImage | None:
    """The request's mask in transparency and in colour, see `pixels.two_way_mask`; None where there is none."""
    return await _mask(request, pixels.two_way_mask)


async def _mask(request: EditRequest, redrawn: Callable[[bytes, bytes], bytes]) -> InputImage | None:
    if request.mask is None:
        return None
    mask, image = await request.mask.upload.read(), await request.images[0].upload.read()
    drawn = await to_thread.run_sync(redrawn, mask, image)
    return replace(request.mask, upload=Upload(drawn), media_type="image/png")


def seeded(extras: Mapping[str, Json], request: EditRequest) -> dict[str, Json]:
    """The fields with `seed` moved on for each image of an edit, so that n calls with one seed make n pictures."""
    return {**extras, **({"seed": extras["seed"] + request.image_index} if "seed" in extras else {})}
