"""OpenRouter: many providers behind one key. `api: images` (by itself) or `api: chat` says which of its APIs is used.

Neither takes a mask.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from streamedit.edits import EditRequest
from streamedit.events import Event
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.openrouter import chat, images
from streamedit.targets import Setup, Target

FAMILIES: Mapping[str, Capabilities] = {
    "openrouter/openai/*": images.OPENAI,
    "openrouter/*": images.OTHERS,
    "openrouter/* (api: chat)": chat.CAPABILITIES,
}


def _mistake(target: Target) -> str | None:
    return None if target.params.get("api") in (None, "images", "chat") else "api must be images or chat"


SETUP = Setup(
    environment={
        "api_key": ("OPENROUTER_API_KEY",),
        "api_base": ("OPENROUTER_API_BASE", "OPENROUTER_BASE_URL"),
        "site_url": ("OR_SITE_URL",),
        "app_name": ("OR_APP_NAME",),
    },
    params=frozenset({"api", "site_url", "app_name"} | {name for family in FAMILIES.values() for name in family.extras}),
    mistake=_mistake,
    models=(
        "openai/gpt-image-2",
        "openai/gpt-image-2.5-sunburst",
        "google/gemini-nano-banana-2.1",
        "black-forest-labs/flux-3-image",
        "black-forest-labs/flux.2-pro",
        "bytedance-seed/seedream-4.5",
    ),
)


class OpenRouter:
    """The provider `openrouter`."""

    def __init__(self, tools: Tools) -> None:
        self._images = images.Images(tools)
        self._chat = chat.Chat(tools)

    def capabilities(self, target: Target) -> Capabilities:
        return self._api(target).capabilities(target)

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        async with aclosing(self._api(target).edit(request, target)) as events:
            async for event in events:
                yield event

    def _api(self, target: Target) -> images.Images | chat.Chat:
        return self._chat if target.params.get("api") == "chat" else self._images
