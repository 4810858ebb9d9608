"""Where a call's edit is made: by a model of the settings, or by a deployment of the call's own.

A deployment is read as an entry of a configuration's `model_list` is, by the same code, with LiteLLM's environment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from streamedit.config import Settings
from streamedit.edits import EditRequest
from streamedit.errors import InvalidRequest, Unauthorized
from streamedit.litellm_file.deployments import Defaults, target_of
from streamedit.litellm_file.policies import Policies
from streamedit.litellm_file.sections import Entry, ModelParams, RouterSettings, split
from streamedit.routes import Route, Routes
from streamedit.routing import Plan
from streamedit.targets import Setup, Target
from streamedit.wire.forms import validated

_MANNER = frozenset(ModelParams.model_fields) - {"api_key", "api_base", "custom_llm_provider", "litellm_credential_name"}
"""Parameters that say how somebody is asked, and not who."""


@dataclass(frozen=True, slots=True)
class Places:
    """`setups`: of all providers that there are."""

    settings: Settings
    setups: Mapping[str, Setup]
    environ: Mapping[str, str]

    def plan(self, request: EditRequest, params: Mapping[str, object]) -> Plan:
        """Who is asked, in which order. `params`: what the call says of a deployment. Raises CallerError."""
        routes = self.settings.routes
        fallbacks = (name for name in request.wishes.fallbacks or () if not routes.serves(name))
        own = [*self._asked(request.model, params), *(self._deployment(name, {}) for name in fallbacks)]
        names = {route.model for route in own}
        others = [route for route in routes.all if route.model not in names]
        return Routes([*own, *others], routes.default_model, routes.rules).plan(request.model, request.wishes)

    def _asked(self, model: str | None, params: Mapping[str, object]) -> list[Route]:
        """The model of a call, where it is not simply that of the settings."""
        routes = self.settings.routes
        is_own = bool(params.keys() - _MANNER)
        if model is None and is_own:
            told = f"model is required beside {', '.join(sorted(params.keys() - _MANNER))}."
            raise InvalidRequest(told, param="model", code="missing_required_parameter")
        if model is not None and (is_own or not routes.serves(model)):
            return [self._deployment(model, params)]
        if not params:
            return []
        route = routes.find(model)
        targets = tuple(replace(target, params={**target.params, **params}) for target in route.targets)
        return [replace(route, targets=targets)]

    def _deployment(self, model: str, params: Mapping[str, object]) -> Route:
        """Raises InvalidRequest, NotFound; Unauthorized where there is no key."""
        provider = params.get("custom_llm_provider")
        if not params and split(model)[0] not in self.setups:
            return self.settings.routes.find(model)
        said = validated(lambda: ModelParams.model_validate({**params, "model": model}, context=self.setups))
        entry = Entry(model_name=model, litellm_params=said)
        if not entry.makes_images(self.setups):
            raise InvalidRequest(f"'{provider or model}' makes no images here.", param="model", code="model_not_found")
        target = target_of(entry, Defaults({}, {}), self.environ, self.setups)
        self._check(target)
        return Route(model, (target,), Policies(RouterSettings(), self.settings.server.patience_s).of(model, {}))

    def _check(self, target: Target) -> None:
        lacks = self.setups[target.provider].lacks(target)
        if lacks is None:
            return
        told = f"{target.name}: {lacks}"
        if lacks.startswith("api_key"):
            raise Unauthorized(told, param="api_key")
        raise InvalidRequest(told, param=lacks.partition(" is missing")[0] if "is missing" in lacks else "model")
