"""The pictures of a request as its provider takes them: of another kind, or animated, they are made stills here.

A still is a PNG (a large one without transparency a JPEG), upright, of an animation the first frame. What a provider takes
goes on byte for byte, and so does what cannot be decoded here: that is for the provider to judge.
"""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from weakref import WeakKeyDictionary

from streamedit.decoders import is_decoded
from streamedit.edits import EditRequest, InputImage
from streamedit.errors import EditError, InvalidRequest, NoTarget, StorageFull
from streamedit.images import ImageInfo, inspect
from streamedit.providers import pixels
from streamedit.providers.capabilities import Capabilities
from streamedit.uploads import Upload, closed_unless_done

_MOST_THREADS = 4
"""Each of them may hold a picture of 64 megapixels more than once: about a gigabyte."""


@dataclass(slots=True)
class _Making:
    """The still of one upload: whoever has the turn begins the work if there is none, and all who want it wait for that.

    `until_s`: when it takes too long, in the loop's time.
    """

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    work: asyncio.Future[Upload | EditError] | None = None
    until_s: float = 0


class Stills:
    """Makes them, and makes none of a picture twice while a request holds it: every attempt of an edit is given the same.

    `max_pixels`: of any picture, whether it is decoded or not; `pixels.MAX_PIXELS` holds for those that are. `within_s`: for
    one still from when it is begun, and before that for a place. `threads`: how many are made at a time, by default one for
    each processor, at most four.

    Nothing can stop a thread: until it is done it keeps its place, though nobody waits for it any more. So no more than
    `threads` of them are ever at work, no file is read before there is a place, and whoever finds none in time is told to
    come again.
    """

    def __init__(self, max_pixels: int, within_s: float, threads: int | None = None) -> None:
        threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
        self._max_pixels = max_pixels
        self._within_s = within_s
        self._places = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, "still")
        self._made: WeakKeyDictionary[Upload, _Making] = WeakKeyDictionary()

    async def check(self, request: EditRequest) -> None:
        """Raises InvalidRequest for a picture that has too many pixels by its leading bytes."""
        for param, image in request.named_files():
            await self._inspected(image, param)

    async def suited(self, request: EditRequest, capabilities: Capabilities) -> EditRequest:
        """The request for a provider. What is made is shared by all attempts: it goes when the picture that was sent does.

        Raises InvalidRequest for a picture that cannot be made a still, not in time, or has too many pixels; NoTarget when no
        thread was free in time; StorageFull.
        """
        inputs = capabilities.inputs
        return replace(
            request,
            images=tuple([await self._suited(image, "image", inputs) for image in request.images]),
            mask=request.mask and await self._suited(request.mask, "mask", inputs),
            markup=request.markup and await self._suited(request.markup, "markup", inputs),
        )

    async def _suited(self, image: InputImage, param: str, inputs: tuple[str, ...]) -> InputImage:
        info = await self._inspected(image, param)
        if info is None or not is_decoded(info.kind) or (info.kind in inputs and not info.is_animated):
            return image
        return await _renamed(image, await self._still(image.upload, _param(image, param)))

    async def _inspected(self, image: InputImage, param: str) -> ImageInfo | None:
        info = inspect(await image.upload.head())
        if info is not None and info.pixels > self._max_pixels:
            param = _param(image, param)
            message = f"{param} has {info.width_px}x{info.height_px} pixels: more than {self._max_pixels}."
            raise InvalidRequest(message, param=param, code="too_many_pixels")
        return info

    async def _still(self, upload: Upload, param: str) -> Upload:
        making = self._made.setdefault(upload, _Making())
        work = making.work or await self._begun(making, upload, param)
        await asyncio.wait((work,), timeout=making.until_s - asyncio.get_running_loop().time())
        if not work.done():
            message = f"{param} could not be converted within {self._within_s:g} seconds: send it as PNG or JPEG."
            raise InvalidRequest(message, param=param, code="conversion_timeout")
        still = work.result()
        if isinstance(still, EditError):
            raise still
        return still

    async def _begun(self, making: _Making, upload: Upload, param: str) -> asyncio.Future[Upload | EditError]:
        """The work, by whoever was first. Raises NoTarget."""
        try:
            async with asyncio.timeout(self._within_s), making.turn:
                making.work = making.work or await self._submitted(upload, param)
                making.until_s = making.until_s or asyncio.get_running_loop().time() + self._within_s
                return making.work
        except TimeoutError:
            message = "Too many pictures are being converted. Try again later."
            raise NoTarget(message, headers={"retry-after": "1"}) from None

    async def _submitted(self, upload: Upload, param: str) -> asyncio.Future[Upload | EditError]:
        await self._places.acquire()
        with closed_unless_done(self._places.release):
            data = await upload.read()
            work = asyncio.get_running_loop().run_in_executor(self._threads, _still_of, data, param)
        work.add_done_callback(lambda _: self._places.release())
        return work


def _still_of(data: bytes, param: str) -> Upload | EditError:
    """A failure is a result: nobody may be there any more to hear of it."""
    try:
        return Upload.spooled(pixels.still(data, param))
    except (InvalidRequest, StorageFull) as error:
        return error


def _param(image: InputImage, param: str) -> str:
    """How the request names it."""
    return image.reference.param if image.reference is not None else param


async def _renamed(image: InputImage, still: Upload) -> InputImage:
    info = inspect(await still.head())
    assert info is not None  # noqa: S101 - it was written here
    filename = f"{PurePath(image.filename).stem or 'image'}.{info.kind}"
    return replace(image, upload=still, filename=filename, media_type=info.media_type)
