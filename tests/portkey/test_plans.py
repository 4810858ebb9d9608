"""What a config becomes: stages and steps."""

from collections.abc import Mapping
from typing import Any

import pytest

from streamedit.edits import EditOptions, EditRequest, Wishes
from streamedit.errors import InvalidRequest
from streamedit.events import Json
from streamedit.failures import Kind
from streamedit.health import CoolRules
from streamedit.portkey.configs import Config
from streamedit.portkey.offers import Offers
from streamedit.portkey.plans import Situation, plan
from streamedit.providers import available
from streamedit.routes import Route, Routes
from streamedit.routing import Plan, Policy, When
from streamedit.targets import Target

COOLING = CoolRules(cooldown_s=5)
POLICY = Policy(retries=2, cooling=COOLING)
ROUTES = Routes([Route(name, (Target("openai", name, id=name),), POLICY) for name in ("a", "b", "c")], "a")
OFFERS = Offers(ROUTES, available(), frozenset({"openai"}))
ASKED = EditRequest("p", ())
SIZES = EditOptions(size="1x1", n=2)


def planned(
    config: Mapping[str, Any],
    draw: float = 0.0,
    metadata: Mapping[str, Json] | None = None,
    request: EditRequest = ASKED,
    headers: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a config in a situation."""
    situation = Situation(request, metadata or {}, "/v1/images/edits", headers or {}, lambda: draw)
    return plan(Config.model_validate(config), OFFERS, situation)


def model(name: str, **more: Any) -> dict[str, Any]:
    """A target: a model of OpenAI's."""
    return {"provider": "openai", "override_params": {"model": name}, **more}


def options(made: Plan) -> list[tuple[str, str]]:
    """What is asked, and what the caller calls that, in order."""
    return [(stage.option, stage.model) for stage in made.stages]


def test_a_config_alone_is_one_stage() -> None:
    """Portkey calls it `config`; what the model's own policy says holds, and a target without any other never cools down."""
    made = planned(model("b"))
    assert options(made) == [("config", "b")]
    [stage] = made.stages
    assert (stage.policy.retries, stage.policy.cooling, stage.retry_statuses) == (2, CoolRules(), None)


def test_a_fallback_goes_on_in_order() -> None:
    """After the named errors, after any where none are named; only at its end somebody is waited for."""
    config = {"strategy": {"mode": "fallback"}, "targets": [model("b"), model("a"), model("c")]}
    made = planned(config)
    assert options(made) == [("config.targets[0]", "b"), ("config.targets[1]", "a"), ("config.targets[2]", "c")]
    assert [when for when, _ in made.steps] == [When()] * 3
    assert [stage.policy.patience_s for stage in made.stages] == [0, 0, POLICY.patience_s]
    assert [stage.policy.cooling for stage in made.stages] == [COOLING] * 3
    config["strategy"] = {"mode": "fallback", "on_status_codes": [429]}
    made = planned(config)
    assert [when for when, _ in made.steps] == [When(statuses=frozenset({429}))] * 3
    assert [stage.policy.patience_s for stage in made.stages] == [POLICY.patience_s] * 3


def test_strategies_within_strategies() -> None:
    """A target may be a config of its own, and is named by its way."""
    inner = {"strategy": {"mode": "fallback", "on_status_codes": [500]}, "targets": [model("b"), model("c")]}
    drawn = {"strategy": {"mode": "loadbalance"}, "targets": [model("a"), {"strategy": {"mode": "single"}, "targets": [inner]}]}
    made = planned({"strategy": {"mode": "fallback"}, "targets": [model("a"), drawn]}, draw=0.9)
    where = "config.targets[1].targets[1].targets[0]"
    assert options(made) == [("config.targets[0]", "a"), (f"{where}.targets[0]", "b"), (f"{where}.targets[1]", "c")]
    assert isinstance(made.steps[1][1], Plan)


@pytest.mark.parametrize(("draw", "index"), [(0.0, 0), (0.24, 0), (0.25, 1), (0.74, 1), (0.75, 3), (0.999999, 3), (1.0, 3)])
def test_one_lot_is_drawn(draw: float, index: int) -> None:
    """By weight, which is 1 where none is said; a target of weight 0 is never asked."""
    targets = [model("a"), model("b", weight=2), model("c", weight=0), model("a")]
    [stage] = planned({"strategy": {"mode": "loadbalance"}, "targets": targets}, draw).stages
    assert stage.option == f"config.targets[{index}]"


CONDITIONAL: dict[str, Any] = {
    "strategy": {
        "mode": "conditional",
        "conditions": [
            {"query": {"metadata.plan": "paid"}, "then": "good"},
            {"query": {"params.size": "1x1", "params.n": 2}, "then": "small"},
            {"query": {"params.strength": "0.5"}, "then": "good"},
        ],
        "default": "any",
    },
    "targets": [{"name": "any", **model("a")}, {"name": "small", **model("b")}, {"name": "good", **model("c")}],
}


@pytest.mark.parametrize(
    ("metadata", "request_", "expected"),
    [
        ({"plan": "paid"}, EditRequest("p", ()), "c"),
        ({"plan": "free"}, EditRequest("p", ()), "a"),
        ({}, EditRequest("p", (), options=SIZES), "b"),
        ({}, EditRequest("p", (), extra=(("strength", "0.5"),)), "c"),
    ],
)
def test_the_first_condition_that_holds(metadata: Mapping[str, Json], request_: EditRequest, expected: str) -> None:
    """It names the target; metadata and the form's fields are looked at, else there is a default."""
    assert planned(CONDITIONAL, metadata=metadata, request=request_).model == expected


def test_no_condition_holds() -> None:
    """Without a default that is the caller's mistake."""
    strategy = {**CONDITIONAL["strategy"], "default": None}
    with pytest.raises(InvalidRequest, match="No condition holds"):
        planned({**CONDITIONAL, "strategy": strategy})


def test_retries_are_the_configs() -> None:
    """So many, after its statuses, whatever kind of error those are; 0 are none. Cooldowns stay the model's."""
    retry = {"attempts": 3, "on_status_codes": [401, 500]}
    config = {"strategy": {"mode": "fallback"}, "retry": retry, "targets": [model("a"), model("b", retry={"attempts": 0})]}
    first, second = planned(config).stages
    assert first.retry_statuses == frozenset({401, 500})
    assert [first.policy.retries_of(kind) for kind in Kind] == [3] * len(Kind)
    assert (second.retry_statuses, second.policy.retries, second.policy.cooling) == (None, 0, COOLING)


def test_fields_are_replaced() -> None:
    """As a form writes them; a target's go before those of the config around it. A model is the target's."""
    params = {"quality": "low", "size": "1x1", "output_compression": 5, "fast": True, "tags": ["a"], "user": None}
    config = {
        "strategy": {"mode": "single"},
        "override_params": params,
        "targets": [{"provider": "openai", "override_params": {"model": "c", "quality": "high"}}],
    }
    [stage] = planned(config, request=EditRequest("p", (), model="a")).stages
    fields = {"quality": "high", "size": "1x1", "output_compression": "5", "fast": "true", "tags[]": "a"}
    assert (stage.model, dict(stage.overrides)) == ("c", fields)


def test_fields_are_checked_at_once() -> None:
    """A 400 before anybody is asked."""
    with pytest.raises(InvalidRequest, match="output_compression"):
        planned(model("a", override_params={"output_compression": 101}))


def test_times() -> None:
    """In milliseconds there; a target has its own, else the config's, else what the request wishes."""
    config = {
        "strategy": {"mode": "fallback"},
        "request_timeout": 1500,
        "targets": [model("a", request_timeout=200), model("b")],
    }
    assert [stage.timeout_s for stage in planned(config).stages] == [0.2, 1.5]
    request = EditRequest("p", (), wishes=Wishes(timeout_s=7))
    assert [stage.timeout_s for stage in planned(model("a"), request=request).stages] == [7]


def test_headers_go_where_they_are_meant_to_go() -> None:
    """Those that a target lists, as far as the request has them and they may be passed on."""
    headers = {"x-tenant": "t", "x-other": "o"}
    targets = [model("a", forward_headers=["X-Tenant", "x-absent"]), model("b")]
    first, second = planned({"strategy": {"mode": "fallback"}, "targets": targets}, headers=headers).targets
    assert (first.extra_headers, second.extra_headers) == ({"x-tenant": "t"}, {})


def test_a_config_needs_no_provider() -> None:
    """The models of this server are known by their names."""
    config = {"strategy": {"mode": "fallback"}, "targets": [{"override_params": {"model": "c"}}, {"retry": {"attempts": 1}}]}
    made = planned(config, request=EditRequest("p", (), model="b"))
    assert [stage.model for stage in made.stages] == ["c", "b"]


def test_each_target_has_its_own_key() -> None:
    """A key is sent to its own target alone; where there is none, this server's own is asked."""
    config = {"strategy": {"mode": "fallback"}, "targets": [model("x", api_key="sk-1"), model("y", api_key="sk-2"), model("a")]}
    assert [(target.id, target.api_key) for target in planned(config).targets] == [(None, "sk-1"), (None, "sk-2"), ("a", None)]
