"""Who is asked next: tables of every case, and laws that hold for every course."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import ErrorDetail
from streamedit.failures import CALLERS, Kind, kind_of
from streamedit.health import CoolRules, Ended, Health, begun, ended
from streamedit.routing import Course, Plan, Policy, Stage, Tried, Try, Wait, When, next_step, opens_in_s
from streamedit.strategies import Candidate, Strategy
from streamedit.targets import Target

NOW_S = 1_800_000_000.0

ERRORS = {
    Kind.BAD_REQUEST: ErrorDetail(400, "t", "m"),
    Kind.CONTENT_POLICY: ErrorDetail(400, "t", "m", code="moderation_blocked"),
    Kind.AUTHENTICATION: ErrorDetail(401, "t", "m"),
    Kind.NOT_FOUND: ErrorDetail(404, "t", "m"),
    Kind.RATE_LIMIT: ErrorDetail(429, "t", "m"),
    Kind.TIMEOUT: ErrorDetail(504, "t", "m"),
    Kind.INTERNAL: ErrorDetail(500, "t", "m"),
}
PASSING = sorted({Kind.RATE_LIMIT, Kind.TIMEOUT, Kind.INTERNAL})
"""Kinds that the same target may not give again."""

A, B = Target("p", "a"), Target("p", "b")


def step(
    stage: Stage, *tried: tuple[Target, ErrorDetail], health: Health | None = None, now_s: float = NOW_S, waited_s: float = 0
) -> Try | Wait | None:
    """The next one after those attempts; all but the first target of the stage are in best health, there is no jitter."""
    course = Course(tuple(Tried(target, error, NOW_S) for target, error in tried), waited_s)
    candidates = [
        Candidate(target, health if health and index == 0 else Health()) for index, target in enumerate(stage.targets)
    ]
    return next_step(stage, candidates, course, now_s, lambda: 0.0)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("retries", [0, 1, 2])
class TestAfterEachKind:
    """What comes after a failure of each kind, by the retries that there are."""

    def test_another_target_is_asked_at_once(self, kind: Kind, retries: int) -> None:
        """Unless the request is wrong, whoever is asked: that needs no second opinion."""
        expected = None if kind in CALLERS else Try(B)
        assert step(Stage("m", (A, B), Policy(retries=retries)), (A, ERRORS[kind])) == expected

    def test_the_same_target_is_asked_after_a_pause(self, kind: Kind, retries: int) -> None:
        """Half a second, then twice as long, while there are retries, and only after what may pass."""
        stage = Stage("m", (A,), Policy(retries=retries))
        tried = [(A, ERRORS[kind])]
        for number in range(retries if kind in PASSING else 0):
            assert step(stage, *tried) == Try(A, 0.5 * 2**number)
            tried.append((A, ERRORS[kind]))
        assert step(stage, *tried) is None

    def test_a_kind_may_have_its_own_number(self, kind: Kind, retries: int) -> None:
        """LiteLLM's `retry_policy`: it also lets a wrong request be tried again."""
        stage = Stage("m", (A,), Policy(retries=5, retries_by_kind={kind: retries}))
        tried = [(A, ERRORS[kind])]
        for _ in range(retries):
            assert isinstance(step(stage, *tried), Try)
            tried.append((A, ERRORS[kind]))
        assert step(stage, *tried) is None


def test_a_target_whose_failure_lasts_is_not_asked_again_but_another_is() -> None:
    """Wrong credentials at the second do not end what the first, which was only busy, may still do."""
    stage = Stage("m", (A, B), Policy(retries=1))
    assert step(stage, (A, ERRORS[Kind.RATE_LIMIT]), (B, ERRORS[Kind.AUTHENTICATION])) == Try(A, 0.5)
    assert step(stage, (A, ERRORS[Kind.NOT_FOUND]), (B, ERRORS[Kind.AUTHENTICATION])) is None


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.TIMEOUT}))
def test_a_status_that_a_caller_names_is_retried(kind: Kind) -> None:
    """Also one that the same target would give again; one that is not named is not."""
    stage = Stage("m", (A,), Policy(retries=1), retry_statuses=frozenset({ERRORS[kind].status}))
    assert step(stage, (A, ERRORS[kind])) == Try(A, 0.5)
    assert step(stage, (A, ERRORS[kind]), (A, ERRORS[kind])) is None
    assert step(stage, (A, ERRORS[Kind.TIMEOUT])) is None


