"""The view: an EventSource's reader of an edit's log, from any event on. It is the source of an answer."""

import asyncio
import random
from collections.abc import AsyncGenerator, Coroutine, Mapping
from typing import Any

from streamedit.config import ServerSettings
from streamedit.gateway import Gateway
from streamedit.stores import Logged
from streamedit.web.pacing import run_out
from streamedit.web.readers import framed
from streamedit.wire import frames

_RETRY_MS = (1000, 2000)
"""When viewers come back who lost their connection; browsers by themselves take three seconds and more."""

_AWAY_MS = (1000, 5000)
"""When those who were sent away come back: not all at once."""


class Visits:
    """All views of a server: while they wait for an event they can be sent away."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Timeout] = set()
        self.are_over = False

    def send_away(self) -> None:
        """Everybody, and those who come later too."""
        self.are_over = True
        for wait in self._waiting:
            run_out(wait)

    async def wait(self, event: Coroutine[Any, Any, Logged | None]) -> Logged | None:
        """The next event, or silence. Raises TimeoutError when all are sent away."""
        async with asyncio.timeout_at(0 if self.are_over else None) as wait:
            self._waiting.add(wait)
            try:
                return await event
            finally:
                self._waiting.discard(wait)


class View:
    """Frames with ids behind event `after`; all of them, said to be a reset, when that event never was (None).

    It ends between two events when it is old, or when all are sent away: unless its edit runs here, which then is followed to
    its end, because nobody else could go on with it.
    """

    # There may be ten thousand.
    __slots__ = (
        "_edit_id", "_events", "_gateway", "_heartbeat_s", "_is_reset", "_leaves_at_s", "_read_id", "_stays", "_visits",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, visits: Visits, server: ServerSettings, edit_id: str, after: int | None) -> None:
        self._gateway = gateway
        self._visits = visits
        age_s = server.viewer_age_s * random.uniform(0.9, 1.1)  # noqa: S311 - so that not all leave at once; no secret
        # Old is who is found to be at an event or a silence: a timer for it would be one more for each viewer.
        self._heartbeat_s = min(server.heartbeat_s, age_s)
        self._leaves_at_s = asyncio.get_running_loop().time() + age_s
        self._stays = False
        self._edit_id = edit_id
        self._is_reset = after is None
        self._read_id = after or 0
        self._events: AsyncGenerator[Logged | None]

    async def follow(self) -> None:
        """Begin to read, once before all else. Raises NotFound, EditExpired, LogFull, StoreUnavailable."""
        self._events = await self._gateway.follow(self._edit_id, self._read_id, self._heartbeat_s)

    async def open(self) -> Mapping[str, str]:
        return {}

    async def pieces(self) -> AsyncGenerator[bytes]:
        yield frames.comment(self._edit_id) + frames.retry(random.randint(*_RETRY_MS))  # noqa: S311 - as above
        if self._is_reset:
            yield frames.reset(first_event_id=1)
        while True:
            try:
                logged = await self._next()
            except StopAsyncIteration:
                self._gateway.delivered(self._edit_id)
                return
            except TimeoutError:
                yield retry_frame()
                self._stays = self._visits.are_over and self._gateway.runs(self._edit_id)
                if not self._stays:
                    return
                await self.follow()
                continue
            async for piece in framed(logged, with_id=True):
                yield piece
                del piece  # the next one may be long in coming
            if logged is not None:
                self._read_id = logged.id

    async def aclose(self) -> None:
        await self._events.aclose()

    async def _next(self) -> Logged | None:
        if self._stays:
            return await anext(self._events)
        if not self._visits.are_over and asyncio.get_running_loop().time() >= self._leaves_at_s:
            raise TimeoutError
        return await self._visits.wait(anext(self._events))


def retry_frame() -> bytes:
    """Asks a viewer to come back a little later."""
    return frames.retry(random.randint(*_AWAY_MS))  # noqa: S311 - as above
