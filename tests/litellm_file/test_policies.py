"""From LiteLLM's settings to policies."""

import pytest

from streamedit.failures import Kind
from streamedit.litellm_file.policies import Policies, redis_url_of
from streamedit.litellm_file.sections import LiteLLMSettings, RouterSettings
from streamedit.routing import Policy
from streamedit.strategies import Strategy


def policy(settings: dict[str, object], model: str = "m", retries_by_target: dict[str, int] | None = None) -> Policy:
    """A model's, under `router_settings`."""
    return Policies(RouterSettings.model_validate(settings), 30).of(model, retries_by_target or {})


def test_the_defaults_are_litellms() -> None:
    """By lot, two retries, five seconds of cooldown after more than three failures of a minute."""
    default = policy({})
    assert (default.strategy, default.retries, default.retries_by_kind) == (Strategy.SIMPLE_SHUFFLE, 2, {})
    assert (default.cooling.cooldown_s, default.cooling.allowed_fails, default.cooling.allowed_by_kind) == (5, 3, {})


@pytest.mark.parametrize(
    ("named", "strategy"),
    [
        ("ordered", Strategy.ORDERED),
        ("simple-shuffle", Strategy.SIMPLE_SHUFFLE),
        ("least-busy", Strategy.LEAST_BUSY),
        ("latency-based-routing", Strategy.LATENCY),
        ("cost-based-routing", Strategy.COST),
        ("usage-based-routing", Strategy.USAGE),
        ("usage-based-routing-v2", Strategy.USAGE),
    ],
)
def test_each_strategy_has_litellms_name(named: str, strategy: Strategy) -> None:
    """The long names and the short ones."""
    assert policy({"routing_strategy": named}).strategy is strategy


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"BadRequestErrorRetries": 1}, {Kind.BAD_REQUEST: 1, Kind.CONTENT_POLICY: 1}),
        ({"BadRequestErrorRetries": 1, "ContentPolicyViolationErrorRetries": 0}, {Kind.BAD_REQUEST: 1, Kind.CONTENT_POLICY: 0}),
        ({"AuthenticationErrorRetries": 3}, {Kind.AUTHENTICATION: 3}),
        ({"TimeoutErrorRetries": 3}, {Kind.TIMEOUT: 3}),
        ({"NotFoundErrorRetries": 3}, {Kind.NOT_FOUND: 3}),
        ({"ServiceUnavailableErrorRetries": 3}, {Kind.INTERNAL: 3}),
        ({"ServiceUnavailableErrorRetries": 3, "InternalServerErrorRetries": 1}, {Kind.INTERNAL: 1}),
        ({"RateLimitErrorRetries": None}, {}),
    ],
)
def test_a_retry_policy_is_by_kind(counts: dict[str, int | None], expected: dict[Kind, int]) -> None:
    """LiteLLM's errors are this server's kinds; what a moderation blocks is a bad request unless it is said otherwise."""
    assert policy({"retry_policy": counts}).retries_by_kind == expected


def test_what_a_retry_policy_says_of_all_others_counts_most() -> None:
    """More than `num_retries`, the router's and a target's; a caller's own mistakes are not retried for it."""
    settings: dict[str, object] = {"num_retries": 5, "retry_policy": {"DefaultRetries": 1}}
    found = policy(settings, retries_by_target={"t": 4})
    assert (found.retries, found.retries_by_target) == (1, {})
    assert found.retries_of(Kind.BAD_REQUEST) == 0


def test_a_model_may_have_a_retry_policy_of_its_own() -> None:
    """It replaces the other one whole."""
    settings: dict[str, object] = {
        "retry_policy": {"TimeoutErrorRetries": 1, "RateLimitErrorRetries": 1},
        "model_group_retry_policy": {"own": {"TimeoutErrorRetries": 9}},
    }
    assert policy(settings, "own").retries_by_kind == {Kind.TIMEOUT: 9}
    assert policy(settings).retries_by_kind == {Kind.TIMEOUT: 1, Kind.RATE_LIMIT: 1}


def test_zero_is_a_number() -> None:
    """No retry, no failure allowed, no cooldown."""
    found = policy({"num_retries": 0, "allowed_fails": 0, "cooldown_time": 0})
    assert (found.retries, found.cooling.allowed_fails, found.cooling.cooldown_s) == (0, 0, 0)


def test_one_section_fills_the_gaps_of_the_other() -> None:
    """`router_settings` goes first; an empty list says nothing."""
    router = RouterSettings.model_validate({"num_retries": 0, "fallbacks": []})
    litellm = LiteLLMSettings.model_validate(
        {"num_retries": 7, "allowed_fails": 9, "request_timeout": 60, "fallbacks": [{"a": ["b"]}], "max_fallbacks": 1}
    )
    both = router.over(litellm)
    assert (both.num_retries, both.allowed_fails, both.timeout, both.max_fallbacks) == (0, 9, 60, 1)
    assert both.fallbacks == [{"a": ["b"]}]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, None),
        ({"redis_url": "redis://a"}, "redis://a"),
        ({"redis_host": "h"}, "redis://h:6379"),
        ({"redis_host": "h", "redis_port": "1", "redis_password": "a/b", "redis_db": 2}, "redis://:a%2Fb@h:1/2"),
        ({"redis_port": 1}, None),
    ],
)
def test_a_redis_may_be_named_in_parts(settings: dict[str, object], url: str | None) -> None:
    """A password may have any characters."""
    assert redis_url_of(RouterSettings.model_validate(settings)) == url