@pytest.mark.parametrize(
    ("statuses", "error", "goes_on"),
    [
        ({429}, Kind.RATE_LIMIT, True),
        ({429}, Kind.INTERNAL, False),
        ({400}, Kind.BAD_REQUEST, True),
        (set(), Kind.RATE_LIMIT, False),
    ],
)
def test_a_caller_may_say_which_statuses_are_retried(statuses: set[int], error: Kind, goes_on: bool) -> None:
    """Those alone, and then those of the caller's own mistakes, too."""
    stage = Stage("m", (A, B), Policy(), retry_statuses=frozenset(statuses))
    assert step(stage, (A, ERRORS[error])) == (Try(B) if goes_on else None)


@pytest.mark.parametrize(
    ("headers", "retry_after_s", "pause_s"),
    [
        ({}, 0, 0.5),
        ({}, 3, 3),
        ({"retry-after": "7"}, 0, 7),
        ({"retry-after": "1"}, 3, 3),
        ({"retry-after": "0"}, 0, 0),
        ({"retry-after-ms": "50"}, 0, 0.05),
        ({"retry-after": "60"}, 0, 60),
        ({"retry-after": "61"}, 0, None),
    ],
)
def test_a_pause_is_as_long_as_it_is_asked_to_be(headers: dict[str, str], retry_after_s: float, pause_s: float | None) -> None:
    """By the provider, else a backoff, at least the configured time; whoever asks for more than a minute is not waited for."""
    stage = Stage("m", (A,), Policy(retries=1, retry_after_s=retry_after_s))
    found = step(stage, (A, replace(ERRORS[Kind.RATE_LIMIT], headers=headers)))
    assert (found and found.delay_s) == (pause_s and pytest.approx(pause_s, abs=1e-6))


def test_a_pause_counts_from_the_failure() -> None:
    """What has passed since then need not be waited for."""
    stage = Stage("m", (A,), Policy(retries=1))
    soon = step(stage, (A, ERRORS[Kind.INTERNAL]), now_s=NOW_S + 0.4)
    assert soon is not None
    assert soon.delay_s == pytest.approx(0.1, abs=1e-6)
    assert step(stage, (A, ERRORS[Kind.INTERNAL]), now_s=NOW_S + 5) == Try(A)


def test_the_one_that_is_ready_first_is_asked_again() -> None:
    """Not the first one, which has asked for more time."""
    stage = Stage("m", (A, B), Policy(retries=1))
    long = replace(ERRORS[Kind.RATE_LIMIT], headers={"retry-after": "20"})
    assert step(stage, (A, long), (B, ERRORS[Kind.INTERNAL])) == Try(B, 0.5)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 9))
def test_jitter_takes_up_to_a_quarter(lot: float, retries: int) -> None:
    """So that those who have failed together do not come back together; no backoff is longer than 8 s."""
    stage = Stage("m", (A,), Policy(retries=10))
    course = Course(tuple(Tried(A, ERRORS[Kind.INTERNAL], NOW_S) for _ in range(retries + 1)))
    found = next_step(stage, [Candidate(A)], course, NOW_S, lambda: lot)
    assert isinstance(found, Try)
    whole_s = min(0.5 * 2**retries, 8)
    assert whole_s * 0.75 <= found.delay_s + 1e-6
    assert found.delay_s <= whole_s + 1e-6


