"""From a model's name to its targets, and when the next target may be tried."""

import pytest

from streamedit.errors import ErrorDetail, InvalidRequest, NotFound
from streamedit.routing import Route, Routes, Setup, Target, may_fall_back

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


def test_a_target_does_not_show_its_key() -> None:
    """A target may be logged: neither its key nor its extra headers are in its representation."""
    target = Target("openai", "m", "sk-secret", "http://upstream", {"extra_headers": {"authorization": "secret"}})
    assert "secret" not in repr(target)


@pytest.mark.parametrize(
    ("retryable", "charged", "committed", "allowed"),
    [
        (True, False, False, True),
        (True, False, True, False),
        (True, True, False, False),
        (True, True, True, False),
        (False, False, False, False),
        (False, False, True, False),
        (False, True, False, False),
        (False, True, True, False),
    ],
)
def test_fall_back_only_when_nobody_can_have_paid(retryable: bool, charged: bool, committed: bool, allowed: bool) -> None:
    """The next target is tried after a retryable error, before any event, when nothing can have been charged."""
    error = ErrorDetail(503, "upstream_error", "busy", retryable=retryable, charged=charged)
    assert may_fall_back(error, committed) is allowed


def test_a_target_knows_its_secrets() -> None:
    """Key, headers and every parameter with a secret's name; too short ones are none."""
    params = {
        "aws_secret_access_key": "aws-secret",
        "vertex_project": "project",
        "token": "short",
        "extra_headers": {"x": "header-1"},
    }
    assert set(Target("p", "m", "sk-secret", params=params).secrets) == {"sk-secret", "aws-secret", "header-1"}


@pytest.mark.parametrize(("timeout", "seconds"), [(30, 30.0), (0.5, 0.5), (0, None), ("30", None), (None, None)])
def test_a_target_has_its_own_bound(timeout: object, seconds: float | None) -> None:
    """LiteLLM's `timeout`, in seconds."""
    assert Target("p", "m", params={"timeout": timeout}).timeout_s == seconds


def test_the_environment_fills_what_the_configuration_leaves_open() -> None:
    """The first variable that is set; the configuration goes first, and what nobody says is not there."""
    setup = Setup({"api_key": ("A_KEY", "B_KEY"), "api_base": ("BASE",), "region": ("REGION",), "zone": ("ZONE",)})
    environ = {"A_KEY": "", "B_KEY": "b", "BASE": "http://b", "REGION": "eu", "ZONE": ""}
    assert setup.completed(Target("p", "m"), environ) == Target("p", "m", "b", "http://b", {"region": "eu"})
    given = Target("p", "m", "own", "http://own", {"region": "us", "zone": None})
    assert setup.completed(given, environ) == Target("p", "m", "own", "http://own", {"region": "us"})


def test_a_parameter_is_text_or_nothing() -> None:
    """Empty ones are as if not there."""
    target = Target("p", "m", params={"a": 1, "b": "", "c": None})
    assert [target.text(name) for name in "abcd"] == ["1", None, None, None]
