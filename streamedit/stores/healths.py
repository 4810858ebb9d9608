"""The targets' health in one process."""

from collections.abc import Callable, Mapping, Sequence

from streamedit.health import Health


class MemoryHealths:
    """Of configured targets there are a few dozen: nothing is ever let go."""

    def __init__(self) -> None:
        self._healths: dict[str, Health] = {}

    async def of(self, ids: Sequence[str]) -> Mapping[str, Health]:
        return {target_id: self._healths[target_id] for target_id in ids if target_id in self._healths}

    async def change(self, target_id: str, step: Callable[[Health], Health | None]) -> Health | None:
        changed = step(self._healths.get(target_id, Health()))
        if changed is not None:
            self._healths[target_id] = changed
        return changed
