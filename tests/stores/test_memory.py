"""The log of one process: what it keeps in memory, what on disk, and what it lets go."""

import asyncio
import os
from pathlib import Path

import pytest
from descriptors import temporary_files, threads_let_go
from hypothesis import given
from hypothesis import strategies as st
from stores.logs import EVENT_BYTES, OWNER, Clock, completed, edit, fill, ids, partial, truth, until

from streamedit.contents import Content
from streamedit.errors import EditExpired, LogFull, NotFound
from streamedit.events import Completed, Failed, Payload
from streamedit.idempotency import Claim
from streamedit.stores import EventLog, Logged
from streamedit.stores.memory import LogBounds, MemoryEventLog
from streamedit.turns import Turns

BUDGET_BYTES = 1000
RETENTION_S = 60.0
DAY_S = 24 * 3600.0
NO_WAIT_S = 0.0


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def log(clock: Clock) -> MemoryEventLog:
    """Without a disk."""
    return MemoryEventLog(clock, LogBounds(BUDGET_BYTES, 0, RETENTION_S))


@pytest.fixture
def spilling(clock: Clock, tmp_path: Path) -> MemoryEventLog:
    """With room for three events in memory, and for seven more on disk."""
    return MemoryEventLog(clock, LogBounds(3 * EVENT_BYTES, 7 * EVENT_BYTES, RETENTION_S, tmp_path / "spool", EVENT_BYTES))


