"""Settings from a YAML file and the environment; every mistake is found in one go and told with its line.

The file takes LiteLLM's `model_list` as it stands, `general_settings.master_key`, and this server's own `server` section. What
LiteLLM knows and this server does not is reported as ignored; what nobody knows in `server` is a mistake.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from streamedit.documents import ConfigError, Document
from streamedit.pricing import OVERRIDES
from streamedit.routes import Route, Routes
from streamedit.sinks import TraceableOtel, Webhook, otel_of, untraced
from streamedit.targets import Setup, Target

_OPENAI_FAMILIES = ("gpt-image", "chatgpt-image", "dall-e")
"""LiteLLM's configurations name these without their provider."""

_USED_PARAMS = OVERRIDES | {"extra_headers", "headers", "timeout", "drop_params", "additional_drop_params"}
"""What is read of every provider's `litellm_params`, beyond model, api_key, api_base and its own."""

_Origin = Annotated[str, Field(pattern=r"^https?://[^/*,\s]+$")]
"""As a browser names it: scheme, host and port. `*` and `null` stand for everybody, and are not taken."""

_BaseUrl = Annotated[str, Field(pattern=r"^(https?://\S+[^/\s])?$")]


class ServerSettings(BaseModel):
    """The `server` section: bounds and waits. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_model: str | None = None
    heartbeat_s: float = Field(15, gt=0)
    head_s: float = Field(10, gt=0)
    upload_s: float = Field(600, gt=0)
    upload_silence_s: float = Field(30, gt=0)
    connect_s: float = Field(10, gt=0)
    silence_s: float = Field(300, gt=0)
    total_s: float = Field(900, gt=0)
    max_attempts: int = Field(10, gt=0)
    drain_timeout_s: float = Field(20, ge=0)
    stuck_reader_s: float = Field(60, gt=0)
    max_connections_per_client: int = Field(1000, gt=0)
    max_head_bytes: int = Field(64 << 10, gt=0)
    max_body_bytes: int = Field(1 << 30, gt=0)
    max_image_bytes: int = Field(50 << 20, gt=0)
    max_event_bytes: int = Field(64 << 20, gt=0)
    max_answer_bytes: int = Field(256 << 20, gt=0)
    log_memory_bytes: int = Field(256 << 20, ge=0)
    log_disk_bytes: int = Field(8 << 30, ge=0)
    log_folder: Path | None = None
    retention_s: float = Field(600, ge=0)
    viewer_age_s: float = Field(600, gt=0)
    on_disconnect: Literal["finish", "cancel"] = "finish"
    json_keepalive_s: float | None = Field(None, gt=0)
    cors_origins: tuple[_Origin, ...] = ()
    public_base_url: _BaseUrl = ""
    redis_url: str | None = Field(None, repr=False)
    redis_prefix: str = "streamedit:"

    @field_validator("redis_url")
    @classmethod
    def _has_a_client(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("redis://", "rediss://", "unix://")):
            raise PydanticCustomError("redis_url", "must begin with redis://, rediss:// or unix://")
        if url is not None and find_spec("redis") is None:
            raise PydanticCustomError("redis_url", "needs Redis' client: pip install 'streamedit[redis]'")
        return url

    darkroom_max_pixels: int = Field(25_000_000, gt=0)
    webhooks: tuple[Webhook, ...] = ()
    otel: TraceableOtel = None


class _ModelParams(BaseModel):
    """LiteLLM's `litellm_params`; what is beyond these three goes to the provider."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model: str
    api_key: str | None = None
    api_base: str | None = None

    @field_validator("model")
    @classmethod
    def _has_a_provider(cls, model: str, info: ValidationInfo) -> str:
        providers: Mapping[str, Setup] = info.context or {}
        if _split(model)[0] not in providers:
            told = {"model": model, "known": ", ".join(sorted(providers))}
            raise PydanticCustomError("provider", "no provider for '{model}' here; there are: {known}", told)
        return model


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_name: str
    litellm_params: _ModelParams


class _General(BaseModel):
    model_config = ConfigDict(extra="allow")

    master_key: str | None = None
    token_secret: str | None = None


_EMPTY = BeforeValidator(lambda section: {} if section is None else section)
"""A section of which every line is commented out."""


