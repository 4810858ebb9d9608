"""From a model's name to its targets."""

import pytest

from streamedit.edits import Wishes
from streamedit.errors import InvalidRequest, NotFound
from streamedit.routes import Route, Routes, Rules
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


class TestStrangers:
    """Models that the configuration has for other things than images."""

    ROUTES = Routes(
        ROUTES.all, None, Rules({"alias": "chat", "mine": "gpt-image-2"}, strangers=frozenset({"chat", "far/*", "openai/o1"}))
    )

    @pytest.mark.parametrize("name", ["chat", "alias", "far/away", "openai/o1"])
    def test_they_are_refused_in_words_that_clients_know(self, name: str) -> None:
        """A pattern of theirs, an alias, and a name that a pattern of ours would take."""
        assert not self.ROUTES.serves(name)
        with pytest.raises(NotFound, match=r"^Images API is not supported for this platform$"):
            self.ROUTES.find(name)

    @pytest.mark.parametrize("name", ["gpt-image-2", "openai/gpt-image-1", "mine"])
    def test_all_others_are_served(self, name: str) -> None:
        """As without them."""
        assert self.ROUTES.serves(name)


def test_names_are_listed_once() -> None:
    """Models, patterns, and aliases that are not hidden."""
    rules = Rules({"a": "gpt-image-2", "b": "gpt-image-2", "gpt-image-2": "openai/x"}, hidden=frozenset({"b"}))
    assert Routes(ROUTES.all, None, rules).names == ("gpt-image-2", "openai/*", "house/*", "vendor/*", "a")


def test_a_fallback_without_the_tags_is_left_out() -> None:
    """Whoever has them is asked; only the model itself must have a target for a request's tags."""
    tagged = Route("tagged", (Target("openai", "a", params={"tags": ["eu"]}),))
    routes = Routes([tagged, EXACT], None, Rules(default_fallbacks=("gpt-image-2",), filters_tags=True))
    assert [stage.model for stage in routes.plan("tagged", Wishes(tags=("eu",))).stages] == ["tagged"]
    with pytest.raises(InvalidRequest) as caught:
        routes.plan("gpt-image-2", Wishes(tags=("eu",)))
    assert (caught.value.detail.param, caught.value.detail.code) == ("tags", "no_target_for_tags")
