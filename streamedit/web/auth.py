"""Who asks: the API key in a request's headers, in any of the places where clients of this route put it, or a token."""

from collections.abc import Callable

from starlette.requests import Request

from streamedit.edits import Edit
from streamedit.errors import Forbidden, Unauthorized
from streamedit.keys import Keyring, StreamTokens
from streamedit.parties import Principal
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
    """Lets in who has a key, and signs the tokens that it lets in as well. `now_s` gives Unix time.

    `sessions`: of the admin page, which stand for the master key.
    """

    def __init__(
        self, keyring: Keyring, tokens: StreamTokens, now_s: Callable[[], float], sessions: Sessions | None = None
    ) -> None:
        self._keyring = keyring
        self._tokens = tokens
        self.now_s = now_s
        self._sessions = sessions

    def authenticate(self, request: Request) -> Principal:
        """The principal of a request. Raises Unauthorized."""
        principal = self._keyring.recognise(_key_of(request)) or self._keyring.recognise(_portkeys(request))
        if principal is None:
            raise Unauthorized("No valid API key was given. Send one as 'Authorization: Bearer KEY'.")
        return principal

    async def authenticate_master(self, request: Request) -> Principal:
        """The principal of a request by a master key, or in the admin page's session. Raises Unauthorized, Forbidden."""
        if not self._keyring:
            told = "No master key is configured: set general_settings.master_key or STREAMEDIT_API_KEY, and send it."
            raise Forbidden(told, code="master_key_required")
        session = self._sessions.recognise(request) if self._sessions and not _key_of(request) else None
        return session or self.authenticate(request)

    def foreign_key(self, request: Request) -> str | None:
        """A caller's own key for a provider: in `Authorization` or in Portkey's header, one that does not open this server."""
        sent = (_key_in(request, "authorization"), _portkeys(request))
        own = (key for key in sent if key not in _NO_KEYS and not (self._keyring and self._keyring.recognise(key)))
        return next(own, None)

    def authenticate_reader(self, request: Request, edit_id: str) -> Principal:
        """Who reads an edit: by `?token=`, which is for browsers, or by key. Raises Unauthorized."""
        token = request.query_params.get("token")
        if token is None:
            return self.authenticate(request)
        principal = self._tokens.recognise(token, edit_id, self.now_s())
        if principal is None or not self._keyring.knows(principal):
            raise Unauthorized("The token is not valid for this edit, or not any more.", param="token", code="invalid_token")
        return principal

    def token_for(self, edit: Edit, lifetime_s: float) -> str:
        """A token that opens this edit to readers for so long."""
        return self._tokens.sign(edit.id, Principal(edit.owner), int(self.now_s() + lifetime_s))


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
