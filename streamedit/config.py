"""Settings from a YAML file and the environment; every mistake is found in one go and told with its line.

The file takes LiteLLM's `model_list` as it stands, `general_settings.master_key`, and this server's own `server` section. What
LiteLLM knows and this server does not is reported as ignored; what nobody knows in `server` is a mistake.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from streamedit.events import Json
from streamedit.routing import Route, Routes, Target

_ENVIRONMENT = "os.environ/"
_OPENAI_FAMILIES = ("gpt-image", "chatgpt-image", "dall-e")
"""LiteLLM's configurations name these without their provider."""

_OPENAI_MODELS = (
    "gpt-image-2",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
)
"""What `/v1/models` lists of OpenAI without a file; `openai/*` takes any other. Source: openai-python 3.52 `ImageModel`."""


_USED_PARAMS = frozenset(
    ("organization", "project", "extra_headers", "stream", "mock_pace_s", "mock_bytes", "mock_partials", "mock_fault")
)
"""What the providers read of `litellm_params` beyond model, api_key and api_base."""


class ConfigError(Exception):
    """A configuration with mistakes; `mistakes` has one line for each."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


class ServerSettings(BaseModel):
    """The `server` section: bounds and waits. Sizes in bytes, times in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    default_model: str | None = None
    heartbeat_s: float = Field(15, gt=0)
    upload_s: float = Field(600, gt=0)
    connect_s: float = Field(10, gt=0)
    silence_s: float = Field(300, gt=0)
    total_s: float = Field(900, gt=0)
    drain_s: float = Field(20, ge=0)
    stuck_reader_s: float = Field(60, gt=0)
    max_body_bytes: int = Field(1 << 30, gt=0)
    max_image_bytes: int = Field(50 << 20, gt=0)
    max_event_bytes: int = Field(64 << 20, gt=0)
    max_answer_bytes: int = Field(256 << 20, gt=0)
    log_memory_bytes: int = Field(256 << 20, ge=0)
    retention_s: float = Field(600, ge=0)
    darkroom_max_pixels: int = Field(25_000_000, gt=0)


class _ModelParams(BaseModel):
    """LiteLLM's `litellm_params`; what is beyond these three goes to the provider."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model: str
    api_key: str | None = None
    api_base: str | None = None


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_name: str
    litellm_params: _ModelParams


class _General(BaseModel):
    model_config = ConfigDict(extra="allow")

    master_key: str | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_list: list[_Model] = Field(min_length=1)
    general_settings: _General = _General()
    server: ServerSettings = ServerSettings()


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a server needs to know. `ignored`: keys of the file that have no effect here."""

    routes: Routes
    server: ServerSettings
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    ignored: tuple[str, ...] = ()


def from_environment(environ: Mapping[str, str], providers: AbstractSet[str]) -> Settings:
    """Without a file: the embedded providers, and OpenAI when its key is in the environment."""
    routes = [Route(name, (Target(name, name),)) for name in ("darkroom", "mock") if name in providers]
    default_model = routes[0].model
    if environ.get("OPENAI_API_KEY"):
        openai = _with_environment(Target("openai", "*"), environ)
        routes += [Route(name, (replace(openai, model=name),)) for name in _OPENAI_MODELS]
        routes.append(Route("openai/*", (openai,)))
        default_model = _OPENAI_MODELS[0]
    key = environ.get("STREAMEDIT_API_KEY")
    return Settings(Routes(routes, default_model), ServerSettings(), (key,) if key else ())


def from_file(path: Path, environ: Mapping[str, str], providers: AbstractSet[str]) -> Settings:
    """The settings that a YAML file describes. Raises ConfigError with every mistake in it, OSError when it cannot be read."""
    document = _Document(path.name, path.read_text(encoding="utf-8"))
    values = document.resolved(environ)
    try:
        file = _File.model_validate(values)
    except ValidationError as error:
        for mistake in error.errors(include_url=False):
            document.mistake(mistake["loc"], mistake["msg"])
        raise ConfigError(document.mistakes) from None
    routes = _routes(file.model_list, document, environ, providers)
    default_model = file.server.default_model or next((name for name in routes if "*" not in name), None)
    if default_model is not None and default_model not in routes and not document.mistakes:
        document.mistake(("server", "default_model"), f"no model_name '{default_model}' in model_list")
    if document.mistakes:
        raise ConfigError(document.mistakes)
    keys = tuple(key for key in (file.general_settings.master_key, environ.get("STREAMEDIT_API_KEY")) if key)
    return Settings(Routes(list(routes.values()), default_model), file.server, keys, tuple(_ignored(file)))


