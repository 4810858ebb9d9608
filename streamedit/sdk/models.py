"""What edits give, typed as OpenAI's package types it: attributes, LiteLLM's `["data"]`, and every field that was answered.

Source: `ImagesResponse`, `Image`, `ImageEditPartialImageEvent` and `ImageEditCompletedEvent` of openai-python 3.54. What a
provider has left out is None here: a picture that is paid for is not lost over a field.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError, ValidatorFunctionWrapHandler, field_validator

from streamedit import tally

_SHOWN_CHARS = 24


@dataclass(frozen=True, slots=True)
class Made:
    """What is known of an edit beside its pictures. `headers`: as answers over HTTP tell it; `cost_micros` in micro-dollars."""

    edit_id: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cost_micros: int | None = None


@dataclass(frozen=True, slots=True)
class _Elided:
    """Megabytes of text, as they are shown."""

    text: str

    def __repr__(self) -> str:
        return f"'{self.text[:_SHOWN_CHARS]}...' ({len(self.text):,} characters)"


class Result(BaseModel):
    """Fields by attribute or by name; those that nobody knows are kept."""

    model_config = ConfigDict(extra="allow")

    @field_validator("*", mode="wrap")
    @classmethod
    def _as_it_is(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        """What is not as it should be is taken as it is."""
        try:
            return validate(value)
        except ValidationError:
            return value

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in type(self).model_fields or name in (self.model_extra or {})

    def get(self, name: str, default: Any = None) -> Any:
        """The field of that name."""
        return self[name] if name in self else default  # noqa: SIM401 - it is no dict

    def to_dict(self) -> dict[str, Any]:
        """JSON's types, with the fields that were answered."""
        return self.model_dump(mode="json", exclude_unset=True)

    def to_json(self, indent: int | None = 2) -> str:
        """The same as text."""
        return self.model_dump_json(indent=indent, exclude_unset=True)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            is_long = isinstance(value, str) and len(value) > 4 * _SHOWN_CHARS
            yield name, _Elided(value) if is_long and (name == "b64_json" or value.startswith("data:")) else value


class _OfEdit(Result):
    """A result that tells of its edit. `_hidden_params`: the same by LiteLLM's names."""

    _made: Made = PrivateAttr(default_factory=Made)
    _hidden_params: dict[str, Any] = PrivateAttr(default_factory=dict)

    def of(self, made: Made) -> Self:
        """Itself, knowing that."""
        self._made = made
        self._hidden_params = {
            "litellm_call_id": self.edit_id,
            "custom_llm_provider": self.provider,
            "response_cost": self.cost_usd,
            "additional_headers": dict(made.headers),
        }
        return self

    @property
    def edit_id(self) -> str:
        return self._made.edit_id

    @property
    def model(self) -> str | None:
        """The model that has made it: another than was asked for where a fallback took over."""
        return self._made.headers.get(tally.MODEL)

    @property
    def provider(self) -> str | None:
        return self._made.headers.get(tally.PROVIDER)

    @property
    def cost_usd(self) -> float | None:
        """Dollars; None where no price is known, and with what is not finished."""
        return None if self._made.cost_micros is None else self._made.cost_micros / 1_000_000


class TokensDetails(Result):
    """Tokens by kind."""

    image_tokens: int | None = None
    text_tokens: int | None = None


class Usage(Result):
    """What the provider counted."""

    input_tokens: int | None = None
    input_tokens_details: TokensDetails | None = None
    output_tokens: int | None = None
    output_tokens_details: TokensDetails | None = None
    total_tokens: int | None = None


class SvgUsage(Result):
    """What the provider counted for writing an SVG."""

    input_tokens: int | None = None
    model: str | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    total_tokens: int | None = None


class Image(Result):
    """One finished picture: base64, or where it is."""

    b64_json: str | None = None
    revised_prompt: str | None = None
    url: str | None = None


class ImagesResponse(_OfEdit):
    """A whole edit: its pictures in order. `created` in Unix seconds."""

    created: int = 0
    background: str | None = None
    data: list[Image] = []
    output_format: str | None = None
    quality: str | None = None
    safety_identifier: str | None = None
    size: str | None = None
    svg_usage: SvgUsage | None = None
    usage: Usage | None = None


class _ImageEvent(_OfEdit):
    """What both kinds of event say. `image_index`: which of several images it is of; None where there is but one."""

    b64_json: str | None = None
    background: str | None = None
    created_at: int = 0
    image_index: int | None = None
    output_format: str | None = None
    quality: str | None = None
    size: str | None = None


class ImageEditPartialImageEvent(_ImageEvent):
    """An interim picture; `partial_image_index` from 0."""

    partial_image_index: int = 0
    type: Literal["image_edit.partial_image"] = "image_edit.partial_image"


class ImageEditCompletedEvent(_ImageEvent):
    """A finished picture; an edit of n images has n of them."""

    revised_prompt: str | None = None
    safety_identifier: str | None = None
    type: Literal["image_edit.completed"] = "image_edit.completed"
    url: str | None = None
    usage: Usage | None = None


ImageEditEvent: TypeAlias = ImageEditPartialImageEvent | ImageEditCompletedEvent
