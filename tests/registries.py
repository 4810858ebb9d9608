"""A registry for tests: a few dictionaries that tell whom they were asked for, and can be taken away."""

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from streamedit.parties import ApiKey, EndUser, Group
from streamedit.stores.sql.database import unavailable

_Thing = TypeVar("_Thing")


@dataclass
class KnownRegistry:
    """`asked`: for whom, in order. While it `is_away` it cannot be reached; while `answers` is not set it says nothing."""

    keys: dict[str, ApiKey] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    end_users: dict[str, EndUser] = field(default_factory=dict)
    is_away: bool = False
    asked: list[str] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def key(self, key_id: str) -> ApiKey | None:
        return await self._told(self.keys, key_id)

    async def group(self, group_id: str) -> Group | None:
        return await self._told(self.groups, group_id)

    async def end_user(self, end_user_id: str) -> EndUser | None:
        return await self._told(self.end_users, end_user_id)

    async def has_keys(self) -> bool:
        return bool(await self._told({"any": bool(self.keys)}, "any"))

    def add(self, key: ApiKey) -> None:
        """In the place of the one with its id."""
        self.keys[key.id] = key

    async def _told(self, things: dict[str, _Thing], wanted: str) -> _Thing | None:
        self.asked.append(wanted)
        told, is_away = things.get(wanted), self.is_away
        await self.answers.wait()
        if is_away:
            raise unavailable()
        return told
