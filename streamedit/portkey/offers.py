"""Who makes an edit for a target of a config: this server's own targets of that provider, or the caller's own account there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from streamedit.edits import Wishes
from streamedit.errors import InvalidRequest, NotFound
from streamedit.portkey import names
from streamedit.portkey.configs import Config
from streamedit.routes import Route, Routes
from streamedit.targets import Setup, Target

_PARAMS = {
    "openai": {"openai_organization": "organization", "openai_project": "project"},
    "azure": {"azure_api_version": "api_version"},
    "bedrock": {
        "aws_access_key_id": "aws_access_key_id",
        "aws_secret_access_key": "aws_secret_access_key",
        "aws_session_token": "aws_session_token",
        "aws_region": "aws_region_name",
    },
}
"""What a config says of a caller's account, and under which name this server's targets have it."""


@dataclass(frozen=True, slots=True)
class Offers:
    """`setups`: of all providers that there are. `callers_keys`: for which of them callers may bring keys of their own.

    `custom_hosts`: the origins that a caller's own key may be sent to, beside the provider's.
    """

    routes: Routes
    setups: Mapping[str, Setup]
    callers_keys: frozenset[str] = frozenset()
    custom_hosts: frozenset[str] = field(default_factory=frozenset)

    def find(self, config: Config, model: str | None, tags: Sequence[str] = ()) -> Route:
        """A model's name and its targets for one target of a config. Raises InvalidRequest, NotFound.

        `tags`: the request's; they choose among this server's targets, as they do without a config.
        """
        provider, model = _named(config, model)
        if provider is None:
            return self._there(config, self._tagged(self.routes.find(model), tags))
        if provider not in self.setups:
            raise InvalidRequest("Invalid provider passed", param="x-portkey-provider", code="invalid_provider")
        if provider in self.callers_keys and _has_key(config) and _named(config, None)[0] in (None, provider):
            return self._callers(provider, config, model)
        return self._there(config, self._tagged(self._configured(provider, model), tags))

    def _callers(self, provider: str, config: Config, model: str | None) -> Route:
        """The caller's own account: no health is kept of it, as one caller's bad key must not cool down anything.

        Nothing of this server's own environment is in it.
        """
        setup = self.setups[provider]
        model = (config.azure_deployment_id if provider == "azure" else None) or model or next(iter(setup.models), None)
        if model is None:
            raise InvalidRequest("model is required.", param="model", code="missing_required_parameter")
        params = {ours: getattr(config, theirs) for theirs, ours in _PARAMS.get(provider, {}).items()}
        said = {name: value for name, value in params.items() if value is not None}
        target = Target(provider, model, config.api_key, self._base(provider, config), said, is_callers=True)
        if lacks := setup.mistake(target):
            raise InvalidRequest(f"For a key of your own: {lacks}", param="x-portkey-provider", code="incomplete_provider")
        return Route(model, (target,))

    def _base(self, provider: str, config: Config) -> str | None:
        if config.custom_host is not None:
            if origin(config.custom_host) not in map(origin, self.custom_hosts):
                raise _invalid_host()
            return config.custom_host
        if provider == "azure" and config.azure_resource_name is not None:
            return f"https://{config.azure_resource_name}.openai.azure.com"
        return None

    def _configured(self, provider: str, model: str | None) -> Route:
        """This server's targets of the provider."""
        mine = [route for route in self.routes.all if _of(route.targets, provider)]
        if not mine:
            theirs = names.theirs(provider)
            told = f"This server has no model of '{theirs}', and takes no key of yours for it."
            raise InvalidRequest(told, param="x-portkey-provider", code="provider_not_configured")
        return self._first(provider, mine) if model is None else self._of_model(provider, model)

    def _first(self, provider: str, mine: Sequence[Route]) -> Route:
        """The default model, where the provider has it, else its first one."""
        default = self.routes.default_model
        named = [route for route in mine if "*" not in route.model] or mine
        route = next((route for route in named if route.model == default), named[0])
        route = self.routes.find(route.model.replace("*", next(iter(self.setups[provider].models), "")))
        return replace(route, targets=_of(route.targets, provider))

    def _of_model(self, provider: str, model: str) -> Route:
        for name in (model, f"{provider}/{model}"):
            if self.routes.serves(name):
                route = self.routes.find(name)
                if targets := _of(route.targets, provider):
                    return replace(route, targets=targets)
        told = f"'{names.theirs(provider)}' has no model '{model}' here."
        raise NotFound(told, param="model", code="model_not_found")

    def _tagged(self, route: Route, tags: Sequence[str]) -> Route:
        """Those of the targets that the model's own plan has for the tags."""
        if not self.routes.rules.filters_tags:
            return route
        meant = self.routes.plan(route.model, Wishes(tags=tuple(tags))).stages[0].targets
        targets = tuple(target for target in route.targets if target in meant)
        if not targets:
            told = f"No target of '{route.model}' that the config means is for this request's tags."
            raise InvalidRequest(told, param="tags", code="no_target_for_tags")
        return replace(route, targets=targets)

    def _there(self, config: Config, route: Route) -> Route:
        """Those of the targets that are at the host which the config names, if it names one.

        This server's keys go where it is configured to send them, and nowhere else.
        """
        if config.custom_host is None:
            return route
        wanted = origin(config.custom_host)
        there = tuple(target for target in route.targets if target.api_base and origin(target.api_base) == wanted)
        if not there:
            raise _invalid_host()
        return replace(route, targets=there)


def _named(config: Config, model: str | None) -> tuple[str | None, str | None]:
    """The provider, by this server's name for it, and the model. `@provider/model` names both."""
    if model is not None and model.startswith("@") and "/" in model:
        provider, _, model = model.partition("/")
        return names.ours(provider), model
    named = config.provider or config.virtual_key
    return names.ours(named) if named else None, model


def _has_key(config: Config) -> bool:
    return bool(config.api_key or (config.aws_access_key_id and config.aws_secret_access_key))


def _of(targets: Sequence[Target], provider: str) -> tuple[Target, ...]:
    return tuple(target for target in targets if target.provider == provider)


def origin(url: str) -> str:
    """Scheme, host and port as a browser names them. Raises InvalidRequest for what is no plain address."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _invalid_host() from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or not url.isprintable():
        raise _invalid_host()
    is_usual = port in (None, {"http": 80, "https": 443}[parts.scheme])
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + ("" if is_usual else f":{port}")


def _invalid_host() -> InvalidRequest:
    return InvalidRequest("Invalid custom host", param="x-portkey-custom-host", code="invalid_custom_host")
