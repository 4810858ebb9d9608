"""From a model's name to its targets."""

from dataclasses import replace

import pytest

from streamedit.edits import Wishes
from streamedit.errors import EditError, InvalidRequest, NotFound
from streamedit.failures import Kind
from streamedit.health import CoolRules
from streamedit.routes import Route, Routes, Rules
from streamedit.routing import Plan, Policy, Stage, When
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


@pytest.mark.parametrize(
    ("name", "pattern", "model"),
    [
        ("gpt-image-2", "gpt-image-*", "gpt-image-2"),
        ("house/openai/dall-e-2", "house/openai/*", "dall-e-2"),
        ("house/openai/", "house/*", "openai/"),
        ("eu/one-edit", "eu/*-edit", "one"),
        ("eu/-edit", "*", "eu/-edit"),
        ("gpt-image-", "*", "gpt-image-"),
    ],
)
def test_a_star_may_stand_anywhere(name: str, pattern: str, model: str) -> None:
    """For one character at least; the pattern that says most of the name takes it."""
    others = [Route(each, (Target("openai", "*"),)) for each in ("*", "house/*", "house/openai/*", "eu/*-edit")]
    route = Routes([*others, Route("gpt-image-*", (Target("openai", "gpt-image-*"),))], None).find(name)
    assert (route.pattern, [target.model for target in route.targets]) == (pattern, [model])


def test_a_pattern_s_own_name_is_one_that_a_caller_makes_up() -> None:
    """Lists of models tell of patterns: that nobody has a model of such a name cools no target down."""
    assert Kind.NOT_FOUND in ROUTES.plan("openai/*").stages[0].policy.cooling.forgiven


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


FAST, BEST, HOUSE = (Route(name, (Target("openai", name),)) for name in ("fast", "best", "house"))
PAIR = Route("pair", (Target("openai", "one"), Target("openai", "two")), Policy(cooling=CoolRules(5), patience_s=30))


def routes(*more: Route, **rules: object) -> Routes:
    """Three models of one target each, one of two, and what holds between them."""
    return Routes([FAST, BEST, HOUSE, PAIR, *more], "fast", Rules(**rules))  # type: ignore[arg-type] # names are Rules' own


def models(plan: Plan) -> list[str]:
    """The models of a plan's stages."""
    return [stage.model for stage in plan.stages]


class TestPlan:
    """Who is asked for a model, and who after them."""

    def test_a_model_without_fallbacks_is_one_stage(self) -> None:
        """With the targets and the policy of its route."""
        assert routes().plan("pair") == Plan.of(Stage("pair", PAIR.targets, PAIR.policy, route="pair"))

    def test_an_alias_is_another_name(self) -> None:
        """It is answered with the model's own name, and has its fallbacks."""
        plan = routes(aliases={"gpt-4": "best"}, fallbacks={"best": ("fast",)}).plan("gpt-4")
        assert (plan.model, models(plan)) == ("best", ["best", "fast"])

    @pytest.mark.parametrize(
        ("rules", "expected"),
        [
            ({"fallbacks": {"best": ("fast", "house")}}, ["best", "fast", "house"]),
            ({"fallbacks": {"*": ("house",)}}, ["best", "house"]),
            ({"fallbacks": {"best": ("fast",), "*": ("house",)}}, ["best", "fast"]),
            ({"default_fallbacks": ("house",)}, ["best", "house"]),
            ({"fallbacks": {"best": ("fast",)}, "default_fallbacks": ("house",)}, ["best", "fast"]),
            ({"default_fallbacks": ("best", "house")}, ["best", "house"]),
            ({"fallbacks": {"best": ("fast", "house")}, "max_fallbacks": 1}, ["best", "fast"]),
        ],
    )
    def test_fallbacks_follow(self, rules: dict[str, object], expected: list[str]) -> None:
        """The model's own, else those of `*`, else the default ones; never the model itself, never more than there may be."""
        plan = routes(**rules).plan("best")
        assert models(plan) == expected
        assert all(when == When() for when, _ in plan.steps)

    def test_what_is_blocked_has_fallbacks_of_its_own(self) -> None:
        """They take what moderation has blocked, and the others take all else."""
        plan = routes(fallbacks={"best": ("fast",)}, blocked_fallbacks={"best": ("house",)}).plan("best")
        (_, first), (other, second), (blocked, third) = plan.steps
        assert [step.model for step in (first, second, third)] == ["best", "fast", "house"]
        assert other.kinds == frozenset(Kind) - {Kind.CONTENT_POLICY}
        assert blocked.kinds == frozenset({Kind.CONTENT_POLICY})

    def test_a_caller_s_fallbacks_replace_the_configured_ones(self) -> None:
        """In their order; an empty list means none; those for what is blocked stay."""
        served = routes(fallbacks={"best": ("fast",)}, blocked_fallbacks={"best": ("pair",)})
        assert models(served.plan("best", Wishes(fallbacks=("house", "fast")))) == ["best", "house", "fast", "pair"]
        assert models(served.plan("best", Wishes(fallbacks=()))) == ["best", "pair"]

    @pytest.mark.parametrize(
        ("fallbacks", "status", "code"),
        [(("no-such",), 404, "model_not_found"), (("fast",) * 6, 400, "too_many_fallbacks")],
    )
    def test_a_caller_s_wrong_fallbacks_are_said(self, fallbacks: tuple[str, ...], status: int, code: str) -> None:
        """Before anybody is asked, naming the parameter."""
        with pytest.raises(EditError) as caught:
            routes().plan("best", Wishes(fallbacks=fallbacks))
        detail = caught.value.detail
        assert (detail.status, detail.code, detail.param) == (status, code, "fallbacks")

    def test_a_caller_s_retries_and_time_hold_for_every_stage(self) -> None:
        """Whatever the configuration says for one kind."""
        policy = Policy(retries=1, retries_by_kind={Kind.TIMEOUT: 5})
        served = Routes([replace(BEST, policy=policy), FAST], None)
        plan = served.plan("best", Wishes(fallbacks=("fast",), retries=3, timeout_s=7))
        assert [stage.policy.retries_of(Kind.TIMEOUT) for stage in plan.stages] == [3, 3]
        assert [stage.timeout_s for stage in plan.stages] == [7, 7]

    def test_only_the_last_stage_waits(self) -> None:
        """Where somebody else could take over, a closed target is not waited for."""
        served = routes(fallbacks={"pair": ("best",)}, blocked_fallbacks={"pair": ("house",)})
        assert [stage.policy.patience_s for stage in served.plan("pair").stages] == [0, 30, 30]
        assert routes().plan("pair").stages[0].policy.patience_s == 30

    def test_what_takes_over_only_for_what_is_blocked_is_no_reason_not_to_wait(self) -> None:
        """Nobody else could take over for a target that cools down."""
        plan = routes(blocked_fallbacks={"pair": ("house",)}).plan("pair")
        assert plan.stages[0].policy.patience_s == 30

    def test_a_target_without_any_other_never_cools_down(self) -> None:
        """Somebody who may help is better than nobody; with a fallback there is another."""
        alone = Routes([replace(BEST, policy=PAIR.policy), FAST], None)
        assert alone.plan("best").stages[0].policy.cooling.cooldown_s == 0
        assert alone.plan("best", Wishes(fallbacks=("fast",))).stages[0].policy.cooling.cooldown_s == 5
        assert routes().plan("pair").stages[0].policy.cooling.cooldown_s == 5

    def test_a_model_that_the_caller_makes_up_is_no_fault_of_the_target(self) -> None:
        """Under a wildcard a model that is not there cools nobody down; under a name of the configuration it does."""
        wild = Routes([Route("openai/*", PAIR.targets, PAIR.policy), PAIR], None)
        assert Kind.NOT_FOUND in wild.plan("openai/typo").stages[0].policy.cooling.forgiven
        assert Kind.NOT_FOUND not in wild.plan("pair").stages[0].policy.cooling.forgiven


