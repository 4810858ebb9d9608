"""Calls to providers' own HTTP APIs: JSON and files, with errors as ours and no key in them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TypeAlias, TypeVar

import anyio

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused
from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.routing import Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire import bodies
from streamedit.wire.cutouts import Cutout

_ERROR_BODY_BYTES = 1 << 20

_Result = TypeVar("_Result")

Explain: TypeAlias = Callable[[Json, Mapping[str, str]], Mapping[str, Json]]
"""A provider's error body (None when it is not JSON) and its headers -> what they say of `message`, `type`, `code` and `param`.

`status` too, where the provider's own status misleads, and `headers` that callers may see, where its body tells them.
"""


class Api:
    """One provider's HTTP API."""

    def __init__(self, tools: Tools, explain: Explain = bodies.explain) -> None:
        self._tools = tools
        self._explain = explain

    @asynccontextmanager
    async def open(self, call: Call, target: Target, *, paid: bool = False) -> AsyncIterator[Answer]:
        """The answer to a call; leaving ends the call. Headers and timeout of the target's configuration hold for it.

        `paid`: what fails now may have been paid before. Raises UpstreamError, UpstreamRefused for any status beyond 299.
        """
        configured = replace(call, headers={**call.headers, **target.extra_headers}, silence_s=target.timeout_s)
        async with self._tools.upstream.send(configured) as answer:
            if answer.status >= 300:
                refusal = await self._refusal(answer, target)
                raise UpstreamRefused(replace(refusal, charged=refusal.charged or paid))
            yield answer

    async def ask(self, call: Call, target: Target, *, paid: bool = False) -> Cutout:
        """The JSON that a call is answered with. Raises UpstreamError."""
        async with self.open(call, target, paid=paid) as answer:
            return read_json(await answer.read(self._tools.max_answer_bytes))

    async def download(self, url: str, target: Target, headers: Mapping[str, str] | None = None) -> bytes:
        """A file that the provider has made: it is paid for. Raises UpstreamError."""
        async with self.open(Call("GET", url, headers or {}), target, paid=True) as answer:
            return await answer.read(self._tools.max_answer_bytes)

    async def _refusal(self, answer: Answer, target: Target) -> ErrorDetail:
        body = await answer.read(_ERROR_BODY_BYTES)
        try:
            parsed = read_json(body).json
        except UpstreamBroken:
            parsed = None
        said = self._explain(parsed, answer.all_headers)
        headers = {**answer.headers, **(said.get("headers") or {})}
        return without_secrets(bodies.refusal(answer.status, said, headers), target)


def read_json(raw: bytes) -> Cutout:
    """Raises UpstreamBroken."""
    try:
        return Cutout(raw)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is not JSON.", code="upstream_malformed") from error


def without_secrets(error: ErrorDetail, target: Target) -> ErrorDetail:
    """What a caller may see of a provider's error: providers quote keys."""
    message = error.message
    for secret in target.secrets:
        message = message.replace(secret, "***")
    return replace(error, message=message)


async def poll(look: Callable[[], Awaitable[_Result | None]], every_s: float) -> _Result:
    """The result of the first look that has one, looking again and again. The edit's own bound is the bound of this."""
    while (result := await look()) is None:  # noqa: ASYNC110 - what is waited for is elsewhere
        await asyncio.sleep(every_s)
    return result


async def tell(farewell: Awaitable[object], within_s: float = 2.0) -> None:
    """Say something to a provider on the way out, cancelled or not: that its work is not wanted any more.

    Bounded; a provider that does not hear it is not waited for. Raises what `farewell` raises.
    """
    with anyio.move_on_after(within_s, shield=True):
        await farewell
