"""The model names of a server, and the plan that a request for one of them becomes. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from streamedit.edits import Wishes
from streamedit.errors import InvalidRequest, NotFound
from streamedit.failures import Kind
from streamedit.routing import Plan, Policy, Stage, When
from streamedit.targets import Target

_DEFAULT_TAG = "default"
"""LiteLLM's: targets for requests without a tag, and for those whose tags nobody has."""


@dataclass(frozen=True, slots=True)
class Route:
    """A model name, its targets, and how they are tried. `pattern`: the configuration's name, when `model` is a caller's."""

    model: str
    targets: tuple[Target, ...]
    policy: Policy = field(default_factory=Policy)
    pattern: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds between model names.

    `aliases`: other names of models. `fallbacks`: the models that take over for one, in order, `*` for any; of them at most
    `max_fallbacks`. `blocked_fallbacks`: the same, for what a provider's moderation has blocked. `default_fallbacks`: for
    models that have none. `filters_tags`: a request's tags choose among targets; `any_tag`: one that both have will do.
    `strangers`: models that the configuration has for other things than images. `hidden`: aliases that are not listed.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    blocked_fallbacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_fallbacks: tuple[str, ...] = ()
    max_fallbacks: int = 5
    filters_tags: bool = False
    any_tag: bool = True
    strangers: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()


