"""Calls to providers' own HTTP APIs: JSON and files, with errors as ours and no key in them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import TypeAlias

import anyio

from streamedit.errors import ErrorDetail, UpstreamBroken, UpstreamRefused, UpstreamUnreachable
from streamedit.events import Json
from streamedit.providers.addresses import is_at
from streamedit.providers.base import Tools
from streamedit.targets import Target
from streamedit.upstream.client import Answer, Call
from streamedit.wire import bodies
from streamedit.wire.cutouts import Cutout

_ERROR_BODY_BYTES = 1 << 20

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
        async with self._sent(replace(call, headers={**call.headers, **target.extra_headers}), target, paid) as answer:
            yield answer

    @asynccontextmanager
    async def _sent(self, call: Call, target: Target, paid: bool) -> AsyncIterator[Answer]:
        with _paid_before(paid):
            async with self._tools.upstream.send(replace(call, silence_s=target.timeout_s)) as answer:
                if answer.status >= 300:
                    refusal = await self._refusal(answer, target)
                    raise UpstreamRefused(replace(refusal, charged=refusal.charged or paid))
                yield answer

    async def ask(self, call: Call, target: Target, *, paid: bool = False) -> Cutout:
        """The JSON that a call is answered with. Raises UpstreamError."""
        async with self.open(call, target, paid=paid) as answer:
            return read_json(*await answer.pieces(self._tools.max_answer_bytes))

    async def download(self, url: str, target: Target, headers: Mapping[str, str] | None = None) -> bytes:
        """A file that the provider has made: it is paid for. Raises UpstreamError.

        The configuration's headers are sent to the configured host alone: files are often on others.
        """
        own = target.extra_headers if is_at(url, target.api_base) else {}
        async with self._sent(Call("GET", url, {**(headers or {}), **own}), target, paid=True) as answer:
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


async def is_stream(answer: Answer) -> bool:
    """Whether this is a stream of events: by its content type, else by its first byte. Raises UpstreamError."""
    if "event-stream" in answer.content_type:
        return True
    if "json" in answer.content_type:
        return False
    return not (await answer.peek()).lstrip().startswith(b"{")


@contextmanager
def _paid_before(paid: bool) -> Iterator[None]:
    """Not to reach a provider costs nothing, unless it is asked for what it has made already."""
    try:
        yield
    except UpstreamUnreachable as error:
        if not paid:
            raise
        raise UpstreamBroken("The provider cannot be reached any more for what it has made.") from error


def read_json(*pieces: bytes) -> Cutout:
    """A JSON text, in one piece or several. Raises UpstreamBroken."""
    try:
        return Cutout(*pieces)
    except ValueError as error:
        raise UpstreamBroken("The provider's answer is not JSON.", code="upstream_malformed") from error


def without_secrets(error: ErrorDetail, target: Target) -> ErrorDetail:
    """What a caller may see of a provider's error: providers quote keys."""
    message = error.message
    for secret in target.secrets:
        message = message.replace(secret, "***")
    return replace(error, message=message)


async def tell(farewell: Awaitable[object], within_s: float = 2.0) -> None:
    """Say something to a provider on the way out, cancelled or not: that its work is not wanted any more.

    Bounded; a provider that does not hear it is not waited for. Raises what `farewell` raises.
    """
    with anyio.move_on_after(within_s, shield=True):
        await farewell
