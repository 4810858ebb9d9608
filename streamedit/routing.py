"""Which provider and which of its models serve a model name. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from streamedit.errors import ErrorDetail, InvalidRequest, NotFound

_SECRET = re.compile("key|token|secret|password|credentials")
_SECRET_CHARS = 6
"""Nothing shorter is looked for: it would be found in ordinary words."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place where a model can be had: a provider, its name for the model, and how to call it.

    `params`: what the configuration says beyond that, in LiteLLM's names (`organization`, `extra_headers`, `timeout` ...).
    """

    provider: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    api_base: str | None = None
    params: Mapping[str, object] = field(default_factory=dict, repr=False)

    def text(self, name: str) -> str | None:
        """A parameter as text; None where there is none, or an empty one."""
        value = self.params.get(name)
        return str(value) if value not in (None, "") else None

    @property
    def timeout_s(self) -> float | None:
        """The configuration's bound for one call."""
        timeout = self.params.get("timeout")
        return float(timeout) if isinstance(timeout, int | float) and timeout > 0 else None

    @property
    def extra_headers(self) -> Mapping[str, str]:
        """The headers that the configuration adds to calls."""
        headers = self.params.get("extra_headers") or self.params.get("headers")
        return {str(name): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no caller may see of it."""
        named = (str(value) for name, value in self.params.items() if value and _SECRET.search(name))
        return tuple(
            secret for secret in (self.api_key or "", *named, *self.extra_headers.values()) if len(secret) >= _SECRET_CHARS
        )


@dataclass(frozen=True, slots=True)
class Setup:
    """What a configuration may say of a provider.

    `environment`: for `api_key`, `api_base` and parameters, the environment variables that fill them where the configuration is
    silent, first set first. `params`: the names that the provider reads of `Target.params`. `mistake`: what a target lacks, in
    words. `models`: what `/v1/models` lists of it without a configuration, when its key is in the environment.
    """

    environment: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    params: frozenset[str] = frozenset()
    mistake: Callable[[Target], str | None] = lambda _: None
    models: tuple[str, ...] = ()

    def completed(self, target: Target, environ: Mapping[str, str]) -> Target:
        """The target with what the environment says where the configuration is silent."""
        found = {name: _first(environ, variables) for name, variables in self.environment.items()}
        own = {name: value for name, value in found.items() if value and name not in ("api_key", "api_base")}
        return replace(
            target,
            api_key=target.api_key or found.get("api_key"),
            api_base=target.api_base or found.get("api_base"),
            params={**own, **{name: value for name, value in target.params.items() if value is not None}},
        )


@dataclass(frozen=True, slots=True)
class Route:
    """A model name and its targets, in the order in which they are tried."""

    model: str
    targets: tuple[Target, ...]


class Routes:
    """All model names of a server. A name `provider/*` takes every name with that prefix, `*` every other name."""

    def __init__(self, routes: Sequence[Route], default_model: str | None) -> None:
        self.default_model = default_model
        self.all = tuple(routes)
        self._by_model = {route.model: route for route in routes}

    @property
    def providers(self) -> frozenset[str]:
        """The names of all providers that are needed."""
        return frozenset(target.provider for route in self.all for target in route.targets)

    def find(self, model: str | None) -> Route:
        """The route of the model that a client asked for, or of the default model. Raises NotFound, InvalidRequest."""
        name = model or self.default_model
        if name is None:
            raise InvalidRequest(
                "model is required: there is no default model.", param="model", code="missing_required_parameter"
            )
        route = self._by_model.get(name) or self._wildcard(name)
        if route is None:
            raise NotFound(f"The model '{name}' does not exist here.", param="model", code="model_not_found")
        return route

    def serves(self, model: str) -> bool:
        return model in self._by_model or self._wildcard(model) is not None

    def _wildcard(self, name: str) -> Route | None:
        """The route `provider/*` or `*` that takes `name`; a target's model `*` then stands for what the star took."""
        provider, slash, rest = name.partition("/")
        prefixed = self._by_model.get(f"{provider}/*") if slash and rest else None
        route = prefixed or self._by_model.get("*")
        if route is None:
            return None
        taken = rest if prefixed else name
        return Route(name, tuple(replace(target, model=target.model.replace("*", taken)) for target in route.targets))


def may_fall_back(error: ErrorDetail, committed: bool) -> bool:
    """Whether the next target may be tried after `error`: never once an event was logged or somebody may have been paid."""
    return error.retryable and not error.charged and not committed


def _first(environ: Mapping[str, str], variables: Sequence[str]) -> str | None:
    return next((environ[variable] for variable in variables if environ.get(variable)), None)
