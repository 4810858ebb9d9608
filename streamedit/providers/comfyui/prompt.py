"""One prompt at ComfyUI, from the queue to its picture: what is heard of it, and what is asked when nothing is heard."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from streamedit.errors import EditError, UpstreamBroken, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from streamedit.events import Json
from streamedit.providers.base import Tools
from streamedit.providers.calls import tell
from streamedit.providers.comfyui.frames import FEATURES, Ended, Message, Preview, Progress, Spread, read
from streamedit.providers.comfyui.server import Server
from streamedit.targets import Target

if TYPE_CHECKING:
    from streamedit.providers.comfyui.socket import Socket

POLL_S = 5.0
"""After so long a silence it is asked how a prompt stands."""


class Prompt:
    """One execution of a workflow. `picture_url`: where its picture is, once it is at its end."""

    def __init__(self, server: Server, socket: "Socket", client_id: str, waits_s: tuple[float, float]) -> None:
        """`waits_s`: after how long a silence it is asked, and how long a prompt that runs may be silent, in seconds."""
        self._server = server
        self._socket = socket
        self._client_id = client_id
        self._poll_s, self._silence_s = waits_s
        self._clock = asyncio.get_running_loop().time
        self._heard_s = self._clock()
        # Named here, so that it can be cancelled before ComfyUI has answered, too; old versions give it another name.
        self._id = str(uuid.uuid4())
        self._is_out = self._is_running = False
        self.picture_url = ""

    async def submit(self, graph: Mapping[str, Json], preview_method: str) -> None:
        """Put it into the queue. Raises UpstreamError."""
        extra = {"preview_method": preview_method}
        body = {"prompt": graph, "prompt_id": self._id, "client_id": self._client_id, "extra_data": extra}
        self._is_out = True
        try:
            self._id = await self._server.submit(body)
        except (UpstreamRefused, UpstreamUnreachable):
            self._is_out = False
            raise
        self._heard_s = self._clock()

    async def previews(self, count: int) -> AsyncGenerator[bytes]:
        """At most `count` interim pictures, spread over the steps, until it is at its end. Raises UpstreamError."""
        spread, done = Spread(count), 0.0
        while not self.picture_url:
            message = await self._next()
            if isinstance(message, Progress):
                done = message.done
            elif isinstance(message, Preview) and spread.takes(done):
                yield message.image
            elif isinstance(message, Ended):
                await self._look()

    async def leave(self) -> None:
        """Nobody waits for it any more: have it cancelled unless it is at its end."""
        if self._is_out:
            with suppress(EditError):
                await tell(self._server.cancel(self._id, running=self._is_running))

    async def _next(self) -> Message | None:
        """What is heard next; a silence may be the end that was not heard. Raises UpstreamBroken."""
        frame = await self._socket.hear(self._poll_s)
        if frame is None:
            return Ended()
        try:
            message = read(frame, self._id)
        except UpstreamBroken as error:
            self._is_out = False
            raise self._server.told(error) from None
        if message is not None:
            self._heard_s, self._is_running = self._clock(), True
        return message

    async def _look(self) -> None:
        """See how it stands. Raises UpstreamError."""
        try:
            if await self._has_ended():
                return
            standing = await self._server.standing(self._id)
            if standing is None and not await self._has_ended():
                self._is_out = False
                raise UpstreamBroken("The edit was taken out of ComfyUI's queue.", code="execution_interrupted")
        except UpstreamUnreachable as error:
            raise UpstreamBroken("The connection to the provider broke.") from error
        self._is_running = standing == "running"
        if standing == "pending":
            # Whoever waits in a line is not silent.
            self._heard_s = self._clock()
        if self._clock() - self._heard_s > self._silence_s:
            raise UpstreamTimeout("The provider has been silent for too long.")

    async def _has_ended(self) -> bool:
        entry = await self._server.history(self._id)
        if entry is None:
            return False
        self._is_out = False
        self.picture_url = self._server.picture_url(entry)
        return True


@asynccontextmanager
async def connected(server: Server, tools: Tools, target: Target) -> AsyncIterator[Prompt]:
    """A prompt that is heard of, to be submitted; it is cancelled when this is left before its end. Raises UpstreamError."""
    from streamedit.providers.comfyui.socket import opened  # noqa: PLC0415 - an optional extra

    client_id = uuid.uuid4().hex
    waits_s = (float(target.text("poll_s") or POLL_S), target.timeout_s or tools.upstream.limits.silence_s)
    async with opened(server.socket_url(client_id), server.headers, tools, target) as socket:
        await socket.tell(FEATURES)
        prompt = Prompt(server, socket, client_id, waits_s)
        try:
            yield prompt
        finally:
            await prompt.leave()
