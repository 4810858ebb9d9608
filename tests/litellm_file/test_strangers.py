"""Which of LiteLLM's models make no images."""

import pytest

from streamedit.litellm_file.sections import split
from streamedit.litellm_file.strangers import is_stranger
from streamedit.providers import CATALOGUE


@pytest.mark.parametrize(
    "model",
    [
        "gpt-4o", "gpt-3.5-turbo", "o3-mini", "text-embedding-3-large", "whisper-1", "tts-1-hd", "claude-sonnet-4", "command-r",
        "openai/gpt-5", "openai/o1", "azure/gpt-4.1", "gemini/gemini-2.5-pro", "vertex_ai/claude-opus-4", "xai/grok-4",
        "bedrock/us.anthropic.claude-opus-4-v1:0", "bedrock/meta.llama3-70b", "bedrock/amazon.nova-lite-v1:0",
        "openrouter/anthropic/claude-opus-4", "hosted_vllm/Qwen/Qwen3-8B", "anthropic/claude", "together_ai/flux",
        "text-completion-codestral/codestral-latest",
    ],
)  # fmt: skip
def test_models_for_other_things_are_known(model: str) -> None:
    """By their provider, or by the family of their name."""
    assert is_stranger(*split(model))


@pytest.mark.parametrize(
    "model",
    [
        "gpt-image-2", "dall-e-2", "chatgpt-image-latest", "openai/gpt-image-1", "openai/*", "openai/my-model",
        "openai/gpt-4o-image", "azure/my-deployment", "gemini/gemini-2.5-flash-image", "gemini/gemini-nano-banana-2.1",
        "vertex_ai/imagen-3.0-capability-001",
        "bedrock/amazon.nova-canvas-v1:0", "bedrock/stability.stable-image-inpaint-v1:0", "xai/grok-imagine-image",
        "hosted_vllm/Qwen/Qwen-Image-Edit", "openrouter/openai/gpt-5-image", "openai_responses/gpt-5", "recraft/recraftv3",
        "nobody/x",
    ],
)  # fmt: skip
def test_models_for_images_are_not_taken_for_others(model: str) -> None:
    """Nor is one that nobody knows: that is a mistake, which must be told."""
    assert not is_stranger(*split(model))


@pytest.mark.parametrize("provider", CATALOGUE)
def test_no_provider_of_this_server_is_a_stranger(provider: str) -> None:
    """Whatever its models are called."""
    assert not is_stranger(provider, "*")


def test_every_model_that_this_server_lists_is_its_own() -> None:
    """None of them looks like another's."""
    assert [model for name, entry in CATALOGUE.items() for model in entry.setup.models if is_stranger(name, model)] == []
