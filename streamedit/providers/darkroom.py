"""The embedded editor as a provider: its work in threads, its pictures as events."""

import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import pybase64
from anyio import CapacityLimiter, to_thread

from streamedit.darkroom import files
from streamedit.darkroom.develop import Recipe, develop, variation
from streamedit.darkroom.files import Format
from streamedit.darkroom.instructions import Instruction
from streamedit.darkroom.photograph import Floats, Photograph, parse_size
from streamedit.darkroom.repertoire import entry
from streamedit.darkroom.scaling import fit, fit_weight
from streamedit.darkroom.words.grammar import parse
from streamedit.decoders import check_head
from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest, NoTarget
from streamedit.events import Event, Usage
from streamedit.providers.base import Picture, WorkBounds
from streamedit.providers.capabilities import DARKROOM, Capabilities
from streamedit.targets import Target

_T = TypeVar("_T")

_QUALITIES = frozenset({"low", "medium", "high"})
_LEAST_OTHER_PX = 1 << 18


@dataclass(frozen=True, slots=True)
class _Order:
    """A request as far as it can be understood without its images."""

    recipe: Recipe
    output: Format
    size_px: tuple[int, int] | None
    background: str | None
    partials: int

    @property
    def looks_at_others(self) -> bool:
        """Whether an instruction may have to do with further images."""
        return any(entry(each.name).others for each in self.recipe.instructions)


class _Watch:
    """Ends the work of an edit between two of its steps, when it takes too long or nobody wants it any more."""

    def __init__(self, work_s: float) -> None:
        self._end_s = time.monotonic() + work_s
        self._work_s = work_s
        self.left = threading.Event()

    def __call__(self) -> None:
        """Raises InvalidRequest."""
        if self.left.is_set() or time.monotonic() > self._end_s:
            message = (
                f"The edit takes more than the {self._work_s:g} s that it may take here: ask for less, or send a smaller image."
            )
            raise InvalidRequest(message, param="prompt", code="edit_takes_too_long")


class Darkroom:
    """Edits without a key and without a network: the instructions that it knows in a prompt, done with Pillow and OpenCV.

    The first image is the canvas; further ones are what it is matched with, put before or set beside. One image for each call;
    number `image_index` of an edit is its own variation. The same request gives the same bytes. An extra field `seed` (an
    integer) changes what is random.

    `now_s`: Unix time. `threads`: how many edits are computed at a time, by default one for each processor.
    """

    def __init__(self, now_s: Callable[[], float], *, bounds: WorkBounds | None = None, threads: int | None = None) -> None:
        self._now_s = now_s
        self._bounds = bounds or WorkBounds()
        self._limiter = CapacityLimiter(threads or os.cpu_count() or 1)

    def capabilities(self, _: Target) -> Capabilities:
        return DARKROOM

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        """Partial images as they are ready, then the completed one.

        Raises InvalidRequest before the first of them, but for what takes too long; NoTarget when too many wait already.
        """
        order = await to_thread.run_sync(_order, request)  # a prompt may be long; it need not wait for a processor
        await self._check_heads(request)
        images = [await each.upload.read() for each in request.images[: None if order.looks_at_others else 1]]
        mask = await request.mask.upload.read() if request.mask else None
        self._check_room()
        watch = _Watch(self._bounds.work_s)
        try:
            states = await self._in_thread(partial(self._states, images, mask, order, watch))
            del images, mask  # as files they are no longer needed, and may be large
            for index in range(order.partials):
                state = await self._in_thread(states.__next__)
                yield self._picture(request, order, state.photograph).partial(state.image_base64, index)
            state = await self._in_thread(states.__next__)
        finally:
            watch.left.set()
        yield self._picture(request, order, state.photograph).completed(state.image_base64, Usage())

    def _check_room(self) -> None:
        if self._limiter.statistics().tasks_waiting >= self._bounds.waiting:
            raise NoTarget("The darkroom has more edits waiting than it may.", headers={"retry-after": "1"})

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)

    async def _check_heads(self, request: EditRequest) -> None:
        """Refuse what the leading bytes give away, before the whole is read."""
        check_head(await request.images[0].upload.head(), self._bounds.pixels)
        if request.mask is not None:
            check_head(await request.mask.upload.head(), self._bounds.pixels, "mask")

    def _states(self, images: Sequence[bytes], mask: bytes | None, order: _Order, watch: _Watch) -> "Iterator[_State]":
        """The pictures of an edit, as files. Raises InvalidRequest, for its images at once."""
        canvas = files.decode(images[0], self._bounds.pixels)
        weight = files.decode_mask(mask, canvas.size_px, self._bounds.pixels) if mask is not None else None
        size_px = order.size_px or canvas.size_px
        canvas, weight = fit(canvas, size_px), None if weight is None else fit_weight(weight, size_px)
        recipe = replace(order.recipe, others=self._others(images[1:], canvas))
        states = develop(canvas, weight, recipe, order.partials, watch)
        return (_state(state, order) for state in states)

    def _others(self, images: Sequence[bytes], canvas: Photograph) -> tuple[Floats, ...]:
        """The further images, together not much larger than the canvas. Raises InvalidRequest."""
        width, height = canvas.size_px
        pixels = max(_LEAST_OTHER_PX, 2 * width * height // max(1, len(images)))
        return tuple(files.decode_other(data, self._bounds.pixels, pixels) for data in images)

    def _picture(self, request: EditRequest, order: _Order, state: Photograph) -> Picture:
        width, height = state.size_px
        return Picture(
            created_at_s=int(self._now_s()),
            size=f"{width}x{height}",
            output_format=order.output.name,
            quality=request.options.quality if request.options.quality in _QUALITIES else "high",
            background="transparent" if state.alpha is not None and order.output.name != "jpeg" else "opaque",
        )


@dataclass(frozen=True, slots=True)
class _State:
    """A picture on its way, and its file."""

    photograph: Photograph
    image_base64: bytes


def _state(state: Photograph, order: _Order) -> _State:
    """In the size and with the background asked for."""
    if order.size_px is not None:
        state = fit(state, order.size_px)
    if order.background == "opaque":
        state = files.on_white(state)
    return _State(state, pybase64.b64encode(files.encode(state, order.output)))


def _order(request: EditRequest) -> _Order:
    """Raises InvalidRequest."""
    options = request.options
    output = files.parse_format(options.output_format, options.output_compression)
    instructions = parse(request.prompt, masked=request.mask is not None)
    return _Order(
        recipe=variation(Recipe(_cut_out(instructions, options.background, output), _seed(request)), request.image_index),
        output=output,
        size_px=parse_size(options.size),
        background=options.background,
        partials=request.partial_images,
    )


def _cut_out(instructions: Sequence[Instruction], background: str | None, output: Format) -> Sequence[Instruction]:
    """With the instruction that `background=transparent` is. Raises InvalidRequest for a format without transparency."""
    if background != "transparent":
        return instructions
    if output.name == "jpeg":
        message = "A JPEG has no transparency: with background=transparent, output_format is png or webp."
        raise InvalidRequest(message, param="background", code="invalid_background")
    named = any(each.name == "cut out" for each in instructions)
    return instructions if named else (*instructions, Instruction("cut out"))


def _seed(request: EditRequest) -> int:
    text = dict(request.extra).get("seed", "0")
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest("seed must be an integer.", param="seed", code="invalid_seed") from None
