"""What follows from a target's past: limits, cooldowns, probes, and counts that are always balanced."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamedit.failures import CALLERS, Kind
from streamedit.health import CoolRules, Ended, Health, abandoned, available_in_s, begun, ended, this_minute
from streamedit.targets import Limits

NOW_S = 1_800_000_000.0
"""The beginning of a minute."""
FREE = Limits()
RULES = CoolRules(cooldown_s=5.0)
TARGETS_OWN = sorted(set(Kind) - CALLERS)
PATIENT = sorted({Kind.TIMEOUT, Kind.INTERNAL})
"""Kinds of which one alone says little."""
AT_ONCE = sorted(set(TARGETS_OWN) - set(PATIENT))


def after(health: Health, *failures: Kind | None, at_s: float = NOW_S, rules: CoolRules = RULES) -> Health:
    """After calls that began and ended so, one after the other; None for a success."""
    for number, failure in enumerate(failures):
        call = f"call-{number}-{at_s}"
        began = begun(health, FREE, call, at_s + 60, at_s)
        assert began is not None
        health = ended(began, Ended(failure), rules, call, at_s)
    return health


def cooling(at_s: float = NOW_S) -> Health:
    """Has just begun to cool down."""
    return after(Health(), Kind.RATE_LIMIT, at_s=at_s)


def open_calls(count: int) -> Health:
    """So many calls are under way."""
    return Health(running={str(number): NOW_S + 60 for number in range(count)})


class TestLimits:
    """What a target may be asked for."""

    @pytest.mark.parametrize(
        ("health", "limits", "wait_s"),
        [
            (Health(), FREE, 0),
            (Health(minute=30_000_000, requests=10**9, tokens=10**9), FREE, 0),
            (open_calls(1000), FREE, 0),
            (Health(minute=30_000_000, requests=4), Limits(rpm=5), 0),
            (Health(minute=30_000_000, requests=5), Limits(rpm=5), 60),
            (Health(minute=29_999_999, requests=5), Limits(rpm=5), 0),
            (Health(minute=30_000_000, tokens=99), Limits(tpm=100), 0),
            (Health(minute=30_000_000, tokens=100), Limits(tpm=100), 60),
            (open_calls(1), Limits(max_parallel=2), 0),
            (open_calls(2), Limits(max_parallel=2), 0.25),
            (Health(cooled_until_s=NOW_S + 3), FREE, 3),
            (Health(cooled_until_s=NOW_S), FREE, 0),
            (Health(cooled_until_s=NOW_S - 9, probe="a", probed_until_s=NOW_S + 1), FREE, 0.25),
            (Health(cooled_until_s=NOW_S - 9, probe="a", probed_until_s=NOW_S), FREE, 0),
        ],
    )
    def test_when_it_may_be_asked(self, health: Health, limits: Limits, wait_s: float) -> None:
        """Now, or when to look again: at the next minute, at a cooldown's end, or soon, when nobody knows."""
        assert available_in_s(health, limits, NOW_S) == wait_s
        assert (begun(health, limits, "call", NOW_S + 60, NOW_S) is None) == bool(wait_s)

    def test_a_minute_s_rest_is_waited_for(self) -> None:
        """Not a whole minute."""
        assert available_in_s(Health(minute=30_000_000, requests=5), Limits(rpm=5), NOW_S + 42) == 18

    def test_calls_of_a_process_that_is_gone_are_forgotten(self) -> None:
        """Once they cannot be under way any more, however busy the others are."""
        health = begun(Health(), Limits(max_parallel=2), "lost", NOW_S + 60, NOW_S)
        for number in range(10):
            assert health is not None
            at_s = NOW_S + 10 * number
            health = begun(health, Limits(max_parallel=2), f"call-{number}", at_s + 60, at_s)
            assert health is not None
            assert health.calls(at_s) == (2 if at_s < NOW_S + 60 else 1)
            health = ended(health, Ended(), RULES, f"call-{number}", at_s)
        assert health is not None
        assert "lost" not in health.running

    def test_clocks_that_differ_a_little_count_the_same_minute(self) -> None:
        """Between two processes' minutes nothing is forgotten; an old minute is."""
        health = Health(minute=30_000_000, requests=5)
        assert this_minute(health, NOW_S - 0.5) is health
        assert this_minute(health, NOW_S + 59.9) is health
        assert this_minute(health, NOW_S + 60).requests == 0
        assert this_minute(health, NOW_S - 61).requests == 0


