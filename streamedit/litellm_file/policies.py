"""From `router_settings` and `litellm_settings` to policies and rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from streamedit.documents import Location
from streamedit.failures import Kind
from streamedit.health import CoolRules
from streamedit.litellm_file.sections import Fallbacks, LiteLLMSettings, RouterSettings
from streamedit.routes import Routes, Rules
from streamedit.routing import Policy

RETRIES = 2
COOLDOWN_S = 5.0
"""LiteLLM's defaults."""

_KINDS = {
    Kind.BAD_REQUEST: ("BadRequestError",),
    Kind.CONTENT_POLICY: ("ContentPolicyViolationError", "BadRequestError"),
    Kind.AUTHENTICATION: ("AuthenticationError",),
    Kind.NOT_FOUND: ("NotFoundError",),
    Kind.RATE_LIMIT: ("RateLimitError",),
    Kind.TIMEOUT: ("Timeout", "TimeoutError"),
    Kind.INTERNAL: ("InternalServerError", "ServiceUnavailableError", "BadGatewayError"),
}
"""LiteLLM's errors that are of a kind; the first that a policy names counts."""

_RETRIES, _ALLOWED = "Retries", "AllowedFails"
_OTHERS = "DefaultRetries"

RETRY_KEYS = frozenset({_OTHERS, *(f"{error}{_RETRIES}" for errors in _KINDS.values() for error in errors)})
ALLOWED_KEYS = frozenset(
    f"{error}{_ALLOWED}"
    for kind, errors in _KINDS.items()
    if kind not in (Kind.BAD_REQUEST, Kind.CONTENT_POLICY)
    for error in errors
)
"""What a policy may name with an effect: a caller's own mistakes never count against a target."""


@dataclass(frozen=True, slots=True)
class Policies:
    """How each model's targets are tried."""

    router: RouterSettings
    patience_s: float

    def of(self, model: str, retries_by_target: Mapping[str, int]) -> Policy:
        """A model's."""
        router = self.router
        by_model = router.model_group_retry_policy or {}
        counts = by_model.get(model, router.retry_policy or {})
        others = counts.get(_OTHERS)
        retries = RETRIES if router.num_retries is None else router.num_retries
        return Policy(
            strategy=router.routing_strategy,
            retries=retries if others is None else others,
            retries_by_kind=_by_kind(counts, _RETRIES),
            # LiteLLM's order: a retry policy, then what a target says, then `num_retries`.
            retries_by_target=retries_by_target if others is None else {},
            retry_after_s=router.retry_after or 0.0,
            patience_s=self.patience_s,
            cooling=self._cooling(),
        )

    def _cooling(self) -> CoolRules:
        router = self.router
        cooldown_s = COOLDOWN_S if router.cooldown_time is None else router.cooldown_time
        allowed = CoolRules().allowed_fails if router.allowed_fails is None else router.allowed_fails
        counted = {name: count for name, count in (router.allowed_fails_policy or {}).items() if name in ALLOWED_KEYS}
        return CoolRules(0.0 if router.disable_cooldowns else cooldown_s, allowed, _by_kind(counted, _ALLOWED))


def rules_of(router: RouterSettings, models: Routes) -> Rules:
    """What holds between models. Those that make no images take over for nobody."""
    aliases = {name: alias.model for name, alias in (router.model_group_alias or {}).items()}
    return Rules(
        aliases=aliases,
        fallbacks=_fallbacks(router.fallbacks, aliases, models),
        blocked_fallbacks=_fallbacks(router.content_policy_fallbacks, aliases, models),
        default_fallbacks=_without_strangers(router.default_fallbacks or (), aliases, models),
        max_fallbacks=Rules().max_fallbacks if router.max_fallbacks is None else router.max_fallbacks,
        filters_tags=bool(router.enable_tag_filtering),
        any_tag=router.tag_filtering_match_any is not False,
        strangers=models.rules.strangers,
        hidden=frozenset(name for name, alias in (router.model_group_alias or {}).items() if alias.hidden),
    )


def names_in(section: str, settings: RouterSettings | LiteLLMSettings) -> Iterator[tuple[Location, str]]:
    """Each place of a section that names a model of the file, with the name."""
    for key in ("fallbacks", "content_policy_fallbacks"):
        for index, entry in enumerate(getattr(settings, key) or ()):
            for model, names in entry.items():
                yield (section, key, index, model), model
                yield from (((section, key, index, model, number), name) for number, name in enumerate(names))
    yield from (((section, "default_fallbacks", number), name) for number, name in enumerate(settings.default_fallbacks or ()))
    if isinstance(settings, RouterSettings):
        yield from (((section, "model_group_retry_policy", name), name) for name in settings.model_group_retry_policy or ())


def unserved(models: Routes, rules: Rules, named: Sequence[tuple[Location, str]]) -> Iterator[tuple[Location, str]]:
    """Those of the names that no model has, and no alias; and the aliases of no model."""
    for location, name in named:
        if name != "*" and not _is_known(models, rules.aliases.get(name, name)):
            yield location, name
    for alias, name in rules.aliases.items():
        if not _is_known(models, name):
            yield ("router_settings", "model_group_alias", alias), name


def redis_url_of(router: RouterSettings) -> str | None:
    """The Redis that `router_settings` names."""
    if router.redis_url or not router.redis_host:
        return router.redis_url
    password = f":{quote(router.redis_password, safe='')}@" if router.redis_password else ""
    database = f"/{router.redis_db}" if router.redis_db else ""
    return f"redis://{password}{router.redis_host}:{router.redis_port or 6379}{database}"


def _by_kind(counts: Mapping[str, int | None], what: str) -> dict[Kind, int]:
    said = {kind: [counts.get(f"{error}{what}") for error in errors] for kind, errors in _KINDS.items()}
    first = {kind: next((count for count in each if count is not None), None) for kind, each in said.items()}
    return {kind: count for kind, count in first.items() if count is not None}


def _fallbacks(listed: Fallbacks | None, aliases: Mapping[str, str], models: Routes) -> Mapping[str, tuple[str, ...]]:
    """By the model's own name, whichever of its names the file uses."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in listed or ():
        for model, names in entry.items():
            found.setdefault(aliases.get(model, model), _without_strangers(names, aliases, models))
    return found


def _without_strangers(names: Sequence[str], aliases: Mapping[str, str], models: Routes) -> tuple[str, ...]:
    return tuple(name for name in names if not models.is_stranger(aliases.get(name, name)))


def _is_known(models: Routes, name: str) -> bool:
    return models.serves(name) or models.is_stranger(name)
