"""What may be asked for, and what a key may be used for: the platforms and models of its group, and its own models. Pure.

Order and words are sub2api's (https://github.com/Wei-Shaw/sub2api), which llmapi.site runs: the platform first, then the
group's permission.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from streamedit.errors import CallerError, Forbidden, InvalidRequest, NotFound
from streamedit.parties import Group, Principal
from streamedit.routing import Plan, Stage, When
from streamedit.targets import Target

_DALLE_2_PROMPT_CHARS = 1000
"""OpenAI's API reference: 1,000 characters for dall-e-2, 32,000 for all others."""

Test: TypeAlias = Callable[[Stage, Target], bool]
"""A stage may ask this target of its."""


def check_prompt(prompt: str, plan: Plan) -> None:
    """Raises InvalidRequest for one that is too long for any of a plan's models."""
    if len(prompt) > _DALLE_2_PROMPT_CHARS and any(target.base_model == "dall-e-2" for target in plan.targets):
        raise InvalidRequest(
            f"dall-e-2 takes prompts of at most {_DALLE_2_PROMPT_CHARS} characters.",
            param="prompt",
            code="string_above_max_length",
        )


def permitted(plan: Plan, principal: Principal) -> Plan:
    """The plan without what its principal may not use; all of it for who has no bounds.

    Raises NotFound, InvalidRequest, Forbidden when the model that was asked for is not for them. Other fallbacks are left out.
    """
    group = principal.group
    if group is not None:
        plan = _on_platforms(plan, group)
        if not group.images:
            raise Forbidden("Image generation is not enabled for this group", code="images_not_enabled")
    for models in _lists_of(principal):
        plan = _with_models(plan, models)
    return plan


def check_named(names: Iterable[str], principal: Principal) -> None:
    """Raises Forbidden when one of these models, which are named beside the one that is asked, is not for a principal."""
    for name in names:
        if not all(_fits(models, name) for models in _lists_of(principal)):
            raise _not_allowed(name)


def may_ask(names: Sequence[str], providers: frozenset[str], principal: Principal) -> bool:
    """Whether a model that is known by these names is for a principal."""
    group = principal.group
    if group is not None and group.platforms is not None and not providers & set(group.platforms):
        return False
    return all(any(_fits(models, name) for name in names) for models in _lists_of(principal))


def left_of(plan: Plan, test: Test, refusal: CallerError) -> Plan:
    """The plan with the targets that pass. Raises the refusal when none of its first stage's does."""
    first = plan.stages[0]
    if not any(test(first, target) for target in first.targets):
        raise refusal
    return Plan(tuple(_left_of(plan, test)))


def _left_of(plan: Plan, test: Test) -> Iterator[tuple[When, Stage | Plan]]:
    for when, step in plan.steps:
        if isinstance(step, Plan):
            inner = Plan(tuple(_left_of(step, test)))
            if inner.steps:
                yield when, inner
            continue
        targets = tuple(target for target in step.targets if test(step, target))
        if targets:
            yield when, replace(step, targets=targets)


def _on_platforms(plan: Plan, group: Group) -> Plan:
    platforms = group.platforms
    if platforms is None:
        return plan
    return left_of(plan, lambda _, target: target.provider in platforms, _wrong_platform(platforms))


def _wrong_platform(platforms: Sequence[str]) -> CallerError:
    if len(platforms) > 1:
        told = "Model is not supported by this OpenAI-compatible endpoint for composite groups"
        return InvalidRequest(told, param="model", code="model_not_supported")
    return NotFound("Images API is not supported for this platform", param="model", code="platform_not_supported")


def _lists_of(principal: Principal) -> Sequence[Sequence[str]]:
    """The models of the group and of the key, where there are bounds."""
    lists = (principal.group.models if principal.group else None, principal.key.models if principal.key else None)
    return [models for models in lists if models is not None]


def _with_models(plan: Plan, models: Sequence[str]) -> Plan:
    return left_of(plan, lambda stage, _: _fits(models, stage.model) or _fits(models, stage.route), _not_allowed(plan.model))


def _not_allowed(model: str) -> Forbidden:
    return Forbidden(f"This key may not use the model '{model}'.", param="model", code="model_not_allowed")


def _fits(models: Sequence[str], name: str) -> bool:
    """A star at the end of a pattern stands for anything."""
    return any(name == model or (model.endswith("*") and name.startswith(model[:-1])) for model in models)