class TestClosedTargets:
    """Those that cool down, or are full."""

    COOLING = Health(cooled_until_s=NOW_S + 4)

    def test_they_are_passed_over(self) -> None:
        """Somebody else is asked instead."""
        assert step(Stage("m", (A, B)), health=self.COOLING) == Try(B)

    def test_they_are_waited_for_when_there_is_nobody_else(self) -> None:
        """As long as the edit has patience, counting what it has waited already."""
        stage = Stage("m", (A,), Policy(patience_s=10))
        assert step(stage, health=self.COOLING) == Wait(4)
        assert step(stage, health=self.COOLING, waited_s=6) == Wait(4)
        assert step(stage, health=self.COOLING, waited_s=6.1) is None

    def test_nobody_waits_longer_than_the_caller_would_for_a_call(self) -> None:
        """Whoever gives a call two seconds does not want to wait thirty for one to begin."""
        stage = Stage("m", (A,), Policy(patience_s=30), timeout_s=4)
        assert step(stage, health=self.COOLING) == Wait(4)
        assert step(replace(stage, timeout_s=3), health=self.COOLING) is None

    def test_without_patience_the_next_stage_has_its_turn(self) -> None:
        """At once."""
        assert step(Stage("m", (A,), Policy(patience_s=0)), health=self.COOLING) is None

    def test_one_that_was_not_asked_yet_is_waited_for(self) -> None:
        """Each target has its turn, also after a failure that the other one would give again; without patience it has not."""
        for kind in (Kind.INTERNAL, Kind.AUTHENTICATION):
            assert step(Stage("m", (A, B), Policy(patience_s=4)), (B, ERRORS[kind]), health=self.COOLING) == Wait(4)
            assert step(Stage("m", (A, B), Policy(patience_s=3)), (B, ERRORS[kind]), health=self.COOLING) is None

    def test_one_that_has_asked_for_too_long_a_pause_is_left_for_one_that_opens(self) -> None:
        """Whoever cools down for seconds comes before whoever wants minutes."""
        stage = Stage("m", (A, B), Policy(retries=1))
        assert step(stage, (B, replace(ERRORS[Kind.INTERNAL], headers={"retry-after": "90"})), health=self.COOLING) == Wait(4)

    def test_with_retries_the_one_that_is_open_is_asked_again(self) -> None:
        """Rather than the one that cools down."""
        stage = Stage("m", (A, B), Policy(retries=1))
        tried = (A, ERRORS[Kind.RATE_LIMIT]), (B, ERRORS[Kind.INTERNAL])
        assert step(stage, *tried, health=self.COOLING) == Try(B, 0.5)

    def test_when_somebody_opens_is_known(self) -> None:
        """The first of them; never, where there is nobody."""
        assert opens_in_s([Candidate(A, self.COOLING), Candidate(B, Health(cooled_until_s=NOW_S + 9))], NOW_S) == 4
        assert opens_in_s([], NOW_S) == float("inf")

    def test_a_stage_without_targets_is_over(self) -> None:
        """There is nobody to wait for."""
        assert step(Stage("m", ())) is None


@pytest.mark.parametrize(
    ("when", "error", "takes"),
    [
        (When(), Kind.BAD_REQUEST, True),
        (When(frozenset({Kind.CONTENT_POLICY})), Kind.CONTENT_POLICY, True),
        (When(frozenset({Kind.CONTENT_POLICY})), Kind.BAD_REQUEST, False),
        (When(statuses=frozenset({429, 500})), Kind.INTERNAL, True),
        (When(statuses=frozenset({429, 500})), Kind.TIMEOUT, False),
        (When(frozenset({Kind.INTERNAL}), frozenset({502})), Kind.INTERNAL, False),
    ],
)
def test_a_step_takes_certain_errors(when: When, error: Kind, takes: bool) -> None:
    """Of its kinds and of its statuses."""
    assert when.takes(ERRORS[error]) == takes


