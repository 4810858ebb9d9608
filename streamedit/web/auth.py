"""Who asks: the API key in a request's headers, in any of the places where clients of this route put it."""

from starlette.requests import Request

from streamedit.errors import Unauthorized
from streamedit.keys import Keyring, Principal

_KEY_HEADERS = ("api-key", "x-api-key", "x-litellm-api-key")
"""Azure's clients, Anthropic-style clients and LiteLLM's."""


def authenticate(request: Request, keyring: Keyring) -> Principal:
    """The principal of a request. Raises Unauthorized."""
    principal = keyring.recognise(_key_of(request))
    if principal is None:
        raise Unauthorized("No valid API key was given. Send one as 'Authorization: Bearer KEY'.")
    return principal


def _key_of(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key:
        return key.strip()
    named = (request.headers.get(name) for name in _KEY_HEADERS)
    return next((key.removeprefix("Bearer ") for key in named if key), None)
