"""One image's way through a plan: stage after stage, target after target, until one of them commits.

A target commits with its first event. Until then somebody else may be asked; after it never: somebody may have paid.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, isfinite

from streamedit.account import Account
from streamedit.attempt import Attempt, Emit
from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import EditError, NoTarget, RequestTimeout, UpstreamError
from streamedit.events import Event
from streamedit.failures import kind_of, may_go_on, retry_after_s
from streamedit.health import Ended
from streamedit.outcomes import ABANDONED
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.providers.stills import Stills
from streamedit.records import AttemptRecord
from streamedit.routing import Course, Plan, Stage, Tried, Wait, next_step, opens_in_s
from streamedit.targets import Target
from streamedit.tracker import Call, Tracker


@dataclass(frozen=True, slots=True)
class Tools:
    """What walks work with. `max_attempts`: of one image."""

    providers: Mapping[str, Provider]
    prices: Prices
    tracker: Tracker
    clocks: Clocks
    max_attempts: int
    stills: Stills


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of an edit at work: of its events, and of each attempt that has ended."""

    emit: Emit
    attempted: Callable[[AttemptRecord], None] = lambda _: None


class Walk:
    """`request` is for what one call is to make. `started_s`: when it was accepted, in monotonic seconds.

    `may_be_paid`: a call is under way, or one has ended that the provider may have taken money for.
    """

    def __init__(self, request: EditRequest, tools: Tools, listener: Listener, started_s: float) -> None:
        self.may_be_paid = False
        self._request = request
        self._tools = tools
        self._listener = listener
        self._account = Account(request, tools.clocks, started_s)

    async def run(self, plan: Plan) -> None:
        """Emit the events. Raises EditError."""
        failure: EditError | None = None
        for when, step in plan.steps:
            if failure is not None and not when.takes(failure.detail):
                continue
            try:
                return await (self.run(step) if isinstance(step, Plan) else self._stage(step))
            except EditError as error:
                if not self._may_go_on(error):
                    raise
                failure = error
        raise failure or NoTarget("There is nobody to ask.")

    def named(self, error: EditError) -> EditError:
        """The same error, told with each attempt."""
        return self._account.named(error)

    async def _stage(self, stage: Stage) -> None:
        """Ask its targets, one after the other, until one commits. Raises EditError when it is the next stage's turn."""
        self._account.enter(stage)
        tracker, clocks = self._tools.tracker, self._tools.clocks
        course = Course()
        failure: EditError | None = None
        while True:
            candidates, now_s = await tracker.candidates(stage), clocks.now_s()
            step = next_step(stage, candidates, course, now_s, random.random)
            if step is None:
                raise failure or _nobody(opens_in_s(candidates, now_s))
            await self._pause(step.delay_s)
            if isinstance(step, Wait):
                course = replace(course, waited_s=course.waited_s + step.delay_s)
            elif call := await tracker.begin(step.target):
                self._account.ask(step.target, again=bool(course.tried))
                failure = await self._attempt(stage, call)
                if failure is None:
                    return
                if not self._may_go_on(failure):
                    raise failure
                course = replace(course, tried=(*course.tried, Tried(step.target, failure.detail, clocks.now_s())))

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._tools.clocks.sleep(seconds)
            self._account.spend(seconds)

    def _may_go_on(self, error: EditError) -> bool:
        account = self._account
        return may_go_on(error.detail, account.is_committed) and len(account.attempts) < self._tools.max_attempts

    async def _attempt(self, stage: Stage, call: Call) -> EditError | None:
        """One call. Its failure is a result: somebody else may be asked."""
        tools = self._tools
        attempt = Attempt(stage, call.target, tools.prices, tools.stills, tools.clocks.clock)
        self.may_be_paid = True
        outcome: EditError | str | None = ABANDONED
        cooldown_s: float | None = None
        try:
            outcome = failure = await self._failure_of(attempt, call.target)
            if _tells_of_target(failure):
                cooldown_s = await self._tools.tracker.end(call, self._ended(attempt, failure), stage.policy.cooling)
        finally:
            self._listener.attempted(self._account.close(attempt, call.target, outcome, cooldown_s or 0.0))
            if cooldown_s is None:
                await self._tools.tracker.abandon(call)
        if failure is not None:
            self.may_be_paid = failure.detail.charged or self._account.is_committed
            self._account.spend(attempt.total_s)
        return failure

    async def _failure_of(self, attempt: Attempt, target: Target) -> EditError | None:
        async def emit(event: Event) -> None:
            await self._listener.emit(self._account.with_headers(event, attempt))

        try:
            await attempt.run(self._tools.providers[target.provider], self._request, emit)
        except EditError as error:
            return error
        return None

    def _ended(self, attempt: Attempt, failure: EditError | None) -> Ended:
        tokens = attempt.usage.input_tokens + attempt.usage.output_tokens
        if failure is None:
            return Ended(None, attempt.first_event_s, tokens)
        wait_s = retry_after_s(failure.detail.headers, self._tools.clocks.now_s())
        return Ended(kind_of(failure.detail), None, tokens, wait_s or 0.0)


def _nobody(wait_s: float) -> NoTarget:
    headers = {"retry-after": str(max(1, ceil(wait_s)))} if isfinite(wait_s) else {}
    return NoTarget("No target of this model can be asked now. Try again later.", headers=headers)


def _tells_of_target(failure: EditError | None) -> bool:
    """A success does, and what the provider did; not what was wrong here, or was refused here, or took the caller too long."""
    return failure is None or (isinstance(failure, UpstreamError) and not isinstance(failure, RequestTimeout))
