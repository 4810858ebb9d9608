"""An editor for async code: the same gateway as a server's, in this process, for as many edits as its owner wants."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import structlog
from anyio import to_thread

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.errors import ShuttingDown
from streamedit.sdk.arguments import Arguments
from streamedit.sdk.desk import Desk
from streamedit.sdk.downloads import Downloads
from streamedit.sdk.errors import named
from streamedit.sdk.models import ImageEditEvent, ImagesResponse
from streamedit.sdk.pictures import Pictures
from streamedit.sdk.results import event_of, response_of
from streamedit.sdk.settings import no_log, settings_of
from streamedit.sdk.streams import AsyncStream
from streamedit.uploads import aclosed_unless_done, closed_unless_done


class AsyncEditor:
    """Makes edits inside its `async with`, any number at a time; connections to providers are kept between them.

    `config`: a YAML file, as `streamedit serve` takes it; without one there are the models that the environment has keys for,
    `darkroom` and `mock`. `environ`: in place of the process's own. `log`: who is told what a server would log.
    """

    def __init__(
        self,
        config: str | os.PathLike[str] | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        log: structlog.typing.FilteringBoundLogger | None = None,
    ) -> None:
        self._config = None if config is None else Path(config)
        self._environ = dict(os.environ if environ is None else environ)
        self._log = log or no_log()
        self._desk: Desk | None = None
        self._running: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Raises APIError for a configuration with mistakes, and for a store that cannot be reached; OSError."""
        with named():
            desk = await to_thread.run_sync(self._furnished)
            opened = asyncio.get_running_loop().create_future()
            # A task of its own: whoever closes a stream may be another than has opened it.
            self._closing = asyncio.Event()
            self._running = running = asyncio.create_task(self._run(desk, opened), name="streamedit")
            async with aclosed_unless_done(self.aclose):
                await asyncio.wait([opened, running], return_when=asyncio.FIRST_COMPLETED)
                if running.done():
                    running.result()
            self._desk = desk
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what still runs, and give back all that is held. Idempotent. Raises APIError for books that cannot be closed."""
        self._desk = None
        if self._running is None:
            return
        self._closing.set()
        await asyncio.wait([self._running])
        with named():
            self._running.result()

    @property
    def models(self) -> Sequence[str]:
        """The models that there are without further ado, the default model first; names with a star stand for many."""
        routes = self._open_desk().routes
        return sorted(routes.names, key=lambda name: name != routes.default_model)

    async def edit(self, image: Pictures = None, prompt: str | None = None, **fields: Any) -> ImagesResponse:
        """One edit, whole. `fields`: all that `image_edit` takes. Who cancels it cancels the edit. Raises APIError."""
        downloads = Downloads()
        with named(), closed_unless_done(downloads.discard):
            asked = Arguments.of({**fields, "image": image, "prompt": prompt, "stream": None})
            async with self._open_desk().following(asked) as (edit, events):
                return await response_of(edit, [event async for event in events], downloads)

    async def stream(self, image: Pictures = None, prompt: str | None = None, **fields: Any) -> AsyncStream:
        """One edit, event by event; the first of them has come. Raises APIError."""
        return await AsyncStream.opened(self.events({**fields, "image": image, "prompt": prompt}))

    async def events(self, said: Mapping[str, Any]) -> AsyncGenerator[ImageEditEvent]:
        """An edit's events. `said`: all that `image_edit` takes. Who closes this early cancels the edit. Raises APIError."""
        downloads = Downloads()
        with named():
            async with self._open_desk().following(Arguments.of({**said, "stream": True})) as (edit, events):
                async for event in events:
                    yield await event_of(edit, event, downloads)

    def _open_desk(self) -> Desk:
        if self._desk is None:
            raise ShuttingDown("The editor is not open: use it inside its `with`.")
        return self._desk

    def _furnished(self) -> Desk:
        return Desk(settings_of(self._config, self._environ), self._environ, self._log, SYSTEM_CLOCKS)

    async def _run(self, desk: Desk, opened: asyncio.Future[None]) -> None:
        async with desk.running():
            opened.set_result(None)
            await self._closing.wait()
