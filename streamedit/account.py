"""What is told of one walk: in the headers of answers, in errors, in the records of its attempts."""

from collections.abc import Mapping
from dataclasses import replace

from streamedit import tally
from streamedit.attempt import Attempt
from streamedit.clocks import Clocks
from streamedit.edits import EditRequest
from streamedit.errors import EditError, NoTarget
from streamedit.events import Completed, Event, Failed
from streamedit.failures import kind_of
from streamedit.outcomes import ABANDONED, outcome_of
from streamedit.records import AttemptRecord
from streamedit.routing import Stage
from streamedit.targets import Target


class Account:
    """Kept while a walk goes on. `started_s`: when its request was accepted, in monotonic seconds.

    `attempts`: those that have ended. `is_committed`: an event was told of.
    """

    def __init__(self, request: EditRequest, clocks: Clocks, started_s: float) -> None:
        self.attempts: list[str] = []
        self._request = request
        self._clocks = clocks
        self._started_s = started_s
        self._elsewhere_s = 0.0
        self._stages = 0
        self._retries = 0
        self._stage: Stage
        self._provider = ""
        self._overhead_s: float | None = None
        self._told: Mapping[str, str] = {}

    @property
    def is_committed(self) -> bool:
        return bool(self._told)

    def enter(self, stage: Stage) -> None:
        """It is a stage's turn."""
        self._stages += 1
        self._stage = stage

    def ask(self, target: Target, *, again: bool) -> None:
        """A target of the stage is asked; `again`: not as the stage's first."""
        self._provider = target.provider
        self._retries += again

    def spend(self, seconds: float) -> None:
        """Time that this server did not take itself: a pause, or a call in vain."""
        self._elsewhere_s += seconds

    def with_headers(self, event: Event, attempt: Attempt) -> Event:
        """The event. An edit's first and completed ones carry what answers tell of it: others are never looked at for that."""
        if isinstance(event, Failed) or (self._told and not isinstance(event, Completed)):
            return event
        told = self._told = self._told or self._facts(attempt)
        if isinstance(event, Completed):
            self._told = tally.of_later(told)
        return replace(event, headers={**event.headers, **told})

    def named(self, error: EditError) -> EditError:
        """The same error, told with each attempt."""
        if not self.attempts:
            return error
        detail = error.detail
        is_whole = len(self.attempts) == 1 and not isinstance(error, NoTarget)
        message = detail.message if is_whole else f"{detail.message} (attempts: {', '.join(self.attempts)})"
        headers = {**detail.headers, **self._names(len(self.attempts))}
        return error.retold(replace(detail, message=message, headers=headers))

    def close(self, attempt: Attempt, target: Target, outcome: EditError | str | None, cooldown_s: float) -> AttemptRecord:
        """The record of an attempt that has ended: with a failure, with `ABANDONED`, or well (None)."""
        record = self._record(attempt, target, outcome, cooldown_s)
        self.attempts.append(f"{target.name} {_in_words(outcome)}")
        return record

    def _facts(self, attempt: Attempt) -> Mapping[str, str]:
        """What is known once somebody has committed."""
        elsewhere_s = self._elsewhere_s + (attempt.first_event_s or 0.0)
        self._overhead_s = max(0.0, self._clocks.clock() - self._started_s - elsewhere_s)
        return {**self._names(len(self.attempts) + 1), tally.OVERHEAD_MS: f"{self._overhead_s * 1000:.1f}"}

    def _names(self, attempts: int) -> Mapping[str, str]:
        return {
            tally.MODEL: tally.named(self._stage.model),
            tally.PROVIDER: self._provider,
            tally.ATTEMPTS: str(attempts),
            tally.RETRIES: str(self._retries),
            tally.FALLBACKS: str(max(0, self._stages - 1)),
            **({tally.OPTION: self._stage.option} if self._stage.option else {}),
        }

    def _record(self, attempt: Attempt, target: Target, outcome: EditError | str | None, cooldown_s: float) -> AttemptRecord:
        """`charged`: what is broken off may have been paid as well."""
        detail = outcome.detail if isinstance(outcome, EditError) else None
        server_address, server_port = target.address
        total_s = attempt.total_s
        charged = detail.charged if detail else outcome == ABANDONED
        return AttemptRecord(
            model=self._stage.model,
            provider=target.provider,
            target=target.model,
            number=len(self.attempts) + 1,
            stage=self._stages,
            image_index=self._request.image_index,
            outcome=outcome if isinstance(outcome, str) else outcome_of(detail),
            status=detail.status if detail else None,
            charged=charged,
            started_at_s=self._clocks.now_s() - total_s,
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
            route=self._stage.route,
            pattern=(target.pattern or target.model) if self._stage.route else "",
            target_id=target.id,
            kind=kind_of(detail) if detail else None,
            n=self._request.n,
            server_address=server_address,
            server_port=server_port,
            input_image_tokens=attempt.usage.input_image_tokens,
            cached_tokens=attempt.usage.cached_tokens,
            output_text_tokens=attempt.usage.output_text_tokens,
            charge_micros=attempt.charge_micros(may_be_paid=charged or attempt.first_event_s is not None),
        )


def _in_words(outcome: EditError | str | None) -> str:
    if isinstance(outcome, EditError):
        return f"{outcome.detail.status} {outcome.detail.code or outcome.detail.type}"
    return outcome or "completed"
