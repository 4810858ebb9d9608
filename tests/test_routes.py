"""From a model's name to its targets."""

import pytest

from streamedit.errors import InvalidRequest, NotFound
from streamedit.routes import Route, Routes
from streamedit.targets import Target

EXACT = Route("gpt-image-2", (Target("openai", "gpt-image-2"), Target("azure", "my-deployment")))
ROUTES = Routes(
    [
        EXACT,
        Route("openai/*", (Target("openai", "*", "sk-1"),)),
        Route("house/*", (Target("openai", "gpt-image-2"),)),
        Route("vendor/*", (Target("openai", "tuned/*-edit"),)),
    ],
    default_model="gpt-image-2",
)


def test_a_name_finds_its_route() -> None:
    """An exact name gives its targets in their order."""
    assert ROUTES.find("gpt-image-2") is EXACT


@pytest.mark.parametrize("absent", [None, ""])
def test_no_name_finds_the_default(absent: str | None) -> None:
    """A client that leaves the choice to the server gets the default model."""
    assert ROUTES.find(absent) is EXACT


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("openai/gpt-image-9", "gpt-image-9"),
        ("openai/a/b", "a/b"),
        ("house/whatever", "gpt-image-2"),
        ("vendor/x", "tuned/x-edit"),
    ],
)
def test_a_prefix_takes_what_begins_with_it(name: str, model: str) -> None:
    """`provider/*` serves every name behind it; a star in the target stands for what the star took."""
    route = ROUTES.find(name)
    assert (route.model, [target.model for target in route.targets]) == (name, [model])


def test_a_star_takes_the_rest() -> None:
    """`*` serves every name that nothing else takes, whole; exact names and prefixes go first."""
    routes = Routes([*ROUTES.all, Route("*", (Target("mock", "*"),))], None)
    assert routes.find("no/such").targets == (Target("mock", "no/such"),)
    assert routes.find("unheard-of").targets == (Target("mock", "unheard-of"),)
    assert routes.find("openai/x").targets[0].provider == "openai"
    assert routes.find("gpt-image-2") is EXACT


@pytest.mark.parametrize("name", ["gpt-image-3", "openai", "openai/", "OPENAI/x", "/x", " gpt-image-2"])
def test_an_unknown_name_is_said(name: str) -> None:
    """A model that nobody serves is a 404 that names it and the parameter."""
    with pytest.raises(NotFound) as caught:
        ROUTES.find(name)
    assert (caught.value.detail.param, caught.value.detail.code) == ("model", "model_not_found")
    assert name in caught.value.detail.message


def test_without_a_default_the_model_is_required() -> None:
    """Where only patterns are configured a request without a model is a 400."""
    with pytest.raises(InvalidRequest) as caught:
        Routes([Route("*", (Target("mock", "*"),))], None).find(None)
    assert (caught.value.detail.param, caught.value.detail.code) == ("model", "missing_required_parameter")


def test_the_providers_in_use_are_known() -> None:
    """A server starts the providers that its targets name, no others."""
    assert ROUTES.providers == {"openai", "azure"}


@pytest.mark.parametrize(
    ("name", "route", "patterns"),
    [
        ("gpt-image-2", "gpt-image-2", ["gpt-image-2", "my-deployment"]),
        ("azure/my-deployment", "gpt-image-2", ["my-deployment"]),
        ("openai/gpt-image-9", "openai/*", ["*"]),
        ("vendor/x", "vendor/*", ["tuned/*-edit"]),
    ],
)
def test_a_plan_knows_what_the_configuration_calls_it(name: str, route: str, patterns: list[str]) -> None:
    """Callers choose names through patterns; of what the configuration says there is little."""
    plan = ROUTES.plan(name)
    assert plan.route == route
    assert [target.pattern or target.model for target in plan.targets] == patterns
