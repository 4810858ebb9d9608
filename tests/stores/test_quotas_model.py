"""Quotas beside a model of them that is too simple to be wrong: it looks at everything, every time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import redises
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from played import PlayedTime
from stores.test_quotas import QUICK, scope

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.errors import ConcurrencyLimited, EditError, QueueFull, RateLimited
from streamedit.limits import QuotaRules
from streamedit.parties import Scope, ScopeKind
from streamedit.stores import Entered, Quotas
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.redis_quotas import QuotaPlace, RedisQuotas

QUEUE = 2
WAIT_MS = 30_000
MINUTE_MS = 60_000

SERVER = scope(ScopeKind.SERVER, "all", requests=12, slots=4)
PARTIES = [
    [SERVER, scope(name="a", requests=4, images=6, slots=2)],
    [SERVER, scope(name="b", slots=1), scope(ScopeKind.END_USER, "x", images=4, slots=3)],
    [SERVER, scope(name="a", requests=4, images=6, slots=2), scope(ScopeKind.END_USER, "x", images=4, slots=3)],
    [SERVER],
    [scope(name="c", images=5)],
    [],
]
"""Whose edits they are: keys and end users that share some of it."""


@dataclass
class Known:
    """An edit in the model. `queue`: the scope that it waits for."""

    scopes: Sequence[Scope]
    images: int
    at_ms: int
    queue: Scope | None = None
    is_here: bool = True


class Model:
    """All edits that there ever were, in the order of their arrival; those that do not count are forgotten."""

    def __init__(self) -> None:
        self.edits: dict[str, Known] = {}

    def wait_ms(self, scopes: Sequence[Scope], images: int, now_ms: int) -> int | None:
        """The least time after which it would fit everywhere."""
        ends = [edit.at_ms + MINUTE_MS for edit in self.edits.values()]
        waits = sorted({0, *(end - now_ms for end in ends if end > now_ms)})
        return next((wait for wait in waits if self._fits(scopes, images, now_ms + wait)), None)

    def _fits(self, scopes: Sequence[Scope], images: int, now_ms: int) -> bool:
        return all(self._fits_in(each, images, now_ms) for each in scopes)

    def _fits_in(self, each: Scope, images: int, now_ms: int) -> bool:
        counted = [edit for edit in self.edits.values() if each in edit.scopes and now_ms - edit.at_ms < MINUTE_MS]
        limits = each.allowance.limits
        requests, pictures = len(counted) + 1, sum(edit.images for edit in counted) + images
        return requests <= (limits.requests_per_minute or requests) and pictures <= (limits.images_per_minute or pictures)

    def full(self, scopes: Sequence[Scope]) -> Scope | None:
        """The narrowest that has no slot left."""
        running = [edit for edit in self.edits.values() if edit.is_here and edit.queue is None]
        taken = {each.name: sum(each in edit.scopes for edit in running) for each in scopes}
        has_none = [each for each in scopes if taken[each.name] >= (each.allowance.limits.parallel_edits or 1000)]
        return has_none[-1] if has_none else None

    def waiting(self, each: Scope) -> list[Known]:
        return [edit for edit in self.edits.values() if edit.is_here and edit.queue == each]

    def settle(self) -> None:
        """Until nobody moves any more: the first of those whose scope has a slot."""
        while True:
            waiting = (edit for edit in self.edits.values() if edit.is_here and edit.queue is not None)
            first = next((edit for edit in waiting if edit.queue and self.full([edit.queue]) is None), None)
            if first is None:
                return
            # While it looks for its slots it has none.
            first.is_here = False
            first.queue = self.full(first.scopes)
            first.is_here = True

    def outcome(self, scopes: Sequence[Scope], images: int, now_ms: int) -> type[EditError] | None:
        """How an edit would be refused."""
        if self.wait_ms(scopes, images, now_ms) != 0:
            return RateLimited
        full = self.full(scopes)
        return QueueFull if full is not None and len(self.waiting(full)) >= QUEUE else None


class QuotasMachine(RuleBasedStateMachine):
    """Edits come, leave, give up, and time passes: the quotas of one process do what the model does."""

    def __init__(self) -> None:
        super().__init__()
        self.time = PlayedTime(1000.0)
        self.now_ms = 1_000_000
        self.quotas = MemoryQuotas(self.time.clocks, QuotaRules(QUEUE, WAIT_MS / 1000, MINUTE_MS / 1000))
        self.model = Model()
        self.runner = asyncio.Runner()

    def teardown(self) -> None:
        self.runner.close()

    @property
    def here(self) -> list[str]:
        """Edits that have come and not left, in the order of their arrival."""
        return [edit_id for edit_id, edit in self.model.edits.items() if edit.is_here]

    @rule(party=st.sampled_from(PARTIES), images=st.integers(1, 7))
    def enter(self, party: list[Scope], images: int) -> None:
        """It comes in exactly when the model says so; a refusal says when it would."""
        expected = self.model.outcome(party, images, self.now_ms)
        edit_id = str(len(self.model.edits))
        try:
            entered = self.runner.run(self.quotas.enter(edit_id, party, images))
        except EditError as error:
            assert expected is not None
            assert isinstance(error, expected)
            self._check_wait(error, party, images)
            return
        assert expected is None
        full = self.model.full(party)
        assert entered.is_running == (full is None)
        self.model.edits[edit_id] = Known(party, images, self.now_ms, full)

    def _check_wait(self, error: EditError, party: list[Scope], images: int) -> None:
        told = error.detail.headers.get("retry-after-ms")
        wait_ms = self.model.wait_ms(party, images, self.now_ms)
        if isinstance(error, RateLimited):
            assert told == (None if wait_ms is None else str(wait_ms))
            return
        full = self.model.full(party)
        assert full is not None
        gives_up_ms = min(edit.at_ms for edit in self.model.waiting(full)) + WAIT_MS
        assert told == str(max(0, gives_up_ms - self.now_ms))

    @precondition(lambda self: self.here)
    @rule(data=st.data(), is_counted=st.booleans())
    def leave(self, data: st.DataObject, is_counted: bool) -> None:
        edit_id = data.draw(st.sampled_from(self.here))
        self.runner.run(self.quotas.leave(edit_id, is_counted=is_counted))
        self._left(edit_id, is_counted)

    def _left(self, edit_id: str, is_counted: bool) -> None:
        self.model.edits[edit_id].is_here = False
        if not is_counted:
            self.model.edits[edit_id].at_ms -= MINUTE_MS
        self.model.settle()

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Who has its slots goes on; who has none is out, and has never asked."""
        edit_id = data.draw(st.sampled_from(self.here))
        try:
            self.runner.run(self.quotas.turn(edit_id, 0))
        except ConcurrencyLimited:
            assert self.model.edits[edit_id].queue is not None
            self._left(edit_id, is_counted=False)
            return
        assert self.model.edits[edit_id].queue is None

    @rule(ms=st.sampled_from([1, 999, 10_000, 29_999, 30_000, 59_999, 60_000]))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.time.now_s = self.now_ms / 1000

    @invariant()
    def the_same_run(self) -> None:
        """And the same wait, for the same scopes; nobody else is known."""
        known = {edit_id: visit.queue.name if visit.queue else None for edit_id, visit in self.quotas._visits.items()}
        edits = ((edit_id, self.model.edits[edit_id]) for edit_id in self.here)
        assert known == {edit_id: edit.queue.name if edit.queue else None for edit_id, edit in edits}

    @invariant()
    def nobody_has_too_many(self) -> None:
        """Of the edits that run."""
        running = [edit for edit in self.model.edits.values() if edit.is_here and edit.queue is None]
        for each in {each for party in PARTIES for each in party}:
            slots = each.allowance.limits.parallel_edits
            assert slots is None or sum(each in edit.scopes for edit in running) <= slots


QuotasMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQuotasMachine = QuotasMachine.TestCase


STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from(PARTIES), st.integers(1, 4)), min_size=5, max_size=40)


@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_redis_does_what_memory_does(steps: list[tuple[int, list[Scope], int]]) -> None:
    """Whatever comes and leaves: the same outcomes, and the same edits run."""
    with redises.any_redis() as url:
        asyncio.run(_compared(url, steps))


async def _compared(url: str, steps: list[tuple[int, list[Scope], int]]) -> None:
    rules = QuotaRules(QUEUE)
    memory = MemoryQuotas(SYSTEM_CLOCKS, rules)
    redis = RedisQuotas(QuotaPlace(url, redises.fresh_prefix(), QUICK), SYSTEM_CLOCKS, rules)
    async with redis.serving():
        for number, (which, party, images) in enumerate(steps):
            here = list(memory._visits)
            if which == 0 and here:
                leaver, is_counted = here[number % len(here)], images % 2 == 0
                await memory.leave(leaver, is_counted=is_counted)
                await redis.leave(leaver, is_counted=is_counted)
            else:
                assert await _told(memory, str(number), party, images) == await _told(redis, str(number), party, images)
            counted = {edit_id: visit for edit_id, visit in memory._visits.items() if redis._own[edit_id].scopes}
            states = await redis._turnstile.renew(list(counted))
            assert states == {edit_id: "waiting" if visit.queue else "running" for edit_id, visit in counted.items()}


async def _told(quotas: Quotas, edit_id: str, party: list[Scope], images: int) -> object:
    """What can be compared: remaining, but not when."""
    try:
        entered: Entered = await quotas.enter(edit_id, party, images)
    except EditError as error:
        exact = {name: value for name, value in error.detail.headers.items() if "reset" not in name and "retry" not in name}
        return type(error), exact
    return entered
