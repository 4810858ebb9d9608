"""Which provider and which of its models serve a model name. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from streamedit.errors import ErrorDetail, InvalidRequest, NotFound


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
