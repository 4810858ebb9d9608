"""A request's body -> EditRequest, from multipart/form-data or JSON.

What is accepted is what OpenAI's clients send (`image`, `image[]`, numbers and booleans as text, any order); what is not known
is kept. Images are not looked into here. That an image is missing, or is no URL, is said in the words of llmapi.site, which its
clients look for.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import fields, replace
from functools import partial
from typing import TypeAlias, TypeVar

from anyio import to_thread
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from python_multipart.multipart import parse_options_header

from streamedit.edits import EditOptions, EditRequest, InputImage
from streamedit.errors import InvalidRequest, param_path
from streamedit.turns import LARGE_BYTES
from streamedit.uploads import closed_unless_done
from streamedit.wire import references, wishes
from streamedit.wire.inlays import Inlays
from streamedit.wire.multipart import BodyLimits, boundary_of, read_form
from streamedit.wire.nested import flatten
from streamedit.wire.schemas import MAX_IMAGES, NO_IMAGE, EditBody, EditFields

_IMAGE_FIELD = re.compile(r"image(\[\d*\])?")
_INDEX = re.compile(r"\[\d+\]")
_SINGLE_FILES = ("mask", "mask[]", "markup", "markup[]")
_OPTION_NAMES = tuple(field.name for field in fields(EditOptions))

Text: TypeAlias = tuple[str, str]
File: TypeAlias = tuple[str, InputImage]
"""Parts of a form, each with its name."""

_Model = TypeVar("_Model", bound=BaseModel)


async def read_request(content_type: str, chunks: AsyncIterator[bytes], limits: BodyLimits) -> EditRequest:
    """The edit that a body asks for; the caller closes it. Raises CallerError naming the parameter."""
    kind, _ = parse_options_header(content_type)
    if kind == b"application/json":
        return await _read_json(chunks, limits)
    return await _read_multipart(boundary_of(content_type, beside=" or application/json"), chunks, limits)


async def _read_multipart(boundary: bytes, chunks: AsyncIterator[bytes], limits: BodyLimits) -> EditRequest:
    form = await read_form(boundary, chunks, limits, lambda form, name: _check_file(form.files, name))
    with closed_unless_done(form.close):
        return _from_parts(form.texts, form.files)


def assembled(texts: Sequence[Text], files: Sequence[File], limits: BodyLimits) -> EditRequest:
    """The edit that a form with these fields and files would ask for; the caller closes it. Raises CallerError as for a form.

    An image may be one that is only named.
    """
    limits.check_parts(len(texts) + len(files))
    for name, text in texts:
        limits.check_field(len(text.encode()), name)
    for number, (name, image) in enumerate(files):
        _check_file(files[:number], name)
        limits.check_image(image.upload.size_bytes, name)
    return _from_parts(texts, files)


def _check_file(before: Sequence[File], name: str) -> None:
    """Refuse the 17th image before it is read."""
    if _IMAGE_FIELD.fullmatch(name) and len(_images_of(before)) >= MAX_IMAGES:
        raise InvalidRequest(f"At most {MAX_IMAGES} images.", param="image", code="too_many_images")
    single = name.removesuffix("[]")
    if name in _SINGLE_FILES and any(other.removesuffix("[]") == single for other, _ in before):
        raise InvalidRequest(f"At most one {single}.", param=single, code="too_many_images")


def _images_of(files: Sequence[File]) -> list[InputImage]:
    return [image for name, image in files if _IMAGE_FIELD.fullmatch(name)]


def _from_parts(named: Sequence[Text], files: Sequence[File]) -> EditRequest:
    for name, _ in named:
        if _is_image_field(name):
            raise InvalidRequest(f"{name} must be a file.", param=name.partition("[")[0], code="invalid_type")
    texts = [pair for pair in named if not wishes.is_wish(pair[0])]
    known = {name: text for name, text in texts if name in EditFields.model_fields}
    checked = validated(lambda: EditFields.model_validate({**known, **wishes.in_form(named)}))
    images = _images_of(files)
    if not images:
        raise InvalidRequest("image file is required", param="image", code="missing_required_parameter")
    single = {name.removesuffix("[]"): image for name, image in files if name in _SINGLE_FILES}
    request = _request(checked, images, [pair for pair in texts if pair[0] not in known])
    extra_files = tuple(pair for pair in files if not _is_image_field(pair[0]))
    return _not_empty(replace(request, mask=single.get("mask"), markup=single.get("markup"), extra_files=extra_files))


def overridden(request: EditRequest, overrides: Sequence[tuple[str, str]]) -> EditRequest:
    """The request with fields replaced, as if it had come so; its model stays. Raises InvalidRequest."""
    if not overrides:
        return request
    texts = dict(overrides)
    known = {name: text for name, text in texts.items() if name in EditFields.model_fields}
    checked = validated(lambda: EditFields.model_validate({"prompt": request.prompt, **known}))
    options = {name: getattr(checked, name) for name in _OPTION_NAMES if name in known}
    kept = tuple(pair for pair in request.extra if pair[0] not in texts)
    return replace(
        request,
        prompt=checked.prompt,
        options=replace(request.options, **options),
        extra=(*kept, *((name, text) for name, text in texts.items() if name not in known)),
    )


def _not_empty(request: EditRequest) -> EditRequest:
    for param, images in (("image", request.images), ("mask", (request.mask,)), ("markup", (request.markup,))):
        if any(image is not None and not (image.reference or image.upload.size_bytes) for image in images):
            raise InvalidRequest(f"The {param} is empty.", param=param, code="empty_image")
    return request


def _is_image_field(name: str) -> bool:
    return name in _SINGLE_FILES or _IMAGE_FIELD.fullmatch(name) is not None


async def _read_json(chunks: AsyncIterator[bytes], limits: BodyLimits) -> EditRequest:
    inlays = Inlays(limits)
    with closed_unless_done(inlays.close):
        async for chunk in chunks:
            await inlays.feed(chunk)
        # Megabytes of JSON and base64 are no work for the event loop.
        is_large = len(inlays.text) >= LARGE_BYTES
        request = await to_thread.run_sync(_from_json, inlays, limits) if is_large else _from_json(inlays, limits)
        with closed_unless_done(request.close):
            for image in request.files():
                await image.upload.flush()
    inlays.keep(image.upload for image in request.files())
    return request


def _from_json(inlays: Inlays, limits: BodyLimits) -> EditRequest:
    checked = validated(lambda: EditBody.model_validate_json(inlays.text))
    if (checked.model_extra or {}).get("image"):
        raise InvalidRequest("Give either images or image.", param="image", code="invalid_value")
    resolve = partial(references.resolve, inlaid=inlays.uploads, limits=limits)
    images = [resolve(image, f"images[{index}]") for index, image in enumerate(checked.images)]
    mask = resolve(checked.mask, "mask") if checked.mask else None
    markup = resolve(checked.markup, "markup") if checked.markup else None
    extra = [pair for name, value in (checked.model_extra or {}).items() for pair in flatten(name, value)]
    return _not_empty(replace(_request(checked, images, extra), mask=mask, markup=markup))


def _request(checked: EditFields, images: Sequence[InputImage], extra: Sequence[tuple[str, str]]) -> EditRequest:
    return EditRequest(
        prompt=checked.prompt,
        images=tuple(images),
        model=checked.model,
        stream=bool(checked.stream),
        options=EditOptions(**{name: getattr(checked, name) for name in _OPTION_NAMES}),
        extra=tuple(extra),
        wishes=wishes.of_fields(checked),
    )


def validated(validate: Callable[[], _Model]) -> _Model:
    """The validated model; else an error that lists every mistake and names the first one's parameter."""
    try:
        return validate()
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_context=False, include_input=False)
        first = mistakes[0]
        if first["type"] == "json_invalid":
            raise InvalidRequest("The body is not valid JSON.", param="body", code="invalid_json") from None
        text = "; ".join(_in_words(mistake) for mistake in mistakes)
        code = "missing_required_parameter" if first["type"] == "missing" else "invalid_value"
        raise InvalidRequest(text, param=param_path(first["loc"]) or "body", code=code) from None


def _in_words(mistake: ErrorDetails) -> str:
    param = param_path(mistake["loc"]) or "body"
    if mistake["type"] == NO_IMAGE:
        return f"{_INDEX.sub('[]', param)}.image_url is required"
    if param in ("images", "image") and mistake["type"] in ("missing", "too_short"):
        return "images[].image_url is required"
    return f"{param}: {mistake['msg']}"
