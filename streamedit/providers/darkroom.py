"""The embedded editor as a provider: its work in threads, its pictures as events."""

import os
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import TypeVar

import pybase64
from anyio import CapacityLimiter, to_thread

from streamedit.darkroom import files, scaling
from streamedit.darkroom.develop import Recipe, develop, variation
from streamedit.darkroom.files import Format
from streamedit.darkroom.grammar import parse
from streamedit.darkroom.photograph import Floats, Photograph, filled, parse_size
from streamedit.decoders import check_head
from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Event, Usage
from streamedit.providers.base import Picture
from streamedit.providers.capabilities import DARKROOM, Capabilities
from streamedit.targets import Target

_T = TypeVar("_T")

_QUALITIES = frozenset({"low", "medium", "high"})


@dataclass(frozen=True, slots=True)
class _Order:
    """A request as far as it can be understood without its images."""

    recipe: Recipe
    output: Format
    size_px: tuple[int, int] | None
    partials: int

    @property
    def erases(self) -> bool:
        return any(instruction.name == "erase" for instruction in self.recipe.instructions)


class Darkroom:
    """Edits without a key and without a network: the instructions that it knows in a prompt, done with Pillow and OpenCV.

    The first image is the canvas; further images are not looked at. One image for each call; number `image_index` of an edit
    is its own variation. The same request gives the same bytes. An extra field `seed` (an integer) changes what is random.

    `now_s`: Unix time. `max_pixels`: the largest image that is decoded. `threads`: how many edits are computed at a time,
    by default one for each processor.
    """

    def __init__(self, now_s: Callable[[], float], *, max_pixels: int = files.MAX_PIXELS, threads: int | None = None) -> None:
        self._now_s = now_s
        self._max_pixels = max_pixels
        self._limiter = CapacityLimiter(threads or os.cpu_count() or 1)

    def capabilities(self, _: Target) -> Capabilities:
        return DARKROOM

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        """Partial images as they are ready, then the completed one. Raises InvalidRequest before the first of them."""
        order = await to_thread.run_sync(_order, request)  # a prompt may be long; it need not wait for a processor
        await self._check_heads(request)
        image = await request.images[0].upload.read()
        mask = await request.mask.upload.read() if request.mask else None
        canvas, weight = await self._in_thread(lambda: self._open(image, mask, order))
        picture = self._picture(request, order, canvas)
        encoded = (_base64(state, order.output) for state in develop(canvas, weight, order.recipe, order.partials))
        for index in range(order.partials):
            yield picture.partial(await self._in_thread(lambda: next(encoded)), index)
        yield picture.completed(await self._in_thread(lambda: next(encoded)), Usage())

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await to_thread.run_sync(work, limiter=self._limiter)

    async def _check_heads(self, request: EditRequest) -> None:
        """Refuse what the leading bytes give away, before the whole is read."""
        check_head(await request.images[0].upload.head(), self._max_pixels)
        if request.mask is not None:
            check_head(await request.mask.upload.head(), self._max_pixels, "mask")

    def _open(self, image: bytes, mask: bytes | None, order: _Order) -> tuple[Photograph, Floats | None]:
        """The canvas and its mask in the size asked for. Raises InvalidRequest."""
        canvas = files.decode(image, self._max_pixels)
        weight = files.decode_mask(mask, canvas.size_px, self._max_pixels) if mask is not None else None
        if order.erases and weight is None:
            canvas, weight = filled(canvas)
        size_px = order.size_px or canvas.size_px
        return scaling.fit(canvas, size_px), None if weight is None else scaling.fit_weight(weight, size_px)

    def _picture(self, request: EditRequest, order: _Order, canvas: Photograph) -> Picture:
        width, height = canvas.size_px
        clear = canvas.alpha is not None and order.output.name != "jpeg"
        return Picture(
            created_at_s=int(self._now_s()),
            size=f"{width}x{height}",
            output_format=order.output.name,
            quality=request.options.quality if request.options.quality in _QUALITIES else "high",
            background="transparent" if clear else "opaque",
        )


def _order(request: EditRequest) -> _Order:
    """Raises InvalidRequest."""
    options = request.options
    return _Order(
        recipe=variation(Recipe(parse(request.prompt), _seed(request)), request.image_index),
        output=files.parse_format(options.output_format, options.output_compression),
        size_px=parse_size(options.size),
        partials=request.partial_images,
    )


def _seed(request: EditRequest) -> int:
    text = dict(request.extra).get("seed", "0")
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest("seed must be an integer.", param="seed", code="invalid_seed") from None


def _base64(state: Photograph, output: Format) -> bytes:
    return pybase64.b64encode(files.encode(state, output))