class TestCooldown:
    """When nobody asks a target."""

    @pytest.mark.parametrize("kind", AT_ONCE)
    def test_some_failures_cool_down_at_once(self, kind: Kind) -> None:
        """The next request would meet them as well."""
        assert after(Health(), kind).cooled_until_s == NOW_S + 5

    @pytest.mark.parametrize("kind", PATIENT)
    def test_others_are_counted(self, kind: Kind) -> None:
        """More than three in a minute are too many; those of the last minute do not count."""
        assert after(Health(), kind, kind, kind).cooled_until_s == 0
        assert after(Health(), kind, kind, kind, kind).cooled_until_s == NOW_S + 5
        assert after(after(Health(), kind, kind, kind), kind, at_s=NOW_S + 60).cooled_until_s == 0

    def test_most_of_few_are_too_many(self) -> None:
        """From five requests on, more than half."""
        rules = replace(RULES, allowed_fails=100)
        half = (None, Kind.INTERNAL, None, Kind.INTERNAL)
        assert after(Health(), *half, Kind.INTERNAL, rules=rules).cooled_until_s == NOW_S + 5
        assert after(Health(), *half, None, Kind.INTERNAL, rules=rules).cooled_until_s == 0
        assert after(Health(), *[Kind.INTERNAL] * 4, rules=rules).cooled_until_s == 0

    def test_a_kind_has_its_own_number(self) -> None:
        """LiteLLM's `allowed_fails_policy`: for that kind alone, and then nothing else counts."""
        rules = replace(RULES, allowed_by_kind={Kind.RATE_LIMIT: 2, Kind.TIMEOUT: 0})
        assert after(Health(), Kind.RATE_LIMIT, Kind.RATE_LIMIT, rules=rules).cooled_until_s == 0
        assert after(Health(), *[Kind.RATE_LIMIT] * 3, rules=rules).cooled_until_s == NOW_S + 5
        assert after(Health(), Kind.TIMEOUT, rules=rules).cooled_until_s == NOW_S + 5

    @given(st.lists(st.sampled_from(sorted(CALLERS)), max_size=50))
    def test_the_caller_s_own_never_cools_down(self, kinds: list[Kind]) -> None:
        """However many wrong requests there are, the target stays open, and they count as no failures."""
        health = after(Health(), *kinds)
        assert (health.cooled_until_s, dict(health.failures)) == (0, {})
        assert available_in_s(health, FREE, NOW_S) == 0

    def test_a_route_may_forgive_more(self) -> None:
        """A wildcard's callers choose the name: that there is no such model is theirs."""
        rules = replace(RULES, forgiven=CALLERS | {Kind.NOT_FOUND})
        assert after(Health(), *[Kind.NOT_FOUND] * 9, rules=rules).cooled_until_s == 0

    @given(st.lists(st.sampled_from(TARGETS_OWN), max_size=9))
    def test_without_a_cooldown_nobody_cools_down(self, kinds: list[Kind]) -> None:
        """`cooldown_s` 0 is never."""
        assert after(Health(), *kinds, rules=CoolRules()).cooled_until_s == 0

    @pytest.mark.parametrize(("asked_s", "until_s"), [(0, 5), (2, 5), (30, 30), (99_999, 600)])
    def test_a_provider_may_ask_for_more(self, asked_s: float, until_s: float) -> None:
        """Its `retry-after` counts when it is the longer one, up to ten minutes."""
        health = ended(Health(), Ended(Kind.RATE_LIMIT, retry_after_s=asked_s), RULES, "call", NOW_S)
        assert health.cooled_until_s == NOW_S + until_s

    def test_a_configured_cooldown_is_as_long_as_it_says(self) -> None:
        """The bound is for what providers ask."""
        assert after(Health(), Kind.RATE_LIMIT, rules=CoolRules(3600)).cooled_until_s == NOW_S + 3600

    def test_stragglers_do_not_prolong_it(self) -> None:
        """What began before and fails during it says nothing new, unless the provider asks for more time."""
        health = cooling()
        assert ended(health, Ended(Kind.INTERNAL), RULES, "old", NOW_S + 4).cooled_until_s == NOW_S + 5
        asked = Ended(Kind.RATE_LIMIT, retry_after_s=20)
        assert ended(health, asked, RULES, "old", NOW_S + 4).cooled_until_s == NOW_S + 24

    def test_stragglers_do_not_end_it(self) -> None:
        """What began before and ends well during it, neither."""
        assert ended(cooling(), Ended(), RULES, "old", NOW_S + 4).cooled_until_s == NOW_S + 5


