"""What every provider is: one verb and a record of what it can do."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from streamedit.edits import EditRequest
from streamedit.events import Completed, Event, Json, PartialImage, Usage
from streamedit.routing import Target
from streamedit.wire import bodies, payloads


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do by itself; the rest is done for it or refused.

    `n`: it makes several images in one plain call. `max_images`: input images. `formats`: output formats, empty when that is
    the upstream's to say.
    """

    streams: bool
    partial_images: bool
    n: bool
    mask: bool
    max_images: int = 16
    formats: tuple[str, ...] = ()


class Provider(Protocol):
    """Turns a request into events."""

    @property
    def capabilities(self) -> Capabilities: ...

    def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        """The events of one call: partial images, then one completed event for each image, in OpenAI's dialect.

        The caller asks for one image, or for n where the capabilities say so. The provider is called once: whoever wants
        a retry calls again. Closing the iterator ends the upstream call. Raises EditError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """What an embedded provider says of the images of one edit, in OpenAI's fields; `size` is `WIDTHxHEIGHT` in pixels.

    Source: the schemas of `image_edit.partial_image` and `image_edit.completed` in OpenAI's API reference.
    """

    created_at_s: int
    size: str
    output_format: str
    quality: str = "auto"
    background: str = "auto"

    def partial(self, image_base64: bytes, index: int) -> PartialImage:
        """The interim image number `index`, from 0."""
        fields = {"type": payloads.PARTIAL_IMAGE, "partial_image_index": index, **self._fields()}
        return PartialImage(payloads.build(fields, image_base64))

    def completed(self, image_base64: bytes, usage: Usage) -> Completed:
        """The finished image."""
        fields = {"type": payloads.COMPLETED, **self._fields(), "usage": bodies.usage_fields(usage)}
        return Completed(payloads.build(fields, image_base64))

    def _fields(self) -> dict[str, Json]:
        return {
            "created_at": self.created_at_s,
            "size": self.size,
            "quality": self.quality,
            "background": self.background,
            "output_format": self.output_format,
        }
