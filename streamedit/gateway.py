"""Submit an edit, follow an edit. The gateway owns the producers: they live with the server, readers with their request.

A producer never raises past its runner: whatever happens, its edit ends with exactly one last event.
"""

import asyncio
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from anyio import to_thread

from streamedit.dispatch import Dispatch
from streamedit.edits import Edit, EditRequest, new_edit_id
from streamedit.errors import EditError, InternalError, InvalidRequest, ShuttingDown
from streamedit.events import Completed, Event, Failed, Order, PartialImage, Usage
from streamedit.providers.base import Capabilities
from streamedit.routing import Route, Routes
from streamedit.stores import EventLog, Logged
from streamedit.telemetry import EditRecord, Telemetry

_DALLE_2_PROMPT_CHARS = 1000
"""OpenAI's API reference: 1,000 characters for dall-e-2, 32,000 for all others."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """`clock` gives monotonic seconds, `now_s` Unix time."""

    clock: Callable[[], float]
    now_s: Callable[[], float]


class Gateway:
    """See the module."""

    def __init__(self, routes: Routes, dispatch: Dispatch, log: EventLog, telemetry: Telemetry, clocks: Clocks) -> None:
        self.routes = routes
        self._dispatch = dispatch
        self._log = log
        self._telemetry = telemetry
        self._clocks = clocks
        self._producers: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Accept edits inside; on leaving, edits that still run end with `server_shutting_down`."""
        async with asyncio.TaskGroup() as self._producers:
            yield
            # A task that is cancelled before its first step never runs, and could not end its edit.
            await asyncio.sleep(0)
            self.end_running()
        self._producers = None

    def end_running(self) -> None:
        """End the edits that still run, with `server_shutting_down`; their readers hear of it as of any other end."""
        for producer in self._running:
            producer.cancel()

    @property
    def is_ready(self) -> bool:
        return self._producers is not None

    def provider_of(self, model: str) -> tuple[str, Capabilities]:
        """The name of a model's first provider, and what that can do."""
        provider = self.routes.find(model).targets[0].provider
        return provider, self._dispatch.capabilities(provider)

    async def submit(self, request: EditRequest) -> Edit:
        """Start an edit, which from now on owns the request's uploads. Raises CallerError; then the caller closes them."""
        route = self.routes.find(request.model)
        _check_prompt(request, route)
        if self._producers is None:
            raise ShuttingDown("The server is not running.")
        edit = Edit(new_edit_id(), route.model, int(self._clocks.now_s()), request.n)
        await self._log.create(edit.id)
        producer = self._producers.create_task(self._produce(edit, request, route), name=edit.id)
        self._running.add(producer)
        self._telemetry.running.inc()
        producer.add_done_callback(self._ended)
        return edit

    async def follow(self, edit_id: str, after: int, silence_s: float) -> AsyncGenerator[Logged | None]:
        """An edit's events behind `after` to its last; None whenever `silence_s` have passed without one."""
        cursor = self._log.follow(edit_id, after)
        while True:
            events = await cursor.read(silence_s)
            if not events:
                yield None
            for logged in events:
                yield logged
                if logged.last:
                    return

    def _ended(self, producer: asyncio.Task[None]) -> None:
        self._running.discard(producer)
        self._telemetry.running.dec()

    async def _produce(self, edit: Edit, request: EditRequest, route: Route) -> None:
        try:
            await self._run(edit, request, route)
        finally:
            await _close(request)

    async def _run(self, edit: Edit, request: EditRequest, route: Route) -> None:
        """The runner: the one place where any exception is just an edit's end."""
        production = _Production(edit, request.stream, self._log, self._clocks.clock)
        failure: EditError = InternalError("The edit ended without all of its images.")
        try:
            await self._dispatch.run(request, route, production.emit)
        except EditError as error:
            failure = error
        except asyncio.CancelledError:
            failure = ShuttingDown("The server is shutting down.")
            raise
        except Exception as error:
            # Messages of foreign exceptions may quote a prompt: only where it happened is logged.
            where = "".join(traceback.format_tb(error.__traceback__))
            self._telemetry.log.error("edit broke", edit_id=edit.id, error=type(error).__name__, where=where)
            failure = InternalError("This server made a mistake.")
        finally:
            await production.end(failure)
            self._telemetry.ended(production.record())


class _Production:
    """One edit while it is made: keeps its events in order and counts them."""

    def __init__(self, edit: Edit, stream: bool, log: EventLog, clock: Callable[[], float]) -> None:
        self._edit = edit
        self._stream = stream
        self._log = log
        self._clock = clock
        self._order = Order(edit.n)
        self._started_s = clock()
        self._first_event_s: float | None = None
        self._events: dict[type[Event], int] = {PartialImage: 0, Completed: 0, Failed: 0}
        self._size_bytes = 0
        self._usage = Usage()
        self._outcome = "completed"

    async def emit(self, event: Event) -> None:
        """Log the next event. Raises IllegalEvent."""
        last = self._order.accept(event)
        if self._first_event_s is None:
            self._first_event_s = self._clock() - self._started_s
        self._events[type(event)] += 1
        if isinstance(event, Failed):
            self._outcome = event.error.code or event.error.type
        else:
            self._size_bytes += event.payload.size_bytes
        if isinstance(event, Completed):
            self._usage += Usage.of(event.payload)
        await self._log.append(self._edit.id, event, last=last)

    async def end(self, failure: EditError) -> None:
        """An edit that has not ended yet ends with `failure`; a late failure spoils no finished edit."""
        if not self._order.ended:
            await self.emit(Failed(failure.detail))

    def record(self) -> EditRecord:
        return EditRecord(
            edit_id=self._edit.id,
            model=self._edit.model,
            stream=self._stream,
            outcome=self._outcome,
            partial_images=self._events[PartialImage],
            images=self._events[Completed],
            size_bytes=self._size_bytes,
            first_event_s=self._first_event_s,
            total_s=self._clock() - self._started_s,
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
        )


async def _close(request: EditRequest) -> None:
    """The system takes milliseconds to free what is on disk: no work for the event loop."""
    if request.is_on_disk:
        await to_thread.run_sync(request.close)
    else:
        request.close()


def _check_prompt(request: EditRequest, route: Route) -> None:
    if len(request.prompt) > _DALLE_2_PROMPT_CHARS and any(target.model == "dall-e-2" for target in route.targets):
        raise InvalidRequest(
            f"dall-e-2 takes prompts of at most {_DALLE_2_PROMPT_CHARS} characters.",
            param="prompt",
            code="string_above_max_length",
        )
