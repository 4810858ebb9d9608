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

from streamedit import databases
from streamedit.allowances import AllowanceFields, BudgetFields, Limits
from streamedit.documents import ConfigError, Document
from streamedit.environment import routes_of
from streamedit.events import Json
from streamedit.image_urls import ImageUrlSettings
from streamedit.litellm_file.allowed import allowed_of, budgeted
from streamedit.litellm_file.leftovers import leftovers, told
from streamedit.litellm_file.models import Models
from streamedit.litellm_file.policies import Policies, redis_url_of
from streamedit.litellm_file.remains import unserved_anyway
from streamedit.litellm_file.sections import EMPTY, LiteLLMFile, RouterSettings
from streamedit.portkey.configs import Config
from streamedit.routes import Route, Routes
from streamedit.sinks import TraceableOtel, Webhook, otel_of, untraced
from streamedit.standards import ModerationSettings
from streamedit.storage import StorageSettings, default_folder
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
    max_image_pixels: int = Field(128_000_000, gt=0)
    convert_s: float = Field(30, gt=0)
    max_event_bytes: int = Field(64 << 20, gt=0)
    max_answer_bytes: int = Field(256 << 20, gt=0)
    log_memory_bytes: int = Field(256 << 20, ge=0)
    log_disk_bytes: int = Field(8 << 30, ge=0)
    log_folder: Path | None = None
    retention_s: float = Field(600, ge=0)
    viewer_age_s: float = Field(600, gt=0)
    on_disconnect: Literal["finish", "cancel"] = "finish"
    json_keepalive_s: float | None = Field(None, gt=0)
    playground: bool = True
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

    @field_validator("database_url", mode="before")
    @classmethod
    def _is_a_database(cls, url: object) -> object:
        """YAML has `off` for false."""
        try:
            return databases.read(url) if isinstance(url, str) else url or None
        except ValueError as error:
            raise PydanticCustomError("database_url", "{told}", {"told": str(error)}) from None

    ledger_folder: Path | None = None
    ledger_bytes: int = Field(256 << 20, gt=0)
    limits: Limits = Limits()
    budgets: BudgetFields = ()
    key_defaults: AllowanceFields = AllowanceFields()
    end_user_defaults: AllowanceFields = AllowanceFields()
    user_header: str | None = None
    metrics_keys: frozenset[str] = frozenset()
    queue_size: int = Field(100, ge=0)
    queue_wait_s: float = Field(30, ge=0)
    moderation: ModerationSettings | None = None
    image_urls: ImageUrlSettings = ImageUrlSettings()
    storage: StorageSettings = StorageSettings()
    darkroom_max_pixels: int = Field(25_000_000, gt=0)
    darkroom_s: float = Field(60, gt=0)
    darkroom_queue_size: int = Field(64, ge=0)
    callers_keys: bool | tuple[str, ...] = ()
    custom_hosts: frozenset[_Origin] = frozenset()
    portkey_configs: dict[str, Config] = Field(default_factory=dict, repr=False)
    webhooks: tuple[Webhook, ...] = ()
    otel: TraceableOtel = None

    @property
    def budgeted(self) -> tuple[tuple[str, ...], ...]:
        """Where in it budgets are."""
        said = {
            ("budgets",): self.budgets,
            ("key_defaults", "budgets"): self.key_defaults.budgets,
            ("end_user_defaults", "budgets"): self.end_user_defaults.budgets,
        }
        return tuple(place for place, budgets in said.items() if budgets)

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
    """Without a file: the embedded providers, and each other one whose key is in the environment. Raises ConfigError."""
    url = databases.of_environment(environ)
    folder = databases.ledger_folder(url, environ) if url else None
    storage = StorageSettings(folder=default_folder(environ))
    server = ServerSettings(otel=otel_of(environ), database_url=url, ledger_folder=folder, storage=storage)
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
    server = _completed(file, document, environ)
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


def _completed(file: _File, document: Document, environ: Mapping[str, str]) -> ServerSettings:
    """The server's settings, with what LiteLLM's part and the environment say where they say nothing."""
    said: dict[str, Json] = {
        "redis_url": _redis_url(file, document),
        "database_url": _database_url(file, document, environ),
        "otel": file.server.otel or otel_of(environ),
        "storage": _storage(file.server.storage, document, environ),
    }
    if file.server.ledger_folder is None and said["database_url"]:
        said["ledger_folder"] = databases.ledger_folder(said["database_url"], environ)
    if said["database_url"] is None:
        for place in (*(("server", *name) for name in file.server.budgeted), *budgeted(file.litellm_settings)):
            document.mistake(place, "a budget needs a database, and there shall be none")
    return file.server.model_copy(update={**said, **_allowed(file)})


def _storage(said: StorageSettings, document: Document, environ: Mapping[str, str]) -> StorageSettings:
    """With a folder where nothing else is said."""
    if said.folder is not None or said.bucket is not None:
        return said
    try:
        return said.model_copy(update={"folder": default_folder(environ)})
    except ConfigError as error:
        document.mistakes += error.mistakes
    return said


def _redis_url(file: _File, document: Document) -> str | None:
    url = redis_url_of(file.router_settings)
    if file.server.redis_url is not None or url is None:
        return file.server.redis_url
    if lacks := _redis_lacks(url):
        document.mistake(("router_settings", "redis_url"), lacks)
    return url


def _database_url(file: _File, document: Document, environ: Mapping[str, str]) -> str | None:
    if "database_url" in file.server.model_fields_set:
        return file.server.database_url
    try:
        if url := file.general_settings.database_url:
            return databases.read(url)
        return databases.of_environment(environ)
    except ValueError as error:
        document.mistake(("general_settings", "database_url"), str(error))
    except ConfigError as error:
        document.mistakes += error.mistakes
    # Not none: budgets have none besides.
    return ""


def _allowed(file: _File) -> Mapping[str, object]:
    """What everybody, each key and each end user may do."""
    server, litellm = file.server, allowed_of(file)
    everybody = AllowanceFields(limits=server.limits, budgets=server.budgets).over(litellm.everybody)
    return {
        "limits": everybody.limits,
        "budgets": everybody.budgets,
        "key_defaults": server.key_defaults.over(litellm.key),
        "end_user_defaults": server.end_user_defaults.over(litellm.end_user),
        "user_header": server.user_header or file.general_settings.user_header_name,
    }
