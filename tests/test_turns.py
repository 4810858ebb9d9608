"""Turns at the event loop: whoever moves megabytes waits in line, and nobody else does."""

import asyncio
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
