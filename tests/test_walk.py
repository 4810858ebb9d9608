"""One image's way over stages and targets: at most one of its calls is paid, and what it came to is told."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from dispatching import tools_of
from hypothesis import given, settings
from hypothesis import strategies as st
from played import PlayedTime
from providers.scripted import Scripted, completed, partial
from providers.scripted import Step as Played

from streamedit.dispatch import Dispatch
from streamedit.edits import EditRequest
from streamedit.errors import (
    Blocked,
    EditError,
    ErrorDetail,
    Interrupted,
    InvalidRequest,
    RequestTimeout,
    UpstreamBroken,
    UpstreamRefused,
    UpstreamUnreachable,
)
from streamedit.events import Completed, Event, Failed
from streamedit.failures import Kind
from streamedit.health import CoolRules, Health
from streamedit.records import AttemptRecord
from streamedit.routing import Plan, Policy, Stage, When
from streamedit.stores.healths import MemoryHealths
from streamedit.targets import Target
from streamedit.walk import Listener, Tools, Walk

REQUEST = EditRequest("p", (), stream=True)
AWAY = UpstreamUnreachable("away")
BROKE = UpstreamBroken("broke")
MODERATED = Blocked("blocked")
COOLS = Policy(cooling=CoolRules(5.0), patience_s=30)


def refused(status: int, **headers: str) -> UpstreamRefused:
    """A provider's own answer; `_` in a header's name stands for `-`."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return UpstreamRefused(ErrorDetail(status, "t", f"status {status}", headers=told))


BUSY = refused(429)


def target(name: str, **params: object) -> Target:
    """One that is its provider's only one, and whose health is kept."""
    return Target(name, f"{name}-model", params=params, id=name)


def stage(model: str, *names: str, policy: Policy = COOLS) -> Stage:
    """Of targets by their names."""
    return Stage(model, tuple(map(target, names)), policy)


@dataclass(slots=True)
class House:
    """Providers that play, and what was heard of one walk after another; time passes only when somebody waits."""

    providers: Mapping[str, Scripted]
    max_attempts: int = 10
    time: PlayedTime = field(default_factory=PlayedTime)
    healths: MemoryHealths = field(default_factory=MemoryHealths)
    events: list[Event] = field(default_factory=list)
    records: list[AttemptRecord] = field(default_factory=list)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    """An event has come."""

    @property
    def tools(self) -> Tools:
        return tools_of(self.providers, clocks=self.time.clocks, healths=self.healths, max_attempts=self.max_attempts)

    @property
    def listener(self) -> Listener:
        return Listener(self.emit, self.records.append)

    async def emit(self, event: Event) -> None:
        self.events.append(event)
        self.heard.set()

    async def walk(self, plan: Plan, request: EditRequest = REQUEST) -> EditError | None:
        """Its error."""
        try:
            await Dispatch(self.tools, total_s=5).run(request, plan, self.listener)
        except EditError as error:
            return error
        return None

    def calls(self) -> dict[str, int]:
        """How often each provider was called."""
        return {name: len(provider.calls) for name, provider in self.providers.items()}

    async def health(self, name: str) -> Health:
        return (await self.healths.of([name])).get(name, Health())


def house(max_attempts: int = 10, **scripts: list[Played]) -> House:
    """Each provider plays one script, again and again."""
    return House({name: Scripted(script) for name, script in scripts.items()}, max_attempts)


class Outdated(MemoryHealths):
    """Knows nothing when it is asked first; what is changed is what there is."""

    def __init__(self, current: MemoryHealths) -> None:
        super().__init__()
        self._healths = current._healths
        self._looks = 0

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        self._looks += 1
        return await super().of(ids) if self._looks > 1 else {}