class TestProviderNames:
    """`provider/model` for what the configuration has under another name."""

    def test_it_is_found(self) -> None:
        """With those of the route's targets that are it."""
        route = routes().find("openai/two")
        assert (route.model, [target.model for target in route.targets]) == ("pair", ["two"])

    def test_a_wildcard_of_that_provider_goes_first(self) -> None:
        """It says what such names mean."""
        assert routes(Route("openai/*", (Target("azure", "*"),))).find("openai/two").targets == (Target("azure", "two"),)

    def test_a_star_does_not(self) -> None:
        """It takes the rest."""
        assert routes(Route("*", (Target("mock", "*"),))).find("openai/two").model == "pair"

    @pytest.mark.parametrize("name", ["openai/three", "azure/two", "two"])
    def test_nothing_else_is(self, name: str) -> None:
        """Another provider's, another model, or no provider at all."""
        assert not routes().serves(name)


def tagged(*tags: str) -> Target:
    """A target that is named for its tags."""
    return Target("p", "+".join(tags) or "none", params={"tags": list(tags)})


class TestTags:
    """A request's tags choose among targets."""

    ALL = Route("m", (tagged("a"), tagged("a", "b"), tagged()))
    WITH_DEFAULT = Route("m", (*ALL.targets, tagged("default")))

    @pytest.mark.parametrize(
        ("route", "tags", "any_tag", "expected"),
        [
            (ALL, (), True, ["a", "a+b", "none"]),
            (ALL, ("a",), True, ["a", "a+b"]),
            (ALL, ("b", "c"), True, ["a+b"]),
            (ALL, ("a", "b"), False, ["a+b"]),
            (WITH_DEFAULT, (), True, ["default"]),
            (WITH_DEFAULT, ("c",), True, ["default"]),
            (WITH_DEFAULT, ("b",), True, ["a+b"]),
        ],
    )
    def test_they_choose(self, route: Route, tags: tuple[str, ...], any_tag: bool, expected: list[str]) -> None:
        """Those with one of the tags, or all of them; else the default ones; without tags, all."""
        served = Routes([route], None, Rules(filters_tags=True, any_tag=any_tag))
        assert [target.model for target in served.plan("m", Wishes(tags=tags)).targets] == expected

    def test_tags_that_nobody_has_are_said(self) -> None:
        """A 400 that names them."""
        with pytest.raises(InvalidRequest) as caught:
            Routes([self.ALL], None, Rules(filters_tags=True)).plan("m", Wishes(tags=("c",)))
        assert (caught.value.detail.param, caught.value.detail.code) == ("tags", "no_target_for_tags")

    def test_a_fallback_that_has_none_of_them_is_left_out(self) -> None:
        """The model itself can still be asked."""
        served = Routes([self.ALL, FAST, BEST], None, Rules(fallbacks={"m": ("fast",)}, filters_tags=True))
        assert models(served.plan("m", Wishes(tags=("a",)))) == ["m"]

    def test_without_filtering_they_choose_nothing(self) -> None:
        """A tag may be there for other reasons."""
        assert len(Routes([self.ALL], None).plan("m", Wishes(tags=("c",))).targets) == 3


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

    def test_their_aliases_are_not_listed(self) -> None:
        """Nobody could ask for one."""
        assert "mine" in self.ROUTES.names
        assert "alias" not in self.ROUTES.names


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
