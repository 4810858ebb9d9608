"""Gemini's image models at AI Studio: `POST {api_base}/models/{model}:streamGenerateContent?alt=sse`.

Source: ai.google.dev and google-genai 3.4 (facts of 2026-11-20). No model takes a mask, a format or a transparent background.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from streamedit.edits import EditRequest
from streamedit.events import Event
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.google.call import METHOD, GenerateContent, Place, method_url
from streamedit.providers.google.dialect import AI_STUDIO, mistake
from streamedit.targets import Setup, Target

API_BASE = "https://generativelanguage.googleapis.com/v1beta"

SETUP = Setup(
    environment={"api_key": ("GEMINI_API_KEY", "GOOGLE_API_KEY"), "api_base": ("GEMINI_API_BASE",)},
    params=AI_STUDIO.params,
    mistake=mistake,
    models=("gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-3.1-flash-lite-image"),
)
FAMILIES = AI_STUDIO.families("gemini")


class Gemini:
    """The provider `gemini`."""

    def __init__(self, tools: Tools) -> None:
        self._calls = GenerateContent(tools, AI_STUDIO)

    def capabilities(self, target: Target) -> Capabilities:
        return self._calls.capabilities(target)

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        url = method_url(target.api_base or API_BASE, target.model, METHOD)
        headers = {"x-goog-api-key": target.api_key} if target.api_key else {}
        async with aclosing(self._calls.edit(request, target, Place(url, headers))) as events:
            async for event in events:
                yield event
