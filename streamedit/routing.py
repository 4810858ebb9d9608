"""Who is asked for an edit, in which order, how often. Pure: it is told of the past, of the time and of the lots.

A model's route becomes a request's `Plan`: stages, one after the other. A stage has targets of which any will do: each of them
is tried once, then, after a pause, some of them again. All of that is before the first event, and only while nobody can have
been paid.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from streamedit.errors import ErrorDetail
from streamedit.failures import CALLERS, Kind, kind_of, retry_after_s, status_of
from streamedit.health import CoolRules, available_in_s
from streamedit.strategies import Candidate, Strategy, pick
from streamedit.targets import Target

_LASTING = CALLERS | {Kind.AUTHENTICATION, Kind.NOT_FOUND}
"""Failures that the same target would give again."""

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 8.0
_LONGEST_PAUSE_S = 60.0
"""Whoever asks for more is not waited for (Portkey has the same bound)."""
_JITTER = 0.25
"""Retries wait so long at first, then twice as long each time, and up to a quarter less (as openai-python does)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How a route is walked. `retries`: how often its targets are asked again after each was asked once.

    `retries_by_kind`: another number for one kind of failure; `retries_by_target`: for failures of one target, by its id.
    `retry_after_s`: the shortest wait before a retry. `patience_s`: how long an edit waits for a target that cools down, or is
    full, when there is nobody else.
    """

    strategy: Strategy = Strategy.ORDERED
    retries: int = 0
    retries_by_kind: Mapping[Kind, int] = field(default_factory=dict)
    retries_by_target: Mapping[str, int] = field(default_factory=dict)
    retry_after_s: float = 0.0
    patience_s: float = 30.0
    cooling: CoolRules = field(default_factory=CoolRules)

    def retries_of(self, kind: Kind, target: Target | None = None) -> int:
        """After a failure of this kind, of this target. Of what would fail again there are none, unless they are asked for."""
        retries = self.retries if target is None else self.retries_by_target.get(target.id or "", self.retries)
        return self.retries_by_kind.get(kind, 0 if kind in _LASTING else retries)


@dataclass(frozen=True, slots=True)
class Stage:
    """Targets of which any will do. `model`: the name that they serve.

    `overrides`: fields that replace the request's. `retry_statuses`: the only statuses that are retried, where that is said.
    `timeout_s`: the caller's bound for one call. `option`: what the caller calls this stage. `route`: what the configuration
    calls `model`; empty for what is a caller's own.
    """

    model: str
    targets: tuple[Target, ...]
    policy: Policy = field(default_factory=Policy)
    overrides: tuple[tuple[str, str], ...] = ()
    retry_statuses: frozenset[int] | None = None
    timeout_s: float | None = None
    option: str = ""
    route: str = ""

    def alone(self) -> "Stage":
        """The same where its one target is the only one of all: it never cools down."""
        return replace(self, policy=replace(self.policy, cooling=replace(self.policy.cooling, cooldown_s=0.0)))

    @property
    def patience_s(self) -> float:
        """How long an edit waits for a target: not longer than its caller allows for a call."""
        return min(self.policy.patience_s, self.timeout_s or self.policy.patience_s)


@dataclass(frozen=True, slots=True)
class When:
    """After which errors a stage's turn comes: those of these kinds and statuses; None for any."""

    kinds: frozenset[Kind] | None = None
    statuses: frozenset[int] | None = None

    def takes(self, error: ErrorDetail) -> bool:
        return (self.kinds is None or kind_of(error) in self.kinds) and (
            self.statuses is None or status_of(error) in self.statuses
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried: the first step, then each that takes the last error. A step is a stage, or a plan of its own."""

    steps: tuple[tuple[When, "Stage | Plan"], ...]

    @classmethod
    def of(cls, stage: Stage) -> "Plan":
        return cls(((When(), stage),))

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All of them, in order."""
        return tuple(stage for _, step in self.steps for stage in (step.stages if isinstance(step, Plan) else (step,)))

    @property
    def model(self) -> str:
        """The one that was asked for."""
        return self.stages[0].model

    @property
    def route(self) -> str:
        """What the configuration calls it; empty when it does not know it."""
        return self.stages[0].route

    @property
    def targets(self) -> tuple[Target, ...]:
        return tuple(target for stage in self.stages for target in stage.targets)


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that has failed. `at_s`: when, in Unix seconds."""

    target: Target
    error: ErrorDetail
    at_s: float


@dataclass(frozen=True, slots=True)
class Course:
    """What a stage has come to so far: its attempts, all of them failed, and how long was waited."""

    tried: tuple[Tried, ...] = ()
    waited_s: float = 0.0

    def asked(self, target: Target) -> Tried | None:
        """The last attempt at a target."""
        return next((each for each in reversed(self.tried) if each.target is target), None)

    @property
    def retries(self) -> int:
        """How often somebody was asked again."""
        return len(self.tried) - len({id(each.target) for each in self.tried})


@dataclass(frozen=True, slots=True)
class Try:
    """Ask this target, so much later."""

    target: Target
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again so much later: nobody may be asked now."""

    delay_s: float


Step: TypeAlias = Try | Wait | None
"""What to do next; None: give up."""


def next_step(stage: Stage, candidates: Sequence[Candidate], course: Course, now_s: float, draw: Callable[[], float]) -> Step:
    """The next step of a stage. `candidates`: all of its targets; `draw` gives a number from 0 to below 1."""
    if course.tried and not _passes_on(stage, course.tried[-1].error):
        return None
    fresh = [each for each in candidates if course.asked(each.target) is None]
    if open_ := [each for each in fresh if not _closed_s(each, now_s)]:
        return Try(pick(stage.policy.strategy, open_, now_s, draw).target)
    again = [each for each in candidates if _may_fail_otherwise(stage, course, each)]
    pauses = _Pauses(stage.policy, course, now_s, draw())
    ready = [each for each in again if not _closed_s(each, now_s) and pauses.of(each) <= _LONGEST_PAUSE_S]
    if not ready:
        wait_s = opens_in_s([each for each in (*fresh, *again) if _closed_s(each, now_s)], now_s)
        return Wait(wait_s) if course.waited_s + wait_s <= stage.patience_s else None
    soonest_s = min(map(pauses.of, ready))
    soonest = [each for each in ready if pauses.of(each) == soonest_s]
    return Try(pick(stage.policy.strategy, soonest, now_s, draw).target, soonest_s)


def _passes_on(stage: Stage, error: ErrorDetail) -> bool:
    """Whether it makes sense to ask anybody of the stage after this error."""
    if stage.retry_statuses is not None:
        return status_of(error) in stage.retry_statuses
    kind = kind_of(error)
    return kind not in CALLERS or stage.policy.retries_of(kind) > 0


def opens_in_s(candidates: Sequence[Candidate], now_s: float) -> float:
    """When to look again for one of them that may be asked; infinity when there is none."""
    return min((_closed_s(each, now_s) for each in candidates), default=float("inf"))


def _may_fail_otherwise(stage: Stage, course: Course, candidate: Candidate) -> bool:
    """It was asked, has failed, and there are retries left for such a failure."""
    before = course.asked(candidate.target)
    if before is None:
        return False
    is_asked_for = stage.retry_statuses is not None and status_of(before.error) in stage.retry_statuses
    return course.retries < (
        stage.policy.retries if is_asked_for else stage.policy.retries_of(kind_of(before.error), candidate.target)
    )


def _closed_s(candidate: Candidate, now_s: float) -> float:
    return available_in_s(candidate.health, candidate.target.limits, now_s)


@dataclass(frozen=True, slots=True)
class _Pauses:
    """How long each target is left alone before it is asked again. `lot`: how much of the jitter there is."""

    policy: Policy
    course: Course
    now_s: float
    lot: float

    def of(self, candidate: Candidate) -> float:
        """What is left of it: as long as the target has said itself, else longer each time."""
        before = self.course.asked(candidate.target)
        return max(0.0, before.at_s + self._whole_s(before) - self.now_s) if before else 0.0

    def _whole_s(self, before: Tried) -> float:
        said_s = retry_after_s(before.error.headers, before.at_s)
        backoff_s = min(_FIRST_WAIT_S * 2**self.course.retries, _LONGEST_WAIT_S) * (1 - _JITTER * self.lot)
        return max(self.policy.retry_after_s, backoff_s if said_s is None else said_s)
