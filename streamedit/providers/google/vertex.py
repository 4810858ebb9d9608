"""Vertex AI: Gemini's image models, and Imagen's for as long as they last. Where they are, and as whom they are called.

Sources: google-genai 3.4 (hosts and paths), LiteLLM (names of parameters). An API key means express mode, which knows no
project; else a token of `vertex_credentials` is sent, to a configured `api_base` too.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from streamedit.edits import EditRequest
from streamedit.errors import UpstreamRefused
from streamedit.events import Event
from streamedit.providers.base import Tools
from streamedit.providers.capabilities import Capabilities
from streamedit.providers.google import dialect, imagen
from streamedit.providers.google.call import METHOD, GenerateContent, Place, method_url
from streamedit.providers.google.dialect import VERTEX
from streamedit.targets import Setup, Target
from streamedit.wire import bodies

if TYPE_CHECKING:
    from streamedit.providers.google.tokens import GoogleTokens

HOST = "aiplatform.googleapis.com"

_MULTI_REGIONS = ("us", "eu")
_NAME = re.compile(r"[a-z0-9][a-z0-9.:-]*")
_VERSIONED = re.compile(r"/v\d\w*$")


def _mistake(target: Target) -> str | None:
    for name in ("vertex_project", "vertex_location"):
        if target.text(name) and not _NAME.fullmatch(str(target.text(name))):
            return f"{name} must be a name of letters, digits and dashes"
    if not target.api_key and not _has_google_auth():
        return "needs google-auth: pip install 'streamedit[vertex]', or an api_key"
    return dialect.mistake(target)


def _has_google_auth() -> bool:
    return find_spec("google") is not None and find_spec("google.auth") is not None


SETUP = Setup(
    environment={
        "vertex_project": ("VERTEXAI_PROJECT", "GOOGLE_CLOUD_PROJECT"),
        "vertex_location": ("VERTEXAI_LOCATION", "VERTEX_LOCATION"),
        "vertex_credentials": ("VERTEXAI_CREDENTIALS", "GOOGLE_APPLICATION_CREDENTIALS"),
    },
    params=VERTEX.params | imagen.PARAMS | {"vertex_project", "vertex_location", "vertex_credentials"},
    mistake=_mistake,
    models=("gemini-3.1-flash-image", "gemini-3-pro-image", "gemini-3.1-flash-lite-image"),
)
FAMILIES = {**{f"vertex_ai/{pattern}": imagen.CAPABILITIES for pattern in imagen.MODELS}, **VERTEX.families("vertex_ai")}


class VertexAI:
    """The provider `vertex_ai`."""

    def __init__(self, tools: Tools) -> None:
        self._gemini = GenerateContent(tools, VERTEX)
        self._imagen = imagen.Imagen(tools)

    def capabilities(self, target: Target) -> Capabilities:
        return imagen.CAPABILITIES if imagen.is_imagen(target.model) else self._gemini.capabilities(target)

    async def edit(self, request: EditRequest, target: Target) -> AsyncGenerator[Event]:
        target, place = await self._place(target)
        calls = self._imagen if imagen.is_imagen(target.model) else self._gemini
        async with aclosing(calls.edit(request, target, place)) as events:
            async for event in events:
                yield event

    @cached_property
    def _tokens(self) -> "GoogleTokens":
        from streamedit.providers.google.tokens import GoogleTokens  # noqa: PLC0415 - an optional extra

        return GoogleTokens()

    async def _place(self, target: Target) -> tuple[Target, Place]:
        """Where the call goes to; the target with its token, so that nobody gets to see that. Raises UpstreamError."""
        if target.api_key:
            return target, Place(place_of(target, None), {"x-goog-api-key": target.api_key})
        token = await self._tokens.token(target.params.get("vertex_credentials"))
        project = target.text("vertex_project") or token.project
        if project is None:
            told = {"message": "vertex_project is not configured on this server.", "code": "upstream_unauthorized"}
            raise UpstreamRefused(bodies.refusal(502, told, {}))
        headers = {"authorization": f"Bearer {token.text}"}
        if token.quota_project:
            headers["x-goog-user-project"] = token.quota_project
        return replace(target, api_key=token.text), Place(place_of(target, project), headers)


def place_of(target: Target, project: str | None) -> str:
    """The URL of a target's calls; without a project it is that of express mode.

    A configured base may end with its version, with a publisher, a model or a method; what is missing is added. Raises
    NotFound.
    """
    where = f"/projects/{project}/locations/{_location(target)}" if project else ""
    path = f"{where}/publishers/google"
    base = (target.api_base or _base(target)).rstrip("/")
    if "/publishers/" not in base:
        base += path if _VERSIONED.search(base) else f"/v1{path}"
    return method_url(base, target.model, imagen.METHOD if imagen.is_imagen(target.model) else METHOD)


def _base(target: Target) -> str:
    location = "global" if target.api_key else _location(target)
    if location == "global":
        return f"https://{HOST}"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-{HOST}"


def _location(target: Target) -> str:
    return target.text("vertex_location") or ("us-central1" if imagen.is_imagen(target.model) else "global")
