"""How the death of a process is noticed: it promises every second to be alive, and everybody looks for broken promises.

Redis' clock alone counts, so that machines need not agree on the time. An outage of Redis breaks every promise at once: so a
promise must stay broken for a while in which Redis could be reached all the time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from streamedit.errors import Interrupted, StoreUnavailable
from streamedit.events import Failed
from streamedit.stores import codec
from streamedit.stores.keyspace import Keyspace
from streamedit.stores.reach import Reach

INTERRUPTED = Failed(Interrupted("The process that made this edit is gone; it may have been paid.").detail)


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """A promise is made every `renew_s` and holds for `lease_s`; it is broken for good after another `patience_s`."""

    renew_s: float = 1.0
    lease_s: float = 4.0
    patience_s: float = 2.0


class Leases:
    """`clock` gives monotonic seconds."""

    def __init__(self, keyspace: Keyspace, reach: Reach, clock: Callable[[], float], times: LeaseTimes) -> None:
        self.times = times
        self._keyspace = keyspace
        self._reach = reach
        self._clock = clock
        self._broken: dict[str, tuple[float, float]] = {}

    async def renew(self, edit_ids: Sequence[str]) -> Mapping[str, str]:
        """Promise for these edits, and give the state of each in Redis: ok, cancel, ended, missing. Raises StoreUnavailable."""
        try:
            states = await self._reach.probe(self._keyspace.renew(edit_ids))
        except StoreUnavailable:
            self._broken.clear()
            raise
        return dict(zip(edit_ids, states, strict=True))

    async def reap(self) -> None:
        """End the edits of those who are gone. Raises StoreUnavailable."""
        now_s = self._clock()
        late = await self._reach.ask(self._keyspace.late())
        seen = {edit_id: self._broken.get(edit_id, (due, now_s)) for edit_id, due in late.items()}
        self._broken = {edit_id: seen[edit_id] if seen[edit_id][0] == due else (due, now_s) for edit_id, due in late.items()}
        for edit_id, (due, since_s) in self._broken.items():
            if now_s - since_s >= self.times.patience_s:
                await self._reach.ask(self._keyspace.interrupt(edit_id, due, codec.dump_event(INTERRUPTED, last=True)))
