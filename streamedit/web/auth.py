"""Who asks: the API key in a request's headers, in any of the places where clients of this route put it, or a token."""

from collections.abc import Callable, Iterator

from starlette.requests import Request

from streamedit.edits import Edit
from streamedit.errors import Unauthorized
from streamedit.keys import Keyring, Principal, StreamTokens

_KEY_HEADERS = ("api-key", "x-api-key", "x-litellm-api-key", "x-portkey-api-key")
"""Azure's clients, Anthropic-style clients, LiteLLM's and Portkey's."""

_NO_KEYS = frozenset({"", "OPENAI_API_KEY"})
"""What portkey-ai 2.3 sends where it has none."""


class Door:
    """Lets in who has a key, and signs the tokens that it lets in as well. `now_s` gives Unix time."""

    def __init__(self, keyring: Keyring, tokens: StreamTokens, now_s: Callable[[], float]) -> None:
        self._keyring = keyring
        self._tokens = tokens
        self.now_s = now_s

    def authenticate(self, request: Request) -> Principal:
        """The principal of a request: whose key is known, of those that it carries. Raises Unauthorized."""
        known = (self._keyring.recognise(key) for key in (*_keys_of(request), None))
        principal = next((each for each in known if each is not None), None)
        if principal is None:
            raise Unauthorized("No valid API key was given. Send one as 'Authorization: Bearer KEY'.")
        return principal

    def foreign_key(self, request: Request) -> str | None:
        """The first key that a request carries and that does not open this server: the caller's own, for a provider."""
        opens = bool(self._keyring)
        keys = (key for key in _keys_of(request) if not (opens and self._keyring.recognise(key)))
        return next(keys, None)

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


def _keys_of(request: Request) -> Iterator[str]:
    """All that may be one, that of `Authorization` first."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    named = (request.headers.get(name, "").removeprefix("Bearer ") for name in _KEY_HEADERS)
    keys = (bearer if scheme.lower() == "bearer" else "", *named)
    yield from (key for key in map(str.strip, keys) if key not in _NO_KEYS)
