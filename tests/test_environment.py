"""Keys in the environment bring routes."""

from configurations import PROVIDERS

from streamedit.environment import routes_of
from streamedit.litellm_file.policies import Policies
from streamedit.litellm_file.sections import RouterSettings

POLICIES = Policies(RouterSettings(num_retries=4), 30)


def test_a_key_brings_its_providers_models_and_pattern() -> None:
    """OpenAI's by the names that everybody knows, others by the prefix; all under the same settings."""
    routes = list(routes_of({"OPENAI_API_KEY": "sk", "XAI_API_KEY": "xk"}, PROVIDERS, POLICIES))
    names = {route.model for route in routes}
    assert {"gpt-image-2", "openai/*", "xai/grok-imagine-image", "xai/*"} <= names
    assert {name.partition("/")[0] for name in names if "/" in name} == {"openai", "openai_responses", "xai"}
    assert {route.policy.retries for route in routes} == {4}


def test_without_a_key_there_is_nothing() -> None:
    """Not even the providers that need none."""
    assert list(routes_of({}, PROVIDERS, POLICIES)) == []
