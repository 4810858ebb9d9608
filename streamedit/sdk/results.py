"""An edit's events -> what its caller is given."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from anyio import to_thread

from streamedit import tally
from streamedit.contents import Excerpt
from streamedit.edits import Edit
from streamedit.errors import EditError
from streamedit.events import Completed, Event, Failed, PartialImage, collapse
from streamedit.sdk.downloads import Downloads
from streamedit.sdk.models import (
    ImageEditCompletedEvent,
    ImageEditEvent,
    ImageEditPartialImageEvent,
    ImagesResponse,
    Made,
)
from streamedit.turns import LARGE_BYTES
from streamedit.wire import bodies

_Read = TypeVar("_Read")


async def response_of(edit: Edit, events: Sequence[Event], downloads: Downloads) -> ImagesResponse:
    """A whole edit as one answer. Raises EditError when there is nothing but a failure, OSError for files."""
    result = collapse(events)
    if isinstance(result, Failed):
        raise EditError.told(result.error)
    told = [replace(image, payload=await downloads.told(image)) for image in result]
    response = await _read(ImagesResponse.model_validate_json, bodies.images_response(told))
    return response.of(Made(edit.id, tally.of_edit(events), tally.cost_of(result)))


async def event_of(edit: Edit, event: Event, downloads: Downloads) -> ImageEditEvent:
    """One event of a stream. Raises EditError for a failure, OSError for files."""
    if isinstance(event, Failed):
        raise EditError.told(event.error)
    made = Made(edit.id, event.headers)
    if isinstance(event, PartialImage):
        content = event.payload.content
        partial = await _read(ImageEditPartialImageEvent.model_validate_json, [Excerpt(content, 0, content.size_bytes)])
        return partial.of(made)
    return await _completed(event, replace(made, cost_micros=event.cost_micros), downloads)


async def _completed(event: Completed, made: Made, downloads: Downloads) -> ImageEditCompletedEvent:
    content = (await downloads.told(event)).content
    completed = await _read(ImageEditCompletedEvent.model_validate_json, [Excerpt(content, 0, content.size_bytes)])
    return completed.of(made)


async def _read(read: Callable[[bytes], _Read], parts: Sequence[Excerpt]) -> _Read:
    """Megabytes of JSON are no work for the event loop, which is somebody else's here."""
    pieces = [piece for part in parts async for piece in part.slices()]
    if sum(map(len, pieces)) < LARGE_BYTES:
        return read(b"".join(pieces))
    return await to_thread.run_sync(lambda: read(b"".join(pieces)))