class Routes:
    """All model names of a server. A name with a star, as `provider/*`, takes every name that fits it, `*` every other name."""

    def __init__(self, routes: Sequence[Route], default_model: str | None, rules: Rules = Rules()) -> None:
        self.default_model = default_model
        self.all = tuple(routes)
        self.rules = rules
        self._by_model = {route.model: route for route in routes}
        # The one that says most of a name goes first (as in LiteLLM).
        self._patterns = sorted((name for name in self._by_model if "*" in name and name != "*"), key=len, reverse=True)

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
        route = self._find(self.rules.aliases.get(name, name))
        if route is None and self.is_stranger(self.rules.aliases.get(name, name)):
            # sub2api's words, for what its callers know: https://github.com/Wei-Shaw/sub2api
            raise NotFound("Images API is not supported for this platform", param="model", code="model_not_found")
        if route is None:
            raise NotFound(f"The model '{name}' does not exist here.", param="model", code="model_not_found")
        return route

    @property
    def names(self) -> tuple[str, ...]:
        """What callers may ask for: models, patterns, and the aliases of those that are not hidden."""
        others = self.rules.aliases.keys() - self.rules.hidden - self._by_model.keys()
        return (*self._by_model, *(alias for alias in self.rules.aliases if alias in others and self.serves(alias)))

    def serves(self, model: str) -> bool:
        return self._find(self.rules.aliases.get(model, model)) is not None

    def is_stranger(self, name: str) -> bool:
        """The configuration has it, and not for images. A pattern of those takes what no pattern of ours does."""
        others = self.rules.strangers - self._by_model.keys()
        return name not in self._by_model and (name in others or f"{name.partition('/')[0]}/*" in others)

    def plan(self, model: str | None, wishes: Wishes = Wishes()) -> Plan:  # noqa: B008 - frozen
        """Who is asked for an edit by this model, and who after them. Raises NotFound, InvalidRequest."""
        route = self.find(model)
        first = self._stage(route, wishes)
        if not first.targets:
            told = f"No target of '{route.model}' has the tags {', '.join(sorted(wishes.tags))}."
            raise InvalidRequest(told, param="tags", code="no_target_for_tags")
        for_blocked = self.rules.blocked_fallbacks
        blocked = self._stages(for_blocked.get(route.model) or for_blocked.get(route.pattern, ()), route, wishes)
        chosen = self.fallbacks_of(route) if wishes.fallbacks is None else self._known(wishes.fallbacks)
        others = self._stages(chosen, route, wishes)
        kinds = frozenset(Kind) - {Kind.CONTENT_POLICY} if blocked else None
        steps = [
            (When(), first),
            *((When(kinds), stage) for stage in others),
            *((When(frozenset({Kind.CONTENT_POLICY})), stage) for stage in blocked),
        ]
        return Plan(tuple(_waiting_only_at_the_end(steps)))

    def fallbacks_of(self, route: Route) -> Sequence[str]:
        """The models that the configuration has to take over for one: under its own name, under its pattern, or for any."""
        rules = self.rules
        named = (rules.fallbacks.get(name) for name in (route.model, route.pattern, "*"))
        return (next(filter(None, named), None) or rules.default_fallbacks)[: rules.max_fallbacks]

    def _known(self, fallbacks: Sequence[str]) -> Sequence[str]:
        """A caller's own fallbacks. Raises InvalidRequest, NotFound."""
        if len(fallbacks) > self.rules.max_fallbacks:
            told = f"At most {self.rules.max_fallbacks} fallbacks."
            raise InvalidRequest(told, param="fallbacks", code="too_many_fallbacks")
        for name in fallbacks:
            if not self.serves(name):
                raise NotFound(f"The model '{name}' does not exist here.", param="fallbacks", code="model_not_found")
        return fallbacks

    def _stages(self, models: Sequence[str], route: Route, wishes: Wishes) -> list[Stage]:
        found = [self.find(model) for model in models]
        stages = [self._stage(each, wishes) for each in found if each.model != route.model]
        return [stage for stage in stages if stage.targets]

    def _stage(self, route: Route, wishes: Wishes) -> Stage:
        policy = route.policy
        if wishes.retries is not None:
            policy = replace(policy, retries=wishes.retries, retries_by_kind={}, retries_by_target={})
        targets = self._tagged(route, wishes)
        return Stage(route.model, targets, policy, timeout_s=wishes.timeout_s, route=route.pattern or route.model)

    def _tagged(self, route: Route, wishes: Wishes) -> tuple[Target, ...]:
        """The targets for a request's tags."""
        if not self.rules.filters_tags:
            return route.targets
        asked = frozenset(wishes.tags)
        meets = (lambda tags: bool(tags & asked)) if self.rules.any_tag else (lambda tags: asked <= tags)
        tagged = tuple(target for target in route.targets if asked and meets(target.tags))
        default = tuple(target for target in route.targets if _DEFAULT_TAG in target.tags)
        return tagged or default or (() if asked else route.targets)

    def _find(self, name: str) -> Route | None:
        if self.is_stranger(name):
            return None
        exact = self._by_model.get(name) if "*" not in name else None
        return exact or self._fitting(name, self._patterns) or self._of_provider(name) or self._fitting(name, ("*",))

    def _of_provider(self, name: str) -> Route | None:
        """`provider/model` for a model that the configuration has under another name."""
        provider, slash, model = name.partition("/")
        if not slash:
            return None
        serving = ((each, _targets_of(each, provider, model)) for each in self.all)
        return next((replace(each, targets=targets) for each, targets in serving if targets), None)

    def _fitting(self, name: str, patterns: Sequence[str]) -> Route | None:
        """The route of the first of the patterns that takes `name`; the star in a target's model stands for what it took.

        Whoever asks chooses the name: that nobody has it says nothing of the target.
        """
        fitting = ((self._by_model[each], _taken(each, name)) for each in patterns if each in self._by_model)
        route, taken = next(((route, taken) for route, taken in fitting if taken), (None, ""))
        if route is None:
            return None
        targets = tuple(
            replace(target, model=target.model.replace("*", taken), pattern=target.model) for target in route.targets
        )
        cooling = replace(route.policy.cooling, forgiven=route.policy.cooling.forgiven | {Kind.NOT_FOUND})
        policy = replace(route.policy, cooling=cooling)
        return replace(route, model=name, targets=targets, policy=policy, pattern=route.model)


def _taken(pattern: str, name: str) -> str:
    """What a pattern's star stands for in a name; empty where the pattern does not take it."""
    before, _, behind = pattern.partition("*")
    fits = name.startswith(before) and name.endswith(behind)
    return name[len(before) : len(name) - len(behind)] if fits else ""


def _targets_of(route: Route, provider: str, model: str) -> tuple[Target, ...]:
    return tuple(target for target in route.targets if (target.provider, target.model) == (provider, model))


def _waiting_only_at_the_end(steps: Sequence[tuple[When, Stage]]) -> Iterator[tuple[When, Stage | Plan]]:
    """Nobody waits for a target where another stage could take over; and a target without any other never cools down."""
    alone = sum(len(stage.targets) for _, stage in steps) == 1
    for number, (when, stage) in enumerate(steps):
        has_others = any(later.kinds is None or Kind.INTERNAL in later.kinds for later, _ in steps[number + 1 :])
        policy = replace(stage.policy, patience_s=0.0) if has_others else stage.policy
        waiting = replace(stage, policy=policy)
        yield when, waiting.alone() if alone else waiting
