"""An edit as the form that servers of OpenAI's dialect take, and what each of them wants otherwise."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.providers.capabilities import Capabilities, extras_of
from streamedit.providers.inputs import grey_mask, seeded, typed
from streamedit.providers.sizes import parse_size
from streamedit.targets import Target
from streamedit.upstream.client import RequestBody
from streamedit.wire.jsonbody import Base64, JsonBody
from streamedit.wire.multipart import MultipartBody
from streamedit.wire.nested import unflatten

OPTIONS = tuple(field.name for field in fields(EditOptions))

_ALWAYS_BASE64 = ("gpt-image-", "chatgpt-image-")
"""Families that answer in base64 and refuse `response_format`."""

_NEVER_STREAM = ("dall-e-",)
_NEVER_STREAMED_FORMATS = ("gif", "svg")


def _own(request: EditRequest, _: Target) -> str:
    return request.prompt


@dataclass(frozen=True, slots=True)
class Form:
    """`multipart/form-data` of `/images/edits`.

    `sends`: the options that the server reads. `model`: whether it reads that too. `streams`: whether it may be asked for a
    stream. `formats`: the picture formats that it makes, empty where it makes all; what else is asked for is converted here.
    `mask_name`, `grey_mask`: how it takes a mask; OpenAI's own is transparent where to edit, a grey one white. `composites`:
    what is outside the mask is put back here. `configured`: fields that the configuration alone may set. `prompt`: what is
    sent as such.
    """

    sends: tuple[str, ...] = OPTIONS
    model: bool = True
    streams: bool = False
    formats: tuple[str, ...] = ()
    mask_name: str = "mask"
    grey_mask: bool = False
    composites: bool = False
    configured: tuple[str, ...] = ()
    prompt: Callable[[EditRequest, Target], str] = _own

    async def body(self, request: EditRequest, target: Target, capabilities: Capabilities) -> RequestBody:
        """The form of a request; the same in JSON where images are to be fetched from their URLs. Raises InvalidRequest."""
        values = [*([("model", target.model)] if self.model else []), ("prompt", self.prompt(request, target))]
        values += [(name, value) for name, value in self._options(request, target).items() if value is not None]
        own = seeded(extras_of(request, capabilities, target), request)
        own |= {name: target.params[name] for name in self.configured if target.params.get(name) is not None}
        values += own.items()
        verbatim = request.extra if capabilities.verbatim else ()
        if capabilities.urls and target.takes_urls and any(_url_of(image) for image in request.files()):
            return JsonBody({**_parsed(verbatim), **dict(values), **await _referenced(request)})
        return MultipartBody([*((name, _text(value)) for name, value in values), *verbatim], await self._files(request))

    def makes(self, request: EditRequest) -> bool:
        """Whether the server makes the format that is asked for; of what is composited here it makes PNG."""
        formats = ("png",) if self.composites and request.mask is not None else self.formats
        return not formats or request.options.output_format in (None, *formats)

    def _options(self, request: EditRequest, target: Target) -> Mapping[str, Json]:
        values = {name: getattr(request.options, name) for name in self.sends}
        values["partial_images"] = None
        if request.n == 1:
            values["n"] = None
        if target.base_model.startswith(_ALWAYS_BASE64):
            values["response_format"] = None
        if not self.streams:
            values |= _plain(values)
        if not self.makes(request):
            values |= {"output_format": "png", "output_compression": None}
        elif self.streams and _asks_for_stream(request, target):
            values |= {"stream": True, "partial_images": request.partial_images}
        return values

    async def _files(self, request: EditRequest) -> list[tuple[str, InputImage]]:
        name = "image" if len(request.images) == 1 else "image[]"
        mask = await grey_mask(request) if self.grey_mask else request.mask
        named = [(name, image) for image in request.images]
        named += [(name, image) for name, image in ((self.mask_name, mask), ("markup", request.markup)) if image is not None]
        return [(name, await typed(image)) for name, image in (*named, *request.extra_files)]


def _plain(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """For servers that do not check: a size that is one, and PNG, OpenAI's default, where no format is asked for."""
    size = values.get("size") if parse_size(values.get("size")) else None
    asked = values.get("output_format") or "png"
    return {"size": size, **({"output_format": asked} if "output_format" in values else {})}


def _asks_for_stream(request: EditRequest, target: Target) -> bool:
    """OpenAI refuses a stream of several images, of GIF and of SVG; whoever asks for one all the same hears it from there."""
    if request.stream:
        return True
    if request.n != 1 or target.base_model.startswith(_NEVER_STREAM):
        return False
    return request.options.output_format not in _NEVER_STREAMED_FORMATS and target.params.get("stream") is not False


async def _referenced(request: EditRequest) -> Mapping[str, Json]:
    """A request's images as JSON names them: by their URLs, those that have none as data URLs."""
    single = {"mask": request.mask, "markup": request.markup}
    named = {name: await _reference(image) for name, image in single.items() if image is not None}
    return {"images": [await _reference(image) for image in request.images], **named}


async def _reference(image: InputImage) -> Mapping[str, Json]:
    return {"image_url": _url_of(image) or Base64.data_url(await typed(image))}


def _url_of(image: InputImage) -> str | None:
    """None once it was fetched here: what the moderation has seen is what is edited, whatever is behind the URL by now."""
    return image.reference.url if image.reference and not image.upload.size_bytes else None


def _parsed(texts: Sequence[tuple[str, str]]) -> Mapping[str, Json]:
    """Fields of a form as the JSON that they came from. Raises InvalidRequest."""
    try:
        return unflatten(texts)
    except ValueError as error:
        raise InvalidRequest(f"A field cannot be read: {error}.", param=texts[0][0], code="invalid_value") from None


def _text(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
