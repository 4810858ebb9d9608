"""What a provider can do with an edit's parameters, and what becomes of those that it cannot do anything with.

What changes the picture and cannot be done is refused, naming the parameter; a preference is dropped. `drop_params` and
`additional_drop_params` of a target, as LiteLLM has them, drop what would be refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Literal

from streamedit.darkroom.repertoire import FAMILIES
from streamedit.decoders import KINDS
from streamedit.edits import EditOptions, EditRequest
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.targets import Target
from streamedit.wire import nested


class Support(StrEnum):
    """What a provider does with a parameter."""

    NATIVE = "native"
    """It is handed on as it is."""
    MAPPED = "mapped"
    """It is handed on in the provider's own terms, or done here."""
    DROPPED = "dropped"
    """A preference that has no effect."""
    REFUSED = "refused"
    """It would change the picture: a 400 that names it."""


FILES = ("mask", "markup")
CHANGE_THE_PICTURE = ("size", "background", "output_format")
PREFERENCES = (
    "quality",
    "output_compression",
    "input_fidelity",
    "moderation",
    "response_format",
    "partial_images",
    "user",
    "safety_identifier",
)
PARAMETERS = ("n", *FILES, *CHANGE_THE_PICTURE, *PREFERENCES)

_OPTIONS = tuple(option.name for option in fields(EditOptions) if option.name != "n")

_NO_DEMAND: Mapping[str, frozenset[str]] = {
    "size": frozenset({"auto"}),
    "background": frozenset({"auto", "opaque"}),
    "quality": frozenset({"auto"}),
}
"""Values that ask for nothing: they are never refused. Pictures are opaque by themselves."""

_FLAGS = {"true": True, "1": True, "false": False, "0": False}

_KINDS = {
    "integer": "an integer",
    "number": "a number",
    "flag": "true or false",
    "json": "JSON",
    "text": "text",
    "file": "a file",
}

_BESIDE_THE_PICTURE = frozenset({"metadata", "tags"})
"""Fields that callers send for their own bookkeeping."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A field of a provider's own, beside OpenAI's. `low` and `high` bound numbers; `choices` are all texts that it takes."""

    kind: Literal["text", "integer", "number", "flag", "json", "file"] = "text"
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()

    def read(self, name: str, value: object) -> Json:
        """The value as JSON, from a form's text or from a configuration. Raises InvalidRequest naming the field."""
        try:
            read = self._parsed(value)
        except (ValueError, KeyError):
            raise InvalidRequest(f"{name} must be {_KINDS[self.kind]}.", param=name, code="invalid_value") from None
        if self.choices and read not in self.choices:
            raise InvalidRequest(f"{name} must be one of {', '.join(self.choices)}.", param=name, code="invalid_value")
        if self._is_outside(read):
            raise InvalidRequest(f"{name} must be from {self.low:g} to {self.high:g}.", param=name, code="invalid_value")
        return read

    def _parsed(self, value: object) -> Json:
        if self.kind == "integer":
            return int(str(value))
        if self.kind == "number":
            return float(str(value))
        if self.kind == "flag":
            return _FLAGS[str(value).lower()]
        if self.kind == "json":
            return json.loads(value) if isinstance(value, str) else value
        return str(value)

    def _is_outside(self, value: Json) -> bool:
        if self.low is None or self.high is None or not isinstance(value, int | float):
            return False
        return not self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider can do by itself; the rest is done for it, dropped or refused.

    `streams`: it tells of the edit while it is at work. `n`: how many images one plain call makes. `max_images`: input images.
    `inputs`: the kinds of these, of `decoders.KINDS`, that it is sent as they are; others are converted. `formats`: output
    formats, empty when that is the upstream's to say. `parameters`: what it does with OpenAI's parameters; where it says
    nothing, what changes the picture is refused and a preference dropped. `extras`: fields of its own. `verbatim`: fields that
    are not known travel on as they are. `urls`: it fetches images itself, where it is let. `repertoire`: all that a prompt can
    ask for, where that is a list.
    """

    streams: bool = False
    partial_images: bool = False
    n: int = 1
    max_images: int = 16
    inputs: tuple[str, ...] = ("png", "jpeg", "webp")
    formats: tuple[str, ...] = ()
    parameters: Mapping[str, Support] = field(default_factory=dict)
    extras: Mapping[str, Extra] = field(default_factory=dict)
    verbatim: bool = False
    urls: bool = False
    repertoire: Sequence[Mapping[str, Json]] = ()

    def support(self, parameter: str) -> Support:
        """What becomes of one of `PARAMETERS`."""
        if parameter == "n":
            return Support.NATIVE if self.n > 1 else Support.MAPPED
        if parameter == "partial_images":
            return Support.NATIVE if self.partial_images else Support.DROPPED
        unsaid = Support.DROPPED if parameter in PREFERENCES else Support.REFUSED
        if parameter == "response_format":
            # Whatever a provider gives is hosted here.
            unsaid = Support.MAPPED
        return self.parameters.get(parameter, unsaid)

    def described(self) -> Mapping[str, Json]:
        """As `/v1/models` tells it."""
        return {
            "streams": self.streams,
            "partial_images": self.partial_images,
            "n": self.n,
            "mask": self.support("mask") is not Support.REFUSED,
            "max_images": self.max_images,
            "inputs": self.inputs,
            "formats": self.formats,
            "parameters": {name: self.support(name).value for name in PARAMETERS},
            "extra_parameters": sorted(self.extras),
            **({"repertoire": self.repertoire} if self.repertoire else {}),
        }


def joined(each: Sequence[Capabilities]) -> Capabilities:
    """What any of several can do: for a name that stands for all of them."""
    parameters = {name: how for one in each for name, how in one.parameters.items() if how is not Support.REFUSED}
    return replace(
        each[0],
        n=max(one.n for one in each),
        max_images=max(one.max_images for one in each),
        parameters=parameters,
        extras={name: extra for one in each for name, extra in one.extras.items()},
    )


DARKROOM = Capabilities(
    streams=True,
    partial_images=True,
    inputs=KINDS,
    formats=("png", "jpeg", "webp"),
    parameters=dict.fromkeys(("mask", "size", "background", "quality", "output_format", "output_compression"), Support.NATIVE),
    extras={"seed": Extra("integer")},
    repertoire=[
        {"name": row.name, "family": family, "example": row.example, "kinds": list(row.kinds), "needs": row.needs or None}
        for family, rows in FAMILIES.items()
        for row in rows
    ],
)
"""What the embedded editor can do: told here, because its own module needs an extra."""


def adapted(request: EditRequest, capabilities: Capabilities, target: Target) -> EditRequest:
    """The request as this target can do it: without what is dropped. Raises InvalidRequest for what cannot be done."""
    if len(request.images) > capabilities.max_images:
        many = "one image" if capabilities.max_images == 1 else f"at most {capabilities.max_images} images"
        raise InvalidRequest(f"{target.model} takes {many}.", param="image", code="too_many_images")
    request = _without_refused(request, capabilities, target)
    _check_format(request, capabilities, target)
    options = request.options
    asked = (name for name in _OPTIONS if getattr(options, name) is not None)
    dropped = {name: None for name in asked if capabilities.support(name) is Support.DROPPED}
    return replace(request, options=replace(options, **dropped)) if dropped else request


def extras_of(request: EditRequest, capabilities: Capabilities, target: Target) -> dict[str, Json]:
    """The provider's own fields, typed: those of the request, before them the target's as defaults. Raises InvalidRequest."""
    texts = {name: extra for name, extra in capabilities.extras.items() if extra.kind != "file"}
    values = {name: target.params[name] for name in texts if target.params.get(name) is not None}
    values |= {name: text for name, text in request.extra if name in texts and text != ""}
    values |= _nested(request, capabilities)
    return {name: texts[name].read(name, value) for name, value in values.items()}


def _nested(request: EditRequest, capabilities: Capabilities) -> dict[str, Json]:
    """Fields of JSON that came in parts. Raises InvalidRequest."""
    roots = {nested.root_of(name) for name, _ in request.extra if "[" in name and _is_known(name, capabilities)}
    parts = [(name, text) for name, text in request.extra if nested.root_of(name) in roots]
    try:
        return nested.unflatten(parts)
    except ValueError as error:
        name = nested.root_of(parts[0][0])
        raise InvalidRequest(f"{name} cannot be read: {error}.", param=name, code="invalid_value") from None


def _is_known(name: str, capabilities: Capabilities) -> bool:
    """A field of the provider's own, or a part of one that is JSON."""
    root = nested.root_of(name)
    return name in capabilities.extras or (root in capabilities.extras and capabilities.extras[root].kind == "json")