class TestHeaders:
    """What answers tell of the way."""

    async def test_the_first_event_and_the_completed_ones_tell_it(self) -> None:
        """The model that made it, its provider, the attempts, the fallbacks; this server's own time without any pause."""
        made = house(a=[refused(500)], b=[partial(), partial(1), completed()])
        policy = Policy(retries=1, retry_after_s=3)
        assert await made.walk(Plan(((When(), stage("best", "a", policy=policy)), (When(), stage("spare", "b"))))) is None
        told = [dict(event.headers) for event in made.events if not isinstance(event, Failed)]
        assert told[0] == {
            "x-streamedit-model": "spare",
            "x-streamedit-provider": "b",
            "x-streamedit-attempts": "3",
            "x-streamedit-retries": "1",
            "x-streamedit-fallbacks": "1",
            "x-streamedit-overhead-ms": "0.0",
        }
        assert told[1:] == [{}, told[0]]
        assert made.time.slept == [3]

    async def test_a_stage_may_have_a_name(self) -> None:
        """What the caller calls it."""
        made = house(a=[completed()])
        await made.walk(Plan.of(replace(stage("m", "a"), option="config.targets[1]")))
        (event,) = made.events
        assert isinstance(event, Completed)
        assert event.headers["x-streamedit-option"] == "config.targets[1]"

    async def test_an_error_names_each_attempt(self) -> None:
        """In the message; the headers are those of an answer, the model the one that was asked for last."""
        made = house(a=[BUSY], b=[AWAY])
        error = await made.walk(Plan(((When(), stage("best", "a")), (When(), stage("spare", "b")))))
        assert error is not None
        assert error.detail.message == "away (attempts: a/a-model 429 t, b/b-model 502 upstream_unreachable)"
        assert error.detail.headers == {
            "x-streamedit-model": "spare",
            "x-streamedit-provider": "b",
            "x-streamedit-attempts": "2",
            "x-streamedit-retries": "0",
            "x-streamedit-fallbacks": "1",
        }

    async def test_a_single_attempt_s_error_is_told_as_it_is(self) -> None:
        """With the headers."""
        error = await house(a=[BUSY]).walk(Plan.of(stage("m", "a")))
        assert error is not None
        assert (error.detail.message, error.detail.headers["x-streamedit-attempts"]) == ("status 429", "1")


class TestPlans:
    """Stage after stage."""

    @pytest.mark.parametrize(("error", "calls"), [(MODERATED, {"a": 1, "b": 0, "c": 1}), (AWAY, {"a": 1, "b": 1, "c": 0})])
    async def test_the_next_stage_that_takes_the_error_has_its_turn(self, error: EditError, calls: dict[str, int]) -> None:
        """What is blocked goes to another stage than what broke."""
        made = house(a=[error], b=[completed()], c=[completed()])
        blocked = frozenset({Kind.CONTENT_POLICY})
        steps = (
            (When(), stage("m", "a")),
            (When(frozenset(Kind) - blocked), stage("n", "b")),
            (When(blocked), stage("o", "c")),
        )
        assert await made.walk(Plan(steps)) is None
        assert made.calls() == calls

    async def test_an_error_that_nobody_takes_is_the_edit_s(self) -> None:
        """As it is."""
        made = house(a=[AWAY], b=[completed()])
        error = await made.walk(Plan(((When(), stage("m", "a")), (When(statuses=frozenset({429})), stage("n", "b")))))
        assert error is not None
        assert error.detail.code == "upstream_unreachable"
        assert made.calls() == {"a": 1, "b": 0}

    async def test_a_plan_may_be_a_step(self) -> None:
        """Its stages are tried in its place."""
        made = house(a=[AWAY], b=[BUSY], c=[completed()])
        inner = Plan(((When(), stage("m", "a")), (When(), stage("n", "b"))))
        assert await made.walk(Plan(((When(), inner), (When(), stage("o", "c"))))) is None
        assert [record.model for record in made.records] == ["m", "n", "o"]
        assert [record.stage for record in made.records] == [1, 2, 3]

    async def test_there_are_no_more_attempts_than_there_may_be(self) -> None:
        """Whatever the policies and the plan would allow."""
        made = house(3, a=[AWAY], b=[AWAY])
        generous = replace(COOLS, retries=9)
        error = await made.walk(Plan(((When(), stage("m", "a", policy=generous)), (When(), stage("n", "b", policy=generous)))))
        assert error is not None
        assert made.calls() == {"a": 3, "b": 0}

    async def test_a_charged_failure_ends_it(self) -> None:
        """Neither a retry nor a fallback follows."""
        made = house(a=[BROKE], b=[completed()])
        plan = Plan(((When(), stage("m", "a", "b", policy=Policy(retries=5))), (When(), stage("n", "b"))))
        error = await made.walk(plan)
        assert error is not None
        assert error.detail.charged
        assert made.calls() == {"a": 1, "b": 0}


