"""Whose account and whose host a caller may use."""

from dataclasses import replace

import pytest

from streamedit.errors import CallerError, InvalidRequest, NotFound
from streamedit.portkey.configs import Config
from streamedit.portkey.offers import Offers, origin
from streamedit.providers import available
from streamedit.routes import Route, Routes, Rules
from streamedit.targets import Target

HOUSE = Target("openai", "gpt-image-2", "sk-house", "http://10.0.0.1:8000/v1", {"organization": "org-house"}, id="1")
SPARE = replace(HOUSE, api_base="http://10.0.0.2:8000/v1", id="2")
AZURE = Target("azure", "deployment", "az-house", "https://house.openai.azure.com", id="3")
ROUTES = Routes(
    [
        Route("fast", (replace(HOUSE, model="gpt-image-2-mini", id="4"),)),
        Route("good", (HOUSE, AZURE, SPARE)),
        Route("gemini/*", (Target("gemini", "*", "g-house", id="5"),)),
    ],
    "good",
)
CLOSED = Offers(ROUTES, available())
OPEN = replace(CLOSED, callers_keys=frozenset(available()), custom_hosts=frozenset({"https://eu.example", "http://lan:9000"}))


def ids(offers: Offers, config: Config, model: str | None = None) -> list[str | None]:
    """The targets that are offered."""
    return [target.id for target in offers.find(config, model).targets]


@pytest.mark.parametrize(
    ("provider", "model", "found"),
    [
        ("openai", None, ["1", "2"]),
        ("@openai", "good", ["1", "2"]),
        ("openai", "fast", ["4"]),
        ("openai", "gpt-image-2-mini", ["4"]),
        ("azure-openai", None, ["3"]),
        ("azure", "good", ["3"]),
        ("google", "gemini-3-pro-image", ["5"]),
        ("google", "gemini/gemini-3-pro-image", ["5"]),
        ("google", None, ["5"]),
        (None, "fast", ["4"]),
        (None, None, ["1", "3", "2"]),
        (None, "@azure-openai/good", ["3"]),
        ("google", "@openai/fast", ["4"]),
    ],
)
def test_configured_targets(provider: str | None, model: str | None, found: list[str]) -> None:
    """The model's targets at that provider; without a model those of the default one, or of the provider's first."""
    assert ids(CLOSED, Config(provider=provider), model) == found
    assert ids(CLOSED, Config(virtual_key=provider), model) == found


def test_a_star_stands_for_the_providers_own_first_model() -> None:
    """Where nothing else is named."""
    assert CLOSED.find(Config(provider="google"), None).targets[0].model == "gemini-3.1-flash-image"
    everything = Offers(Routes([Route("house/*", (Target("xai", "*"),))], None), available())
    assert everything.find(Config(provider="x-ai"), None).targets[0].model == "grok-imagine-image-2.0"


@pytest.mark.parametrize(
    ("config", "model", "told", "kind"),
    [
        (Config(provider="anthropic"), None, "Invalid provider passed", InvalidRequest),
        (Config(virtual_key="openai-prod-1"), None, "Invalid provider passed", InvalidRequest),
        (Config(provider="stability-ai"), None, "This server has no model of 'stability-ai'", InvalidRequest),
        (Config(provider="openai"), "other", "'openai' has no model 'other' here.", NotFound),
        (Config(provider="azure-openai"), "fast", "'azure-openai' has no model 'fast' here.", NotFound),
        (Config(), "other", "The model 'other' does not exist here.", NotFound),
    ],
)
def test_nobody(config: Config, model: str | None, told: str, kind: type[CallerError]) -> None:
    """A provider or model that is not here is said."""
    with pytest.raises(kind, match=told):
        CLOSED.find(config, model)


def test_a_callers_key_where_it_is_not_allowed() -> None:
    """It is not used for anything: the configured target is."""
    assert ids(CLOSED, Config(provider="openai", api_key="sk-caller"), "fast") == ["4"]
    others = replace(OPEN, callers_keys=frozenset({"gemini"}))
    assert ids(others, Config(provider="openai", api_key="sk-caller"), "fast") == ["4"]


