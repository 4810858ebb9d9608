"""The producer of one edit: it lives with the server, its readers with their requests.

It never raises past its runner: whatever happens, its edit ends with exactly one last event.
"""

import asyncio
import traceback
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from streamedit import tally
from streamedit.attempt import Emit
from streamedit.clocks import Clocks
from streamedit.dispatch import Dispatch
from streamedit.edits import Edit, EditRequest
from streamedit.errors import (
    EditError,
    ErrorDetail,
    InternalError,
    Interrupted,
    ModerationBlocked,
    ShuttingDown,
    StoreUnavailable,
)
from streamedit.events import Completed, Event, Failed, Order, PartialImage, Usage
from streamedit.hosting import Hosting
from streamedit.idempotency import Claim
from streamedit.inputs import Inputs
from streamedit.outcomes import name_of, outcome_of
from streamedit.permits import Permit
from streamedit.records import AttemptRecord, EditRecord, Report, fallbacks_of, retries_of
from streamedit.stores import EndedElsewhere, EventLog, Ledger
from streamedit.telemetry import Telemetry
from streamedit.walk import Listener


@dataclass(frozen=True, slots=True)
class Tools:
    """What all producers work with."""

    dispatch: Dispatch
    inputs: Inputs
    hosting: Hosting | None
    log: EventLog
    ledger: Ledger
    telemetry: Telemetry
    clocks: Clocks


@dataclass(frozen=True, slots=True)
class Accepted:
    """An edit that is to be made. `claim`: that of its Idempotency-Key."""

    edit: Edit
    request: EditRequest
    permit: Permit
    claim: Claim | None = None


class Producer:
    """An edit at work. `run` makes it, once; `end` tells it to stop."""

    def __init__(self, accepted: Accepted, tools: Tools) -> None:
        self._edit = accepted.edit
        self._request = accepted.request
        self._permit = accepted.permit
        self._claim = accepted.claim
        self._accepted = accepted
        self._tools = tools
        self._task: asyncio.Task[None] | None = None
        self._ending: EditError | None = None

    @property
    def is_waiting(self) -> bool:
        """Its turn has not come."""
        return self._permit.is_waiting

    def end(self, reason: EditError) -> None:
        """The edit ends with `reason`, unless it has ended, or was told of another reason before."""
        if self._ending is not None:
            return
        self._ending = reason
        # A task that is cancelled before its first step would never run, and could not end its edit; nor behind its last one.
        if self._task is not None:
            self._task.cancel()

    async def run(self) -> None:
        """The runner: the one place where any exception is just an edit's end."""
        self._task = asyncio.current_task()
        production = _Production(self._accepted, self._tools)
        failure: EditError = InternalError("The edit ended without all of its images.")
        try:
            if self._ending is not None:
                raise self._ending
            await self._open()
            listener = Listener(self._hosted(production.emit), production.attempted)
            making = self._tools.dispatch.run(self._request, self._permit.plan, listener)
            await (self._observed(making) if self._permit.observes else making)
        except EditError as error:
            failure = error
        except asyncio.CancelledError:
            failure = self._ending or ShuttingDown("The server is shutting down.")
            if self._ending is None:
                raise
        except Exception as error:
            # Messages of foreign exceptions may quote a prompt: only where it happened is logged.
            where = "".join(traceback.format_tb(error.__traceback__))
            self._tools.telemetry.log.error("edit broke", edit_id=self._edit.id, error=type(error).__name__, where=where)
            failure = InternalError("This server made a mistake.")
        finally:
            # From here on there is nothing to break off, but an end to tell and to count.
            self._task = None
            await production.end(failure)
            report = production.report()
            self._tools.ledger.keep(report, is_final=True)
            self._tools.telemetry.ended(report)
            self._warn_of_overdraft()
            await self._permit.close()

    def _hosted(self, emit: Emit) -> Emit:
        hosting = self._tools.hosting
        return emit if hosting is None else hosting.telling(self._request, self._permit.plan, emit)

    def _warn_of_overdraft(self) -> None:
        """What a worst case was found for may have another by now."""
        permit = self._permit
        if permit.is_overdrawn:
            costs = {"spent_micros": permit.spent_micros, "worst_micros": permit.worst_micros}
            self._tools.telemetry.log.warning("edit cost more than its worst case", edit_id=self._edit.id, **costs)

    async def _open(self) -> None:
        """Wait for its turn, and bring its images in. Raises EditError.

        Whoever is refused here may come again with the same Idempotency-Key.
        """
        try:
            await self._permit.open(self._request, self._bring)
        except EditError as error:
            if self._claim is not None and not isinstance(error, ModerationBlocked):
                with suppress(StoreUnavailable):
                    await self._tools.log.unclaim(self._claim, self._edit.id)
            raise

    async def _bring(self) -> None:
        if not any(self._request.references()):
            return
        with_urls = self._permit.judges_images or not self._tools.dispatch.takes_urls(self._permit.plan)
        await self._tools.inputs.bring(self._request, self._edit.owner, with_urls=with_urls)
        await self._tools.dispatch.check(self._request)

    async def _observed(self, making: Coroutine[Any, Any, None]) -> None:
        """The same, while the moderation looks at what was asked for. Raises EditError."""
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._permit.observe(self._request))
            failure = await _failure_of(making)
        if failure is not None:
            raise failure


