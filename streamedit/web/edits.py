"""POST /v1/images/edits and its aliases: read the request, submit it, relay or collapse its events."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from streamedit.config import ServerSettings
from streamedit.edits import EditRequest
from streamedit.errors import UploadTimeout
from streamedit.events import Failed, collapse
from streamedit.gateway import Gateway
from streamedit.keys import Keyring
from streamedit.stores import Logged
from streamedit.telemetry import Telemetry
from streamedit.turns import Turns
from streamedit.uploads import closed_unless_done
from streamedit.web.answers import error_answer
from streamedit.web.auth import authenticate
from streamedit.web.sse import EventStream
from streamedit.wire import bodies, frames
from streamedit.wire.forms import read_request
from streamedit.wire.multipart import BodyLimits

PATHS = (
    "/v1/images/edits",
    "/images/edits",
    "/v3/images/edits",
    "/openai/v1/images/edits",
    "/openai/deployments/{model:path}/images/edits",
)


class EditRoutes:
    """The route's handler and what it needs."""

    def __init__(self, gateway: Gateway, keyring: Keyring, server: ServerSettings, telemetry: Telemetry, turns: Turns) -> None:
        self._gateway = gateway
        self._keyring = keyring
        self._server = server
        self._telemetry = telemetry
        self._turns = turns
        self._limits = BodyLimits(server.max_body_bytes, server.max_image_bytes)

    def routes(self) -> list[Route]:
        return [Route(path, self.create, methods=["POST"]) for path in PATHS]

    async def create(self, request: Request) -> Response:
        """Stream or not is the request's `stream` field alone: both SDKs send `Accept: application/json` either way."""
        authenticate(request, self._keyring)
        asked = await self._read(request)
        with closed_unless_done(asked.close):
            edit = await self._gateway.submit(asked)
        events = self._gateway.follow(edit.id, after=0, silence_s=self._server.heartbeat_s)
        answer = await (self._relay(events) if asked.stream else self._collapse(events))
        answer.headers["x-edit-id"] = edit.id
        return answer

    async def _read(self, request: Request) -> EditRequest:
        length = request.headers.get("content-length", "")
        self._limits.check_body(int(length) if length.isdecimal() else 0)
        try:
            async with asyncio.timeout(self._server.upload_s):
                asked = await read_request(request.headers.get("content-type", ""), request.stream(), self._limits)
        except TimeoutError:
            raise UploadTimeout("The request body did not arrive in time.") from None
        return replace(asked, model=request.path_params.get("model") or asked.model)

    async def _relay(self, events: AsyncGenerator[Logged | None]) -> Response:
        """Until there is something to send, a failure is still a status of its own."""
        first = await anext(events)
        headers: Mapping[str, str] = {}
        if first is not None:
            if isinstance(first.event, Failed):
                return error_answer(first.event.error)
            headers = first.event.headers
        content = self._frames(first, events)
        return EventStream(content, headers, stuck_reader_s=self._server.stuck_reader_s, turns=self._turns)

    async def _frames(self, first: Logged | None, events: AsyncGenerator[Logged | None]) -> AsyncGenerator[bytes]:
        self._telemetry.readers.inc()
        try:
            async with aclosing(events):
                for piece in _encode(first):
                    yield piece
                async for logged in events:
                    for piece in _encode(logged):
                        yield piece
        finally:
            self._telemetry.readers.dec()

    async def _collapse(self, events: AsyncGenerator[Logged | None]) -> Response:
        result = collapse([logged.event async for logged in events if logged is not None])
        if isinstance(result, Failed):
            return error_answer(result.error)
        parts = bodies.images_response(result)
        headers = {**result[0].headers, "content-length": str(sum(len(part) for part in parts))}
        return StreamingResponse(_slices(parts, self._turns), headers=headers, media_type="application/json")


def _encode(logged: Logged | None) -> Iterator[bytes]:
    return iter([frames.comment("keep-alive")]) if logged is None else frames.encode(logged.event)


async def _slices(parts: Sequence[bytes | memoryview], turns: Turns) -> AsyncIterator[memoryview]:
    """The body in slices of one shared buffer, so that a slow reader holds no copy of a picture."""
    for slice_ in frames.sliced(memoryview(part) for part in parts):
        await turns.wait(len(slice_))
        yield slice_
