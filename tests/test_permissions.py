"""What a key may be used for."""

import pytest

from streamedit.errors import CallerError, Forbidden, InvalidRequest, NotFound
from streamedit.parties import ANONYMOUS, ApiKey, Group, Principal
from streamedit.permissions import check_named, may_ask, permitted
from streamedit.routing import Plan, Stage, When
from streamedit.targets import Target

OPENAI, AZURE, GEMINI = Target("openai", "gpt-image-2"), Target("azure", "images"), Target("gemini", "gemini-3")
PLAN = Plan(
    (
        (When(), Stage("gpt-image-2", (OPENAI, AZURE), route="gpt-image-2")),
        (When(), Plan.of(Stage("gemini-3", (GEMINI,), route="gemini/*"))),
    )
)


def keyed(models: tuple[str, ...] | None = None, group: Group | None = None) -> Principal:
    """Who has a key with these models, of this group."""
    return Principal("key_1", key=ApiKey("key_1", "", b"", 0.0, models=models), group=group)


def targets_of(principal: Principal) -> list[Target]:
    """Whom the plan asks on a principal's behalf."""
    return list(permitted(PLAN, principal).targets)


@pytest.mark.parametrize("principal", [ANONYMOUS, Principal("key_0", is_master=True), keyed(), keyed(group=Group("g"))])
def test_without_bounds_a_plan_is_as_it_was(principal: Principal) -> None:
    """A master key, a key without models, a group without platforms."""
    assert permitted(PLAN, principal) == PLAN


def test_a_group_asks_its_platforms_alone() -> None:
    """The others' targets are left out, fallbacks too; inside a plan's plan as well."""
    assert targets_of(keyed(group=Group("g", platforms=("azure",)))) == [AZURE]
    assert targets_of(keyed(group=Group("g", platforms=("openai", "gemini")))) == [OPENAI, GEMINI]


def test_no_fallback_stands_for_a_model_of_another_platform() -> None:
    """Who may not have the model that they asked for is told so, in sub2api's words."""
    with pytest.raises(NotFound, match=r"^Images API is not supported for this platform$"):
        permitted(PLAN, keyed(group=Group("g", platforms=("gemini",))))


def test_a_composite_group_is_told_of_the_model() -> None:
    """With several platforms it is the model that does not fit, as sub2api has it."""
    with pytest.raises(
        InvalidRequest, match=r"^Model is not supported by this OpenAI-compatible endpoint for composite groups$"
    ):
        permitted(PLAN, keyed(group=Group("g", platforms=("gemini", "xai"))))


def test_the_platform_is_judged_before_the_permission() -> None:
    """As sub2api does: a wrong platform is a 404, also for a group that may edit no images; on the right one that is a 403."""
    with pytest.raises(NotFound):
        permitted(PLAN, keyed(group=Group("g", platforms=("gemini",), images=False)))
    with pytest.raises(Forbidden, match=r"^Image generation is not enabled for this group$"):
        permitted(PLAN, keyed(group=Group("g", platforms=("openai",), images=False)))


@pytest.mark.parametrize("models", [("gpt-image-2",), ("gpt-*",)])
def test_a_key_asks_its_models_alone(models: tuple[str, ...]) -> None:
    """By name or by pattern; a fallback that is none of them is left out."""
    assert targets_of(keyed(models)) == [OPENAI, AZURE]


def test_a_pattern_of_the_configuration_is_a_model() -> None:
    """`gemini/*` in a key's models is what the configuration calls so, whatever the name that a caller chose."""
    assert targets_of(keyed(("gpt-image-2", "gemini/*"))) == [OPENAI, AZURE, GEMINI]


@pytest.mark.parametrize("models", [(), ("gemini-3",), ("gpt-image",), ("image-2",), ("*-2",)])
def test_another_model_is_forbidden(models: tuple[str, ...]) -> None:
    """Fallbacks that would be allowed do not stand for it; a star counts at the end of a pattern."""
    with pytest.raises(Forbidden) as refusal:
        permitted(PLAN, keyed(models))
    assert (refusal.value.detail.status, refusal.value.detail.code) == (403, "model_not_allowed")
    assert refusal.value.detail.param == "model"


def test_the_groups_models_and_the_keys_both_count() -> None:
    """A key gets no more than its group has."""
    assert targets_of(keyed(("*",), Group("g", models=("gpt-*",)))) == [OPENAI, AZURE]
    with pytest.raises(Forbidden):
        permitted(PLAN, keyed(("gpt-*",), Group("g", models=("gemini*",))))


def test_a_model_that_a_field_names_is_judged_like_the_one_that_is_asked() -> None:
    """By the key's models and the group's; who has no bounds may name any."""
    for free in (ANONYMOUS, keyed(), keyed(("gpt-*",), Group("g", models=("*",)))):
        check_named(["gpt-image-2"], free)
    for bound in (keyed(("gpt-5",)), keyed(group=Group("g", models=("gpt-5",)))):
        with pytest.raises(Forbidden, match="'gpt-image-2'"):
            check_named(["gpt-5", "gpt-image-2"], bound)


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        (ANONYMOUS, True),
        (keyed(("a", "gpt-*")), True),
        (keyed(("a",)), False),
        (keyed(group=Group("g", platforms=("openai",))), True),
        (keyed(group=Group("g", platforms=("gemini",))), False),
        (keyed(("*",), Group("g", models=("a",))), False),
    ],
)
def test_a_model_is_listed_for_those_who_may_ask_it(principal: Principal, may: bool) -> None:
    """The list of models and the permission to ask one are the same rule."""
    assert may_ask(("gpt-image-2",), frozenset({"openai", "azure"}), principal) == may
    try:
        permitted(Plan.of(Stage("gpt-image-2", (OPENAI, AZURE), route="gpt-image-2")), principal)
    except CallerError:
        assert not may
    else:
        assert may
