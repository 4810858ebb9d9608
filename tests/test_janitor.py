"""Chores are done again and again, whatever becomes of one of them."""

import asyncio
import io

from loggers import logger

from streamedit.errors import StoreUnavailable
from streamedit.janitor import EVERY_S, Janitor


class Days:
    """A clock whose time passes when it is told to."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []
        self.is_asked = asyncio.Event()
        self.passes = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.waits_s.append(seconds)
        self.is_asked.set()
        await self.passes.wait()
        self.passes.clear()

    async def next(self) -> None:
        """The next round is over."""
        await self.is_asked.wait()
        self.is_asked.clear()
        self.passes.set()


async def test_each_round_does_all_chores_though_one_fails() -> None:
    """What fails is told by its kind, and tried again the next time; rounds of several processes drift apart."""
    done: list[str] = []
    days, log = Days(), io.StringIO()

    async def fails() -> None:
        done.append("fails")
        raise StoreUnavailable("It is away, at a place that is a secret.")

    async def works() -> None:
        done.append("works")

    janitor = Janitor((fails, works), logger(log), days.sleep)
    async with janitor.serving():
        for _ in range(3):
            await days.next()
        await days.is_asked.wait()
    assert done == ["fails", "works"] * 3
    assert log.getvalue().count("StoreUnavailable") == 3
    assert "secret" not in log.getvalue()
    assert all(EVERY_S <= wait_s < 2 * EVERY_S for wait_s in days.waits_s)


async def test_it_ends_in_the_middle_of_a_chore() -> None:
    """A server that stops does not wait for it."""
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    days = Days()
    async with asyncio.timeout(5), Janitor((endless,), logger(), days.sleep).serving():
        await days.next()
        await begun.wait()