class TestEviction:
    """What has ended goes, by age and by size; what runs stays."""

    async def test_what_has_ended_goes_after_the_retention(self, log: MemoryEventLog, clock: Clock) -> None:
        """Until then it can be read again; then it is gone, which only its owner is told."""
        await fill(log, "old", [completed()])
        clock.now_s += RETENTION_S
        assert (await log.find("old", OWNER)).expires_in_s == 0
        clock.now_s += 0.1
        for looked_for in (log.find("old", OWNER), log.follow("old")):
            with pytest.raises(EditExpired):
                await looked_for
        with pytest.raises(NotFound):
            await log.find("old", "key_2")

    async def test_nobody_need_come_for_it_to_go(self) -> None:
        """Pictures do not stay in memory because a server is idle."""
        log = MemoryEventLog(asyncio.get_running_loop().time, LogBounds(BUDGET_BYTES, 0, 0.01))
        await fill(log, "a", [completed()])
        await until(truth(lambda: log.size_bytes == 0))

    async def test_the_oldest_go_when_the_budget_is_used(self, log: MemoryEventLog, clock: Clock) -> None:
        """Of those that have ended, in the order of their ends, and no more than needed."""
        await fill(log, "first", [partial(0)] * 3, ends=False)
        await fill(log, "second", [completed()] * 3)
        clock.now_s += 1
        await log.append("first", completed(), last=True)
        await fill(log, "running", [partial(0)] * 3, ends=False)
        assert [await kept(log, edit_id) for edit_id in ("first", "second", "running")] == [4, 3, 3]
        await log.append("running", partial(0), last=False)
        assert [await kept(log, edit_id) for edit_id in ("first", "second", "running")] == [4, 0, 4]

    async def test_what_runs_is_never_dropped(self, log: MemoryEventLog, clock: Clock) -> None:
        """Neither for its size nor for its age."""
        await fill(log, "old", [partial(0)], ends=False)
        await fill(log, "large", [partial(0)] * 30, ends=False)
        clock.now_s += 100 * RETENTION_S
        await log.append("old", partial(0), last=False)
        assert [await kept(log, edit_id) for edit_id in ("large", "old")] == [30, 2]

    async def test_new_edits_are_refused_while_running_ones_fill_it(self, log: MemoryEventLog) -> None:
        """503 with Retry-After; as soon as one has ended there is room again."""
        await fill(log, "large", [partial(0)] * 11, ends=False)
        with pytest.raises(LogFull) as refused:
            await log.create(edit("next"))
        assert refused.value.detail.headers == {"retry-after": "10"}
        await log.append("large", completed(), last=True)
        await log.create(edit("next"))

    async def test_a_reader_keeps_what_it_reads(self, log: MemoryEventLog, clock: Clock) -> None:
        """A log that is evicted under a cursor stays whole for it."""
        await fill(log, "a", [partial(0), partial(1), completed()])
        untouched, begun = await log.follow("a"), await log.follow("a", 2)
        clock.now_s += 2 * RETENTION_S
        assert await kept(log, "a") == 0
        assert ids(await untouched.read(NO_WAIT_S)) == [1, 2, 3]
        assert ids(await begun.read(NO_WAIT_S)) == [3]

    async def test_a_claim_holds_for_a_day(self, log: MemoryEventLog, clock: Clock) -> None:
        """A repeated request whose edit is gone is told so, and pays nothing; a day later its key is free."""
        claim = Claim(b"k", b"f")
        await log.create(edit("a"), claim)
        await log.append("a", completed(), last=True)
        clock.now_s += DAY_S - 1
        with pytest.raises(EditExpired):
            await log.create(edit("b"), claim)
        clock.now_s += 2
        assert (await log.create(edit("b"), claim)).id == "b"

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 25), st.booleans()), max_size=30), st.booleans())
    async def test_it_knows_its_size(self, steps: list[tuple[int, int, bool]], has_disk: bool) -> None:
        """Its bytes are those of the logs that it keeps, and above the budget only while edits run."""
        clock = Clock()
        log = MemoryEventLog(
            clock, LogBounds(BUDGET_BYTES // 2, BUDGET_BYTES // 2 * has_disk, RETENTION_S, block_bytes=EVENT_BYTES)
        )
        sizes: dict[str, int] = {}
        running: dict[int, str] = {}
        for number, (slot, pause_s, last) in enumerate(steps):
            clock.now_s += pause_s
            if slot not in running:
                try:
                    await log.create(edit(f"edit_{number}"))
                except LogFull:
                    continue
                running[slot] = f"edit_{number}"
            edit_id = running[slot]
            await log.append(edit_id, partial(0), last=last)
            sizes[edit_id] = sizes.get(edit_id, 0) + EVENT_BYTES
            if last:
                del running[slot]
        kept_bytes = EVENT_BYTES * sum([await kept(log, edit_id) for edit_id in sizes])
        assert log.size_bytes == kept_bytes
        assert log.memory_bytes <= BUDGET_BYTES // 2 or not has_disk
        budget_bytes = BUDGET_BYTES if has_disk else BUDGET_BYTES // 2
        assert kept_bytes <= budget_bytes or kept_bytes == sum(sizes.get(edit_id, 0) for edit_id in running.values())


class TestSpilling:
    """Payloads beyond the memory budget are on disk."""

    async def test_the_oldest_payloads_leave_memory(self, spilling: MemoryEventLog) -> None:
        """Memory stays within its budget, and every event is read as it was written."""
        events = [partial(number) for number in range(9)]
        await fill(spilling, "a", events, ends=False)
        assert (spilling.memory_bytes, spilling.disk_bytes) == (3 * EVENT_BYTES, 6 * EVENT_BYTES)
        seen = await (await spilling.follow("a")).read(NO_WAIT_S)
        contents = [content_of(logged) for logged in seen]
        assert [bool(content.pieces) for content in contents] == [False] * 6 + [True] * 3
        assert [await whole(content) for content in contents] == [b"%100d" % number for number in range(9)]

    async def test_nothing_has_a_name(self, spilling: MemoryEventLog, tmp_path: Path) -> None:
        """Files are private and nameless: however the process ends, nothing is left behind."""
        await fill(spilling, "a", [partial(number) for number in range(9)])
        assert spilling.disk_bytes
        assert (tmp_path / "spool").stat().st_mode & 0o777 == 0o700
        assert not list((tmp_path / "spool").iterdir())

    async def test_files_go_with_their_edits(self, spilling: MemoryEventLog, clock: Clock, tmp_path: Path) -> None:
        """As soon as nobody reads them any more."""
        await fill(spilling, "a", [partial(number) for number in range(9)])
        cursor = await spilling.follow("a")
        assert temporary_files(tmp_path) == 1
        await threads_let_go()
        clock.now_s += 2 * RETENTION_S
        assert (await kept(spilling, "a"), spilling.size_bytes, temporary_files(tmp_path)) == (0, 0, 1)
        del cursor
        assert temporary_files(tmp_path) == 0

    async def test_a_reader_goes_on_while_its_event_moves(self, clock: Clock, tmp_path: Path) -> None:
        """An event that leaves memory under a reader is read to its end, and the reader keeps none of it but its slice."""
        large = Completed(Payload(Content([os.urandom(1 << 20)]), {}))
        expected = b"".join(large.payload.content.pieces)
        slices = large.payload.content.slices()
        first = await anext(slices)
        spilling = MemoryEventLog(clock, LogBounds(0, 2 << 20, RETENTION_S, tmp_path))
        await fill(spilling, "a", [large])
        assert not large.payload.content.pieces
        assert b"".join([first, *[slice_ async for slice_ in slices]]) == expected

    async def test_when_both_are_full_of_running_edits_new_ones_are_refused(self, spilling: MemoryEventLog) -> None:
        """The running ones go on; what has ended would have gone first."""
        await fill(spilling, "ended", [partial(0)] * 4)
        await fill(spilling, "running", [partial(0)] * 10, ends=False)
        assert await kept(spilling, "ended") == 0
        await spilling.append("running", partial(0), last=False)
        with pytest.raises(LogFull):
            await spilling.create(edit("next"))
        assert await kept(spilling, "running") == 11

    async def test_a_disk_that_takes_nothing_is_no_disk(self, clock: Clock, tmp_path: Path) -> None:
        """Running edits go on in memory, new ones are refused; when it takes something again, all is well."""
        folder = tmp_path / "spool"
        folder.write_text("no folder")
        bounds, intake = LogBounds(3 * EVENT_BYTES, 7 * EVENT_BYTES, RETENTION_S, folder, EVENT_BYTES), Turns()
        log = MemoryEventLog(clock, bounds, intake)
        await fill(log, "a", [partial(number) for number in range(4)], ends=False)
        assert (log.memory_bytes, log.disk_bytes, intake.is_held) == (4 * EVENT_BYTES, 0, False)
        with pytest.raises(LogFull):
            await log.create(edit("b"))
        folder.unlink()
        await log.append("a", partial(4), last=False)
        assert (log.memory_bytes, log.disk_bytes) == (3 * EVENT_BYTES, 2 * EVENT_BYTES)
        await log.create(edit("b"))

    async def test_what_was_delivered_is_let_go_rather_than_written_in_a_flood(self, clock: Clock, tmp_path: Path) -> None:
        """As much as fills the disk within the retention is written; what runs, and what nobody has got yet, always is."""
        bounds = LogBounds(3 * EVENT_BYTES, int(2 * RETENTION_S) * EVENT_BYTES, RETENTION_S, tmp_path, EVENT_BYTES)
        log = MemoryEventLog(clock, bounds)
        await fill(log, "running", [partial(0)], ends=False)
        for name in ("1", "2", "3", "4", "unread", "5", "6", "7"):
            await fill(log, name, [completed()])
            if name != "unread":
                log.delivered(name)
        assert [name for name in "1234567" if await kept(log, name)] == ["1", "2", "5", "6", "7"]
        assert [await kept(log, name) for name in ("running", "unread")] == [1, 1]
        clock.now_s += 1
        await fill(log, "8", [completed()])
        assert [name for name in "12345678" if await kept(log, name)] == ["1", "2", "5", "6", "7", "8"]

    async def test_what_comes_in_is_held_up_while_the_disk_is_behind(self, clock: Clock, tmp_path: Path) -> None:
        """Beyond a budget and a quarter the line of those who bring events stands still until what is too much is on disk."""
        bounds, intake = LogBounds(8 * EVENT_BYTES, 90 * EVENT_BYTES, RETENTION_S, tmp_path, EVENT_BYTES), Turns()
        log = MemoryEventLog(clock, bounds, intake)
        await log.create(edit("a"))
        for count, is_held in ((10, False), (11, True)):
            adding = [
                asyncio.create_task(log.append("a", partial(0), last=False))
                for _ in range(count - log.memory_bytes // EVENT_BYTES)
            ]
            await asyncio.sleep(0)
            assert (log.memory_bytes, intake.is_held) == (count * EVENT_BYTES, is_held)
            await asyncio.wait(adding)
            assert (log.memory_bytes, intake.is_held) == (8 * EVENT_BYTES, False)

    async def test_simultaneous_writers_share_the_disk(self, spilling: MemoryEventLog) -> None:
        """Each event is whole, whoever was writing at the same time."""
        await asyncio.gather(*(fill(spilling, name, [partial(ord(name)) for _ in range(3)], ends=False) for name in "abc"))
        for name in "abc":
            for logged in await (await spilling.follow(name)).read(NO_WAIT_S):
                assert await whole(content_of(logged)) == b"%100d" % ord(name)


async def kept(log: EventLog, edit_id: str) -> int:
    """How many events of an edit can be read."""
    try:
        return (await log.find(edit_id, OWNER)).last_id
    except EditExpired:
        return 0


def content_of(logged: Logged) -> Content:
    """An image's bytes."""
    assert not isinstance(logged.event, Failed)
    return logged.event.payload.content


async def whole(content: Content) -> bytes:
    """All of it."""
    return b"".join([slice_ async for slice_ in content.slices()])
