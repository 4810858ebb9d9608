"""Bearer tokens of Microsoft Entra ID for a client's credentials, each kept until it is about to expire.

Source: Microsoft identity platform, OAuth 2.0 client credentials flow:
`POST {authority}/{tenant}/oauth2/v2.0/token`, a form, answered with `access_token` and `expires_in` in seconds.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import quote, urlencode

from streamedit.errors import UpstreamRefused
from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.calls import Api
from streamedit.targets import Target
from streamedit.upstream.client import Call
from streamedit.wire import bodies

AUTHORITY = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"
PARAMS = frozenset({"azure_ad_token", "tenant_id", "client_id", "client_secret", "azure_scope", "azure_authority_host"})
ENVIRONMENT = {
    "azure_ad_token": ("AZURE_AD_TOKEN",),
    "tenant_id": ("AZURE_TENANT_ID",),
    "client_id": ("AZURE_CLIENT_ID",),
    "client_secret": ("AZURE_CLIENT_SECRET",),
    "azure_scope": ("AZURE_SCOPE",),
    "azure_authority_host": ("AZURE_AUTHORITY_HOST",),
}

_CLIENT = ("tenant_id", "client_id", "client_secret")
_EARLY_S = 300.0
"""A token is renewed so long before its end, or at half its life where that is shorter: edits take minutes."""

_Client: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    renewed_at_s: float


class EntraTokens:
    """Gives targets their bearer token, as the parameter `azure_ad_token`."""

    def __init__(self, tools: Tools) -> None:
        self._api = Api(tools, _explain)
        self._now_s = tools.now_s
        self._tokens: dict[_Client, _Token] = {}
        self._turns: defaultdict[_Client, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def authorized(self, target: Target) -> Target:
        """The target with a token; as it is where it has a key or a token of its own. Raises UpstreamError."""
        if target.api_key or target.text("azure_ad_token"):
            return target
        client = tuple(map(target.text, (*_CLIENT, "azure_scope", "azure_authority_host")))
        async with self._turns[client]:
            token = self._tokens.get(client)
            if token is None or token.renewed_at_s <= self._now_s():
                token = self._tokens[client] = await self._fetched(target)
        return replace(target, params={**target.params, "azure_ad_token": token.text})

    async def _fetched(self, target: Target) -> _Token:
        authority = (target.text("azure_authority_host") or AUTHORITY).rstrip("/")
        url = f"{authority}/{quote(target.text('tenant_id') or '', safe='')}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": target.text("client_id") or "",
            "client_secret": target.text("client_secret") or "",
            "scope": target.text("azure_scope") or SCOPE,
        }
        asked_at_s = self._now_s()
        # What the configuration adds to the provider's calls is not for the authority.
        plain = replace(target, params={**target.params, "extra_headers": None, "headers": None})
        answer = await self._api.ask(Call("POST", url, body=_FormBody(form)), plain)
        said = answer.json if isinstance(answer.json, dict) else {}
        token, life_s = bytes(answer.text(said.get("access_token"))).decode(), said.get("expires_in")
        if not token:
            raise UpstreamRefused(bodies.refusal(401, {}, {}))
        life_s = life_s if isinstance(life_s, int | float) else 0
        return _Token(token, asked_at_s + max(life_s - _EARLY_S, life_s / 2))


def headers(target: Target, key_header: str = "api-key") -> Mapping[str, str]:
    """The key in a header of its own, else the token, which `authorized` has given."""
    if target.api_key:
        return {key_header: target.api_key}
    return {"authorization": f"Bearer {target.text('azure_ad_token')}"}


def mistake(target: Target) -> str | None:
    """What a target lacks to be authorized, in words."""
    if target.api_key or target.text("azure_ad_token"):
        return None
    missing = [name for name in _CLIENT if not target.text(name)]
    if len(missing) == len(_CLIENT):
        return "an api_key, an azure_ad_token, or tenant_id, client_id and client_secret are missing"
    return f"{' and '.join(missing)} missing beside the other credentials of the client" if missing else None


def _explain(body: Json, _: Mapping[str, str]) -> Mapping[str, Json]:
    """Whatever the authority has against the credentials, they are this server's, and no caller's matter."""
    error = body.get("error") if isinstance(body, dict) else None
    return {} if error in (None, "temporarily_unavailable") else {"status": 401}


class _FormBody:
    """`application/x-www-form-urlencoded`."""

    content_type = "application/x-www-form-urlencoded"

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._encoded = urlencode(fields).encode()

    @property
    def content_length(self) -> int:
        return len(self._encoded)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._encoded
