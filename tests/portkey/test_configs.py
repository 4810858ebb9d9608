"""What is a config, and what is not."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from streamedit.errors import InvalidRequest
from streamedit.portkey.configs import RETRIED, Config, Retry, Strategy, parse, refusal

LEAF: dict[str, Any] = {"provider": "openai"}


def told(value: object) -> str:
    """Why a config is refused."""
    with pytest.raises(InvalidRequest) as caught:
        parse(value if isinstance(value, str) else json.dumps(value), {})
    detail = caught.value.detail
    assert (detail.status, detail.param) == (400, "x-portkey-config")
    return detail.message


def test_a_whole_config() -> None:
    """Portkey's keys are read, also as its gateway writes them itself; `cache` and what nobody knows have no effect."""
    config = parse(
        json.dumps(
            {
                "strategy": {"mode": "fallback", "onStatusCodes": [429]},
                "requestTimeout": 1500,
                "cache": {"mode": "simple"},
                "unheard_of": 1,
                "targets": [
                    {"provider": "openai", "api_key": "sk", "retry": {"attempts": 2, "on_status_codes": [500]}, "weight": 0.5},
                    {"provider": "@azure-openai", "override_params": {"model": "m", "keepThisName": True}},
                ],
            }
        ),
        {},
    )
    assert config.strategy == Strategy(mode="fallback", on_status_codes=frozenset({429}))
    assert config.request_timeout == 1500
    first, second = config.targets
    assert (first.retry, first.weight) == (Retry(attempts=2, on_status_codes=frozenset({500})), 0.5)
    assert second.override_params == {"model": "m", "keepThisName": True}


def test_a_stored_config_goes_by_its_name() -> None:
    """A name of this server's; any other is said to be unknown here, and that JSON is taken."""
    stored = Config(provider="openai")
    assert parse("pc-house", {"pc-house": stored}) is stored
    assert told("pc-other") == "There is no config 'pc-other' here: send the config itself, as JSON."


@pytest.mark.parametrize("text", ["{", "house", '{"a":' * 5000, "[" * 100_000])
def test_no_json(text: str) -> None:
    """Portkey's words for it, however deep it is."""
    assert told(text) == "Invalid config passed. You need to pass a valid json"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({}, "It must have 'provider'"),
        ([], "config: Input should be a valid dictionary"),
        ({"provider": 5}, "provider: Input should be a valid string"),
        ({"strategy": {"mode": "random"}, "targets": [LEAF]}, "strategy.mode: Input should be 'single'"),
        ({"strategy": {"mode": "single"}}, "'strategy' and 'targets' belong together"),
        ({"targets": [LEAF]}, "'strategy' and 'targets' belong together"),
        ({"strategy": {"mode": "single"}, "targets": [{"weight": -1}]}, "targets[0].weight"),
        ({"strategy": {"mode": "loadbalance"}, "targets": [{"weight": 0}]}, "some target must have a weight"),
        ({"strategy": {"mode": "conditional"}, "targets": [LEAF]}, "'conditional' needs 'conditions'"),
        (
            {"strategy": {"mode": "conditional", "conditions": [{"query": {}, "then": "b"}]}, "targets": [{"name": "a"}]},
            "there is no target 'b'",
        ),
        ({"retry": {}}, "retry.attempts: Field required"),
        ({"retry": {"attempts": 1, "on_status_codes": [42]}}, "retry.on_status_codes"),
        ({"request_timeout": 0}, "request_timeout"),
        ({"override_params": {"n": 2}}, "override_params cannot replace 'n'"),
        ({"override_params": {"stream": True}}, "override_params cannot replace 'stream'"),
        ({"azure_resource_name": "evil.example/"}, "azure_resource_name"),
        ({"options": []}, "migrate to the latest version"),
    ],
)
def test_no_config(value: object, why: str) -> None:
    """What is wrong is said with its place, behind Portkey's words."""
    message = told(value)
    assert message.startswith("Invalid config passed. ")
    assert why in message


