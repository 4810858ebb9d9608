"""What one process knows of targets while it asks them."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from played import PlayedTime

from streamedit.failures import Kind
from streamedit.health import CoolRules, Ended, Health
from streamedit.pricing import Price, Prices
from streamedit.routing import Policy, Stage
from streamedit.stores import Step
from streamedit.stores.healths import MemoryHealths
from streamedit.strategies import Strategy
from streamedit.targets import Target
from streamedit.tracker import Tracker

RULES = CoolRules(5.0)
ONE = Target("p", "one", params={"max_parallel_requests": 1}, id="1")
NAMELESS = Target("p", "nameless", params={"max_parallel_requests": 1})


def tracker_of(healths: MemoryHealths, time: PlayedTime, prices: Prices = Prices(())) -> Tracker:  # noqa: B008 - no state
    """Calls take a minute at most."""
    return Tracker(healths, 60, prices, time.read)


class Slow(MemoryHealths):
    """Takes a change, and answers later."""

    def __init__(self) -> None:
        super().__init__()
        self.taken, self.answers = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        yield

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        return await super().of(ids)

    async def change(self, target_id: str, step: Step) -> tuple[Health, Health] | None:
        changed = await super().change(target_id, step)
        self.taken.set()
        await self.answers.wait()
        return changed


async def test_a_call_takes_its_place() -> None:
    """Of one call at a time the second is refused, until the first has ended or was broken off."""
    tracker = tracker_of(MemoryHealths(), PlayedTime())
    call = await tracker.begin(ONE)
    assert call is not None
    assert await tracker.begin(ONE) is None
    await tracker.end(call, Ended(), RULES)
    second = await tracker.begin(ONE)
    assert second is not None
    assert await tracker.begin(ONE) is None
    await tracker.abandon(second)
    assert await tracker.begin(ONE) is not None


async def test_who_gives_up_while_it_begins_leaves_nothing_open() -> None:
    """The store may have taken the call already: it is taken back."""
    healths = Slow()
    beginning = asyncio.create_task(tracker_of(healths, PlayedTime()).begin(ONE))
    await healths.taken.wait()
    beginning.cancel()
    await asyncio.sleep(0)
    healths.answers.set()
    with pytest.raises(asyncio.CancelledError):
        await beginning
    assert (await healths.of(["1"]))["1"].running == {}


async def test_the_end_tells_of_the_cooldown_that_it_began() -> None:
    """Its length; nothing when the target cools down already, or does not cool down."""
    time = PlayedTime()
    tracker = tracker_of(MemoryHealths(), time)
    calls = [await tracker.begin(Target("p", "m", id="m")) for _ in range(3)]
    cooled = [
        await tracker.end(call, Ended(kind), RULES)
        for call, kind in zip(calls, [Kind.BAD_REQUEST, Kind.RATE_LIMIT, Kind.RATE_LIMIT], strict=True)
        if call is not None
    ]
    assert cooled == [0, 5, 0]


async def test_a_target_without_an_id_has_no_health() -> None:
    """It may always be asked, and nothing is kept."""
    tracker = tracker_of(MemoryHealths(), PlayedTime())
    calls = [await tracker.begin(NAMELESS) for _ in range(3)]
    for call in calls:
        assert call is not None
        assert await tracker.end(call, Ended(Kind.RATE_LIMIT), RULES) == 0
        await tracker.abandon(call)
    (candidate,) = await tracker.candidates(Stage("m", (NAMELESS,)))
    assert candidate.health == Health()


async def test_candidates_are_the_targets_with_what_is_known() -> None:
    """In their order; a price only where that decides."""
    healths = MemoryHealths()
    tracker = tracker_of(healths, PlayedTime(), Prices([Price("p/*", per_image=Decimal(7))]))
    await tracker.begin(ONE)
    stage = Stage("m", (NAMELESS, ONE))
    plain = await tracker.candidates(stage)
    assert [(each.target, len(each.health.running), each.cost_micros) for each in plain] == [
        (NAMELESS, 0, None),
        (ONE, 1, None),
    ]
    priced = await tracker.candidates(Stage("m", (ONE,), Policy(Strategy.COST)))
    assert priced[0].cost_micros == 7
