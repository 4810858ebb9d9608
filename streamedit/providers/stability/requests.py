"""A request as one of Stability's services takes it, whichever API the service is called by: its fields and its files.

Whatever the service is known to refuse is refused here, naming the parameter, before anything is sent.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from streamedit.edits import EditRequest, InputImage
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.images import inspect
from streamedit.providers.capabilities import extras_of
from streamedit.providers.inputs import grey_mask, seeded
from streamedit.providers.sizes import nearest_ratio, parse_size
from streamedit.providers.stability.input_limits import Limits
from streamedit.providers.stability.services import MAX_PROMPT_CHARS, RATIOS, Service
from streamedit.targets import Target

_MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp")
_SEEDS = 4_294_967_295
"""0 to one less; 0 is random."""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """What is sent: fields by their names, and files in order, the mask last."""

    fields: Mapping[str, Json]
    files: tuple[tuple[str, InputImage], ...]


async def service_request(request: EditRequest, service: Service, target: Target) -> ServiceRequest:
    """Raises InvalidRequest."""
    fields = _fields(request, service, target)
    images = dict(_images(request, service))
    _check_presence({**fields, **images}, service)
    files = [(name, await _checked(image, *_limits(name, service))) for name, image in images.items()]
    if mask := await grey_mask(request):
        files.append(("mask", mask))
    return ServiceRequest(fields, tuple(files))


def _fields(request: EditRequest, service: Service, target: Target) -> dict[str, Json]:
    """The service's own fields, and OpenAI's in its terms. What the caller says in the service's words goes before both."""
    fields = seeded(extras_of(request, service.capabilities(), target), request)
    said = {name for name, text in request.extra if text}
    openais = {service.prompt: request.prompt, "aspect_ratio": _ratio(request), "output_format": _format(request)}
    fields |= {name: value for name, value in openais.items() if name and value and name not in said}
    for name, value in fields.items():
        _check_length(name, value)
    seed = fields.pop("seed", 0) % _SEEDS
    return {**fields, **({"seed": seed} if seed else {})}


def _ratio(request: EditRequest) -> str | None:
    size_px = parse_size(request.options.size)
    return nearest_ratio(size_px, RATIOS) if size_px else None


def _format(request: EditRequest) -> str | None:
    """PNG, where the picture is to be compressed as the services cannot: it is then converted here."""
    options = request.options
    return options.output_format if options.output_compression is None or options.output_format is None else "png"


def _check_length(name: str, value: Json) -> None:
    if name.endswith("prompt") and len(value) > MAX_PROMPT_CHARS:
        message = f"{name} may have at most {MAX_PROMPT_CHARS:,} characters."
        raise InvalidRequest(message, param=name, code="string_above_max_length")


def _images(request: EditRequest, service: Service) -> Iterator[tuple[str, InputImage]]:
    """The pictures by the service's names: the request's images in order, then files that have the name themselves."""
    names = service.images[: len(request.images)]
    yield from zip(names, request.images, strict=True)
    for name, _ in request.extra:
        if name in service.further_images:
            raise InvalidRequest(f"{name} must be a file.", param=name, code="invalid_value")
    for name, image in request.extra_files:
        if name not in service.further_images:
            raise InvalidRequest(f"{name} must not be a file.", param=name, code="invalid_value")
        if name in names:
            raise InvalidRequest(f"{name} is there twice, as a second image too.", param=name, code="invalid_value")
        yield name, image


def _check_presence(given: Mapping[str, object], service: Service) -> None:
    """What the service cannot work without is there."""
    for name in (*service.images, *service.required):
        if not given.get(name):
            raise _missing(f"{service.name} needs {name}.", name)
    if service.any_of and not any(given.get(name) for name in service.any_of):
        raise _missing(f"{service.name} needs one of {', '.join(service.any_of)}.", service.any_of[0])
    for name, others in service.needs.items():
        if name in given and not any(given.get(other) for other in others):
            raise _missing(f"{name} needs {' or '.join(others)}.", others[0])


def _missing(message: str, param: str) -> InvalidRequest:
    return InvalidRequest(message, param=param, code="missing_required_parameter")


def _limits(name: str, service: Service) -> tuple[str, Limits]:
    """What the caller calls an image, and what it must be like."""
    if name == service.images[0]:
        return "image", service.limits
    return name, service.further_limits


async def _checked(image: InputImage, param: str, limits: Limits) -> InputImage:
    """The image with the media type of its content."""
    info = inspect(await image.upload.head())
    if info is None or info.media_type not in _MEDIA_TYPES:
        raise InvalidRequest(f"{param} must be a PNG, JPEG or WebP picture.", param=param, code="invalid_image_file")
    if info.pixels and (limit := limits.broken(info.width_px, info.height_px)):
        message = f"{param} must be {limit}; it is {info.width_px}x{info.height_px}."
        raise InvalidRequest(message, param=param, code="invalid_image_file")
    return replace(image, media_type=info.media_type)
