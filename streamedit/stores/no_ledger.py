"""The ledger of a server without a database: there is none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from streamedit.edits import Edit
from streamedit.parties import Party
from streamedit.records import Report


class NoLedger:
    """Forgets."""

    has_room = True

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        yield

    def begin(self, edit: Edit, party: Party, started_at_s: float) -> None:
        pass

    def keep(self, report: Report, *, is_final: bool) -> None:
        pass

    async def flushed(self, within_s: float = 0.0) -> None:
        pass
