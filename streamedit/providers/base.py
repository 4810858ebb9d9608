"""What every provider is: one verb and a record of what it can do."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from streamedit.edits import EditRequest
from streamedit.events import Completed, Event, Json, PartialImage, Payload, Usage
from streamedit.providers.capabilities import Capabilities
from streamedit.targets import Target
from streamedit.upstream.client import Upstream
from streamedit.wire import bodies, payloads
from streamedit.wire.cutouts import Pieces


class Provider(Protocol):
    """Turns a request into events."""

    def capabilities(self, target: Target) -> Capabilities:
        """What it can do with this target's model, as the target is configured."""
        ...

    def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        """The events of one call: partial images, then one completed event for each image, in OpenAI's dialect.

        The caller asks for one image, or for n where the capabilities say so, and for nothing that they refuse or drop. The
        provider is called once: whoever wants a retry calls again. Closing the iterator ends the upstream call. Raises
        EditError.
        """
        ...


@dataclass(frozen=True, slots=True)
class WorkBounds:
    """What an edit that is made here may take: pixels of an image, seconds of work; and how many of them may wait for it."""

    pixels: int = 25_000_000
    work_s: float = 60.0
    waiting: int = 64


@dataclass(frozen=True, slots=True)
class Tools:
    """What providers work with. `now_s` gives Unix time; the bounds are for one event and for one answer, in bytes."""

    upstream: Upstream
    now_s: Callable[[], float]
    max_event_bytes: int = 64 << 20
    max_answer_bytes: int = 256 << 20
    work: WorkBounds = WorkBounds()


@dataclass(frozen=True, slots=True)
class Picture:
    """What is said of the images of one edit that no OpenAI made, in OpenAI's fields; `size` is `WIDTHxHEIGHT` in pixels.

    Source: the schemas of `image_edit.partial_image` and `image_edit.completed` in OpenAI's API reference.
    """

    created_at_s: int
    size: str
    output_format: str
    quality: str = "auto"
    background: str = "auto"

    def partial(self, image_base64: bytes | memoryview | Pieces, index: int) -> PartialImage:
        """The interim image number `index`, from 0."""
        fields = {"type": payloads.PARTIAL_IMAGE, "partial_image_index": index, **self._fields()}
        return PartialImage(_payload(fields, image_base64))

    def completed(self, image_base64: bytes | memoryview | Pieces, usage: Usage, **fields: Json) -> Completed:
        """The finished image; `fields`: what else is said of it."""
        fields = {"type": payloads.COMPLETED, **self._fields(), "usage": bodies.usage_fields(usage), **fields}
        return Completed(_payload(fields, image_base64))

    def _fields(self) -> dict[str, Json]:
        return {
            "created_at": self.created_at_s,
            "size": self.size,
            "quality": self.quality,
            "background": self.background,
            "output_format": self.output_format,
        }


def _payload(fields: Mapping[str, Json], image: bytes | memoryview | Pieces) -> Payload:
    """Megabytes in pieces are not joined."""
    return payloads.build(fields, image) if isinstance(image, bytes | memoryview) else payloads.around(fields, image)
