"""The sections of LiteLLM's file: the keys that have an effect here, and their types."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from streamedit.allowances import DollarsField, LimitField, PeriodField
from streamedit.litellm_file import strangers
from streamedit.strategies import Strategy
from streamedit.targets import Setup

_OPENAI_FAMILIES = ("gpt-image", "chatgpt-image", "dall-e")
"""LiteLLM's configurations name these without their provider."""

_Amount = Annotated[float | None, Field(ge=0)]
_Count = Annotated[int | None, Field(ge=0)]
_Counts = dict[str, _Count]

EMPTY = BeforeValidator(lambda section: {} if section is None else section)
"""A section of which every line is commented out."""

_Model = Annotated[str, BeforeValidator(lambda value: value["model"] if _is_only(value, "model") else value)]
"""A model's name, also as `{model: name}`."""

Fallbacks = list[dict[str, list[_Model]]]


def _is_only(value: object, key: str) -> bool:
    return isinstance(value, dict) and set(value) == {key}


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="allow", frozen=True, protected_namespaces=(), coerce_numbers_to_str=True, allow_inf_nan=False
    )

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """None: any value may be a secret."""
        return ()


class Prices(_Section):
    """What a model costs, in dollars, where the file says so."""

    input_cost_per_token: _Amount = None
    input_cost_per_image_token: _Amount = None
    cache_read_input_token_cost: _Amount = None
    cache_read_input_image_token_cost: _Amount = None
    output_cost_per_token: _Amount = None
    output_cost_per_image_token: _Amount = None
    output_cost_per_image: _Amount = None
    input_cost_per_image: _Amount = None


class ModelParams(Prices):
    """`litellm_params`. What is beyond these goes to the provider."""

    custom_llm_provider: str | None = None
    model: str
    api_key: str | None = None
    api_base: str | None = None
    base_model: str | None = None
    litellm_credential_name: str | None = None
    weight: _Amount = None
    order: _Amount = None
    rpm: _Amount = None
    tpm: _Amount = None
    max_parallel_requests: _Amount = None
    timeout: _Amount = None
    num_retries: _Count = None
    max_retries: _Count = None
    tags: list[str] | None = None
    drop_params: bool | None = None
    additional_drop_params: list[str] | None = None
    headers: dict[str, str] | None = None
    extra_headers: dict[str, str] | None = None

    @field_validator("model")
    @classmethod
    def _has_a_provider(cls, model: str, info: ValidationInfo) -> str:
        providers: Mapping[str, Setup] = info.context or {}
        provider, name = split(model, info.data.get("custom_llm_provider"))
        if model != "*" and provider not in providers and not strangers.is_stranger(provider, name):
            told = {"model": model, "known": ", ".join(sorted(providers))}
            raise PydanticCustomError("provider", "no provider for '{model}' here; there are: {known}", told)
        return model

    @property
    def place(self) -> tuple[str, str]:
        """The provider, and its name for the model."""
        return split(self.model, self.custom_llm_provider)


class ModelInfo(Prices):
    """`model_info`: what is known of the model."""

    id: str | None = None
    mode: str | None = None
    base_model: str | None = None


class Entry(_Section):
    """One of `model_list`."""

    model_name: str
    litellm_params: ModelParams
    model_info: Annotated[ModelInfo, EMPTY] = ModelInfo()

    def makes_images(self, providers: Mapping[str, Setup]) -> bool:
        """Whether it is for this server: it is of a provider that there is here, and for images as far as can be told."""
        provider, name = self.litellm_params.place
        if provider not in {*providers, "*"}:
            return False
        if self.model_info.mode is not None:
            return self.model_info.mode.startswith("image")
        base = self.model_info.base_model or self.litellm_params.base_model or name
        return not strangers.is_stranger(provider, base)


class Credential(_Section):
    """One of `credential_list`: parameters that entries take over by its name."""

    credential_name: str
    credential_values: dict[str, Any]
    credential_info: dict[str, Any] | None = None


class Alias(_Section):
    """The model that another name stands for. `hidden`: the name is not listed."""

    model: str
    hidden: bool = False


