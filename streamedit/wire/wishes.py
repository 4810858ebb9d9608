"""How a caller wants a request to be handled: fields and headers that no provider gets -> Wishes.

Sources: LiteLLM's proxy (`fallbacks`, `num_retries`, `timeout`, `tags`, `metadata.tags`, `x-litellm-*`), Eden AI's reference
(`metadata`, `extra_headers`). Forms have them as JSON text, as lists with commas, or in parts: `tags[]`, `metadata[user]`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from streamedit.edits import Wishes
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.wire import forwarded, payloads
from streamedit.wire.nested import root_of, unflatten

_MAX_METADATA_CHARS = 16_384


def _read(value: object) -> object:
    """Texts may be JSON; empty ones, and the word null, are nothing."""
    if value in ("", "null"):
        return None
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return payloads.loads(value.encode())
    except ValueError:
        return value


def _listed(value: object) -> object:
    """`a, b` is a list, too."""
    value = _read(value)
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _metadata(value: Mapping[str, Json] | None) -> Mapping[str, Json] | None:
    if value is not None and len(payloads.dumps(value)) > _MAX_METADATA_CHARS:
        raise PydanticCustomError("too_long", "at most 16384 characters of JSON")
    tags = _listed((value or {}).get("tags"))
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str | int) for tag in tags)):
        raise PydanticCustomError("tags", "tags must be a list of texts")
    return value


def _headers(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    try:
        return forwarded.checked(value) if value is not None else None
    except ValueError as error:
        raise PydanticCustomError("header", "{told}", {"told": str(error)}) from None


_Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=256)]
_Names: TypeAlias = Annotated[Annotated[list[_Name], Field(max_length=64)] | None, BeforeValidator(_listed)]
_Retries: TypeAlias = Annotated[Annotated[int, Field(ge=0, le=10)] | None, BeforeValidator(_read)]
_Seconds: TypeAlias = Annotated[Annotated[float, Field(gt=0, allow_inf_nan=False)] | None, BeforeValidator(_read)]
_Metadata: TypeAlias = Annotated[dict[str, Json] | None, BeforeValidator(_read), AfterValidator(_metadata)]
_Headers: TypeAlias = Annotated[dict[str, str] | None, BeforeValidator(_read), AfterValidator(_headers)]
_Id: TypeAlias = Annotated[
    Annotated[str, Field(max_length=255, pattern=r"^[\x21-\x7e]+$")] | None, BeforeValidator(lambda value: value or None)
]


class WishFields(BaseModel):
    """The fields of a request's body that are wishes."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    fallbacks: _Names = Field(None, description="Models that take over, in their order, in place of the configured ones.")
    num_retries: _Retries = Field(None, description="How often a model is asked again.")
    timeout: _Seconds = Field(None, description="Seconds for each call of a provider.")
    tags: _Names = Field(None, description="Which choose among a model's targets.")
    metadata: _Metadata = Field(None, description="The caller's own; `tags` in it are tags.")
    extra_headers: _Headers = Field(None, description="Headers for the provider; none that name credentials.")


class WishHeaders(BaseModel):
    """The request headers that are wishes, LiteLLM's. `keepalive_s`: as the server's `json_keepalive_s`, for this request."""

    model_config = ConfigDict(extra="ignore")

    timeout_s: _Seconds = Field(None, alias="x-litellm-timeout")
    retries: _Retries = Field(None, alias="x-litellm-num-retries")
    tags: _Names = Field(None, alias="x-litellm-tags")
    metadata: _Metadata = Field(None, alias="x-litellm-spend-logs-metadata")
    trace_id: _Id = Field(None, alias="x-litellm-trace-id")
    session_id: _Id = Field(None, alias="x-litellm-session-id")
    call_id: _Id = Field(None, alias="x-litellm-call-id")
    keepalive_s: Annotated[Annotated[float, Field(ge=1, le=600)] | None, BeforeValidator(_read)] = Field(
        None, alias="x-litellm-keepalive-seconds"
    )


def in_form(texts: Sequence[tuple[str, str]]) -> dict[str, Json]:
    """The fields of a form that are wishes, put together from their parts. Raises InvalidRequest."""
    parts = [pair for pair in texts if is_wish(pair[0])]
    times = Counter(name for name, _ in parts)
    try:
        return unflatten(((name if times[name] == 1 or "[" in name else f"{name}[]", text) for name, text in parts), str)
    except ValueError as error:
        param = root_of(parts[0][0])
        raise InvalidRequest(f"{param} cannot be read: {error}.", param=param, code="invalid_value") from None


def is_wish(name: str) -> bool:
    """A form field, or a part of one."""
    return root_of(name) in WishFields.model_fields


def of_fields(fields: WishFields) -> Wishes:
    """What a body says."""
    metadata = fields.metadata or {}
    return Wishes(
        fallbacks=tuple(fields.fallbacks) if fields.fallbacks is not None else None,
        retries=fields.num_retries,
        timeout_s=fields.timeout,
        tags=_once(*(fields.tags or ()), *_tags_of(metadata)),
        headers=fields.extra_headers or {},
        metadata=_texts(metadata),
    )


def heeding(wishes: Wishes, headers: WishHeaders) -> Wishes:
    """The same with what a request's headers say: it counts more than the body. Tags and metadata are added."""
    metadata = headers.metadata or {}
    return replace(
        wishes,
        retries=wishes.retries if headers.retries is None else headers.retries,
        timeout_s=headers.timeout_s or wishes.timeout_s,
        tags=_once(*wishes.tags, *(headers.tags or ()), *_tags_of(metadata)),
        metadata={**wishes.metadata, **_texts(metadata)},
        trace_id=headers.trace_id or headers.session_id or headers.call_id or wishes.trace_id,
        keepalive_s=headers.keepalive_s or wishes.keepalive_s,
    )


def _once(*tags: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(tags))


def _tags_of(metadata: Mapping[str, Json]) -> Sequence[str]:
    tags = _listed(metadata.get("tags"))
    return [str(tag) for tag in tags] if isinstance(tags, list) else ()


def _texts(metadata: Mapping[str, Json]) -> Mapping[str, str]:
    """Values as texts: JSON where they are none; null is left out, and the tags, which are told as such."""
    told = {name: value for name, value in metadata.items() if value is not None and name != "tags"}
    return {name: value if isinstance(value, str) else payloads.dumps(value).decode() for name, value in told.items()}
