"""Submit an edit, follow it, cancel it. Producers live with the server, and belong to the gateway; readers to their request."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace

from anyio import to_thread

from streamedit.clocks import Clocks
from streamedit.dispatch import Dispatch
from streamedit.edits import Edit, EditRequest, new_edit_id
from streamedit.errors import Cancelled, InvalidRequest, ShuttingDown
from streamedit.idempotency import Claim
from streamedit.producer import Producer, Tools
from streamedit.providers.capabilities import Capabilities
from streamedit.routes import Routes
from streamedit.routing import Plan
from streamedit.stores import Cursor, Entry, EventLog, Logged
from streamedit.telemetry import Telemetry

_DALLE_2_PROMPT_CHARS = 1000
"""OpenAI's API reference: 1,000 characters for dall-e-2, 32,000 for all others."""

_ELSEWHERE_S = 10.0
"""For another process: to hear that its edit is cancelled, to have its events here."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The edit that a request became, or joined."""

    edit: Edit
    is_new: bool


class Gateway:
    """See the module."""

    def __init__(self, routes: Routes, dispatch: Dispatch, log: EventLog, telemetry: Telemetry, clocks: Clocks) -> None:
        self.routes = routes
        self._log = log
        self._now_s = clocks.now_s
        self._tools = Tools(dispatch, log, telemetry, clocks)
        # All that follows is shared with those that `offering` makes.
        self._producers = asyncio.TaskGroup()
        self._accepts = asyncio.Event()
        self._running: dict[str, Producer] = {}
        self._readers: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def running(self, drain_s: float = 0) -> AsyncIterator[None]:
        """Accept edits inside, once; on leaving, edits that still run after `drain_s` end with `server_shutting_down`."""
        async with self._log.serving(self._cancel), self._producers:
            self._accepts.set()
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await self._idle.wait()
            self.end_running()
        self._accepts.clear()

    def offering(self, routes: Routes, dispatch: Dispatch) -> "Gateway":
        """This gateway with other models for the edits to come; those that run are the same in both, and keep to theirs."""
        other = copy(self)
        other.routes = routes
        other._tools = replace(self._tools, dispatch=dispatch)  # noqa: SLF001 - it is one of us
        return other

    def end_running(self) -> None:
        """End the edits that still run, with `server_shutting_down`; their readers hear of it as of any other end."""
        for producer in self._running.values():
            producer.end(ShuttingDown("The server is shutting down."))

    @property
    def is_ready(self) -> bool:
        return self._accepts.is_set() and self._log.is_ready

    def runs(self, edit_id: str) -> bool:
        """The edit is at work in this process."""
        return edit_id in self._running

    def provider_of(self, model: str) -> tuple[str, Capabilities]:
        """The name of a model's first provider, and what that can do."""
        target = self.routes.find(model).targets[0]
        return target.provider, self._tools.dispatch.capabilities(target)

    async def submit(self, request: EditRequest, owner: str, claim: Claim | None = None, plan: Plan | None = None) -> Submitted:
        """Start an edit, or join the one that `claim` has started before; the request's uploads are the gateway's now.

        `plan`: a caller's own; None for that of the model. Raises EditError; then the caller closes them.
        """
        plan = plan or self.routes.plan(request.model, request.wishes)
        _check_prompt(request, plan)
        if not self._accepts.is_set():
            raise ShuttingDown("The server is not running.")
        new = Edit(new_edit_id(), plan.model, int(self._now_s()), owner, request.n)
        edit = await self._log.create(new, claim)
        is_new = edit.id == new.id
        if is_new:
            self._start(edit, request, plan)
        else:
            await _close(request)
        return Submitted(edit, is_new)

    async def find(self, edit_id: str, owner: str) -> Entry:
        """An edit of this owner. Raises NotFound, EditExpired, StoreUnavailable."""
        return await self._log.find(edit_id, owner)

    async def follow(self, edit_id: str, after: int, silence_s: float) -> AsyncGenerator[Logged | None]:
        """An edit's events behind `after` to its last; None whenever `silence_s` have passed without one.

        Raises NotFound, EditExpired, LogFull, StoreUnavailable, before the first of them.
        """
        return self._read(edit_id, await self._log.follow(edit_id, after), silence_s)

    async def _read(self, edit_id: str, cursor: Cursor, silence_s: float) -> AsyncGenerator[Logged | None]:
        self._readers[edit_id] += 1
        try:
            while True:
                events = await cursor.read(silence_s)
                if not events:
                    yield None
                for logged in events:
                    yield logged
                    if logged.last:
                        return
        finally:
            self._readers[edit_id] -= 1
            if not self._readers[edit_id]:
                del self._readers[edit_id]

    def delivered(self, edit_id: str) -> None:
        """Somebody has got the whole edit."""
        self._log.delivered(edit_id)

    def abandon(self, edit_id: str) -> None:
        """Cancel an edit that nobody here reads."""
        if edit_id not in self._readers:
            self._cancel(edit_id)

    async def so_far(self, entry: Entry) -> Sequence[Logged]:
        """An entry's events, up to its newest at least; fewer when those are elsewhere and do not come within seconds."""
        cursor = await self._log.follow(entry.edit.id)
        logged: list[Logged] = []
        while len(logged) < entry.last_id and (more := await cursor.read(_ELSEWHERE_S)):
            logged += more
        return logged

    async def cancel(self, edit_id: str) -> Sequence[Logged]:
        """End an edit with `cancelled` and close its provider's call; one that has ended stays as it is.

        Gives its events, to the last one unless that does not come within seconds. Raises NotFound, EditExpired,
        StoreUnavailable.
        """
        cursor = await self._log.follow(edit_id)
        if self.runs(edit_id):
            self._cancel(edit_id)
        else:
            await self._log.request_cancel(edit_id)
        logged: list[Logged] = []
        while not (logged and logged[-1].last) and (more := await cursor.read(_ELSEWHERE_S)):
            logged += more
        return logged

    def _start(self, edit: Edit, request: EditRequest, plan: Plan) -> None:
        self._running[edit.id] = producer = Producer(edit, request, plan, self._tools)
        self._idle.clear()
        self._producers.create_task(self._produce(edit, request, producer), name=edit.id)
        self._tools.telemetry.running.inc()

    def _cancel(self, edit_id: str) -> None:
        if producer := self._running.get(edit_id):
            producer.end(Cancelled("The edit was cancelled."))

    async def _produce(self, edit: Edit, request: EditRequest, producer: Producer) -> None:
        try:
            await producer.run()
        finally:
            del self._running[edit.id]
            self._tools.telemetry.running.dec()
            await _close(request)
            if not self._running:
                self._idle.set()


async def _close(request: EditRequest) -> None:
    """The system takes milliseconds to free what is on disk: no work for the event loop."""
    if request.is_on_disk:
        await to_thread.run_sync(request.close)
    else:
        request.close()


def _check_prompt(request: EditRequest, plan: Plan) -> None:
    if len(request.prompt) > _DALLE_2_PROMPT_CHARS and any(target.base_model == "dall-e-2" for target in plan.targets):
        raise InvalidRequest(
            f"dall-e-2 takes prompts of at most {_DALLE_2_PROMPT_CHARS} characters.",
            param="prompt",
            code="string_above_max_length",
        )
