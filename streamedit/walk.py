"""One image's way through a plan: stage after stage, target after target, until one of them commits.

A target commits with its first event. Until then somebody else may be asked; after it never: somebody may have paid.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil, isfinite

from streamedit import tally
from streamedit.attempt import Attempt, Emit
from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import EditError, NoTarget, RequestTimeout, UpstreamError
from streamedit.events import Completed, Event, Failed
from streamedit.failures import kind_of, may_go_on, retry_after_s
from streamedit.health import Ended
from streamedit.outcomes import ABANDONED, outcome_of
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
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
        self._started_s = started_s
        self._elsewhere_s = 0.0
        self._stages = 0
        self._asked: tuple[str, str] = ("", "")
        self._attempts: list[str] = []
        self._option = ""
        self._retries = 0
        self._overhead_s: float | None = None
        self._told: Mapping[str, str] = {}

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
        if not self._attempts:
            return error
        detail = error.detail
        is_whole = len(self._attempts) == 1 and not isinstance(error, NoTarget)
        message = detail.message if is_whole else f"{detail.message} (attempts: {', '.join(self._attempts)})"
        headers = {**detail.headers, **self._names(len(self._attempts))}
        return error.retold(replace(detail, message=message, headers=headers))

    async def _stage(self, stage: Stage) -> None:
        self._stages += 1
        tracker, clocks = self._tools.tracker, self._tools.clocks
        self._option = stage.option
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
                self._retries += bool(course.tried)
                failure = await self._attempt(stage, call)
                if failure is None:
                    return
                if not self._may_go_on(failure):
                    raise failure
                course = replace(course, tried=(*course.tried, Tried(step.target, failure.detail, clocks.now_s())))

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._tools.clocks.sleep(seconds)
            self._elsewhere_s += seconds

    def _may_go_on(self, error: EditError) -> bool:
        return may_go_on(error.detail, bool(self._told)) and len(self._attempts) < self._tools.max_attempts

    async def _attempt(self, stage: Stage, call: Call) -> EditError | None:
        """One call. Its failure is a result: somebody else may be asked."""
        attempt = Attempt(stage, call.target, self._tools.prices, self._tools.clocks.clock)
        self._asked, self.may_be_paid = (stage.model, call.target.provider), True
        outcome: EditError | str | None = ABANDONED
        cooldown_s: float | None = None
        try:
            outcome = failure = await self._outcome(attempt, stage, call.target)
            if _tells_of_target(failure):
                cooldown_s = await self._tools.tracker.end(call, self._ended(attempt, failure), stage.policy.cooling)
        finally:
            self._listener.attempted(self._record(attempt, stage, call.target, outcome, cooldown_s or 0.0))
            self._attempts.append(f"{call.target.name} {_in_words(outcome)}")
            if cooldown_s is None:
                await self._tools.tracker.abandon(call)
        if failure is not None:
            self.may_be_paid = failure.detail.charged or bool(self._told)
            self._elsewhere_s += attempt.total_s
        return failure

    async def _outcome(self, attempt: Attempt, stage: Stage, target: Target) -> EditError | None:
        async def emit(event: Event) -> None:
            is_first = not self._told
            self._told = self._told or self._facts(stage, attempt)
            if is_first or isinstance(event, Completed):
                event = _with_headers(event, self._told)
            if isinstance(event, Completed):
                self._told = tally.of_later(self._told)
            await self._listener.emit(event)

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

    def _facts(self, stage: Stage, attempt: Attempt) -> Mapping[str, str]:
        """What the answer's headers tell once somebody has committed."""
        elsewhere_s = self._elsewhere_s + (attempt.first_event_s or 0.0)
        self._overhead_s = max(0.0, self._tools.clocks.clock() - self._started_s - elsewhere_s)
        return {
            **self._names(len(self._attempts) + 1),
            tally.OVERHEAD_MS: f"{self._overhead_s * 1000:.1f}",
        }

    def _names(self, attempts: int) -> Mapping[str, str]:
        model, provider = self._asked
        return {
            tally.MODEL: model,
            tally.PROVIDER: provider,
            tally.ATTEMPTS: str(attempts),
            tally.RETRIES: str(self._retries),
            tally.FALLBACKS: str(max(0, self._stages - 1)),
            **({tally.OPTION: self._option} if self._option else {}),
        }

    def _record(
        self, attempt: Attempt, stage: Stage, target: Target, outcome: EditError | str | None, cooldown_s: float
    ) -> AttemptRecord:
        """`charged`: what is broken off may have been paid as well."""
        detail = outcome.detail if isinstance(outcome, EditError) else None
        server_address, server_port = target.address
        total_s = attempt.total_s
        return AttemptRecord(
            model=self._asked[0],
            provider=target.provider,
            target=target.model,
            number=len(self._attempts) + 1,
            stage=self._stages,
            image_index=self._request.image_index,
            outcome=outcome if isinstance(outcome, str) else outcome_of(detail),
            status=detail.status if detail else None,
            charged=detail.charged if detail else outcome == ABANDONED,
            started_at_s=self._tools.clocks.now_s() - total_s,
            overhead_s=self._overhead_s,
            first_event_s=attempt.first_event_s,
            total_s=total_s,
            partial_images=attempt.partial_images,
            images=attempt.images,
            size_bytes=attempt.size_bytes,
            input_tokens=attempt.usage.input_tokens,
            output_tokens=attempt.usage.output_tokens,
            cost_micros=attempt.cost_micros,
            cooldown_s=cooldown_s,
            route=stage.route,
            pattern=(target.pattern or target.model) if stage.route else "",
            target_id=target.id,
            kind=kind_of(detail) if detail else None,
            n=self._request.n,
            server_address=server_address,
            server_port=server_port,
        )


def _nobody(wait_s: float) -> NoTarget:
    headers = {"retry-after": str(max(1, ceil(wait_s)))} if isfinite(wait_s) else {}
    return NoTarget("No target of this model can be asked now. Try again later.", headers=headers)


def _tells_of_target(failure: EditError | None) -> bool:
    """A success does, and what the provider did; not what was wrong here, or was refused here, or took the caller too long."""
    return failure is None or (isinstance(failure, UpstreamError) and not isinstance(failure, RequestTimeout))


def _in_words(outcome: EditError | str | None) -> str:
    if isinstance(outcome, EditError):
        return f"{outcome.detail.status} {outcome.detail.code or outcome.detail.type}"
    return outcome or "completed"


def _with_headers(event: Event, headers: Mapping[str, str]) -> Event:
    """An edit's first event and its completed ones carry what answers tell of it: others are never looked at for that."""
    return event if isinstance(event, Failed) else replace(event, headers={**event.headers, **headers})