class _File(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_list: list[_Model] = Field(min_length=1)
    general_settings: Annotated[_General, _EMPTY] = _General()
    server: Annotated[ServerSettings, _EMPTY] = ServerSettings()


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a server needs to know. `ignored`: keys of the file that have no effect here."""

    routes: Routes
    server: ServerSettings
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    ignored: tuple[str, ...] = ()
    token_secret: str | None = field(default=None, repr=False)


def from_environment(environ: Mapping[str, str], providers: Mapping[str, Setup]) -> Settings:
    """Without a file: the embedded providers, and each other one whose key is in the environment."""
    routes = [Route(name, (Target(name, name),)) for name in ("darkroom", "mock") if name in providers]
    default_model = routes[0].model
    for name, setup in providers.items():
        target = setup.completed(Target(name, "*"), environ)
        if target.api_key and setup.mistake(target) is None:
            routes += _keyed_routes(target, setup)
    if "openai/*" in (route.model for route in routes):
        default_model = providers["openai"].models[0]
    key = environ.get("STREAMEDIT_API_KEY")
    secret = environ.get("STREAMEDIT_TOKEN_SECRET")
    server = ServerSettings(otel=otel_of(environ))
    return Settings(Routes(routes, default_model), server, (key,) if key else (), untraced(environ), secret)


def _keyed_routes(target: Target, setup: Setup) -> Iterator[Route]:
    """A provider's models by their names, OpenAI's as everybody writes them, without the prefix; all others by the prefix."""
    for model in setup.models:
        yield Route(model if target.provider == "openai" else f"{target.provider}/{model}", (replace(target, model=model),))
    yield Route(f"{target.provider}/*", (target,))


def from_file(path: Path, environ: Mapping[str, str], providers: Mapping[str, Setup]) -> Settings:
    """The settings that a YAML file describes. Raises ConfigError with every mistake in it, OSError when it cannot be read."""
    document = Document(path.name, path.read_bytes())
    values = document.resolved(environ)
    try:
        file = _File.model_validate(values, context=providers)
    except ValidationError as error:
        document.report_unset(())
        for mistake in error.errors(include_url=False):
            document.mistake(mistake["loc"], mistake["msg"])
        raise ConfigError(document.mistakes) from None
    ignored = tuple(_ignored(file, providers))
    document.report_unset(ignored)
    targets = [_target(entry.litellm_params, environ, providers) for entry in file.model_list]
    for index, target in enumerate(targets):
        if lacks := providers[target.provider].mistake(target):
            document.mistake(("model_list", index, "litellm_params"), lacks)
    routes = _routes(file.model_list, targets)
    default_model = file.server.default_model or next((name for name in routes if "*" not in name), None)
    served = Routes(list(routes.values()), default_model)
    if default_model is not None and not served.serves(default_model):
        document.mistake(("server", "default_model"), f"no model_name '{default_model}' in model_list")
    if document.mistakes:
        raise ConfigError(document.mistakes)
    keys = tuple(key for key in (file.general_settings.master_key, environ.get("STREAMEDIT_API_KEY")) if key)
    secret = file.general_settings.token_secret or environ.get("STREAMEDIT_TOKEN_SECRET")
    server = file.server if file.server.otel else file.server.model_copy(update={"otel": otel_of(environ)})
    unheard = () if server.otel else untraced(environ)
    return Settings(served, server, keys, (*ignored, *unheard), secret)


def _routes(models: Sequence[_Model], targets: Sequence[Target]) -> dict[str, Route]:
    """Entries with the same name are one route with several targets, in the order of the file."""
    routes: dict[str, Route] = {}
    for entry, target in zip(models, targets, strict=True):
        before = routes.get(entry.model_name, Route(entry.model_name, ()))
        routes[entry.model_name] = replace(before, targets=(*before.targets, target))
    return routes


def _split(model: str) -> tuple[str, str]:
    provider, slash, name = model.partition("/")
    if slash:
        return provider, name
    return "openai" if model.startswith(_OPENAI_FAMILIES) else model, model


def _target(params: _ModelParams, environ: Mapping[str, str], providers: Mapping[str, Setup]) -> Target:
    provider, model = _split(params.model)
    target = Target(provider, model, params.api_key, params.api_base, params.model_extra or {})
    return providers[provider].completed(target, environ)


def _ignored(file: _File, providers: Mapping[str, Setup]) -> Iterator[str]:
    """The keys of the file that nothing here reads."""
    yield from file.model_extra or ()
    yield from (f"general_settings.{key}" for key in file.general_settings.model_extra or ())
    for index, entry in enumerate(file.model_list):
        yield from (f"model_list[{index}].{key}" for key in entry.model_extra or ())
        params = entry.litellm_params.model_extra or ()
        used = _USED_PARAMS | providers[_split(entry.litellm_params.model)[0]].params
        yield from (f"model_list[{index}].litellm_params.{key}" for key in params if key not in used)
