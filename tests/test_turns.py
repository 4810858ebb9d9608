"""Turns at the event loop: whoever moves megabytes waits in line, and nobody else does."""

import asyncio
import functools
from itertools import pairwise

import pytest

from streamedit.turns import Turns

MIB = 1 << 20


async def test_a_turn_lets_a_few_go_on() -> None:
    """Ten in line take several turns of the event loop, in their order, and something else runs between them."""
    turns, seen, went_on = Turns(), list[int](), list[int]()

    async def large(number: int) -> None:
        await turns.wait(MIB)
        seen.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(10):
            tasks.create_task(large(number))
        while len(seen) < 10:
            went_on.append(len(seen))
            await asyncio.sleep(0)
    assert seen == list(range(10))
    assert all(after - before <= 2 for before, after in pairwise([*went_on, 10]))


async def test_who_is_furthest_goes_on_first() -> None:
    """So that things become whole one after the other; those who are equally far go on in the order in which they came."""
    turns, went = Turns(), list[str]()
    for name, moved_bytes in (("a", 0), ("b", 5), ("c", 9), ("d", 5), ("e", 0)):
        turns.queue(functools.partial(went.append, name), moved_bytes)
    for _ in range(5):
        await asyncio.sleep(0)
    assert "".join(went) == "cbdae"


async def test_a_line_that_is_held_stands_still() -> None:
    """Nobody goes on, not even those whose turn had come, until it is released; nothing small waits for that."""
    turns, went = Turns(), list[int]()
    turns.queue(lambda: went.append(1))
    turns.hold()
    turns.queue(lambda: went.append(2))
    for _ in range(5):
        await asyncio.sleep(0)
    await turns.wait(1400)
    assert (went, turns.is_held) == ([], True)
    turns.release()
    await asyncio.sleep(0)
    assert (went, turns.is_held) == ([1, 2], False)


async def test_a_line_may_be_held_by_one_of_those_who_go_on() -> None:
    """The next in the same turn waits already."""
    turns, went = Turns(), list[int]()
    turns.queue(turns.hold)
    turns.queue(lambda: went.append(2))
    for _ in range(5):
        await asyncio.sleep(0)
    assert went == []
    turns.release()
    await asyncio.sleep(0)
    assert went == [2]


async def test_who_stops_waiting_holds_nobody_up() -> None:
    """A turn that nobody takes any more passes to the next."""
    turns = Turns()
    waiting = [asyncio.create_task(turns.wait(MIB)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in waiting[:4]:
        task.cancel()
    async with asyncio.timeout(5):
        await waiting[4]
    assert [task.cancelled() for task in waiting[:4]] == [True] * 4


async def test_an_empty_line_costs_no_turn() -> None:
    """When nobody waits any more the event loop has nothing to do."""
    turns, went = Turns(), list[int]()
    turns.queue(lambda: went.append(1))
    await asyncio.sleep(0)
    assert went == [1]
    turns.queue(lambda: went.append(2))
    await asyncio.sleep(0)
    assert went == [1, 2]


async def test_what_is_small_never_waits() -> None:
    """However long the line is."""
    turns = Turns()
    for _ in range(100):
        turns.queue(lambda: None)
    with pytest.raises(StopIteration):
        turns.wait(1400).send(None)
