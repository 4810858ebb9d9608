"""One report per edit and one record per attempt -> the log, Prometheus, and whoever else wants them.

No prompt, no image, no key ever comes here.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import fields
from math import inf

import structlog

from streamedit.clocks import SYSTEM_CLOCKS, Clocks
from streamedit.errors import EditError
from streamedit.failures import CALLERS
from streamedit.metrics import Metrics
from streamedit.outcomes import COMPLETED, label_of, outcome_of
from streamedit.records import AttemptRecord, EditRecord, Report, Sink


class Telemetry:
    """The sinks of one server. `kept_bytes` tells how much the event log holds."""

    def __init__(
        self,
        log: structlog.typing.FilteringBoundLogger,
        kept_bytes: Callable[[], int] = int,
        sinks: Sequence[Sink] = (),
        clocks: Clocks = SYSTEM_CLOCKS,
    ) -> None:
        self.log = log
        self._sinks = sinks
        self._metrics = Metrics(kept_bytes, clocks.now_s)
        self._now_s = clocks.now_s
        self._cooled_until_s: dict[str, float] = {}
        self.running = self._metrics.running
        self.readers = self._metrics.readers

    def attempted(self, edit_id: str, attempt: AttemptRecord) -> None:
        """Count and log a call's end."""
        self._metrics.attempted(attempt)
        self.log.info("attempt ended", edit_id=edit_id, **_flat(attempt))
        if attempt.target_id is not None:
            self._log_cooldowns(attempt.target_id, attempt)

    def ended(self, report: Report) -> None:
        """Count and log an edit's end, and hand its report on."""
        self._metrics.ended(report.edit)
        self.log.info("edit ended", **_flat(report.edit))
        for sink in self._sinks:
            sink.take(report)

    def moderated(self, outcome: str) -> None:
        """Count a request that the moderation has judged."""
        self._metrics.moderations.labels(outcome).inc()

    def moderation_asked(self, outcome: str) -> None:
        """Count a prompt or a file that was judged by itself."""
        self._metrics.judgements.labels(outcome).inc()

    @contextmanager
    def counting_refusals(self) -> Iterator[None]:
        """Count a request that becomes no edit inside, by what it is refused with."""
        try:
            yield
        except EditError as error:
            self._metrics.refusals.labels(label_of(outcome_of(error.detail))).inc()
            raise

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """The sinks work inside."""
        async with AsyncExitStack() as stack:
            for sink in self._sinks:
                await stack.enter_async_context(sink.running())
            yield

    def exposition(self) -> bytes:
        """All metrics, those of other workers too, in Prometheus' text format 0.0.4."""
        return self._metrics.exposition()

    def live(self) -> tuple[int, int]:
        """Edits at work, and streams being sent, in all workers."""
        return self._metrics.live()

    def _log_cooldowns(self, target_id: str, attempt: AttemptRecord) -> None:
        """Each worker tells of the cooldowns that it has seen begin."""
        named = {"provider": attempt.provider, "target": attempt.target, "target_id": target_id}
        if attempt.cooldown_s:
            self._cooled_until_s[target_id] = self._now_s() + attempt.cooldown_s
            self.log.warning("target cools down", **named, outcome=attempt.outcome, cooldown_s=attempt.cooldown_s)
        elif self._cooled_until_s.get(target_id, inf) <= self._now_s() and _shows_health(attempt):
            del self._cooled_until_s[target_id]
            self.log.info("target is open again", **named)


def _shows_health(attempt: AttemptRecord) -> bool:
    return attempt.outcome == COMPLETED or attempt.kind in CALLERS


def _flat(record: AttemptRecord | EditRecord) -> dict[str, object]:
    """Its fields; `asdict` would look for more below them, and copy each."""
    return {name: getattr(record, name) for name in _FIELDS[type(record)]}


_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in (AttemptRecord, EditRecord)}
