"""Registries before the database: what they remember, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from registries import KnownRegistry
from stores.logs import Clock

from streamedit.errors import StoreUnavailable
from streamedit.parties import ApiKey, EndUser, Group
from streamedit.stores import Registry
from streamedit.stores.registries import NoRegistry, RecentRegistry

TTL_S = 2.0
KEY = ApiKey("a", "one", b"1" * 32, 1000.0)

Ask: TypeAlias = Callable[[Registry], Awaitable[object]]
"""One of the questions."""

ASKS: dict[str, Ask] = {
    "key": lambda registry: registry.key("a"),
    "group": lambda registry: registry.group("a"),
    "end user": lambda registry: registry.end_user("a"),
    "any": lambda registry: registry.has_keys(),
}


class Case:
    """A registry with somebody of each kind, the one before it, and a clock that stands still."""

    def __init__(self) -> None:
        self.known = KnownRegistry({"a": KEY}, {"a": Group("a")}, {"a": EndUser("a")})
        self.clock = Clock()
        self.recent = RecentRegistry(self.known, self.clock, TTL_S)

    def empty(self) -> None:
        """Everybody is deleted."""
        self.known.keys, self.known.groups, self.known.end_users = {}, {}, {}


@pytest.fixture
async def case() -> Case:
    """Nobody has asked for anything yet."""
    return Case()


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
class TestQuestions:
    """What holds for each of them."""

    async def test_the_answer_is_the_databases(self, case: Case, ask: Ask) -> None:
        """That there is somebody, and that there is nobody."""
        assert await ask(case.recent) == await ask(case.known)
        case.empty()
        case.recent.forget()
        assert await ask(case.recent) == await ask(case.known)

    async def test_it_is_asked_once_within_its_time(self, case: Case, ask: Ask) -> None:
        """Then again: what was changed elsewhere is seen after that time at the latest."""
        before = await ask(case.recent)
        case.empty()
        case.clock.now_s += TTL_S - 0.01
        assert await ask(case.recent) == before
        assert len(case.known.asked) == 1
        case.clock.now_s += 0.01
        assert await ask(case.recent) in (None, False)
        assert len(case.known.asked) == 2

    async def test_that_nobody_is_there_is_remembered_too(self, case: Case, ask: Ask) -> None:
        """Whoever guesses keys costs no more than whoever has one."""
        case.empty()
        assert [await ask(case.recent) for _ in range(3)] in ([None] * 3, [False] * 3)
        assert len(case.known.asked) == 1

    async def test_a_change_here_is_seen_at_once(self, case: Case, ask: Ask) -> None:
        """Nothing that was known before it counts any more."""
        await ask(case.recent)
        case.empty()
        case.recent.forget()
        assert await ask(case.recent) in (None, False)

    async def test_an_answer_from_before_a_change_is_not_kept(self, case: Case, ask: Ask) -> None:
        """A look-up that was under way meanwhile tells nobody who asks later."""
        case.known.answers.clear()
        early = asyncio.ensure_future(ask(case.recent))
        await asyncio.sleep(0)
        case.empty()
        case.recent.forget()
        late = asyncio.ensure_future(ask(case.recent))
        case.known.answers.set()
        assert await early not in (None, False)
        assert await late in (None, False)
        assert await ask(case.recent) in (None, False)

    async def test_simultaneous_questions_are_one(self, case: Case, ask: Ask) -> None:
        """However many requests come with one key."""
        case.known.answers.clear()
        asking = [asyncio.ensure_future(ask(case.recent)) for _ in range(20)]
        await asyncio.sleep(0)
        case.known.answers.set()
        answers = await asyncio.gather(*asking)
        assert all(answer == answers[0] for answer in answers)
        assert len(case.known.asked) == 1

    async def test_who_hangs_up_takes_nobody_along(self, case: Case, ask: Ask) -> None:
        """When the one who asked for all is gone, the next one asks."""
        case.known.answers.clear()
        first, second, third = (asyncio.ensure_future(ask(case.recent)) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        case.known.answers.set()
        assert await second == await third == await ask(case.known)

    async def test_what_was_known_holds_for_a_minute_without_the_database(self, case: Case, ask: Ask) -> None:
        """Then nobody knows any more."""
        before = await ask(case.recent)
        case.known.is_away = True
        case.clock.now_s += 59.9
        assert await ask(case.recent) == before
        case.clock.now_s += 0.1
        with pytest.raises(StoreUnavailable):
            await ask(case.recent)

    async def test_what_was_not_known_is_not_made_up(self, case: Case, ask: Ask) -> None:
        """Not even that there is nothing."""
        case.known.is_away = True
        with pytest.raises(StoreUnavailable):
            await ask(case.recent)


class TestOutage:
    """While the database is away."""

    async def test_it_is_tried_once_a_second(self, case: Case) -> None:
        """All others are answered at once."""
        await case.recent.key("a")
        case.known.is_away = True
        case.clock.now_s += TTL_S
        for _ in range(5):
            assert await case.recent.key("a") == KEY
            with pytest.raises(StoreUnavailable):
                await case.recent.group("b")
        assert len(case.known.asked) == 2
        case.clock.now_s += 1
        assert await case.recent.key("a") == KEY
        assert len(case.known.asked) == 3

    async def test_one_waits_for_all(self, case: Case) -> None:
        """Who tries again may wait long; meanwhile nobody else does."""
        await case.recent.key("a")
        case.known.is_away = True
        case.clock.now_s += TTL_S
        assert await case.recent.key("a") == KEY
        case.clock.now_s += 1
        case.known.answers.clear()
        trying = asyncio.ensure_future(case.recent.group("b"))
        await asyncio.sleep(0)
        assert await case.recent.key("a") == KEY
        case.known.answers.set()
        with pytest.raises(StoreUnavailable):
            await trying

    async def test_when_it_is_back_all_are_told_what_is_there(self, case: Case) -> None:
        """From the first try on that comes through."""
        case.known.is_away = True
        with pytest.raises(StoreUnavailable):
            await case.recent.key("a")
        case.known.is_away = False
        case.clock.now_s += 1
        assert await case.recent.key("a") == KEY
        assert await case.recent.group("a") == Group("a")
        assert await case.recent.end_user("nobody") is None


@pytest.mark.parametrize("are_there", [True, False])
async def test_memory_is_bounded(case: Case, are_there: bool) -> None:
    """Ten thousand answers to a question, and as many that there is nobody; those go first that were asked for first."""
    names = ["a", *map(str, range(9_999)), "one more"]
    case.known.keys = dict.fromkeys(names, KEY) if are_there else {}
    for name in names[:-1]:
        await case.recent.key(name)
    case.known.asked.clear()
    await case.recent.key("a")
    assert case.known.asked == []
    await case.recent.key("one more")
    await case.recent.key("9998")
    await case.recent.key("a")
    assert case.known.asked == ["one more", "a"]


async def test_who_makes_up_names_displaces_nobody(case: Case) -> None:
    """However many there are not, those who are there are remembered while the database is away."""
    await case.recent.key("a")
    for number in range(10_001):
        await case.recent.key(f"{number}")
    case.known.is_away = True
    case.clock.now_s += TTL_S
    assert await case.recent.key("a") == KEY


async def test_who_comes_and_goes_is_remembered_once(case: Case) -> None:
    """As they are by the newest answer."""
    for keys in ({"a": KEY}, {}, {"a": KEY}, {}):
        case.known.keys = dict(keys)
        case.clock.now_s += TTL_S
        assert await case.recent.key("a") == keys.get("a")
        assert await case.recent.key("a") == keys.get("a")


async def test_turns_are_not_kept(case: Case) -> None:
    """Nothing is left behind of a question but its answer."""
    await case.recent.key("a")
    assert len(case.recent._keys._turns) == 0


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
async def test_without_a_database_nobody_is_there(ask: Ask) -> None:
    """And no key was given out."""
    assert await ask(NoRegistry()) in (None, False)