def test_a_plan_in_a_plan_has_all_stages() -> None:
    """In their order; the first one's model is the plan's."""
    one, two, three = (Stage(name, (Target("p", name),)) for name in ("one", "two", "three"))
    plan = Plan(((When(), Plan(((When(), one), (When(), two)))), (When(), three)))
    assert plan.stages == (one, two, three)
    assert plan.model == "one"
    assert [target.model for target in plan.targets] == ["one", "two", "three"]


@dataclass(slots=True)
class Played:
    """A stage that is walked with made-up failures, in made-up time."""

    stage: Stage
    kinds: Sequence[Kind]
    lots: Sequence[float]
    healths: list[Health]
    now_s: float = NOW_S
    waited_s: float = 0.0
    tried: list[Tried] = field(default_factory=list)

    def run(self) -> None:
        """To its end: all that is asked fails."""
        for number in range(200):
            found = self._step(number)
            if found is None:
                return
            self.now_s += found.delay_s
            if isinstance(found, Wait):
                self.waited_s += found.delay_s
            else:
                self._fail(found.target, self.kinds[len(self.tried) % len(self.kinds)])
        pytest.fail("it never ends")

    def _step(self, number: int) -> Try | Wait | None:
        lot = self.lots[number % len(self.lots)]
        candidates = [Candidate(target, health) for target, health in zip(self.stage.targets, self.healths, strict=True)]
        return next_step(self.stage, candidates, Course(tuple(self.tried), self.waited_s), self.now_s, lambda: lot)

    def _fail(self, target: Target, kind: Kind) -> None:
        index, call = self.stage.targets.index(target), str(len(self.tried))
        health = self.healths[index]
        began = begun(health, target.limits, call, self.now_s + 60, self.now_s)
        assert began is not None, "nobody closed is asked"
        self.healths[index] = ended(began, Ended(kind), self.stage.policy.cooling, call, self.now_s)
        self.tried.append(Tried(target, ERRORS[kind], self.now_s))


@st.composite
def stages(draw: st.DrawFn) -> Played:
    """Any stage, and whatever becomes of it."""
    limits = st.dictionaries(st.sampled_from(["rpm", "max_parallel_requests", "order"]), st.integers(1, 3))
    targets = tuple(Target("p", str(index), params=draw(limits)) for index in range(draw(st.integers(1, 4))))
    policy = Policy(
        strategy=draw(st.sampled_from(Strategy)),
        retries=draw(st.integers(0, 3)),
        retries_by_kind=draw(st.dictionaries(st.sampled_from(Kind), st.integers(0, 3), max_size=3)),
        patience_s=draw(st.sampled_from([0.0, 1.0, 30.0])),
        cooling=CoolRules(draw(st.sampled_from([0.0, 5.0]))),
    )
    pasts = st.builds(Health, cooled_until_s=st.sampled_from([0.0, NOW_S - 1, NOW_S + 2, NOW_S + 100]))
    healths = [draw(pasts) for _ in targets]
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=8))
    lots = draw(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=8))
    return Played(Stage("m", targets, policy), kinds, lots, healths)


@given(stages())
def test_every_course_ends_within_its_policy(played: Played) -> None:
    """Nobody closed is asked; each target is asked once before any is asked again; no kind is retried more often than it may
    be; no edit waits longer than it has patience for."""
    played.run()
    policy = played.stage.policy
    assert played.waited_s <= policy.patience_s
    seen: list[Target] = []
    for number, tried in enumerate(played.tried):
        if tried.target in seen:
            before = [each for each in played.tried[:number] if each.target is tried.target][-1]
            retries = number - len(set(map(id, seen)))
            assert retries < policy.retries_of(kind_of(before.error))
        seen.append(tried.target)
    for earlier in played.tried[:-1]:
        kind = kind_of(earlier.error)
        assert kind not in CALLERS or policy.retries_of(kind) > 0, "a wrong request is not tried again unless that is wanted"