@pytest.mark.parametrize(
    "name",
    [
        "input_guardrails", "output_guardrails", "default_input_guardrails", "before_request_hooks", "after_request_hooks",
        "input_mutators", "inputGuardrails", "beforeRequestHooks",
    ],
)  # fmt: skip
def test_what_is_relied_on_is_not_ignored(name: str) -> None:
    """Guardrails and hooks are refused by their names, anywhere in a config; empty ones ask for nothing."""
    assert f"{name} are not supported here" in told({"provider": "openai", name: ["pii"]})
    assert name in told({"strategy": {"mode": "single"}, "targets": [{name: [{"id": "x"}]}]})
    assert parse(json.dumps({"provider": "openai", name: []}), {}).provider == "openai"


def test_mistakes_quote_no_secret() -> None:
    """Nor does a config that is printed."""
    assert "sk-secret" not in told({"provider": "openai", "api_key": ["sk-secret"], "weight": "sk-secret"})
    assert "sk-secret" not in repr(Config(provider="openai", api_key="sk-secret", aws_secret_access_key="sk-secret"))


@pytest.mark.parametrize("name", ["api_key", "openai_organization", "openai_project", "aws_secret_access_key"])
@pytest.mark.parametrize("value", ["sk-模型-secret", "sk-secret\r\nx-evil: 1"])
def test_an_account_is_what_a_header_can_say(name: str, value: str) -> None:
    """Else it is a mistake of the caller's, which is told without the value."""
    why = told({"provider": "openai", name: value})
    assert why.startswith(f"Invalid config passed. {name}: String should match pattern")
    assert "secret\r" not in why
    assert "sk-" not in why


def test_a_refusal_is_of_a_bounded_length() -> None:
    """However many mistakes there are."""
    with pytest.raises(ValidationError) as caught:
        Config.model_validate({"strategy": {"mode": "single"}, "targets": [{"weight": "x"}] * 1000})
    assert len(refusal(caught.value).detail.message) < 1100


@pytest.mark.parametrize("depth", [1, 5])
def test_targets_are_few(depth: int) -> None:
    """Each of them is looked at before anybody is asked, on the event loop: at most 64, however they are nested."""
    targets: list[object] = [{"provider": "mock"}] * (65 - depth)
    for _ in range(depth):
        targets = [{"strategy": {"mode": "fallback"}, "targets": targets}]
    assert parse(json.dumps(targets[0]), {}).size == 64
    assert told({"strategy": {"mode": "fallback"}, "targets": [targets[0], {"provider": "mock"}]}) == (
        "Invalid config passed. At most 64 targets"
    )


def test_expressions_are_few() -> None:
    """Making them takes time: eight in a config."""
    query = {"$or": [{"metadata.a": {"$regex": "x"}}] * 9}
    config = {"strategy": {"mode": "conditional", "conditions": [{"query": query, "then": "a"}]}, "targets": [{"name": "a"}]}
    assert told(config) == "Invalid config passed. At most 8 regular expressions"
    query["$or"].pop()
    assert parse(json.dumps(config), {}).strategy is not None


@pytest.mark.parametrize(
    ("retry", "count", "statuses"),
    [
        (Retry(attempts=0), 0, None),
        (Retry(attempts=0, on_status_codes=frozenset({500})), 0, None),
        (Retry(attempts=3), 3, RETRIED),
        (Retry(attempts=99, on_status_codes=frozenset({500})), 5, {500}),
    ],
)
def test_retries(retry: Retry, count: int, statuses: frozenset[int] | None) -> None:
    """Five at most; of Portkey's five statuses where no others are named."""
    assert (retry.count, retry.statuses) == (count, statuses)


def test_a_target_inherits() -> None:
    """What it is silent on; parameters are put together, its own first; a provider and its key are never inherited."""
    parent = Config(
        provider="openai", api_key="k", retry=Retry(attempts=1), request_timeout=1, forward_headers=("x-a",),
        custom_host="http://h", override_params={"size": "1x1", "quality": "low"},
    )  # fmt: skip
    target = Config(retry=Retry(attempts=2), override_params={"quality": "high"}).inheriting(parent)
    assert target.retry == Retry(attempts=2)
    assert (target.request_timeout, target.forward_headers, target.custom_host) == (1, ("x-a",), "http://h")
    assert target.override_params == {"size": "1x1", "quality": "high"}
    assert (target.provider, target.api_key) == (None, None)