class LiteLLMSettings(_Section):
    """`litellm_settings`: they count where `router_settings` says nothing."""

    drop_params: bool | None = None
    num_retries: _Count = None
    allowed_fails: _Count = None
    request_timeout: _Amount = None
    fallbacks: Fallbacks | None = None
    content_policy_fallbacks: Fallbacks | None = None
    default_fallbacks: list[_Model] | None = None
    max_fallbacks: _Count = None
    max_budget: DollarsField = None
    budget_duration: PeriodField | None = None
    max_end_user_budget: DollarsField = None
    callbacks: list[str] | str | None = None
    success_callback: list[str] | str | None = None
    failure_callback: list[str] | str | None = None


_AliasOrName = Annotated[Alias, BeforeValidator(lambda value: {"model": value} if isinstance(value, str) else value)]


class RouterSettings(_Section):
    """`router_settings`."""

    routing_strategy: Strategy = Strategy.SIMPLE_SHUFFLE
    num_retries: _Count = None
    timeout: _Amount = None
    retry_after: _Amount = None
    retry_policy: _Counts | None = None
    model_group_retry_policy: dict[str, _Counts] | None = None
    allowed_fails: _Count = None
    allowed_fails_policy: _Counts | None = None
    cooldown_time: _Amount = None
    disable_cooldowns: bool | None = None
    fallbacks: Fallbacks | None = None
    content_policy_fallbacks: Fallbacks | None = None
    default_fallbacks: list[_Model] | None = None
    max_fallbacks: _Count = None
    model_group_alias: dict[str, _AliasOrName] | None = None
    enable_tag_filtering: bool | None = None
    tag_filtering_match_any: bool | None = None
    redis_url: str | None = None
    redis_host: str | None = None
    redis_port: int | None = None
    redis_password: str | None = None
    redis_db: int | None = None

    @field_validator("routing_strategy", mode="before")
    @classmethod
    def _named(cls, name: object) -> Strategy:
        strategy = Strategy.named(str(name))
        if strategy is None:
            raise PydanticCustomError("strategy", "no such strategy; there are: {known}", {"known": ", ".join(Strategy)})
        return strategy

    def over(self, other: LiteLLMSettings) -> "RouterSettings":
        """With the others where these say nothing."""
        said = {name: value for name in shared() if (value := getattr(other, name)) is not None}
        gaps = {name: value for name, value in said.items() if getattr(self, name) in (None, [])}
        return self.model_copy(update={**gaps, "timeout": self.timeout or other.request_timeout})


class GeneralSettings(_Section):
    """`general_settings`; `token_secret` is this server's own."""

    master_key: str | None = None
    token_secret: str | None = None
    database_url: str | None = None
    max_parallel_requests: LimitField = None
    global_max_parallel_requests: LimitField = None
    user_header_name: str | None = None


class LiteLLMFile(_Section):
    """The whole of it."""

    model_list: list[Entry] = Field(min_length=1)
    credential_list: Annotated[list[Credential], BeforeValidator(lambda section: section or [])] = []
    router_settings: Annotated[RouterSettings, EMPTY] = RouterSettings()
    litellm_settings: Annotated[LiteLLMSettings, EMPTY] = LiteLLMSettings()
    general_settings: Annotated[GeneralSettings, EMPTY] = GeneralSettings()

    @property
    def routing(self) -> RouterSettings:
        """What counts of both."""
        return self.router_settings.over(self.litellm_settings)


def shared() -> Iterator[str]:
    """The keys that may stand in both sections."""
    return (name for name in RouterSettings.model_fields if name in LiteLLMSettings.model_fields)


def split(model: str, provider: str | None = None) -> tuple[str, str]:
    """A provider and its name for a model, as LiteLLM writes them in one."""
    if provider:
        return provider, model.removeprefix(f"{provider}/")
    prefix, slash, name = model.partition("/")
    if slash:
        return prefix, name
    return "openai" if model.startswith(_OPENAI_FAMILIES) else model, model
