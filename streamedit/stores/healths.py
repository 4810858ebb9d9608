"""The targets' health in one process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from streamedit.health import Health
from streamedit.stores import Step


class MemoryHealths:
    """Of configured targets there are a few dozen: nothing is ever let go."""

    def __init__(self) -> None:
        self._healths: dict[str, Health] = {}

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        yield

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        return {target_id: self._healths[target_id] for target_id in ids if target_id in self._healths}

    async def change(self, target_id: str, step: Step) -> tuple[Health, Health] | None:
        before = self._healths.get(target_id, Health())
        after = step(before)
        if after is None:
            return None
        self.keep(target_id, after)
        return before, after

    def keep(self, target_id: str, health: Health) -> None:
        """From now on it is this."""
        self._healths[target_id] = health
