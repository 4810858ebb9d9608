"""A streamedit server as its client sees it: its address, its key, and how it refuses."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx

from streamedit.cli.editing import Unreachable
from streamedit.errors import EditError, ErrorDetail
from streamedit.events import Json
from streamedit.version import __version__
from streamedit.wire import bodies

_CONNECT_S = 10.0
_UPLOAD_S = 120.0
"""For any one piece of a request, and for its answer."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is, and the key that opens it. `patience_s`: how long it may be away.

    Raises ValueError for what is no server's address.
    """

    url: str = field(repr=False)
    key: str | None = field(default=None, repr=False)
    patience_s: float = 300.0

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ValueError(str(error)) from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("it does not begin with http:// or https://")

    @property
    def shown(self) -> str:
        """Its address without credentials."""
        url = httpx.URL(self._base)
        return f"{url.scheme}://{url.netloc.decode()}{url.path.rstrip('/')}"

    @property
    def headers(self) -> Mapping[str, str]:
        """For whatever needs the key."""
        return {"authorization": f"Bearer {self.key}"} if self.key else {}

    def at(self, path: str) -> str:
        """The address of a path; one that is an address already stays as it is."""
        return path if "://" in path else f"{self._base}{path}"

    def client(self) -> httpx.AsyncClient:
        """No redirect is followed: the key would travel with it."""
        timeout = httpx.Timeout(_UPLOAD_S, connect=_CONNECT_S)
        return httpx.AsyncClient(timeout=timeout, headers={"user-agent": f"streamedit/{__version__}"})

    @property
    def _base(self) -> str:
        """Without what the addresses for OpenAI's clients end with."""
        return self.url.rstrip("/").removesuffix("/v1")


async def models(server: Server) -> list[dict[str, Json]]:
    """What `/v1/models` lists. Raises EditError, Unreachable."""
    async with server.client() as client:
        try:
            response = await client.get(server.at("/v1/models"), headers=server.headers)
        except httpx.TransportError as error:
            raise Unreachable(f"{server.shown} cannot be reached: {reason(error)}.") from None
    listed = json_of(response).get("data")
    if response.status_code != HTTPStatus.OK or not isinstance(listed, list):
        raise refusal(response)
    return [model for model in listed if isinstance(model, dict)]


def json_of(response: httpx.Response) -> Mapping[str, Any]:
    """The object in an answer; empty for anything else."""
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def refusal(response: httpx.Response) -> EditError:
    """What an answer that is not the wanted one says."""
    status = response.status_code if response.is_error else HTTPStatus.BAD_GATEWAY
    said = bodies.explain(json_of(response), {})
    words = {name: said[name] for name in ("type", "param", "code") if isinstance(said.get(name), str)}
    message = said.get("message") or f"The server answered with status {response.status_code}, and not as streamedit does."
    kind = words.pop("type", "server_error")
    return EditError.told(ErrorDetail(status, kind, str(message), **words, headers=dict(response.headers)))


def reason(error: httpx.TransportError) -> str:
    """Why there is no connection, or none any more, in few words."""
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return "the connection broke off"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            # asyncio has words of its own, with the address in them.
            return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)
        cause = cause.__cause__ or cause.__context__
    return str(error) or "there is no connection"