class TestCooldowns:
    """Who is not asked, and when again."""

    async def test_the_next_edit_passes_over_a_target_that_cools_down(self) -> None:
        """The attempt that began it says for how long."""
        made = house(a=[BUSY], b=[completed()])
        plan = Plan.of(stage("m", "a", "b"))
        for _ in range(3):
            assert await made.walk(plan) is None
        assert made.calls() == {"a": 1, "b": 3}
        assert [(record.target, record.cooldown_s) for record in made.records[:2]] == [("a-model", 5), ("b-model", 0)]

    async def test_after_it_one_edit_probes(self) -> None:
        """The others go elsewhere until the probe has succeeded."""
        made = House({"a": Scripted([BUSY], [partial(), gate := asyncio.Event(), completed()]), "b": Scripted([completed()])})
        plan = Plan.of(stage("m", "a", "b"))
        await made.walk(plan)
        await made.time.sleep(5)
        made.heard.clear()
        async with asyncio.TaskGroup() as edits:
            probe = edits.create_task(made.walk(plan))
            await made.heard.wait()
            for _ in range(5):
                assert await made.walk(plan) is None
            assert made.calls() == {"a": 2, "b": 6}
            gate.set()
        assert probe.result() is None
        await made.walk(plan)
        assert made.calls() == {"a": 3, "b": 6}

    async def test_when_all_cool_down_the_first_that_opens_is_waited_for(self) -> None:
        """With nobody else and some patience: no attempt is made meanwhile."""
        made = House({"a": Scripted([BUSY], [completed()])})
        plan = Plan.of(stage("m", "a"))
        assert await made.walk(plan) is not None
        assert await made.walk(plan) is None
        assert made.time.slept == [5]

    async def test_without_patience_nobody_is_asked(self) -> None:
        """A 503 that nobody was paid for, and that says when to come back."""
        made = house(a=[refused(429, retry_after="77")])
        plan = Plan.of(stage("m", "a"))
        await made.walk(plan)
        await made.time.sleep(0.5)
        error = await made.walk(plan)
        assert error is not None
        assert (error.detail.status, error.detail.code, error.detail.charged) == (503, "no_target_available", False)
        assert error.detail.headers == {"retry-after": "77"}
        assert made.calls() == {"a": 1}

    async def test_a_last_stage_that_is_closed_still_tells_of_the_others(self) -> None:
        """That nobody can be asked is not all that there is to say."""
        made = house(a=[refused(500)], b=[refused(429, retry_after="77")])
        await made.walk(Plan.of(stage("n", "b")))
        error = await made.walk(Plan(((When(), stage("m", "a")), (When(), stage("n", "b")))))
        assert error is not None
        assert error.detail.message.endswith("Try again later. (attempts: a/a-model 500 t)")

    async def test_who_loses_the_race_for_a_place_goes_elsewhere(self) -> None:
        """Of two edits that see the same free place one gets it, the other another target."""
        made = house(a=[asyncio.Event()], b=[completed()])
        one = Stage("m", (target("a", max_parallel_requests=1), target("b")), COOLS)
        async with asyncio.TaskGroup() as edits:
            first = edits.create_task(made.walk(Plan.of(one)))
            second = edits.create_task(made.walk(Plan.of(one)))
            await asyncio.wait([second])
            assert made.calls() == {"a": 1, "b": 1}
            first.cancel()
        assert (await made.health("a")).running == {}

    async def test_who_is_refused_a_place_that_seemed_free_looks_again(self) -> None:
        """Between the look and the call somebody else was faster: the target is not called, and another one is."""
        made = house(a=[BUSY], b=[completed()])
        await made.walk(Plan.of(stage("m", "a")))
        made.healths = Outdated(made.healths)
        assert await made.walk(Plan.of(stage("m", "a", "b"))) is None
        assert made.calls() == {"a": 1, "b": 1}

    @pytest.mark.parametrize(
        "error",
        [
            InvalidRequest("not understood"),
            refused(400),
            refused(413),
            MODERATED,
            RequestTimeout("the caller's own bound"),
            Interrupted("the log's own end"),
        ],
    )
    async def test_what_is_not_the_target_s_fault_cools_nobody_down(self, error: EditError) -> None:
        """Wrong requests, refusals, a caller's impatience, a fault of this server: however often."""
        made = house(a=[error])
        strict = replace(COOLS, cooling=CoolRules(5.0, allowed_fails=0))
        for _ in range(6):
            assert await made.walk(Plan.of(stage("m", "a", policy=strict))) is not None
        health = await made.health("a")
        assert (health.cooled_until_s, dict(health.failures), health.running) == (0, {}, {})

    @pytest.mark.parametrize("error", [InvalidRequest("refused here"), Interrupted("broke here")])
    async def test_a_probe_that_never_reached_the_target_proves_nothing(self, error: EditError) -> None:
        """The next one is the probe."""
        made = House({"a": Scripted([BUSY], [error], [completed()])})
        plan = Plan.of(stage("m", "a"))
        await made.walk(plan)
        await made.time.sleep(5)
        assert await made.walk(plan) is not None
        assert (await made.health("a")).cooled_until_s > 0
        assert await made.walk(plan) is None
        assert (await made.health("a")).cooled_until_s == 0