class TestProbe:
    """After a cooldown one call shows whether the target is well."""

    def probing(self) -> Health:
        """The probe is under way."""
        health = begun(cooling(), FREE, "probe", NOW_S + 600, NOW_S + 5)
        assert health is not None
        return health

    def test_there_is_one(self) -> None:
        """Nobody else asks while it is under way."""
        assert begun(self.probing(), FREE, "other", NOW_S + 600, NOW_S + 6) is None

    @pytest.mark.parametrize("failure", [None, *sorted(CALLERS)])
    def test_an_answer_opens(self, failure: Kind | None) -> None:
        """The target has answered, if only that the request is wrong."""
        health = ended(self.probing(), Ended(failure), RULES, "probe", NOW_S + 6)
        assert (health.cooled_until_s, available_in_s(health, FREE, NOW_S + 6)) == (0, 0)

    @pytest.mark.parametrize("failure", TARGETS_OWN)
    @pytest.mark.parametrize("allowed", [{}, dict.fromkeys(Kind, 100)])
    def test_a_failure_cools_down_again(self, failure: Kind, allowed: dict[Kind, int]) -> None:
        """Of whatever kind, however many are allowed."""
        rules = replace(RULES, allowed_by_kind=allowed)
        assert ended(self.probing(), Ended(failure), rules, "probe", NOW_S + 6).cooled_until_s == NOW_S + 11

    def test_one_that_is_broken_off_makes_room(self) -> None:
        """For the next; another call that is broken off does not."""
        health = self.probing()
        assert begun(abandoned(health, "probe"), FREE, "next", NOW_S + 600, NOW_S + 6) is not None
        assert begun(abandoned(health, "other"), FREE, "next", NOW_S + 600, NOW_S + 6) is None

    def test_one_that_fails_where_nobody_cools_down_makes_room(self) -> None:
        """Another route of the same target may have other rules."""
        health = ended(self.probing(), Ended(Kind.INTERNAL), CoolRules(), "probe", NOW_S + 6)
        assert begun(health, FREE, "next", NOW_S + 600, NOW_S + 6) is not None

    def test_one_that_is_not_refused_for_a_while_is_enough(self) -> None:
        """Who refuses does so at once, and a picture may take minutes: nobody waits for the end of it."""
        assert begun(self.probing(), FREE, "second", NOW_S + 600, NOW_S + 14) is None
        health = begun(self.probing(), FREE, "second", NOW_S + 600, NOW_S + 15)
        assert health is not None
        assert health.cooled_until_s == 0
        assert begun(health, FREE, "third", NOW_S + 600, NOW_S + 15) is not None

    def test_a_failure_meanwhile_asks_for_another_probe(self) -> None:
        """Though the first one is still under way when the new cooldown is over."""
        health = ended(self.probing(), Ended(Kind.INTERNAL), RULES, "before", NOW_S + 6)
        health = begun(health, FREE, "second", NOW_S + 600, NOW_S + 30) or health
        assert health.probe == "second"
        assert begun(health, FREE, "third", NOW_S + 600, NOW_S + 31) is None

    def test_an_old_one_does_not_stand_in_the_way_of_the_next(self) -> None:
        """A second cooldown has its own."""
        health = ended(self.probing(), Ended(), RULES, "other", NOW_S + 6)
        again = after(health, Kind.RATE_LIMIT, at_s=NOW_S + 7)
        assert begun(again, FREE, "next", NOW_S + 600, NOW_S + 12) is not None


def test_the_newest_times_to_a_first_event_are_remembered() -> None:
    """Ten of them; their mean is the latency, 0 while there is none."""
    health = Health()
    assert health.latency_s == 0
    for number in range(12):
        health = ended(health, Ended(first_event_s=float(number)), RULES, "call", NOW_S)
    assert health.first_events_s == tuple(range(2, 12))
    assert health.latency_s == 6.5


class Interleavings(RuleBasedStateMachine):
    """Calls begin, end and are broken off in any order, while time passes."""

    LIMITS = Limits(max_parallel=3)

    def __init__(self) -> None:
        super().__init__()
        self.health = Health()
        self.now_s = NOW_S
        self.open: list[str] = []
        self.count = 0
        self.probe = ""

    @rule()
    def begin(self) -> None:
        """A call begins, when it may."""
        self.count += 1
        call = str(self.count)
        began = begun(self.health, self.LIMITS, call, self.now_s + 3600, self.now_s)
        assert (began is None) == (available_in_s(self.health, self.LIMITS, self.now_s) > 0)
        if began is None:
            return
        if self.health.cooled_until_s:
            assert self.probe not in self.open or self.now_s >= self.health.probed_until_s
            self.probe = call
        self.health = began
        self.open.append(call)

    @precondition(lambda self: self.open)
    @rule(data=st.data(), failure=st.none() | st.sampled_from(Kind), asked_s=st.sampled_from([0.0, 0.0, 3.0, 90.0]))
    def end(self, data: st.DataObject, failure: Kind | None, asked_s: float) -> None:
        """One of them ends."""
        call = data.draw(st.sampled_from(self.open))
        before = self.health
        self.health = ended(before, Ended(failure, 1.0, 7, asked_s), RULES, call, self.now_s)
        self.open.remove(call)
        if failure is None or failure in CALLERS:
            assert self.health.cooled_until_s <= before.cooled_until_s

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def abandon(self, data: st.DataObject) -> None:
        """One of them is broken off: nothing else changes."""
        call = data.draw(st.sampled_from(self.open))
        cooled_until_s = self.health.cooled_until_s
        self.health = abandoned(self.health, call)
        self.open.remove(call)
        assert self.health.cooled_until_s == cooled_until_s

    @rule(seconds=st.sampled_from([0.1, 2.0, 30.0, 61.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now_s += seconds

    @invariant()
    def is_balanced(self) -> None:
        """What is open is counted, nothing else, and never more than may be."""
        assert sorted(self.health.running) == sorted(self.open)
        assert self.health.calls(self.now_s) == len(self.open) <= 3


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