def _without_refused(request: EditRequest, capabilities: Capabilities, target: Target) -> EditRequest:
    dropped = frozenset(_asked(request, capabilities))
    for name in dropped - _droppable(target, dropped):
        raise InvalidRequest(f"{target.model} does not support {name}.", param=name, code="unsupported_parameter")
    if not capabilities.verbatim:
        dropped |= {name for name, _ in request.extra if _is_beside(name)}
    if not dropped:
        return request
    return replace(
        request,
        mask=None if "mask" in dropped else request.mask,
        markup=None if "markup" in dropped else request.markup,
        options=replace(request.options, **{name: None for name in CHANGE_THE_PICTURE if name in dropped}),
        extra=tuple((name, text) for name, text in request.extra if name not in dropped),
        extra_files=tuple((name, file) for name, file in request.extra_files if name not in dropped),
    )


def _droppable(target: Target, names: frozenset[str]) -> frozenset[str]:
    """Those of the names that the configuration lets go."""
    if target.params.get("drop_params") is True:
        return names
    listed = target.params.get("additional_drop_params")
    return names & frozenset(listed if isinstance(listed, list) else ())


def _asked(request: EditRequest, capabilities: Capabilities) -> Iterator[str]:
    """What the request asks for and the provider refuses, by name."""
    asked = {name: getattr(request.options, name) for name in (*CHANGE_THE_PICTURE, *PREFERENCES)}
    asked = {name: value for name, value in asked.items() if value not in _NO_DEMAND.get(name, ())}
    asked |= {"mask": request.mask, "markup": request.markup}
    refused = (name for name in asked if capabilities.support(name) is Support.REFUSED)
    yield from (name for name in refused if asked[name] is not None)
    if not capabilities.verbatim:
        given = [name for name, _ in (*request.extra, *request.extra_files)]
        yield from (name for name in given if not (_is_known(name, capabilities) or _is_beside(name)))


def _is_beside(name: str) -> bool:
    return nested.root_of(name) in _BESIDE_THE_PICTURE


def _check_format(request: EditRequest, capabilities: Capabilities, target: Target) -> None:
    output_format = request.options.output_format
    if output_format and capabilities.formats and output_format not in capabilities.formats:
        told = f"{target.model} makes {', '.join(capabilities.formats)}."
        raise InvalidRequest(told, param="output_format", code="invalid_value")
