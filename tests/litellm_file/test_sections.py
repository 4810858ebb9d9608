"""The types of LiteLLM's keys."""

from pathlib import Path

import pytest
from configurations import MINIMAL, mistakes_of

from streamedit.litellm_file.sections import Prices, RouterSettings, split
from streamedit.pricing import OVERRIDES


@pytest.mark.parametrize(
    ("model", "provider", "place"),
    [
        ("openai/gpt-image-2", None, ("openai", "gpt-image-2")),
        ("gpt-image-2", None, ("openai", "gpt-image-2")),
        ("dall-e-2", None, ("openai", "dall-e-2")),
        ("openrouter/openai/gpt-5-image", None, ("openrouter", "openai/gpt-5-image")),
        ("darkroom", None, ("darkroom", "darkroom")),
        ("my/model", "openai", ("openai", "my/model")),
        ("openai/model", "openai", ("openai", "model")),
    ],
)
def test_a_model_is_written_with_its_provider(model: str, provider: str | None, place: tuple[str, str]) -> None:
    """In one, or beside it in `custom_llm_provider`; OpenAI's image models alone need none."""
    assert split(model, provider) == place


def test_all_prices_are_read() -> None:
    """Those that the prices know by LiteLLM's names."""
    assert set(Prices.model_fields) == OVERRIDES


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "router_settings: {routing_strategy: random}",
            "router_settings.routing_strategy: no such strategy; there are: ordered, ",
        ),
        ("router_settings: {num_retries: -1}", "router_settings.num_retries: Input should be greater than or equal to 0"),
        ("router_settings: {num_retries: many}", "router_settings.num_retries: Input should be a valid integer"),
        ("router_settings: {fallbacks: [mock]}", "router_settings.fallbacks[0]: Input should be a valid dictionary"),
        ("router_settings: {fallbacks: [{mock: mock}]}", "router_settings.fallbacks[0].mock: Input should be a valid list"),
        ("router_settings: {redis_url: nowhere}", "router_settings.redis_url: must begin with redis://, rediss:// or unix://"),
        ("litellm_settings: {drop_params: perhaps}", "litellm_settings.drop_params: Input should be a valid boolean"),
        ("credential_list: [{credential_name: a}]", "credential_list[0].credential_values: Field required"),
        ("general_settings: 5", "general_settings: Input should be "),
    ],
)
def test_a_wrong_value_is_a_mistake(tmp_path: Path, line: str, told: str) -> None:
    """With its line."""
    [mistake] = mistakes_of(tmp_path, f"{MINIMAL}{line}\n")
    assert f"streamedit.yaml:4: {told}" in mistake


@pytest.mark.parametrize(
    "value",
    ["rpm: lots", "input_cost_per_token: cheap", "timeout: -1", "weight: .nan", "rpm: .inf", "tags: paid", "num_retries: 1.5"],
)
def test_a_wrong_value_of_an_entry_is_a_mistake(tmp_path: Path, value: str) -> None:
    """When the server starts, not when somebody asks for the model."""
    [mistake] = mistakes_of(tmp_path, MINIMAL.replace("mock/mock", f"mock/mock, {value}"))
    assert f"streamedit.yaml:3: model_list[0].litellm_params.{value.partition(':')[0]}" in mistake


def test_a_section_shows_no_password() -> None:
    """Settings may be printed."""
    assert repr(RouterSettings(redis_password="hidden", redis_url="redis://:hidden@h")) == "RouterSettings()"
