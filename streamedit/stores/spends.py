"""No budgets: where there is no database, nobody can have one."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from streamedit.budgets import Spend
from streamedit.parties import Scope


class NoSpends:
    """Reserves nothing, and refuses nobody."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        yield

    async def reserve(self, edit_id: str, scopes: Sequence[Scope], micros: int, until_s: float, *, is_called: bool) -> None:
        """Nothing happens."""

    async def calling(self, edit_id: str) -> None:
        """Nothing happens."""

    def settle(self, edit_id: str, micros: int) -> None:
        """Nothing happens."""

    async def of(self, scopes: Sequence[Scope]) -> Mapping[str, Sequence[Spend]]:
        return {scope.name: () for scope in scopes}
