"""A caller's config: who is asked, who after them, how often, with what changed.

It is what Portkey's schema takes; keys that it does not know are ignored there, and here. `cache` has no effect on edits there
either. Guardrails and hooks are refused: whoever asks for them relies on them, and there are none here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from streamedit.errors import InvalidRequest, param_path

HEADER = "x-portkey-config"
RETRIED = frozenset({429, 500, 502, 503, 504})
"""The statuses that are retried where a config names none."""

_MAX_RETRIES = 5
_MAX_EXPRESSIONS = 8
"""Making one can take a tenth of a second."""

_MAX_TOLD_CHARS = 1000
_HOOKS = re.compile(r".*(guardrails|mutators|hooks)")
_UNCHANGEABLE = frozenset({"n", "stream", "image", "images", "mask", "markup"})
"""What an answer's form depends on, and files."""

_BOUNDARY = re.compile("(?<=[a-z])(?=[A-Z])")
_MAX_TARGETS = 64
"""Each costs some milliseconds where `override_params` have thousands of fields."""

_Status = Annotated[int, Field(ge=100, le=599)]
_Host = Annotated[str, Field(pattern="^[A-Za-z0-9-]+$")]
"""One name of a host: it cannot change whose host it is."""

_Said = Annotated[str, Field(pattern="^[ -~]*$")]
"""What a header can say."""


def _snake(name: object) -> str:
    return _BOUNDARY.sub("_", str(name)).lower()


class _Part(BaseModel):
    """Of a config. Portkey's gateway understands `onStatusCodes` as well as `on_status_codes`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _with_snakes(cls, value: Any) -> Any:
        return {_snake(name): each for name, each in value.items()} if isinstance(value, dict) else value


class Condition(_Part):
    """`then`: the name of the target that is asked where `query` holds."""

    query: dict[str, JsonValue]
    then: str


class Strategy(_Part):
    """How the targets are tried. `on_status_codes`: after which a fallback goes on; any error where there are none."""

    mode: Literal["single", "loadbalance", "fallback", "conditional"]
    on_status_codes: frozenset[_Status] | None = None
    conditions: tuple[Condition, ...] = ()
    default: str | None = None


class Retry(_Part):
    """At most five are made, as there. A provider's `retry-after` is respected whatever the config says of it."""

    attempts: Annotated[int, Field(ge=0)]
    on_status_codes: frozenset[_Status] | None = None

    @property
    def count(self) -> int:
        return min(self.attempts, _MAX_RETRIES)

    @property
    def statuses(self) -> frozenset[int] | None:
        """Those that are retried; None where nothing is."""
        return (self.on_status_codes or RETRIED) if self.count else None