class TestRecords:
    """One of each attempt, however it ended."""

    async def test_an_attempt_that_is_broken_off_is_told(self) -> None:
        """As abandoned, and as one that may have been paid; its place is free."""
        made = house(a=[partial(), asyncio.Event()])
        task = asyncio.create_task(made.walk(Plan.of(stage("m", "a"))))
        await made.heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        (record,) = made.records
        assert (record.outcome, record.charged, record.partial_images) == ("abandoned", True, 1)
        assert (await made.health("a")).running == {}

    async def test_they_are_numbered(self) -> None:
        """Over all stages; with what each came to."""
        made = house(a=[AWAY], b=[completed()])
        await made.walk(Plan(((When(), stage("m", "a", policy=Policy(retries=1))), (When(), stage("n", "b")))))
        assert [(record.number, record.stage, record.outcome, record.status) for record in made.records] == [
            (1, 1, "upstream_unreachable", 502),
            (2, 1, "upstream_unreachable", 502),
            (3, 2, "completed", None),
        ]


class TestTime:
    """An edit's time is over."""

    async def test_while_a_call_is_under_way_it_may_have_been_paid(self) -> None:
        """A 504; the attempt is named when it is not the only one."""
        made = house(a=[AWAY], b=[asyncio.Event()])
        with pytest.raises(EditError) as caught:
            await Dispatch(made.tools, total_s=0.05).run(REQUEST, Plan.of(stage("m", "a", "b")), made.listener)
        detail = caught.value.detail
        assert (detail.status, detail.charged) == (504, True)
        assert detail.message.endswith("(attempts: a/a-model 502 upstream_unreachable, b/b-model abandoned)")

    async def test_while_nothing_is_under_way_nobody_was_paid(self) -> None:
        """A 503 that may be retried: all attempts had failed, and the next was waited for."""
        made = house(a=[AWAY])
        clocks = replace(made.time.clocks, sleep=asyncio.sleep)
        tools = replace(made.tools, clocks=clocks)
        with pytest.raises(EditError) as caught:
            plan = Plan.of(stage("m", "a", policy=Policy(retries=1, retry_after_s=60)))
            await Dispatch(tools, total_s=0.05).run(REQUEST, plan, made.listener)
        detail = caught.value.detail
        assert (detail.status, detail.code, detail.charged) == (503, "no_target_available", False)
        assert "retry-after" in detail.headers
        assert "a/a-model 502" in detail.message

    async def test_one_image_of_several_that_is_made_was_paid(self) -> None:
        """Whatever the others wait for."""
        made = House({"a": Scripted([completed()], [AWAY])})
        tools = replace(made.tools, clocks=replace(made.time.clocks, sleep=asyncio.sleep))
        plan = Plan.of(stage("m", "a", policy=Policy(retries=1, retry_after_s=60)))
        with pytest.raises(EditError) as caught:
            request = replace(REQUEST, options=replace(REQUEST.options, n=2))
            await Dispatch(tools, total_s=0.05).run(request, plan, made.listener)
        assert caught.value.detail.charged


STEPS: list[Played] = [AWAY, BUSY, BROKE, MODERATED, refused(500), refused(401), refused(400), partial(), completed()]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.lists(st.sampled_from(STEPS), max_size=3), min_size=1, max_size=4), min_size=3, max_size=3),
    st.integers(0, 3),
    st.integers(1, 6),
    st.booleans(),
)
def test_whatever_targets_do_one_call_at_most_is_paid(
    scripts: list[list[list[Played]]], retries: int, max_attempts: int, falls_back: bool
) -> None:
    """No attempt follows one that has emitted anything or may have been paid; there are never too many; none stays open."""
    made = House({name: Scripted(*each) for name, each in zip("abc", scripts, strict=True)}, max_attempts)
    policy = Policy(retries=retries, cooling=CoolRules(5.0))
    first = stage("m", *("ab" if falls_back else "abc"), policy=policy)
    steps = ((When(), first), (When(), stage("n", "c", policy=policy))) if falls_back else ((When(), first),)
    error = asyncio.run(made.walk(Plan(steps)))
    assert 1 <= len(made.records) <= max_attempts
    for record in made.records[:-1]:
        assert not record.charged
        assert (record.partial_images, record.images) == (0, 0)
    assert (
        (error is None) == (made.records[-1].outcome == "completed") == any(isinstance(each, Completed) for each in made.events)
    )
    assert sum(made.calls().values()) == len(made.records)
    assert all(not provider.open for provider in made.providers.values())
    assert not any(asyncio.run(made.health(name)).running for name in "abc")


async def test_a_walk_is_of_nobody_s_health_but_its_targets() -> None:
    """A target without an id is asked as often as anybody likes."""
    made = house(a=[BUSY])
    plan = Plan.of(Stage("m", (Target("a", "m"),), COOLS))
    for _ in range(3):
        with pytest.raises(UpstreamRefused):
            await Walk(REQUEST, made.tools, made.listener, 0).run(plan)
    assert made.calls() == {"a": 3}
