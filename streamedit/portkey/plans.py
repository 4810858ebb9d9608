"""A caller's config -> the plan of one edit. Lots are drawn, and conditions looked at, once: here.

Retries and fallbacks go on only while nobody can have been paid, whatever the config says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from streamedit.edits import EditRequest
from streamedit.events import Json
from streamedit.failures import Kind
from streamedit.portkey.conditions import Context, holds
from streamedit.portkey.configs import Config, Strategy, invalid
from streamedit.portkey.offers import Offers
from streamedit.routing import Plan, Policy, Stage, When
from streamedit.strategies import drawn
from streamedit.targets import Target
from streamedit.wire.forms import overridden
from streamedit.wire.nested import flatten

_NO_TARGET_STATUS = 503
"""Of whoever cannot be asked now."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a config is looked at for. `headers`: the request's that may go to a provider. `draw` gives from 0 to below 1."""

    request: EditRequest
    metadata: Mapping[str, Json]
    path: str
    headers: Mapping[str, str]
    draw: Callable[[], float]

    @property
    def context(self) -> Context:
        """What conditions can ask for."""
        asked = self.request
        known = {"model": asked.model, "prompt": asked.prompt, "stream": asked.stream, **asdict(asked.options)}
        return {"metadata": self.metadata, "params": {**dict(asked.extra), **known}, "url": {"pathname": self.path}}


def plan(config: Config, offers: Offers, situation: Situation) -> Plan:
    """Who is asked, in which order. Raises CallerError."""
    step = _Planner(offers, situation).step(config, "config", is_last=True)
    whole = step if isinstance(step, Plan) else Plan.of(step)
    if len(whole.targets) > 1:
        return whole
    [stage] = whole.stages
    return Plan.of(stage.alone())


class _Planner:
    def __init__(self, offers: Offers, situation: Situation) -> None:
        self._offers = offers
        self._situation = situation

    def step(self, config: Config, option: str, *, is_last: bool) -> Plan | Stage:
        """A config as a step. `is_last`: there is nobody after it."""
        if config.strategy is None:
            return self._stage(config, option, is_last=is_last)
        if config.strategy.mode == "fallback":
            return self._fallback(config, config.strategy, option, is_last=is_last)
        index = self._chosen(config.strategy, config.targets)
        return self.step(config.targets[index].inheriting(config), f"{option}.targets[{index}]", is_last=is_last)

    def _fallback(self, config: Config, strategy: Strategy, option: str, *, is_last: bool) -> Plan:
        targets = [target.inheriting(config) for target in config.targets]
        statuses = strategy.on_status_codes
        goes_on = statuses is None or _NO_TARGET_STATUS in statuses
        last = len(targets) - 1
        steps = (
            self.step(target, f"{option}.targets[{index}]", is_last=is_last if index == last else not goes_on)
            for index, target in enumerate(targets)
        )
        return Plan(tuple((When(statuses=statuses), step) for step in steps))

    def _chosen(self, strategy: Strategy, targets: Sequence[Config]) -> int:
        """The number of the one target that is asked."""
        if strategy.mode == "single":
            return 0
        if strategy.mode == "loadbalance":
            return drawn([target.weight for target in targets], self._situation.draw())
        context = self._situation.context
        name = next((each.then for each in strategy.conditions if holds(each.query, context)), strategy.default)
        if name is None:
            raise invalid(". No condition holds for this request, and there is no default")
        return next(index for index, target in enumerate(targets) if target.name == name)

    def _stage(self, config: Config, option: str, *, is_last: bool) -> Stage:
        fields = [pair for name, value in config.override_params.items() for pair in flatten(name, value)]
        overrides = tuple(pair for pair in fields if pair[0] != "model")
        asked = self._situation.request
        overridden(asked, overrides)
        route = self._offers.find(config, dict(fields).get("model") or asked.model, asked.wishes.tags)
        return Stage(
            model=route.model,
            targets=tuple(self._with_headers(target, config) for target in route.targets),
            policy=_policy(route.policy, config, is_last=is_last),
            overrides=overrides,
            retry_statuses=config.retry.statuses if config.retry else None,
            timeout_s=config.request_timeout / 1000 if config.request_timeout else asked.wishes.timeout_s,
            option=option,
            route="" if any(target.is_callers for target in route.targets) else route.pattern or route.model,
        )

    def _with_headers(self, target: Target, config: Config) -> Target:
        """With those of the request's headers that the config passes on; what this server is configured with goes before."""
        headers = self._situation.headers
        passed = {name.lower(): headers[name.lower()] for name in config.forward_headers or () if name.lower() in headers}
        if not passed:
            return target
        return replace(target, params={**target.params, "extra_headers": {**passed, **target.extra_headers}})


def _policy(own: Policy, config: Config, *, is_last: bool) -> Policy:
    """The model's own, but for what the config says; only where nobody else is left, a target is waited for."""
    policy = own if is_last else replace(own, patience_s=0.0)
    if config.retry is None:
        return policy
    count = config.retry.count
    return replace(policy, retries=count, retries_by_kind=dict.fromkeys(Kind, count) if count else {})
