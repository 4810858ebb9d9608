"""OAuth tokens for Google Cloud, by google-auth: the only module that knows it.

A token is fetched in a thread and kept until shortly before it ends; whoever needs one meanwhile waits for the same.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import google.auth
from anyio import to_thread
from google.auth import aws, exceptions, external_account_authorized_user, identity_pool, impersonated_credentials
from google.auth.transport.requests import Request
from google.oauth2 import credentials as user
from google.oauth2 import service_account

from streamedit.errors import ErrorDetail, UpstreamRefused, UpstreamUnreachable
from streamedit.events import Json
from streamedit.wire import bodies

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_WAIT_S = 10.0
"""For one answer of a token server."""

_BROKEN = (exceptions.GoogleAuthError, OSError, ValueError, KeyError)


def _external(info: Mapping[str, Json], scopes: tuple[str, ...]) -> Any:
    is_aws = "aws" in str(info.get("subject_token_type"))
    return (aws if is_aws else identity_pool).Credentials.from_info(info, scopes=scopes)


_KINDS: Mapping[str, Callable[..., Any]] = {
    "service_account": service_account.Credentials.from_service_account_info,
    "authorized_user": user.Credentials.from_authorized_user_info,
    "impersonated_service_account": impersonated_credentials.Credentials.from_impersonated_service_account_info,
    "external_account": _external,
    "external_account_authorized_user": external_account_authorized_user.Credentials.from_info,
}
"""Each `type` of a credentials file -> what reads it."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, the project that its credentials belong to, and the one that its calls are counted for, if told."""

    text: str = field(repr=False)
    project: str | None = None
    quota_project: str | None = None


class GoogleTokens:
    """The tokens of all credentials that a server is configured with."""

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}

    async def token(self, credentials: object) -> Token:
        """Of `vertex_credentials`: a path, JSON as text or as an object, or None for what the machine has of its own.

        Raises UpstreamError.
        """
        text = json.dumps(credentials, sort_keys=True) if isinstance(credentials, dict) else str(credentials or "")
        return await self._sources.setdefault(text, _Source(text)).token()


class _Source:
    """One credentials. What it does not have yet is fetched by one caller at a time; a failure is that of all who wait."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._turn = asyncio.Lock()
        self._attempts = 0
        self._failure: ErrorDetail | None = None
        self._credentials: Any = None
        self._project: str | None = None

    async def token(self) -> Token:
        attempts = self._attempts
        async with self._turn:
            if self._attempts == attempts and not self._is_fresh():
                self._failure = await to_thread.run_sync(self._refresh)
                self._attempts += 1
        if self._failure is not None and not self._is_fresh():
            raise UpstreamRefused(self._failure)
        return Token(self._credentials.token, self._project, getattr(self._credentials, "quota_project_id", None))

    def _is_fresh(self) -> bool:
        return self._credentials is not None and bool(self._credentials.valid)

    def _refresh(self) -> ErrorDetail | None:
        """In a thread. Why there is no token, where there is none."""
        try:
            if self._credentials is None:
                self._credentials, self._project = _loaded(self._text)
            if not self._is_fresh():
                self._credentials.refresh(partial(Request(), timeout=_WAIT_S))
        except _BROKEN as error:
            return _told(error)
        return None


def _loaded(text: str) -> tuple[Any, str | None]:
    """The credentials and their project."""
    if not text:
        credentials, project = google.auth.default(scopes=_SCOPES)
        return credentials, project
    info = json.loads(text if text.lstrip().startswith("{") else Path(text).read_bytes())
    return _KINDS[info["type"]](info, scopes=_SCOPES), info.get("project_id")


def _told(error: Exception) -> ErrorDetail:
    """Without what the error says: that may quote credentials."""
    if isinstance(error, exceptions.TransportError):
        return UpstreamUnreachable("The server of Google's access tokens cannot be reached.").detail
    return bodies.refusal(401, {}, {})
