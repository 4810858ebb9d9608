"""What Portkey's headers say."""

import json
from typing import Any

import pytest

from streamedit.edits import EditRequest, Wishes
from streamedit.errors import InvalidRequest
from streamedit.portkey.configs import Config, Retry
from streamedit.portkey.headers import Asked, forwarded, read


def asked(own_key: str | None = None, /, **headers: Any) -> Asked:
    """As read of headers, written here without their prefix; there is an `x-a`, too."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in headers.items()}
    found = read({"x-a": "1", **{f"x-portkey-{name.replace('_', '-')}": text for name, text in texts.items()}}, own_key, {})
    assert found is not None
    return found


def config_of(found: Asked) -> Config:
    """The config, which there is."""
    assert found.config is not None
    return found.config


def test_without_them_nothing_is_said() -> None:
    """A request of anybody else is none of Portkey's."""
    assert read({"authorization": "Bearer k", "x-litellm-tags": "a"}, "k", {}) is None


def test_a_provider_is_enough() -> None:
    """It is a config by itself, with the caller's key and account."""
    config = config_of(asked("sk-caller", provider="openai", openai_organization="org", unheard_of="x"))
    assert config == Config(provider="openai", api_key="sk-caller", openai_organization="org")
    assert config_of(asked(virtual_key="openai")).virtual_key == "openai"


def test_without_provider_and_config_the_model_decides() -> None:
    """portkey-ai sends headers of its own with everything, an empty key too; `@provider/model` names the provider."""
    found = asked("k", api_key="", package_version="portkey-2.3.4", strict_open_ai_compliance="false")
    assert found.config is None
    assert found.config_of(EditRequest("p", (), model="m")) is None
    assert found.config_of(EditRequest("p", (), model="@openai/m")) is found.root


@pytest.mark.parametrize("name", ["custom_host", "azure_resource_name"])
def test_what_needs_a_provider(name: str) -> None:
    """Portkey's words for one that is missing."""
    with pytest.raises(InvalidRequest, match=r"^Either x-portkey-config or x-portkey-provider header is required$"):
        asked(**{name: "h"})


def test_headers_beside_a_config() -> None:
    """Host and time go before the config's; retries are the config's, else the header's, else none."""
    config = {"provider": "openai", "custom_host": "http://a", "request_timeout": 1, "retry": {"attempts": 1}}
    found = config_of(asked("sk-caller", config=config, custom_host="http://b", request_timeout="2500", retry_count="4"))
    assert (found.custom_host, found.request_timeout, found.retry) == ("http://b", 2500, Retry(attempts=1))
    assert found.api_key == "sk-caller"
    assert config_of(asked(config={"provider": "openai"}, retry_count="4")).retry == Retry(attempts=4)
    assert config_of(asked(config={"provider": "openai"})).retry == Retry(attempts=0)


def test_a_provider_beside_a_config() -> None:
    """It is for a config that names none; the key beside another provider's name is not for the config's."""
    assert config_of(asked("k", config={"retry": {"attempts": 1}}, provider="openai")).provider == "openai"
    other = config_of(asked("sk-openai", config={"provider": "stability-ai"}, provider="openai"))
    assert (other.provider, other.api_key) == ("stability-ai", None)
    same = config_of(asked("sk-openai", config={"provider": "@openai"}, provider="openai"))
    assert (same.provider, same.api_key) == ("@openai", "sk-openai")


def test_a_key_beside_targets_is_for_none_of_them() -> None:
    """Each of them has its own, or this server's."""
    config = {"strategy": {"mode": "fallback"}, "targets": [{"provider": "openai"}, {"provider": "stability-ai"}]}
    found = config_of(asked("sk-openai", config=config, provider="openai"))
    assert (found.api_key, [target.api_key for target in found.targets]) == (None, [None, None])


@pytest.mark.parametrize("nested", [False, True])
def test_a_stored_key_goes_where_its_config_says(nested: bool) -> None:
    """The headers of a caller say neither the host nor the account of a key that is not the caller's; time and retries, yes."""
    key = Config(provider="azure", api_key="sk-house")
    stored = Config.model_validate({"strategy": {"mode": "single"}, "targets": [key]}) if nested else key
    headers = {
        "config": "pc-house", "custom-host": "https://eu.example", "azure-resource-name": "mine", "openai-organization": "mine",
        "request-timeout": "1000", "retry-count": "2",
    }  # fmt: skip
    found = read({f"x-portkey-{name}": text for name, text in headers.items()}, "sk-caller", {"pc-house": stored})
    assert found is not None
    assert config_of(found) == stored.model_copy(update={"request_timeout": 1000.0, "retry": Retry(attempts=2)})


def test_wishes() -> None:
    """What is to be done whoever is asked; what is not said stays as it was."""
    before = Wishes(retries=9, timeout_s=9, headers={"x-b": "2"}, metadata={"c": "3"}, trace_id="t0")
    assert asked(provider="openai").wished(before) == before
    found = asked(
        retry_count="7", request_timeout="1500", trace_id="t1", metadata={"a": "b", "n": 1, "no": None},
        forward_headers="x_a, X-Absent,",
    )  # fmt: skip
    wishes = Wishes(
        retries=5, timeout_s=1.5, headers={"x-b": "2", "x-a": "1"}, metadata={"c": "3", "a": "b", "n": "1"}, trace_id="t1"
    )
    assert found.wished(before) == wishes


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("retry_count", "many"),
        ("retry_count", "-1"),
        ("request_timeout", "0"),
        ("request_timeout", "soon"),
        ("request_timeout", "1e999"),
        ("metadata", "{"),
        ("metadata", "[]"),
        ("metadata", '{"a":{"b":1}}'),
        ("metadata", json.dumps({"a": "x" * 8192})),
        ("metadata", '{"a":' * 1500),
        ("trace_id", "t" * 257),
        ("trace_id", "tä"),
        ("azure_resource_name", "a.b"),
        ("default_input_guardrails", '[{"pii":true}]'),
        ("config", "{"),
    ],
)
def test_what_cannot_be_read(name: str, value: str) -> None:
    """A 400 that names the header."""
    with pytest.raises(InvalidRequest) as caught:
        asked(**{"provider": "openai", name: value})
    assert (caught.value.detail.status, caught.value.detail.param) == (400, f"x-portkey-{name.replace('_', '-')}")


def test_what_is_passed_on() -> None:
    """The headers that are there, whatever their case."""
    assert forwarded({"x-a": "1", "x-b": "2"}, ["X-A", "x-c"]) == {"x-a": "1"}


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "cookie", "host", "content-length", "x-forwarded-for"])
def test_what_is_not_passed_on(name: str) -> None:
    """Credentials, and what is HTTP's own: a 400 that names the header, whether it is there or not."""
    with pytest.raises(InvalidRequest, match=f"{name.lower()} is not forwarded"):
        forwarded({}, [name])
