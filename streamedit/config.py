"""Settings from a YAML file and the environment; every mistake is found in one go and told with its line.

The file is LiteLLM's as it stands, with this server's own `server` section. What LiteLLM knows and this server does not is
reported as ignored; what nobody knows in `server` is a mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, LiteralString

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from streamedit.allowances import AllowanceFields, BudgetField, Limits
from streamedit.documents import ConfigError, Document
from streamedit.environment import routes_of
from streamedit.events import Json
from streamedit.litellm_file.leftovers import leftovers, told
from streamedit.litellm_file.models import Models
from streamedit.litellm_file.policies import Policies, redis_url_of
from streamedit.litellm_file.remains import unserved_anyway
from streamedit.litellm_file.sections import EMPTY, LiteLLMFile, RouterSettings
from streamedit.portkey.configs import Config
from streamedit.routes import Route, Routes
from streamedit.sinks import TraceableOtel, Webhook, otel_of, untraced
from streamedit.standards import ModerationSettings
from streamedit.targets import Setup, Target

_Origin = Annotated[str, Field(pattern=r"^https?://[^/*,\s]+$")]
"""As a browser names it: scheme, host and port. `*` and `null` stand for everybody, and are not taken."""

_BaseUrl = Annotated[str, Field(pattern=r"^(https?://\S+[^/\s])?$")]


class ServerSettings(BaseModel):
    """The `server` section: bounds and waits. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    default_model: str | None = None
    heartbeat_s: float = Field(15, gt=0)
    head_s: float = Field(10, gt=0)
    upload_s: float = Field(600, gt=0)
    upload_silence_s: float = Field(30, gt=0)
    connect_s: float = Field(10, gt=0)
    silence_s: float = Field(300, gt=0)
    total_s: float = Field(900, gt=0)
    max_attempts: int = Field(10, gt=0)
    patience_s: float = Field(30, ge=0)
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
        if url is not None and (lacks := _redis_lacks(url)):
            raise PydanticCustomError("redis_url", lacks)
        return url

    database_url: str | None = Field(None, repr=False)
    ledger_folder: Path | None = None
    ledger_bytes: int = Field(256 << 20, gt=0)
    limits: Limits = Limits()
    budgets: tuple[BudgetField, ...] = ()
    key_defaults: AllowanceFields = AllowanceFields()
    end_user_defaults: AllowanceFields = AllowanceFields()
    user_header: str | None = None
    queue_size: int = Field(100, ge=0)
    queue_wait_s: float = Field(30, ge=0)
    moderation: ModerationSettings | None = None
    darkroom_max_pixels: int = Field(25_000_000, gt=0)
    callers_keys: bool | tuple[str, ...] = ()
    custom_hosts: frozenset[_Origin] = frozenset()
    portkey_configs: dict[str, Config] = Field(default_factory=dict, repr=False)
    webhooks: tuple[Webhook, ...] = ()
    otel: TraceableOtel = None

    @field_validator("callers_keys")
    @classmethod
    def _are_of_providers(cls, names: bool | tuple[str, ...], info: ValidationInfo) -> bool | tuple[str, ...]:
        """Those that work by a key can be told one."""
        providers: Mapping[str, Setup] = info.context or {}
        keyed = sorted(name for name, setup in providers.items() if "api_key" in setup.environment)
        for name in names if isinstance(names, tuple) and providers else ():
            if name not in keyed:
                told = {"name": name, "known": ", ".join(keyed)}
                raise PydanticCustomError("callers_keys", "no provider '{name}' that takes a key; there are: {known}", told)
        return names


def _redis_lacks(url: str) -> LiteralString | None:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        return "must begin with redis://, rediss:// or unix://"
    return None if find_spec("redis") else "needs Redis' client: pip install 'streamedit[redis]'"


class _File(LiteLLMFile):
    server: Annotated[ServerSettings, EMPTY] = ServerSettings()


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
    server = ServerSettings(otel=otel_of(environ))
    routes = [Route(name, (Target(name, name),)) for name in ("darkroom", "mock") if name in providers]
    default_model = routes[0].model
    routes += routes_of(environ, providers, Policies(RouterSettings(), server.patience_s))
    if "openai/*" in (route.model for route in routes):
        default_model = providers["openai"].models[0]
    key = environ.get("STREAMEDIT_API_KEY")
    secret = environ.get("STREAMEDIT_TOKEN_SECRET")
    return Settings(Routes(routes, default_model), server, (key,) if key else (), untraced(environ), secret)


def from_file(path: Path, environ: Mapping[str, str], providers: Mapping[str, Setup]) -> Settings:
    """The settings that a YAML file describes. Raises ConfigError with every mistake in it, OSError when it cannot be read."""
    document = Document(path)
    environ = document.environment(environ)
    values = document.resolved(environ)
    ignored = list(leftovers(values, _File, providers))
    document.report_unset([each.location for each in ignored])
    file = _validated(document, values, providers)
    models = Models(file, Policies(file.routing, file.server.patience_s), environ, providers)
    routes = models.routes(file.server.default_model, document)
    server = _with_redis(file, document)
    server = server if server.otel else server.model_copy(update={"otel": otel_of(environ)})
    if document.mistakes:
        raise ConfigError(document.mistakes)
    general = file.general_settings
    master_key = general.master_key or environ.get("LITELLM_MASTER_KEY")
    keys = tuple(key for key in (master_key, environ.get("STREAMEDIT_API_KEY")) if key)
    unheard = () if server.otel else untraced(environ)
    return Settings(
        routes, server, keys, (*told(ignored), *unheard), general.token_secret or environ.get("STREAMEDIT_TOKEN_SECRET")
    )


def _validated(document: Document, values: Json, providers: Mapping[str, Setup]) -> _File:
    try:
        return _File.model_validate(values, context=providers)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            document.mistake(mistake["loc"], mistake["msg"])
        for location, name in unserved_anyway(values):
            document.mistake(location, f"no model_name '{name}' in model_list")
        raise ConfigError(document.mistakes) from None


def _with_redis(file: _File, document: Document) -> ServerSettings:
    """The server's settings, with the Redis that LiteLLM's part names where they name none."""
    url = redis_url_of(file.router_settings)
    if file.server.redis_url is not None or url is None:
        return file.server
    if lacks := _redis_lacks(url):
        document.mistake(("router_settings", "redis_url"), lacks)
    return file.server.model_copy(update={"redis_url": url})