class _Document:
    """A YAML text, its values, and the line of each: mistakes are told where they stand."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self.mistakes: list[str] = []
        try:
            self._node = yaml.compose(text, yaml.SafeLoader)
            self._values = yaml.safe_load(text) or {}
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise ConfigError([f"{name}:{line}: {error.problem}"]) from None

    def mistake(self, location: Sequence[str | int], text: str) -> None:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")
        self.mistakes.append(f"{self._name}:{self._line(location)}: {place or 'file'}: {text}")

    def resolved(self, environ: Mapping[str, str]) -> Json:
        """The values with each `os.environ/NAME` replaced by that variable (LiteLLM's notation)."""
        return self._resolve(self._values, (), environ)

    def _resolve(self, value: Json, location: tuple[str | int, ...], environ: Mapping[str, str]) -> Json:
        if isinstance(value, dict):
            return {key: self._resolve(member, (*location, str(key)), environ) for key, member in value.items()}
        if isinstance(value, list):
            return [self._resolve(member, (*location, index), environ) for index, member in enumerate(value)]
        if not isinstance(value, str) or not value.startswith(_ENVIRONMENT):
            return value
        name = value.removeprefix(_ENVIRONMENT)
        if name not in environ:
            self.mistake(location, f"the environment variable {name} is not set")
        return environ.get(name)

    def _line(self, location: Sequence[str | int]) -> int:
        node = self._node
        for step in location:
            below = _member(node, step)
            if below is None:
                break
            node = below
        return node.start_mark.line + 1 if node is not None else 1


def _member(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        element: yaml.Node = node.value[step]
        return element
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    return None


def _routes(
    models: Sequence[_Model], document: _Document, environ: Mapping[str, str], providers: AbstractSet[str]
) -> dict[str, Route]:
    """Entries with the same name are one route with several targets, in the order of the file."""
    routes: dict[str, Route] = {}
    for index, entry in enumerate(models):
        target = _target(entry.litellm_params)
        if target.provider not in providers:
            known = ", ".join(sorted(providers))
            where = ("model_list", index, "litellm_params", "model")
            document.mistake(where, f"no provider for '{entry.litellm_params.model}' here; there are: {known}")
            continue
        before = routes.get(entry.model_name, Route(entry.model_name, ()))
        routes[entry.model_name] = replace(before, targets=(*before.targets, _with_environment(target, environ)))
    return routes


def _target(params: _ModelParams) -> Target:
    provider, slash, model = params.model.partition("/")
    if not slash:
        provider = "openai" if provider.startswith(_OPENAI_FAMILIES) else provider
        model = params.model
    return Target(provider, model, params.api_key, params.api_base, params.model_extra or {})


def _with_environment(target: Target, environ: Mapping[str, str]) -> Target:
    """What the OpenAI SDK would take from the environment, where the configuration is silent."""
    if target.provider != "openai":
        return target
    named = {"organization": environ.get("OPENAI_ORG_ID"), "project": environ.get("OPENAI_PROJECT_ID")}
    return replace(
        target,
        api_key=target.api_key or environ.get("OPENAI_API_KEY"),
        api_base=target.api_base or environ.get("OPENAI_BASE_URL"),
        params={**{name: value for name, value in named.items() if value}, **target.params},
    )


def _ignored(file: _File) -> Iterator[str]:
    """The keys of the file that nothing here reads."""
    yield from file.model_extra or ()
    yield from (f"general_settings.{key}" for key in file.general_settings.model_extra or ())
    for index, entry in enumerate(file.model_list):
        yield from (f"model_list[{index}].{key}" for key in entry.model_extra or ())
        params = entry.litellm_params.model_extra or ()
        yield from (f"model_list[{index}].litellm_params.{key}" for key in params if key not in _USED_PARAMS)
