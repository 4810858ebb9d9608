"""Submit an edit, follow it, cancel it. Producers live with the server, and belong to the gateway; readers to their request."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from copy import copy
from dataclasses import dataclass, field, replace

from anyio import to_thread

from streamedit.admission import Admission
from streamedit.claims import Claims
from streamedit.clocks import Clocks
from streamedit.dispatch import Dispatch
from streamedit.edits import Edit, EditRequest, new_edit_id
from streamedit.errors import CallerError, Cancelled, LedgerFull, ShuttingDown
from streamedit.hosting import Hosting
from streamedit.idempotency import Claim
from streamedit.inputs import Inputs
from streamedit.parties import Principal
from streamedit.permissions import check_prompt
from streamedit.permits import Permit
from streamedit.producer import Accepted, Producer, Tools
from streamedit.providers.capabilities import Capabilities
from streamedit.routes import Routes
from streamedit.routing import Plan
from streamedit.stores import Cursor, Entry, EventLog, Ledger, Logged
from streamedit.telemetry import Telemetry

_ELSEWHERE_S = 10.0
"""For another process: to hear that its edit is cancelled, to have its events here."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The edit that a request became, or joined. `headers`: what its answer tells of the caller's limits."""

    edit: Edit
    is_new: bool
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offer:
    """What settings decide: which models there are, who makes their edits, and who may have them made.

    `inputs`, `hosting`: whence images may come that are only named, and where those go that are told by URL; None where whoever
    reads the events sees to that.
    """

    routes: Routes
    dispatch: Dispatch
    admission: Admission
    inputs: Inputs
    hosting: Hosting | None


class Gateway:
    """See the module."""

    def __init__(self, offer: Offer, log: EventLog, ledger: Ledger, telemetry: Telemetry, clocks: Clocks) -> None:
        self._offer = offer
        self._log = log
        self._ledger = ledger
        self._now_s = clocks.now_s
        self._tools = Tools(offer.dispatch, offer.inputs, offer.hosting, log, ledger, telemetry, clocks)
        # All that follows is shared with those that `offering` makes.
        self._producers = asyncio.TaskGroup()
        self._accepts = asyncio.Event()
        self._running: dict[str, Producer] = {}
        self._readers: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self._claims = Claims(log)

    @property
    def routes(self) -> Routes:
        return self._offer.routes

    @asynccontextmanager
    async def running(self, drain_s: float = 0) -> AsyncIterator[None]:
        """Accept edits inside, once; on leaving, edits that still run after `drain_s` end with `server_shutting_down`."""
        async with self._log.serving(self._cancel), self._producers:
            self._accepts.set()
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await self._idle.wait()
            self._accepts.clear()
            self.end_running()

    def offering(self, offer: Offer) -> "Gateway":
        """This gateway with another offer for the edits to come; those that run are the same in both, and keep to theirs."""
        other = copy(self)
        other._offer = offer  # noqa: SLF001 - it is one of us
        other._tools = replace(  # noqa: SLF001
            self._tools, dispatch=offer.dispatch, inputs=offer.inputs, hosting=offer.hosting
        )
        return other

    def end_running(self) -> None:
        """End the edits that still run, with `server_shutting_down`; their readers hear of it as of any other end."""
        for producer in self._running.values():
            producer.end(ShuttingDown("The server is shutting down."))

    @property
    def is_ready(self) -> bool:
        return self._accepts.is_set() and self._log.is_ready

    def waits(self, edit_id: str) -> bool:
        """The edit is in this process, and its turn has not come."""
        return edit_id in self._running and self._running[edit_id].is_waiting

    def runs(self, edit_id: str) -> bool:
        """The edit is at work in this process."""
        return edit_id in self._running

    def provider_of(self, model: str) -> tuple[str, Capabilities]:
        """The name of a model's first provider, and what that can do."""
        target = self.routes.find(model).targets[0]
        return target.provider, self._tools.dispatch.capabilities(target)

    async def submit(
        self, request: EditRequest, principal: Principal, claim: Claim | None = None, plan: Plan | None = None
    ) -> Submitted:
        """Start an edit, or join the one that `claim` has started before; the request's uploads are the gateway's now.

        `plan`: a caller's own; None for that of the model. Raises EditError; then the caller closes them.
        """
        plan = plan or self.routes.plan(request.model, request.wishes)
        check_prompt(request.prompt, plan)
        await self._offer.dispatch.check(request)
        if not self._accepts.is_set():
            raise ShuttingDown("The server is not running.")
        new = Edit(new_edit_id(), plan.model, int(self._now_s()), principal.id, request.n)
        async with self._claims.alone(claim):
            try:
                if earlier := await self._claims.holder(claim):
                    return await _join(earlier, request)
                permit = await self._admit(new, request, principal, plan)
            except CallerError:
                # Another process may have been faster with the same key, and have taken what there was.
                if earlier := await self._claims.holder(claim):
                    return await _join(earlier, request)
                raise
            return await self._begin(Accepted(new, request, permit, claim))

    async def _admit(self, edit: Edit, request: EditRequest, principal: Principal, plan: Plan) -> Permit:
        if not self._ledger.has_room:
            raise LedgerFull("The ledger cannot keep up. Try again later.", headers={"retry-after": "10"})
        await self._offer.inputs.check(request, principal.id, with_urls=not self._offer.dispatch.takes_urls(plan))
        return await self._offer.admission.admit(edit.id, principal, request, plan)

    async def _begin(self, accepted: Accepted) -> Submitted:
        """Make it an edit; or give up its permit, where another process was faster with its claim."""
        new, permit = accepted.edit, accepted.permit
        async with AsyncExitStack() as undo:
            undo.push_async_callback(permit.close, is_counted=False)
            edit = await self._log.create(new, accepted.claim)
            if not self._accepts.is_set():
                raise ShuttingDown("The server is shutting down.")
            if edit.id == new.id:
                undo.pop_all()
                self._start(accepted)
                return Submitted(edit, is_new=True, headers=permit.headers)
        return await _join(edit, accepted.request)

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

    def _start(self, accepted: Accepted) -> None:
        edit = accepted.edit
        self._ledger.begin(edit, accepted.permit.party, self._now_s())
        self._running[edit.id] = producer = Producer(accepted, self._tools)
        self._idle.clear()
        self._producers.create_task(self._produce(edit, accepted.request, producer), name=edit.id)
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


async def _join(edit: Edit, request: EditRequest) -> Submitted:
    await _close(request)
    return Submitted(edit, is_new=False)


async def _close(request: EditRequest) -> None:
    """The system takes milliseconds to free what is on disk: no work for the event loop."""
    if request.is_on_disk:
        await to_thread.run_sync(request.close)
    else:
        request.close()