def test_a_callers_key_where_it_is_allowed() -> None:
    """The caller's account at the provider's own address, with nothing of this server's, and no health kept of it."""
    config = Config(provider="openai", api_key="sk-caller", openai_organization="org-caller")
    assert OPEN.find(config, "gpt-image-9").targets == (
        Target("openai", "gpt-image-9", "sk-caller", None, {"organization": "org-caller"}, is_callers=True),
    )
    assert OPEN.find(config, None).model == "gpt-image-2"
    assert ids(OPEN, Config(provider="openai"), "fast") == ["4"]


def test_a_key_for_one_provider_goes_to_no_other() -> None:
    """A model `@provider/model` may name another one than the config that has the key: that is asked with what it has here."""
    config = Config(provider="openai", api_key="sk-caller")
    [target] = OPEN.find(config, "@google/gemini-3-pro-image").targets
    assert (target.id, target.api_key) == ("5", "g-house")
    [target] = OPEN.find(config, "@openai/gpt-image-2").targets
    assert target.api_key == "sk-caller"


def test_tags_choose_among_targets() -> None:
    """Where they do without a config, they do with one."""
    routes = Routes([Route("m", (tagged("a", "eu"), tagged("b", "us"), tagged("c", "us")))], "m", Rules(filters_tags=True))
    offers = Offers(routes, available())
    for config in (Config(), Config(provider="openai")):
        assert [target.id for target in offers.find(config, "m", ("us",)).targets] == ["b", "c"]
        with pytest.raises(InvalidRequest, match="No target of 'm'"):
            offers.find(config, "m", ("asia",))
    other = Offers(Routes([Route("m", (tagged("a", "eu"), AZURE))], "m", Rules(filters_tags=True)), available())
    with pytest.raises(InvalidRequest, match="this request's tags"):
        other.find(Config(provider="azure"), "m", ("eu",))


def tagged(target_id: str, *tags: str) -> Target:
    """A target for those tags."""
    return Target("openai", "m", id=target_id, params={"tags": list(tags)})


def test_accounts_of_several_parts() -> None:
    """Azure's resource and deployment, AWS' keys."""
    azure = Config(provider="azure-openai", api_key="k", azure_resource_name="mine", azure_deployment_id="d")
    [target] = OPEN.find(azure.model_copy(update={"azure_api_version": "2025-04-01-preview"}), "ignored").targets
    assert (target.model, target.api_base) == ("d", "https://mine.openai.azure.com")
    assert target.params == {"api_version": "2025-04-01-preview"}
    aws = Config(provider="bedrock", aws_access_key_id="AKIA1", aws_secret_access_key="s" * 8, aws_region="us-west-2")
    [target] = OPEN.find(aws, None).targets
    assert target.params["aws_region_name"] == "us-west-2"
    assert "s" * 8 in target.secrets
    with pytest.raises(InvalidRequest, match="api_base is missing"):
        OPEN.find(Config(provider="azure-openai", api_key="k"), "d")


def test_a_custom_host_for_a_callers_key() -> None:
    """Only an allowed origin, whatever the path; never with this server's key."""
    config = Config(provider="openai", api_key="sk-caller", custom_host="https://eu.example:443/v1")
    [target] = OPEN.find(config, "m").targets
    assert (target.api_base, target.api_key) == ("https://eu.example:443/v1", "sk-caller")
    for host in ("https://eu.example:444", "http://eu.example", "https://eu.example.evil.example", "http://10.0.0.1:8000/v1"):
        with pytest.raises(InvalidRequest, match=r"^Invalid custom host$"):
            OPEN.find(config.model_copy(update={"custom_host": host}), "m")


def test_a_custom_host_for_this_servers_key() -> None:
    """Only where a configured target is: it chooses among them, and changes no address."""
    config = Config(provider="openai", custom_host="http://10.0.0.2:8000/elsewhere")
    assert OPEN.find(config, "good").targets == (SPARE,)
    for host in ("https://eu.example", "http://10.0.0.3:8000", "http://10.0.0.2:8001"):
        with pytest.raises(InvalidRequest, match=r"^Invalid custom host$"):
            OPEN.find(config.model_copy(update={"custom_host": host}), "good")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://A.example/v1?x", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:443", "http://a.example:443"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_origins(url: str, expected: str) -> None:
    """As a browser names them."""
    assert origin(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "a.example", "file:///etc/passwd", "http://", "http://u@a.example", "http://a.example:x", "http://[::1", "http://a\n"],
)
def test_no_origins(url: str) -> None:
    """What is no plain address has none."""
    with pytest.raises(InvalidRequest, match=r"^Invalid custom host$"):
        origin(url)
