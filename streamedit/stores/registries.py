"""Registries before the database: one that remembers what it was told a moment ago, and one in which nobody is."""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from streamedit.errors import StoreUnavailable
from streamedit.parties import ApiKey, EndUser, Group
from streamedit.stores import Registry
from streamedit.stores.sql.database import unavailable

_Told = TypeVar("_Told")

_HOLDS_S = 60.0
"""For so long what was known goes on to hold while the database is away."""

_PAUSE_S = 1.0
"""Between two tries while it is away."""

_MOST = 10_000
"""Answers to one question; and as many that there is nobody."""


class NoRegistry:
    """Where there is no database."""

    async def key(self, key_id: str) -> ApiKey | None:
        return None

    async def group(self, group_id: str) -> Group | None:
        return None

    async def end_user(self, end_user_id: str) -> EndUser | None:
        return None

    async def has_keys(self) -> bool:
        return False


class RecentRegistry:
    """What `registry` has told within `ttl_s`, that something is not there, too; while that is away, within a minute.

    Simultaneous questions for one thing are one. `clock` gives monotonic seconds.
    """

    def __init__(self, registry: Registry, clock: Callable[[], float], ttl_s: float = 2.0) -> None:
        times = _Times(clock, ttl_s)
        self._keys = _Recent(registry.key, times)
        self._groups = _Recent(registry.group, times)
        self._end_users = _Recent(registry.end_user, times)
        self._any = _Recent(lambda _: registry.has_keys(), times)

    async def key(self, key_id: str) -> ApiKey | None:
        return await self._keys.of(key_id)

    async def group(self, group_id: str) -> Group | None:
        return await self._groups.of(group_id)

    async def end_user(self, end_user_id: str) -> EndUser | None:
        return await self._end_users.of(end_user_id)

    async def has_keys(self) -> bool:
        return await self._any.of("")

    def forget(self) -> None:
        """Something was changed: whoever asks from now on is told what is there now."""
        for recent in (self._keys, self._groups, self._end_users, self._any):
            recent.forget()


class _Times:
    """`ttl_s`, and when the database may be asked: while it is away one try at a time is enough to see that it is back."""

    def __init__(self, clock: Callable[[], float], ttl_s: float) -> None:
        self.clock = clock
        self.ttl_s = ttl_s
        self._away_until_s = -math.inf
        self._is_away = False

    async def ask(self, question: Callable[[str], Awaitable[_Told]], wanted: str) -> _Told:
        """The answer. Raises StoreUnavailable; at once while somebody else tries, or has just tried in vain."""
        if self.clock() < self._away_until_s:
            raise unavailable()
        if self._is_away:
            self._pause()
        try:
            told = await question(wanted)
        except StoreUnavailable:
            self._is_away = True
            self._pause()
            raise
        self._is_away, self._away_until_s = False, -math.inf
        return told

    def _pause(self) -> None:
        self._away_until_s = self.clock() + _PAUSE_S


@dataclass(frozen=True, slots=True)
class _Answer(Generic[_Told]):
    """What was told of something. `at_s`: when it was asked for."""

    told: _Told
    at_s: float


class _Answers(Generic[_Told]):
    """By the id that was asked for, the newest last. Whoever makes up ids displaces none that there are."""

    def __init__(self) -> None:
        self._of_some: OrderedDict[str, _Answer[_Told]] = OrderedDict()
        self._of_none: OrderedDict[str, _Answer[_Told]] = OrderedDict()

    def get(self, wanted: str) -> _Answer[_Told] | None:
        return self._of_some.get(wanted) or self._of_none.get(wanted)

    def keep(self, wanted: str, answer: _Answer[_Told]) -> None:
        answers, others = (self._of_none, self._of_some) if answer.told is None else (self._of_some, self._of_none)
        others.pop(wanted, None)
        answers[wanted] = answer
        answers.move_to_end(wanted)
        if len(answers) > _MOST:
            answers.popitem(last=False)


class _Recent(Generic[_Told]):
    """The answers to one question."""

    def __init__(self, question: Callable[[str], Awaitable[_Told]], times: _Times) -> None:
        self._question = question
        self._times = times
        self._answers: _Answers[_Told] = _Answers()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def forget(self) -> None:
        # Who asked before still gets an answer, but keeps it where nobody looks any more.
        self._answers = _Answers()

    async def of(self, wanted: str) -> _Told:
        """Raises StoreUnavailable."""
        known = self._within(self._times.ttl_s, wanted)
        if known is None:
            async with self._turns.setdefault(wanted, asyncio.Lock()):
                known = self._within(self._times.ttl_s, wanted) or await self._asked(wanted)
        return known.told

    def _within(self, age_s: float, wanted: str) -> _Answer[_Told] | None:
        answer = self._answers.get(wanted)
        return answer if answer and self._times.clock() < answer.at_s + age_s else None

    async def _asked(self, wanted: str) -> _Answer[_Told]:
        answers, at_s = self._answers, self._times.clock()
        try:
            answer = _Answer(await self._times.ask(self._question, wanted), at_s)
        except StoreUnavailable:
            known = self._within(_HOLDS_S, wanted)
            if known is None:
                raise
            return known
        answers.keep(wanted, answer)
        return answer
