"""Edits on a server: asked for once, however often the answer is lost, and watched to their end."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any

import httpx

from streamedit import tally
from streamedit.cli.editing import Asked, Facts, Heard, InputFile, Unreachable
from streamedit.cli.editing.backoff import Backoff
from streamedit.cli.editing.server import Server, json_of, reason, refusal
from streamedit.cli.editing.viewing import Viewing
from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.errors import EditError

_EDITS = "/v1/images/edits"

_GOODBYE_S = 5.0
"""For what is not worth more of a wait: to cancel, to ask what it cost."""

_UNKNOWN_S = 3.0
"""How long a server may be away that has never answered: it may be starting, or its name be misspelt."""

_GATEWAYS = frozenset({502, 503, 504})
"""What whoever stands before a server says while that is away."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout)


class Remote:
    """A server's edits; see `Maker`."""

    def __init__(self, server: Server, clocks: Clocks = SYSTEM_CLOCKS) -> None:
        self._server = server
        self._clocks = clocks

    async def events(self, asked: Asked) -> AsyncGenerator[Heard]:
        async with self._server.client() as client:
            edit = await self._begin(client, asked)
            address = self._server.at(f"{_EDITS}/{edit['id']}")
            viewing = Viewing(self._server, edit["events_url"], asked.n, self._clocks)
            is_left = True
            try:
                async with aclosing(viewing.events(client)) as events:
                    async for heard in events:
                        yield heard
                is_left = False
            except (EditError, Unreachable):
                is_left = False
                raise
            finally:
                if is_left:
                    await self._cancel(client, address)
            yield await self._facts(client, address, edit)

    async def _begin(self, client: httpx.AsyncClient, asked: Asked) -> Mapping[str, Any]:
        """The edit object. Each try has the same key: whatever became of the others, there is one edit, and it is paid once."""
        headers = {**self._server.headers, "idempotency-key": f"streamedit-{secrets.token_hex(16)}"}
        unknown = Backoff(min(_UNKNOWN_S, self._server.patience_s), self._clocks.clock)
        known = Backoff(self._server.patience_s, self._clocks.clock)
        backoff = unknown
        while True:
            try:
                response = await self._post(client, asked, headers)
            except httpx.TransportError as error:
                backoff = backoff if isinstance(error, _NEVER_SENT) else known
                why = reason(error)
            else:
                answer = json_of(response)
                if response.status_code == HTTPStatus.ACCEPTED and {"id", "events_url"} <= answer.keys():
                    return answer
                if response.status_code not in _GATEWAYS or "error" in answer:
                    raise refusal(response)
                backoff, why = known, f"status {response.status_code}"
            delay_s = backoff.wait_s()
            if delay_s is None:
                raise Unreachable(f"{self._server.shown} cannot be reached: {why}.")
            await self._clocks.sleep(delay_s)

    async def _post(self, client: httpx.AsyncClient, asked: Asked, headers: Mapping[str, str]) -> httpx.Response:
        files = [("image" if len(asked.images) == 1 else "image[]", _file(image)) for image in asked.images]
        if asked.mask is not None:
            files.append(("mask", _file(asked.mask)))
        url = self._server.at(f"{_EDITS}/async")
        return await client.post(url, data=dict(_fields(asked)), files=files, headers=dict(headers))

    async def _cancel(self, client: httpx.AsyncClient, address: str) -> None:
        with suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                await client.post(f"{address}/cancel", headers=self._server.headers)

    async def _facts(self, client: httpx.AsyncClient, address: str, edit: Mapping[str, Any]) -> Facts:
        """What the edit's headers tell, without its pictures once more."""
        told: Mapping[str, str] = {}
        with suppress(httpx.TransportError, TimeoutError):
            async with asyncio.timeout(_GOODBYE_S):
                told = (await client.head(address, headers=self._server.headers)).headers
        model = told.get(tally.MODEL) or edit.get("model")
        return Facts(edit["id"], model, told.get(tally.PROVIDER), _dollars(told.get(tally.COST)))


def _fields(asked: Asked) -> Mapping[str, str]:
    """As a form has them."""
    own = {"prompt": asked.prompt, "stream": "true", "partial_images": str(asked.partial_images)}
    model = {"model": asked.model} if asked.model else {}
    several = {"n": str(asked.n)} if asked.n > 1 else {}
    return {**own, **model, **several, **asked.fields}


def _file(file: InputFile) -> tuple[str, bytes]:
    """What it is, its content says."""
    return file.name, file.content


def _dollars(text: str | None) -> Decimal | None:
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        return None