class Config(_Part):
    """A config, or a target in one. `request_timeout` is in milliseconds. `override_params`: fields that replace the request's.

    A target inherits `retry`, `request_timeout`, `custom_host` and `forward_headers`, where it has none, and `override_params`
    beside its own.
    """

    strategy: Strategy | None = None
    targets: tuple["Config", ...] = ()
    name: str | None = None
    weight: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    provider: str | None = None
    virtual_key: str | None = None
    api_key: _Said | None = Field(None, repr=False)
    retry: Retry | None = None
    request_timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    custom_host: str | None = None
    forward_headers: tuple[str, ...] | None = None
    override_params: dict[str, JsonValue] = {}
    openai_organization: _Said | None = None
    openai_project: _Said | None = None
    azure_resource_name: _Host | None = None
    azure_deployment_id: str | None = None
    azure_api_version: _Said | None = None
    aws_access_key_id: _Said | None = Field(None, repr=False)
    aws_secret_access_key: _Said | None = Field(None, repr=False)
    aws_session_token: _Said | None = Field(None, repr=False)
    aws_region: _Host | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_promises(cls, value: Any) -> Any:
        """Refuse what has no effect here and is relied on."""
        for name in value if isinstance(value, dict) else ():
            if _HOOKS.fullmatch(_snake(name)) and value[name]:
                raise PydanticCustomError("hooks", "{name} are not supported here", {"name": name})
        if isinstance(value, dict) and "options" in value:
            raise PydanticCustomError("options", "this version of config is not supported; migrate to the latest version")
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> "Config":
        """A strategy has targets, a name of a target is one's, and there is something to draw by lot."""
        if (self.strategy is None) != (not self.targets):
            raise PydanticCustomError("targets", "'strategy' and 'targets' belong together")
        if self.strategy is not None:
            self._check(self.strategy, self.targets)
        for name in _UNCHANGEABLE & self.override_params.keys():
            raise PydanticCustomError("override", "override_params cannot replace '{name}'", {"name": name})
        return self

    def _check(self, strategy: Strategy, targets: Sequence["Config"]) -> None:
        named = {target.name for target in targets}
        meant = [condition.then for condition in strategy.conditions] + [strategy.default]
        for name in (name for name in meant if name is not None and name not in named):
            raise PydanticCustomError("name", "there is no target '{name}'", {"name": name})
        if strategy.mode == "conditional" and not strategy.conditions:
            raise PydanticCustomError("conditions", "'conditional' needs 'conditions'")
        if strategy.mode == "loadbalance" and not any(target.weight for target in targets):
            raise PydanticCustomError("weight", "some target must have a weight")

    @property
    def maker(self) -> str:
        """Who is to make an edit, in words without keys; how patiently it is to be made is left out."""
        return repr(self.model_copy(update={"retry": None, "request_timeout": None}))

    @property
    def size(self) -> int:
        """All of its targets, those in targets too."""
        return len(self.targets) + sum(target.size for target in self.targets)

    @property
    def has_keys(self) -> bool:
        """It, or a target in it, brings an account of its own."""
        return bool(self.api_key or self.aws_secret_access_key) or any(target.has_keys for target in self.targets)

    def inheriting(self, parent: "Config") -> "Config":
        """This target, with what it has from the config around it."""
        silent = {name: getattr(parent, name) for name in _INHERITED if getattr(self, name) is None}
        return self.model_copy(update={**silent, "override_params": {**parent.override_params, **self.override_params}})


_INHERITED = ("retry", "request_timeout", "custom_host", "forward_headers")


def parse(text: str, stored: Mapping[str, Config]) -> Config:
    """The config of a header: JSON, or the name of a stored one. Raises InvalidRequest."""
    if text in stored:
        return stored[text]
    if text.startswith("pc-"):
        told = f"There is no config '{text}' here: send the config itself, as JSON."
        raise InvalidRequest(told, param=HEADER, code="config_not_found")
    try:
        value = json.loads(text)
        expressions = json.dumps(value).count('"$regex"')
        config = Config.model_validate(value)
    except ValidationError as error:
        raise refusal(error) from None
    except (ValueError, RecursionError):
        raise invalid(". You need to pass a valid json") from None
    if config.size > _MAX_TARGETS:
        raise invalid(f". At most {_MAX_TARGETS} targets")
    if expressions > _MAX_EXPRESSIONS:
        raise invalid(f". At most {_MAX_EXPRESSIONS} regular expressions")
    if not value:
        raise invalid(". It must have 'provider', or 'strategy' and 'targets', or 'retry', or 'request_timeout'")
    return config


def refusal(error: ValidationError) -> InvalidRequest:
    """What is wrong with a config, in words."""
    mistakes = error.errors(include_url=False, include_context=False, include_input=False)
    told = "; ".join(f"{param_path(mistake['loc']) or 'config'}: {mistake['msg']}" for mistake in mistakes)
    return invalid(f". {told[:_MAX_TOLD_CHARS]}")


def invalid(why: str) -> InvalidRequest:
    """A config that cannot be used."""
    return InvalidRequest(f"Invalid config passed{why}", param=HEADER, code="invalid_config")
