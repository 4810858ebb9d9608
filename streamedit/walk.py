"""One image's way through a plan: stage after stage, target after target, until one of them commits.

A target commits with its first event. Until then somebody else may be asked; after it never: somebody may have paid.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from streamedit.attempt import Attempt, Emit
from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import EditError, NoTarget
from streamedit.events import Completed, Event, Failed
from streamedit.failures import kind_of, may_go_on, retry_after_s
from streamedit.health import Ended
from streamedit.outcomes import ABANDONED, outcome_of
from streamedit.pricing import Prices
from streamedit.providers.base import Provider
from streamedit.records import AttemptRecord
from streamedit.routing import Course, Plan, Stage, Tried, Wait, next_step
from streamedit.targets import Target
from streamedit.tracker import Tracker


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
    """`request` is for what one call is to make. `started_s`: when it was accepted, in monotonic seconds."""

    def __init__(self, request: EditRequest, tools: Tools, listener: Listener, started_s: float) -> None:
        self._request = request
        self._tools = tools
        self._listener = listener
        self._started_s = started_s
        self._elsewhere_s = 0.0
        self._stages = 0
        self._failed: list[Tried] = []
        self._overhead_s: float | None = None
        self._told: Mapping[str, str] = {}

    async def run(self, plan: Plan) -> None:
        """Emit the events. Raises EditError, which names each attempt when there were several."""
        try:
            await self._run(plan)
        except EditError as error:
            raise self._naming_all(error) from error

    async def _run(self, plan: Plan) -> None:
        failure: EditError | None = None
        for when, step in plan.steps:
            if failure is not None and not when.takes(failure.detail):
                continue
            try:
                return await (self._run(step) if isinstance(step, Plan) else self._stage(step))
            except EditError as error:
                if not self._may_go_on(error):
                    raise
                failure = error
        raise failure or NoTarget("There is nobody to ask.")

    async def _stage(self, stage: Stage) -> None:
        self._stages += 1
        course = Course()
        failure: EditError | None = None
        while True:
            candidates = await self._tools.tracker.candidates(stage)
            step = next_step(stage, candidates, course, self._tools.clocks.now_s(), random.random)
            if step is None:
                raise failure or NoTarget("No target of this model can be asked now. Try again later.")
            await self._pause(step.delay_s)
            if isinstance(step, Wait):
                course = replace(course, waited_s=course.waited_s + step.delay_s)
            elif await self._tools.tracker.begin(step.target):
                failure = await self._attempt(stage, step.target)
                if failure is None:
                    return
                if not self._may_go_on(failure):
                    raise failure
                course = replace(course, tried=(*course.tried, self._failed[-1]))

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._tools.clocks.sleep(seconds)
            self._elsewhere_s += seconds

    def _may_go_on(self, error: EditError) -> bool:
        return may_go_on(error.detail, bool(self._told)) and len(self._failed) < self._tools.max_attempts

    async def _attempt(self, stage: Stage, target: Target) -> EditError | None:
        """One call. Its failure is a result: somebody else may be asked."""
        tools = self._tools
        attempt = Attempt(stage, target, tools.prices, tools.clocks.clock)
        outcome: EditError | None = None
        has_ended, cooldown_s = False, 0.0
        try:
            outcome = await self._outcome(attempt, stage, target)
            cooldown_s = await tools.tracker.end(target, self._ended(attempt, outcome), stage.policy.cooling)
            has_ended = True
        finally:
            if not has_ended:
                await tools.tracker.abandon(target)
            self._listener.attempted(self._record(attempt, stage, target, outcome if has_ended else ABANDONED, cooldown_s))
            if outcome is not None:
                self._failed.append(Tried(target, outcome.detail, tools.clocks.now_s()))
                self._elsewhere_s += attempt.total_s
        return outcome

    async def _outcome(self, attempt: Attempt, stage: Stage, target: Target) -> EditError | None:
        async def emit(event: Event) -> None:
            if not self._told:
                self._told = self._facts(stage, target, attempt)
                event = _with_headers(event, self._told)
            elif isinstance(event, Completed):
                event = _with_headers(event, self._told)
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

    def _facts(self, stage: Stage, target: Target, attempt: Attempt) -> Mapping[str, str]:
        """What the answer's headers tell once somebody has committed."""
        elsewhere_s = self._elsewhere_s + (attempt.first_event_s or 0.0)
        self._overhead_s = max(0.0, self._tools.clocks.clock() - self._started_s - elsewhere_s)
        return {
            **self._names(stage.model, target.provider, len(self._failed) + 1),
            "x-streamedit-overhead-ms": f"{self._overhead_s * 1000:.1f}",
            **({"x-streamedit-option": stage.option} if stage.option else {}),
        }

    def _names(self, model: str, provider: str, attempts: int) -> Mapping[str, str]:
        return {
            "x-streamedit-model": model,
            "x-streamedit-provider": provider,
            "x-streamedit-attempts": str(attempts),
            "x-streamedit-fallbacks": str(max(0, self._stages - 1)),
        }

    def _naming_all(self, error: EditError) -> EditError:
        """The same error, told with each attempt."""
        if not self._failed:
            return error
        detail, last = error.detail, self._failed[-1].target
        each = ", ".join(f"{one.target.name} {one.error.status} {one.error.code or one.error.type}" for one in self._failed)
        message = detail.message if len(self._failed) == 1 else f"{detail.message} (attempts: {each})"
        headers = {**detail.headers, **self._names(last.model, last.provider, len(self._failed))}
        return error.retold(replace(detail, message=message, headers=headers))

    def _record(
        self, attempt: Attempt, stage: Stage, target: Target, outcome: EditError | str | None, cooldown_s: float
    ) -> AttemptRecord:
        detail = outcome.detail if isinstance(outcome, EditError) else None
        server_address, server_port = target.address
        total_s = attempt.total_s
        return AttemptRecord(
            model=stage.model,
            provider=target.provider,
            target=target.model,
            number=len(self._failed) + 1,
            stage=self._stages,
            image_index=self._request.image_index,
            outcome=outcome if isinstance(outcome, str) else outcome_of(detail),
            status=detail.status if detail else None,
            charged=detail.charged if detail else False,
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


def _with_headers(event: Event, headers: Mapping[str, str]) -> Event:
    """An edit's first event and its completed ones carry what answers tell of it: others are never looked at for that."""
    return event if isinstance(event, Failed) else replace(event, headers={**event.headers, **headers})
