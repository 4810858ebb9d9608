"""What was found is kept for its time, in its room; one question is asked once, whoever is cancelled."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.moderation.cache import Cache
from streamedit.moderation.findings import Finding, Unjudged

BAD: Finding = ("violence",)


class Asked:
    """Answers with `finding` once `go` is set, and counts."""

    def __init__(self, finding: Finding = BAD) -> None:
        self.finding = finding
        self.began = asyncio.Event()
        self.go = asyncio.Event()
        self.times = 0

    async def __call__(self) -> Finding:
        self.times += 1
        self.began.set()
        await self.go.wait()
        return self.finding


def answering(finding: Finding = BAD) -> Asked:
    """One who answers at once."""
    asked = Asked(finding)
    asked.go.set()
    return asked


async def test_a_finding_is_kept_for_its_time() -> None:
    """To the second at which it is over."""
    now, asked = [0.0], answering()
    cache = Cache(60, 10, lambda: now[0])
    assert await cache.get(b"a", asked) == (BAD, False)
    now[0] = 59.9
    assert await cache.get(b"a", asked) == (BAD, True)
    now[0] = 60.0
    assert await cache.get(b"a", asked) == (BAD, False)
    assert asked.times == 2


@pytest.mark.parametrize(("keep_s", "size"), [(0, 10), (60, 0)])
async def test_nothing_is_kept_without_time_or_room(keep_s: float, size: int) -> None:
    """Each is asked for anew."""
    cache, asked = Cache(keep_s, size, lambda: 0.0), answering()
    assert [await cache.get(b"a", asked) for _ in range(2)] == [(BAD, False)] * 2
    assert len(cache) == 0


async def test_what_was_not_judged_is_not_kept() -> None:
    """The next one may have more luck."""
    cache = Cache(60, 10, lambda: 0.0)
    unjudged = Unjudged("503")
    assert await cache.get(b"a", answering(unjudged)) == (unjudged, False)
    assert await cache.get(b"a", answering()) == (BAD, False)


@given(
    steps=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 15)), max_size=60),
    size=st.integers(0, 5),
    keep_s=st.integers(0, 30),
)
async def test_it_never_holds_more_than_it_may(steps: list[tuple[int, int]], size: int, keep_s: int) -> None:
    """Whatever comes when: no more than its size, and nothing that is older than its time is told."""
    now, asked_at = 0.0, dict[int, float]()
    cache = Cache(keep_s, size, lambda: now)
    for number, pause_s in steps:
        now += pause_s
        found, was_known = await cache.get(b"%d" % number, answering((str(number),)))
        assert found == (str(number),)
        assert not was_known or now - asked_at[number] < keep_s
        if not was_known:
            asked_at[number] = now
        assert len(cache) <= size


@pytest.mark.parametrize("finding", [BAD, Unjudged("503")])
async def test_who_asks_at_once_shares_an_answer(finding: Finding) -> None:
    """A failure, too: a hundred do not wait for an endpoint that is away one after the other."""
    cache, asked = Cache(60, 10, lambda: 0.0), Asked(finding)
    async with asyncio.TaskGroup() as tasks:
        first = await begun(tasks, cache, asked)
        others = [tasks.create_task(cache.get(b"a", asked)) for _ in range(99)]
        another = tasks.create_task(cache.get(b"b", answering(("sexual",))))
        assert (await another) == (("sexual",), False)
        asked.go.set()
    assert first.result() == (finding, False)
    assert [task.result() for task in others] == [(finding, True)] * 99
    assert asked.times == 1


async def test_who_waits_goes_on_when_the_one_who_asked_is_cancelled() -> None:
    """One of those who wait asks, once for all of them."""
    cache, cancelled, asked = Cache(60, 10, lambda: 0.0), Asked(), Asked()
    async with asyncio.TaskGroup() as tasks:
        first = await begun(tasks, cache, cancelled)
        others = [tasks.create_task(cache.get(b"a", asked)) for _ in range(5)]
        await asyncio.sleep(0)
        first.cancel()
        await asked.began.wait()
        asked.go.set()
    assert sorted(was_known for _, was_known in (task.result() for task in others)) == [False, True, True, True, True]
    assert (cancelled.times, asked.times) == (1, 1)


async def test_who_is_cancelled_while_waiting_takes_nobody_along() -> None:
    """The one who asks still gets the answer, and keeps it."""
    cache, asked = Cache(60, 10, lambda: 0.0), Asked()
    async with asyncio.TaskGroup() as tasks:
        first = await begun(tasks, cache, asked)
        other = tasks.create_task(cache.get(b"a", asked))
        await asyncio.sleep(0)
        other.cancel()
        asked.go.set()
    assert first.result() == (BAD, False)
    assert await cache.get(b"a", asked) == (BAD, True)


async def test_a_defect_leaves_nothing_behind() -> None:
    """It is its caller's alone, and the next one asks anew."""

    async def broken() -> Finding:
        raise OSError("the disk is gone")

    cache = Cache(60, 10, lambda: 0.0)
    with pytest.raises(OSError, match="gone"):
        await cache.get(b"a", broken)
    assert await cache.get(b"a", answering()) == (BAD, False)


async def begun(tasks: asyncio.TaskGroup, cache: Cache, asked: Asked) -> asyncio.Task[tuple[Finding, bool]]:
    """Somebody who has begun to ask for `a`."""
    task = tasks.create_task(cache.get(b"a", asked))
    await asked.began.wait()
    return task
