"""Who asks: the API key in a request's headers, in any of the places where clients of this route put it, or a token."""

from collections.abc import Callable

from starlette.requests import Request

from streamedit.edits import Edit
from streamedit.errors import Unauthorized
from streamedit.keys import Keyring, Principal, StreamTokens

_KEY_HEADERS = (
    "x-litellm-api-key", "authorization", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key",
)  # fmt: skip
"""LiteLLM's, in its order: its own, OpenAI's, Azure's, Anthropic's, Google's, and that of Azure's API management."""


class Door:
    """Lets in who has a key, and signs the tokens that it lets in as well. `now_s` gives Unix time."""

    def __init__(self, keyring: Keyring, tokens: StreamTokens, now_s: Callable[[], float]) -> None:
        self._keyring = keyring
        self._tokens = tokens
        self.now_s = now_s

    def authenticate(self, request: Request) -> Principal:
        """The principal of a request. Raises Unauthorized."""
        principal = self._keyring.recognise(_key_of(request))
        if principal is None:
            raise Unauthorized("No valid API key was given. Send one as 'Authorization: Bearer KEY'.")
        return principal

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
    """The first that is there; only `Authorization` needs its scheme."""
    for name in _KEY_HEADERS:
        scheme, _, key = request.headers.get(name, "").strip().rpartition(" ")
        if key and (scheme.lower() == "bearer" or (name != "authorization" and not scheme)):
            return key
    return None
