"""How Portkey's clients name the providers."""

_OURS = {
    "azure-openai": "azure",
    "google": "gemini",
    "recraft-ai": "recraft",
    "stability-ai": "stability",
    "x-ai": "xai",
}
"""Portkey's names -> this server's, where they differ in more than hyphens."""

_THEIRS = {ours: theirs for theirs, ours in _OURS.items()}


def ours(name: str) -> str:
    """A provider as this server names it; newer clients write `@` before it."""
    plain = name.removeprefix("@").lower()
    return _OURS.get(plain, plain.replace("-", "_"))


def theirs(provider: str) -> str:
    """A provider as Portkey names it."""
    return _THEIRS.get(provider, provider.replace("_", "-"))
