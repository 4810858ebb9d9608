"""Portkey's names of providers."""

import pytest

from streamedit.portkey import names
from streamedit.providers import CATALOGUE


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("openai", "openai"),
        ("@openai", "openai"),
        ("azure-openai", "azure"),
        ("azure-ai", "azure_ai"),
        ("google", "gemini"),
        ("vertex-ai", "vertex_ai"),
        ("bedrock", "bedrock"),
        ("stability-ai", "stability"),
        ("x-ai", "xai"),
        ("openrouter", "openrouter"),
        ("recraft-ai", "recraft"),
        ("fal-ai", "fal_ai"),
    ],
)
def test_their_names(theirs: str, ours: str) -> None:
    """Each of Portkey's names is one provider here, and is what Portkey's clients are told."""
    assert names.ours(theirs) == ours
    assert ours in CATALOGUE
    assert names.theirs(ours) == theirs.removeprefix("@")


@pytest.mark.parametrize("provider", CATALOGUE)
def test_own_names(provider: str) -> None:
    """This server's own names do as well, and what is told can be asked for."""
    assert names.ours(provider) == provider
    assert names.ours(names.theirs(provider)) == provider