async def _failure_of(making: Coroutine[Any, Any, None]) -> EditError | None:
    """As a result: an exception would break off what goes on beside."""
    try:
        await making
    except EditError as error:
        return error
    return None


class _Production:
    """One edit while it is made: keeps its events in order and counts them."""

    def __init__(self, accepted: Accepted, tools: Tools) -> None:
        self._edit = accepted.edit
        self._permit = accepted.permit
        self._stream = accepted.request.stream
        self._parent = accepted.request.parent
        self._uploads = tuple(each.upload for each in accepted.request.files())
        self._log = tools.log
        self._ledger = tools.ledger
        self._clock = tools.clocks.clock
        self._order = Order(accepted.edit.n)
        self._started_s = tools.clocks.clock()
        self._started_at_s = tools.clocks.now_s()
        self._first_event_s: float | None = None
        self._events: dict[type[Event], int] = {PartialImage: 0, Completed: 0, Failed: 0}
        self._size_bytes = 0
        self._usage = Usage()
        self._cost_micros: int | None = None
        self._failure: ErrorDetail | None = None
        self._attempts: list[AttemptRecord] = []
        self._telemetry = tools.telemetry

    def attempted(self, attempt: AttemptRecord) -> None:
        """Keep and tell what is known of a call that has ended."""
        self._attempts.append(attempt)
        self._permit.spend(attempt.charge_micros)
        self._telemetry.attempted(self._edit.id, attempt)

    async def emit(self, event: Event) -> None:
        """Log the next event. Raises IllegalEvent."""
        last = self._order.accept(event)
        if self._first_event_s is None:
            self._first_event_s = self._clock() - self._started_s
        self._events[type(event)] += 1
        if isinstance(event, Failed):
            self._failure = event.error
        else:
            self._size_bytes += event.payload.size_bytes
        if isinstance(event, Completed):
            self._usage += Usage.of(event.payload)
            if event.cost_micros is not None:
                self._cost_micros = (self._cost_micros or 0) + event.cost_micros
        if last:
            # Whoever hears of the end finds it in the ledger, even if nothing here comes to pass any more.
            self._ledger.keep(self.report(), is_final=False)
        try:
            await self._log.append(self._edit.id, event, last=last)
        except EndedElsewhere:
            self._order.ended = True
            interrupted = Interrupted("The edit was declared interrupted while this process was out of reach.")
            self._failure = interrupted.detail
            raise interrupted from None

    async def end(self, failure: EditError) -> None:
        """An edit that has not ended yet ends with `failure`; a late failure spoils no finished edit."""
        if not self._order.ended:
            detail = failure.detail
            told = {**detail.headers, **tally.of_attempts(self._attempts)}
            with suppress(Interrupted):
                await self.emit(Failed(replace(detail, headers=told)))

    def report(self) -> Report:
        return Report(self._record(), tuple(self._attempts), self._parent, self._permit.party)

    def _record(self) -> EditRecord:
        overheads_s = (each.overhead_s for each in self._attempts if each.overhead_s is not None)
        return EditRecord(
            edit_id=self._edit.id,
            model=self._edit.model,
            provider=self._attempts[-1].provider if self._attempts else "",
            attempts=len(self._attempts),
            fallbacks=fallbacks_of(self._attempts),
            overhead_s=next(overheads_s, None),
            stream=self._stream,
            outcome=outcome_of(self._failure),
            partial_images=self._events[PartialImage],
            images=self._events[Completed],
            size_bytes=self._size_bytes,
            first_event_s=self._first_event_s,
            total_s=self._clock() - self._started_s,
            input_tokens=self._usage.input_tokens,
            output_tokens=self._usage.output_tokens,
            cost_micros=self._cost_micros,
            started_at_s=self._started_at_s,
            route=self._permit.plan.route,
            retries=retries_of(self._attempts),
            status=self._failure.status if self._failure else None,
            error_type=name_of(self._failure.type) if self._failure else None,
            trace_id=self._parent.trace_id if self._parent else None,
            input_image_tokens=self._usage.input_image_tokens,
            cached_tokens=self._usage.cached_tokens,
            output_text_tokens=self._usage.output_text_tokens,
            charge_micros=sum(each.charge_micros for each in self._attempts),
            input_bytes=sum(upload.size_bytes for upload in self._uploads),
            flagged=self._permit.flagged,
        )
