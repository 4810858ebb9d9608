"""Who asks: the API key in a request's headers, in any of the places where clients of this route put it, or a token."""

from collections.abc import Callable

from starlette.requests import Request

from streamedit.edits import Edit
from streamedit.errors import Forbidden, Unauthorized
from streamedit.keys import Keyring, StreamTokens, fits, id_of
from streamedit.parties import ANONYMOUS, ApiKey, Group, Principal
from streamedit.stores import Registry
from streamedit.web.session import Sessions

_KEY_HEADERS = (
    "x-litellm-api-key", "authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key",
)  # fmt: skip
"""LiteLLM's, in its order: its own, OpenAI's, Azure's, Anthropic's, Google's, and that of Azure's API management."""

_PORTKEYS = "x-portkey-api-key"
"""A key of this server's, or the caller's own for a provider, as Portkey's documentation has it."""

_NO_KEYS = frozenset({"", "OPENAI_API_KEY"})
"""What portkey-ai 2.3 sends where it has none."""


class Door:
    """Lets in who has a key, of the configuration or of the registry, and signs the tokens that it lets in as well.

    Without any key, and if none was ever given out, it is open to everybody. `now_s` gives Unix time. `sessions`: of the admin
    page, which stand for a master key.
    """

    def __init__(
        self,
        keyring: Keyring,
        registry: Registry,
        tokens: StreamTokens,
        now_s: Callable[[], float],
        sessions: Sessions | None = None,
    ) -> None:
        self._keyring = keyring
        self._registry = registry
        self._tokens = tokens
        self.now_s = now_s
        self._sessions = sessions

    async def authenticate(self, request: Request) -> Principal:
        """The principal of a request. Raises Unauthorized, Forbidden when the key's group is gone, StoreUnavailable."""
        sent = (_key_of(request), _portkeys(request))
        master = self._master(*sent)
        if master is not None:
            return master
        key = await self._given_out(*sent)
        if key is None and await self._is_open():
            return ANONYMOUS
        if key is None or key.revoked_at_s is not None:
            raise Unauthorized("No valid API key was given. Send one as 'Authorization: Bearer KEY'.")
        if not key.is_open(self.now_s()):
            raise Unauthorized("This API key has expired.", code="expired_api_key")
        return Principal(key.id, key=key, group=await self._group_of(key))

    async def authenticate_master(self, request: Request) -> Principal:
        """The principal of a request by a key of the configuration, or in a session of the admin page.

        Raises Unauthorized, Forbidden, StoreUnavailable.
        """
        if not self._keyring:
            told = "No master key is configured: set general_settings.master_key or STREAMEDIT_API_KEY, and send it."
            raise Forbidden(told, code="master_key_required")
        session = self._sessions.recognise(request) if self._sessions and not _key_of(request) else None
        principal = session or await self.authenticate(request)
        if not principal.is_master:
            raise Forbidden("Only a master key opens this.", code="master_key_required")
        return principal

    async def authenticate_reader(self, request: Request, edit_id: str) -> Principal:
        """Who reads an edit: by `?token=`, which is for browsers, or by key. Raises as `authenticate` does."""
        token = request.query_params.get("token")
        if token is None:
            return await self.authenticate(request)
        principal = self._tokens.recognise(token, edit_id, self.now_s())
        if principal is None or not await self._is_let_in(principal):
            raise Unauthorized("The token is not valid for this edit, or not any more.", param="token", code="invalid_token")
        return principal

    async def foreign_key(self, request: Request) -> str | None:
        """A caller's own key for a provider: in `Authorization` or in Portkey's header, one that this server does not know.

        One that was revoked or rotated here, or has expired, is no provider's business either. Raises StoreUnavailable.
        """
        for text in (_key_in(request, "authorization"), _portkeys(request)):
            if text not in _NO_KEYS and not self._master(text) and not await self._is_of_here(text):
                return text
        return None

    def token_for(self, edit: Edit, lifetime_s: float) -> str:
        """A token that opens this edit to readers for so long."""
        return self._tokens.sign(edit.id, Principal(edit.owner), int(self.now_s() + lifetime_s))

    def _master(self, *sent: str | None) -> Principal | None:
        if not self._keyring:
            return None
        return next((principal for text in sent if (principal := self._keyring.recognise(text))), None)

    async def _given_out(self, *sent: str | None) -> ApiKey | None:
        """The first of these that is a key of the registry and opens; else the first that did so once."""
        now_s = self.now_s()
        known = [key for text in sent if text and (key := await self._found(text, now_s))]
        return next((key for key in known if key.is_open(now_s)), next(iter(known), None))

    async def _is_of_here(self, text: str) -> bool:
        """It was given out here, whatever became of it."""
        key_id = id_of(text)
        return key_id is not None and await self._registry.key(key_id) is not None

    async def _found(self, text: str, now_s: float) -> ApiKey | None:
        key_id = id_of(text)
        if key_id is None:
            return None
        key = await self._registry.key(key_id)
        return key if fits(text, key, now_s) else None

    async def _group_of(self, key: ApiKey) -> Group | None:
        if key.group is None:
            return None
        group = await self._registry.group(key.group)
        if group is None:
            raise Forbidden("The group of this API key does not exist any more.", code="group_not_found")
        return group

    async def _is_open(self) -> bool:
        return not self._keyring and not await self._registry.has_keys()

    async def _is_let_in(self, principal: Principal) -> bool:
        """Now, by the key that it once came with."""
        if principal == ANONYMOUS:
            return await self._is_open()
        if self._keyring.knows(principal):
            return True
        key = await self._registry.key(principal.id)
        return key is not None and key.is_open(self.now_s())


def _key_of(request: Request) -> str | None:
    """The first that is there."""
    return next((key for name in _KEY_HEADERS if (key := _key_in(request, name))), None)


def _portkeys(request: Request) -> str:
    return _key_in(request, _PORTKEYS)


def _key_in(request: Request, name: str) -> str:
    """Empty where there is none; only `Authorization` needs its scheme. A key may have blanks in it."""
    value = request.headers.get(name, "").strip()
    scheme, _, key = value.partition(" ")
    if scheme.lower() == "bearer":
        return key.strip()
    return "" if name == "authorization" else value
