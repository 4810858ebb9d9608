"""The contract of an EventLog, for every adapter."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from stores.logs import FAILED, KINDS, LONG_S, OWNER, Kind, completed, edit, fill, ids, partial, read, told

from streamedit.errors import IdempotencyKeyReused, NotFound
from streamedit.events import Event
from streamedit.idempotency import Claim
from streamedit.stores import Cursor, EventLog, Logged

NO_WAIT_S = 0.0

every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
class TestOrder:
    """Append and follow."""

    async def test_ids_count_from_one_in_each_edit(self, kind: Kind) -> None:
        """1, 2, 3 ... per edit, whatever other edits do."""
        async with kind() as log:
            await log.create(edit("a"))
            await log.create(edit("b"))
            given = [await log.append(edit_id, partial(0), last=False) for edit_id in ("a", "a", "b", "a", "b")]
            assert given == [1, 2, 1, 3, 2]

    async def test_events_are_read_as_they_were_appended(self, kind: Kind) -> None:
        """Their bytes, fields, images and headers, with their ids, and which of them is the last."""
        events: list[Event] = [partial(0), partial(1), completed()]
        async with kind() as log:
            await fill(log, "a", events)
            seen = await read(await log.follow("a"), 3)
            assert await told(seen) == await told([Logged(i, event, i == 3) for i, event in enumerate(events, 1)])

    async def test_a_failure_is_an_event(self, kind: Kind) -> None:
        """An edit that fails before anything else has exactly that one."""
        async with kind() as log:
            await fill(log, "a", [FAILED])
            assert await read(await log.follow("a"), 1) == [Logged(1, FAILED, True)]

    async def test_each_event_is_read_once(self, kind: Kind) -> None:
        """A cursor moves on, and readers do not disturb each other."""
        async with kind() as log:
            await fill(log, "a", [partial(0)], ends=False)
            first, second = await log.follow("a"), await log.follow("a")
            assert ids(await read(first, 1)) == [1]
            await log.append("a", completed(), last=True)
            assert ids(await read(first, 1)) == [2]
            assert ids(await first.read(NO_WAIT_S)) == []
            assert ids(await read(second, 2)) == [1, 2]


@every_kind
class TestFinding:
    """What a log knows of an edit."""

    async def test_an_edit_is_found_in_each_state(self, kind: Kind) -> None:
        """Before the first event, while it runs, and when it has ended, with the time that is left to read it."""
        async with kind() as log:
            await log.create(edit("a"))
            entry = await log.find("a", OWNER)
            assert (entry.edit, entry.last_id, entry.ended) == (edit("a"), 0, False)
            await log.append("a", partial(0), last=False)
            assert (await log.find("a", OWNER)).last_id == 1
            await log.append("a", completed(), last=True)
            entry = await log.find("a", OWNER)
            assert (entry.last_id, entry.ended) == (2, True)
            assert 50 < (entry.expires_in_s or 0) <= 60

    @pytest.mark.parametrize("known", [False, True])
    async def test_an_unknown_edit_is_not_found(self, kind: Kind, known: bool) -> None:
        """Neither looked at nor followed, with or without others."""
        async with kind() as log:
            if known:
                await log.create(edit("a"))
            for looked_for in (log.find("b", OWNER), log.follow("b")):
                with pytest.raises(NotFound):
                    await looked_for

    async def test_another_owner_s_edit_is_not_found(self, kind: Kind) -> None:
        """Just as one that is not there: running or ended."""
        async with kind() as log:
            await log.create(edit("a"))
            with pytest.raises(NotFound) as running:
                await log.find("a", "key_2")
            await log.append("a", completed(), last=True)
            with pytest.raises(NotFound) as ended:
                await log.find("a", "key_2")
            with pytest.raises(NotFound) as absent:
                await log.find("b", "key_2")
            assert running.value.detail == ended.value.detail == absent.value.detail


@every_kind
class TestClaims:
    """Idempotency keys."""

    async def test_a_claim_begins_one_edit(self, kind: Kind) -> None:
        """Of a hundred at once, one begins it and all are given that one; later ones too, when it has ended."""
        claim = Claim(b"k" * 32, b"f" * 32)
        async with kind() as log:
            given = await asyncio.gather(*(log.create(edit(f"edit_{i}"), claim) for i in range(100)))
            (only,) = {each.id for each in given}
            await log.append(only, completed(), last=True)
            assert (await log.create(edit("late"), claim)).id == only
            for i in range(100):
                if f"edit_{i}" != only:
                    with pytest.raises(NotFound):
                        await log.find(f"edit_{i}", OWNER)

    async def test_a_claim_can_be_looked_for(self, kind: Kind) -> None:
        """Nobody holds it, then its edit; for another request the key is refused."""
        claim = Claim(b"k" * 32, b"f" * 32)
        async with kind() as log:
            assert await log.claimed(claim) is None
            await log.create(edit("a"), claim)
            found = await log.claimed(claim)
            assert found is not None
            assert found.id == "a"
            with pytest.raises(IdempotencyKeyReused):
                await log.claimed(replace(claim, fingerprint=b"g" * 32))

    async def test_a_claim_can_be_given_back(self, kind: Kind) -> None:
        """By the edit that holds it, and by no other: then the same request begins another edit."""
        claim = Claim(b"k" * 32, b"f" * 32)
        async with kind() as log:
            await log.create(edit("a"), claim)
            await log.unclaim(claim, "b")
            assert await log.claimed(claim) is not None
            await log.unclaim(claim, "a")
            assert await log.claimed(claim) is None
            assert (await log.create(edit("c"), claim)).id == "c"
            await log.unclaim(claim, "a")
            assert (await log.create(edit("d"), claim)).id == "c"

    async def test_a_key_stands_for_one_request(self, kind: Kind) -> None:
        """With another one it is refused, and nothing is begun; another key is another edit."""
        async with kind() as log:
            await log.create(edit("a"), Claim(b"k" * 32, b"f" * 32))
            with pytest.raises(IdempotencyKeyReused):
                await log.create(edit("b"), Claim(b"k" * 32, b"g" * 32))
            with pytest.raises(NotFound):
                await log.find("b", OWNER)
            assert (await log.create(edit("c"), Claim(b"l" * 32, b"f" * 32))).id == "c"


@every_kind
class TestWaiting:
    """Readers that are ahead of the writer."""

    async def test_every_waiting_reader_is_woken(self, kind: Kind) -> None:
        """By each append, at once, wherever its cursor stands."""
        async with kind() as log:
            await fill(log, "a", [partial(0)], ends=False)
            cursors = [await log.follow("a", 1) for _ in range(5)]
            for event_id in (2, 3):
                reads = [asyncio.ensure_future(cursor.read(LONG_S)) for cursor in cursors]
                await settled()
                assert not any(reading.done() for reading in reads)
                await log.append("a", partial(event_id), last=False)
                assert [ids(events) for events in await asyncio.gather(*reads)] == [[event_id]] * 5

    async def test_a_slow_reader_catches_up(self, kind: Kind) -> None:
        """It gets all that it has not seen."""
        async with kind() as log:
            await log.create(edit("a"))
            reading = asyncio.ensure_future(read(await log.follow("a"), 3))
            await settled()
            await fill(log, "a", [partial(0), partial(1), completed()], create=False)
            assert ids(await reading) == [1, 2, 3]

    async def test_silence_gives_nothing(self, kind: Kind) -> None:
        """After the wait the read is empty, and the cursor is where it was."""
        async with kind() as log:
            await log.create(edit("a"))
            cursor = await log.follow("a")
            assert ids(await cursor.read(0.01)) == []
            await log.append("a", partial(0), last=False)
            assert ids(await read(cursor, 1)) == [1]

    async def test_another_edit_wakes_nobody(self, kind: Kind) -> None:
        """Edits are apart."""
        async with kind() as log:
            await log.create(edit("a"))
            await log.create(edit("b"))
            reading = asyncio.ensure_future((await log.follow("a")).read(LONG_S))
            await log.append("b", partial(0), last=False)
            await read(await log.follow("b"), 1)
            assert not reading.done()
            await log.append("a", partial(1), last=False)
            assert await told(await reading) == await told([Logged(1, partial(1), False)])

    async def test_a_reader_that_leaves_takes_nothing_along(self, kind: Kind) -> None:
        """A cancelled read does not lose an event, for itself or for others."""
        async with kind() as log:
            await log.create(edit("a"))
            leaving, staying = await log.follow("a"), await log.follow("a")
            reading, other = asyncio.ensure_future(leaving.read(LONG_S)), asyncio.ensure_future(staying.read(LONG_S))
            await settled()
            reading.cancel()
            await log.append("a", partial(0), last=False)
            assert ids(await other) == [1]
            assert ids(await read(leaving, 1)) == [1]


class Interleaving(RuleBasedStateMachine):
    """Appends, readers that come, read, drop and resume, in any order: each reader sees what is behind its cursor, once."""

    kind: Kind

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._opened = self.kind()
        self._log: EventLog
        self._appended = 0
        self._readers: list[tuple[int, Cursor, list[int]]] = []
        self._dropped: list[int] = []

    @initialize()
    def begin(self) -> None:
        """An edit without events."""
        self._log = self._runner.run(self._opened.__aenter__())
        self._runner.run(self._log.create(edit("a")))

    @rule()
    def append(self) -> None:
        """One event more."""
        self._appended += 1
        assert self._runner.run(self._log.append("a", partial(self._appended), last=False)) == self._appended

    @rule(number=st.integers(0, 20))
    def follow(self, number: int) -> None:
        """A new reader, somewhere."""
        self._come(number % (self._appended + 1))

    @precondition(lambda self: self._readers)
    @rule(number=st.integers(0, 20))
    def read(self, number: int) -> None:
        """Whatever is there."""
        _, cursor, seen = self._readers[number % len(self._readers)]
        seen += ids(self._runner.run(_read_now(cursor)))

    @precondition(lambda self: self._readers)
    @rule(number=st.integers(0, 20))
    def drop(self, number: int) -> None:
        """A reader goes, and remembers what it has seen."""
        after, _, seen = self._readers.pop(number % len(self._readers))
        assert seen == list(range(after + 1, after + 1 + len(seen)))
        self._dropped.append(after + len(seen))

    @precondition(lambda self: self._dropped)
    @rule(number=st.integers(0, 20))
    def resume(self, number: int) -> None:
        """It comes back with its last id."""
        self._come(self._dropped.pop(number % len(self._dropped)))

    def teardown(self) -> None:
        """The edit ends; everybody has seen everything behind their cursor."""
        try:
            self._runner.run(self._end())
        finally:
            self._runner.run(self._opened.__aexit__(None, None, None))
            self._runner.close()

    def _come(self, after: int) -> None:
        self._readers.append((after, self._runner.run(self._log.follow("a", after)), []))

    async def _end(self) -> None:
        count = await self._log.append("a", completed(), last=True)
        for after, cursor, seen in self._readers:
            missing = await read(cursor, count - after - len(seen))
            assert [*seen, *ids(missing)] == list(range(after + 1, count + 1))
            assert missing[-1].last


@every_kind
@pytest.mark.timeout(1200)
def test_no_interleaving_loses_or_repeats_an_event(kind: Kind, long: bool) -> None:
    """Append, follow, read, drop and resume at random: contiguous ids, no gap, no duplicate; 10,000 times in the long mode."""
    machine = type("Machine", (Interleaving,), {"kind": staticmethod(kind)})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=10_000 if long else 300, stateful_step_count=20, deadline=None)
    )


async def _read_now(cursor: Cursor) -> list[Logged]:
    return list(await cursor.read(NO_WAIT_S))


async def settled() -> None:
    """Every task that can go on has gone on to where it waits."""
    for _ in range(10):
        await asyncio.sleep(0)
