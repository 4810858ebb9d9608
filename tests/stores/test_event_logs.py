"""The contract of an EventLog, for every adapter."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.errors import ErrorDetail
from streamedit.events import Completed, Event, Failed, PartialImage, Payload
from streamedit.stores import Cursor, EventLog, Logged
from streamedit.stores.memory import MemoryEventLog

EVENT_BYTES = 100
BUDGET_BYTES = 1000
RETENTION_S = 60.0
NO_WAIT_S = 0.0
LONG_S = 30.0
FAILED = Failed(ErrorDetail(502, "upstream_error", "broken"))

STEPS = st.lists(st.tuples(st.sampled_from(["append", "follow", "read"]), st.integers(0, 20)), max_size=40)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def memory(clock: Clock) -> EventLog:
    """The log of one process."""
    return MemoryEventLog(clock, budget_bytes=BUDGET_BYTES, retention_s=RETENTION_S)


ADAPTERS: list[Callable[[Clock], EventLog]] = [memory]


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture(params=ADAPTERS, ids=lambda adapter: adapter.__name__)
def log(request: pytest.FixtureRequest, clock: Clock) -> EventLog:
    """An empty log of each kind."""
    made: EventLog = request.param(clock)
    return made


class TestOrder:
    """Append and follow."""

    async def test_ids_count_from_one_in_each_edit(self, log: EventLog) -> None:
        """1, 2, 3 ... per edit, whatever other edits do."""
        await log.create("a")
        await log.create("b")
        assert [await log.append(edit_id, partial(0), last=False) for edit_id in ("a", "a", "b", "a", "b")] == [1, 2, 1, 3, 2]

    async def test_events_are_read_as_they_were_appended(self, log: EventLog) -> None:
        """The events themselves, with their ids, and which of them is the last."""
        events: list[Event] = [partial(0), partial(1), completed()]
        await fill(log, "a", events)
        assert list(await log.follow("a").read(NO_WAIT_S)) == [
            Logged(1, events[0], False),
            Logged(2, events[1], False),
            Logged(3, events[2], True),
        ]

    async def test_a_failure_is_an_event(self, log: EventLog) -> None:
        """An edit that fails before anything else has exactly that one."""
        await fill(log, "a", [FAILED])
        assert list(await log.follow("a").read(NO_WAIT_S)) == [Logged(1, FAILED, True)]

    async def test_each_event_is_read_once(self, log: EventLog) -> None:
        """A cursor moves on, and readers do not disturb each other."""
        await fill(log, "a", [partial(0)], ends=False)
        first, second = log.follow("a"), log.follow("a")
        assert ids(await first.read(NO_WAIT_S)) == [1]
        await log.append("a", completed(), last=True)
        assert ids(await first.read(NO_WAIT_S)) == [2]
        assert ids(await first.read(NO_WAIT_S)) == []
        assert ids(await second.read(NO_WAIT_S)) == [1, 2]

    @pytest.mark.parametrize("adapter", ADAPTERS)
    @given(steps=STEPS)
    async def test_follow_k_is_follow_0_without_the_first_k(
        self, adapter: Callable[[Clock], EventLog], steps: list[tuple[str, int]]
    ) -> None:
        """However appends, new readers and reads interleave: every reader sees k+1, k+2 ... without gap or repetition."""
        log = adapter(Clock())
        await log.create("a")
        appended: list[Logged] = []
        readers: list[tuple[int, Cursor, list[Logged]]] = [(0, log.follow("a"), [])]
        for step, number in steps:
            if step == "append":
                appended.append(Logged(len(appended) + 1, partial(number), False))
                await log.append("a", appended[-1].event, last=False)
            elif step == "follow":
                after = number % (len(appended) + 1)
                readers.append((after, log.follow("a", after), []))
            else:
                _, cursor, seen = readers[number % len(readers)]
                seen += await cursor.read(NO_WAIT_S)
        for after, cursor, seen in readers:
            assert [*seen, *await cursor.read(NO_WAIT_S)] == appended[after:]

    @pytest.mark.parametrize("known", [False, True])
    async def test_an_unknown_edit_is_a_key_error(self, log: EventLog, known: bool) -> None:
        """Neither followed nor appended to, with or without others."""
        if known:
            await log.create("a")
        with pytest.raises(KeyError):
            log.follow("b")
        with pytest.raises(KeyError):
            await log.append("b", partial(0), last=False)


class TestWaiting:
    """Readers that are ahead of the writer."""

    async def test_every_waiting_reader_is_woken(self, log: EventLog) -> None:
        """By each append, at once, wherever its cursor stands."""
        await fill(log, "a", [partial(0)], ends=False)
        cursors = [log.follow("a", 1) for _ in range(5)]
        for event_id in (2, 3):
            reads = [asyncio.ensure_future(cursor.read(LONG_S)) for cursor in cursors]
            await settled()
            assert not any(read.done() for read in reads)
            await log.append("a", partial(event_id), last=False)
            assert [ids(events) for events in await asyncio.gather(*reads)] == [[event_id]] * 5

    async def test_several_events_come_in_one_read(self, log: EventLog) -> None:
        """A reader that was slow catches up in one step."""
        await log.create("a")
        read = asyncio.ensure_future(log.follow("a").read(LONG_S))
        await settled()
        await fill(log, "a", [partial(0), partial(1), completed()], create=False)
        assert ids(await read) == [1, 2, 3]

    async def test_silence_gives_nothing(self, log: EventLog) -> None:
        """After the wait the read is empty, and the cursor is where it was."""
        await log.create("a")
        cursor = log.follow("a")
        assert ids(await cursor.read(0.01)) == []
        await log.append("a", partial(0), last=False)
        assert ids(await cursor.read(NO_WAIT_S)) == [1]

    async def test_another_edit_wakes_nobody(self, log: EventLog) -> None:
        """Edits are apart."""
        await log.create("a")
        await log.create("b")
        read = asyncio.ensure_future(log.follow("a").read(LONG_S))
        await log.append("b", partial(0), last=False)
        await settled()
        assert not read.done()
        await log.append("a", partial(1), last=False)
        assert [logged.event for logged in await read] == [partial(1)]

    async def test_a_reader_that_leaves_takes_nothing_along(self, log: EventLog) -> None:
        """A cancelled read does not lose an event, for itself or for others."""
        await log.create("a")
        leaving, staying = log.follow("a"), log.follow("a")
        read, other = asyncio.ensure_future(leaving.read(LONG_S)), asyncio.ensure_future(staying.read(LONG_S))
        await settled()
        read.cancel()
        await log.append("a", partial(0), last=False)
        assert ids(await other) == [1]
        assert ids(await leaving.read(NO_WAIT_S)) == [1]


class TestEviction:
    """What has ended goes, by age and by size; what runs stays."""

    async def test_what_has_ended_goes_after_the_retention(self, log: EventLog, clock: Clock) -> None:
        """Until then it can be read again."""
        await fill(log, "old", [completed()])
        clock.now_s += RETENTION_S
        await log.create("next")
        assert ids(await log.follow("old").read(NO_WAIT_S)) == [1]
        clock.now_s += 0.1
        await log.create("one more")
        with pytest.raises(KeyError):
            log.follow("old")

    async def test_the_oldest_go_when_the_budget_is_used(self, log: EventLog, clock: Clock) -> None:
        """Of those that have ended, in the order of their ends, and no more than needed."""
        await fill(log, "first", [partial(0)] * 3, ends=False)
        await fill(log, "second", [completed()] * 3)
        clock.now_s += 1
        await log.append("first", completed(), last=True)
        await fill(log, "running", [partial(0)] * 3, ends=False)
        assert [await kept(log, edit_id) for edit_id in ("first", "second", "running")] == [4, 3, 3]
        await log.append("running", partial(0), last=False)
        assert [await kept(log, edit_id) for edit_id in ("first", "second", "running")] == [4, 0, 4]

    async def test_what_runs_is_never_dropped(self, log: EventLog, clock: Clock) -> None:
        """Neither for its size nor for its age."""
        await fill(log, "large", [partial(0)] * 30, ends=False)
        await fill(log, "old", [partial(0)], ends=False)
        clock.now_s += 100 * RETENTION_S
        await fill(log, "next", [completed()])
        assert [await kept(log, edit_id) for edit_id in ("large", "old")] == [30, 1]

    async def test_a_reader_keeps_what_it_reads(self, log: EventLog, clock: Clock) -> None:
        """A log that is evicted under a cursor stays whole for it."""
        await fill(log, "a", [partial(0), partial(1), completed()])
        untouched, begun = log.follow("a"), log.follow("a", 2)
        clock.now_s += 2 * RETENTION_S
        await log.create("b")
        assert await kept(log, "a") == 0
        assert ids(await untouched.read(NO_WAIT_S)) == [1, 2, 3]
        assert ids(await begun.read(NO_WAIT_S)) == [3]

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 25), st.booleans()), max_size=30))
    async def test_the_memory_log_knows_its_size(self, steps: list[tuple[int, int, bool]]) -> None:
        """Its bytes are those of the logs that it keeps, and above the budget only while edits run."""
        clock = Clock()
        log = MemoryEventLog(clock, budget_bytes=BUDGET_BYTES, retention_s=RETENTION_S)
        sizes: dict[str, int] = {}
        running: dict[int, str] = {}
        for number, (slot, pause_s, last) in enumerate(steps):
            clock.now_s += pause_s
            if slot not in running:
                running[slot] = f"edit_{number}"
                await log.create(running[slot])
            edit_id = running[slot]
            await log.append(edit_id, partial(0), last=last)
            sizes[edit_id] = sizes.get(edit_id, 0) + EVENT_BYTES
            if last:
                del running[slot]
        kept_bytes = EVENT_BYTES * sum([await kept(log, edit_id) for edit_id in sizes])
        assert log.size_bytes == kept_bytes
        assert kept_bytes <= BUDGET_BYTES or kept_bytes == sum(sizes.get(edit_id, 0) for edit_id in running.values())


async def fill(log: EventLog, edit_id: str, events: Sequence[Event], *, ends: bool = True, create: bool = True) -> None:
    """An edit with those events, of which the last ends it."""
    if create:
        await log.create(edit_id)
    for index, event in enumerate(events, 1):
        await log.append(edit_id, event, last=ends and index == len(events))


async def kept(log: EventLog, edit_id: str) -> int:
    """How many events of an edit can be read."""
    try:
        return len(await log.follow(edit_id).read(NO_WAIT_S))
    except KeyError:
        return 0


async def settled() -> None:
    """Every task that can go on has gone on to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def ids(events: Sequence[Logged]) -> list[int]:
    """The ids of what was read."""
    return [logged.id for logged in events]


def payload(index: int) -> Payload:
    """An event's JSON of exactly EVENT_BYTES."""
    return Payload((b"%100d" % index,), {"partial_image_index": index})


def partial(index: int) -> PartialImage:
    """A partial image that is like no other."""
    return PartialImage(payload(index))


def completed() -> Completed:
    """A completed image."""
    return Completed(payload(0))
