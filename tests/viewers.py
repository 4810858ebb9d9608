"""A viewer as a browser's EventSource is one: it comes back with the id of the last event that it has, to whatever node."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, aconnect_sse

_PATIENCE_S = 60.0


@dataclass(slots=True)
class Viewer:
    """Watches one edit over several addresses of the same server. `drops_after`: it leaves after so many events, each time."""

    urls: Sequence[str]
    path: str
    drops_after: int | None = None
    seen: list[ServerSentEvent] = field(default_factory=list)
    nodes: list[str | None] = field(default_factory=list)
    """Who answered each connection, where a proxy tells."""

    retries: list[int] = field(default_factory=list)
    """In milliseconds, as it was told to wait."""

    @property
    def ids(self) -> list[int]:
        return [int(event.id) for event in self.seen]

    @property
    def last(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.seen[-1].data)
        return value

    async def watch(self) -> "Viewer":
        """To the end: until there is a 204."""
        async with asyncio.timeout(_PATIENCE_S), httpx.AsyncClient(timeout=20) as client:
            for turn in count():
                if await self._connect(client, self.urls[turn % len(self.urls)]):
                    return self
                await asyncio.sleep(0.02)  # a browser waits, too, before it comes back
        raise AssertionError("unreachable")

    async def _connect(self, client: httpx.AsyncClient, url: str) -> bool:
        headers = {"last-event-id": self.seen[-1].id} if self.seen else {}
        try:
            async with aconnect_sse(client, "GET", f"{url}{self.path}", headers=headers) as source:
                if source.response.status_code == 204:
                    return True
                assert source.response.status_code in (200, 502), source.response.status_code
                self.nodes.append(source.response.headers.get("x-node"))
                await self._read(source.aiter_sse() if source.response.status_code == 200 else _nothing())
        except httpx.TransportError:
            pass
        return False

    async def _read(self, events: AsyncIterator[ServerSentEvent]) -> None:
        seen_before = len(self.seen)
        async for event in events:
            if event.retry is not None:
                self.retries.append(event.retry)
            if not event.data:
                continue
            assert event.event != "reset", "nothing was lost"
            self.seen.append(event)
            if self.drops_after is not None and len(self.seen) - seen_before >= self.drops_after:
                return


async def _nothing() -> AsyncIterator[ServerSentEvent]:
    nothing: tuple[ServerSentEvent, ...] = ()
    for event in nothing:
        yield event
