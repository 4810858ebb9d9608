"""Rate limits and slots in one process.

An edit runs when it has a slot in each of its scopes that has some; else it waits for a scope that is full, the narrowest of
them, so that the edits of a full key fill nobody else's queue. Where a slot becomes free, who came first of those that wait
for it goes on: to run, or to wait for another of its scopes that is full by now.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TypeAlias

from streamedit.clocks import Clocks
from streamedit.limits import QuotaRules, Rate, Reading, Window, refusal
from streamedit.parties import Scope, ScopeKind
from streamedit.stores import Entered
from streamedit.stores.refusals import WHOSE, concurrency_limited, entered, limits_of, queue_full
from streamedit.uploads import closed_unless_done

_Share: TypeAlias = tuple[Window, int, int]
"""What an edit has of a rate: how many units of which window, and until when they count."""


@dataclass(slots=True, eq=False)
class _Place:
    """A scope whose edits need slots. `slots`: as many as the last edit had it; `edits`: all that need one.

    `waiting`: those who wait for this scope, by the number of their arrival.
    """

    name: str
    kind: ScopeKind
    slots: int = 0
    running: int = 0
    edits: int = 0
    waiting: "dict[int, _Visit]" = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return self.running >= self.slots


@dataclass(slots=True, eq=False)
class _Visit:
    """An edit. `number`: of its arrival; `queue`: where it waits, or has waited to the end; `until_us`: when it gives up.

    `moved`: set when it has its slots, or is out.
    """

    number: int
    places: Sequence[_Place]
    shares: Sequence[_Share]
    until_us: int
    queue: _Place | None = None
    moved: asyncio.Event = field(default_factory=asyncio.Event)


class MemoryQuotas:
    """See the module."""

    def __init__(self, clocks: Clocks, rules: QuotaRules) -> None:
        self._clock = clocks.clock
        self._rules = rules
        self._rates = _Rates(rules.window_us)
        self._places: dict[str, _Place] = {}
        self._visits: dict[str, _Visit] = {}
        self._numbers = count()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        yield

    async def enter(self, edit_id: str, scopes: Sequence[Scope], images: int) -> Entered:
        now_us = self._now_us()
        readings = self._rates.read(scopes, images, now_us)
        if (refused := refusal(readings)) is not None:
            raise refused
        places = [self._place_of(scope, slots) for scope in scopes if (slots := scope.allowance.limits.parallel_edits)]
        _go_on(places)
        queue = _narrowest(places)
        if queue is not None and len(queue.waiting) >= self._rules.queue_size:
            raise queue_full(readings, _first_us(queue, now_us))
        shares = self._rates.take(scopes, images, now_us)
        self._visits[edit_id] = visit = _Visit(next(self._numbers), places, shares, now_us + self._rules.queue_wait_us)
        for place in places:
            place.edits += 1
            self._places[place.name] = place
        _seat(visit)
        return entered(readings, self._rules.window_us, is_running=queue is None)

    async def turn(self, edit_id: str, within_s: float) -> None:
        visit = self._visits.get(edit_id)
        if visit is None:
            raise concurrency_limited()
        with closed_unless_done(lambda: self._leave(edit_id, is_counted=False)):
            with suppress(TimeoutError):
                async with asyncio.timeout(min(within_s, (visit.until_us - self._now_us()) / 1e6)):
                    await visit.moved.wait()
            if visit.queue is not None:
                raise concurrency_limited(visit.queue.kind)

    async def leave(self, edit_id: str, *, is_counted: bool = True) -> None:
        self._leave(edit_id, is_counted=is_counted)

    def _leave(self, edit_id: str, *, is_counted: bool) -> None:
        visit = self._visits.pop(edit_id, None)
        if visit is None:
            return
        if not is_counted:
            for window, amount, end_us in visit.shares:
                window.give_back(amount, end_us)
        _unseat(visit)
        for place in visit.places:
            place.edits -= 1
            if not place.edits:
                del self._places[place.name]

    def _place_of(self, scope: Scope, slots: int) -> _Place:
        place = self._places.get(scope.name) or _Place(scope.name, scope.kind)
        place.slots = slots
        return place

    def _now_us(self) -> int:
        return round(self._clock() * 1e6)


class _Rates:
    """What each scope has had in the last minute. What is over is forgotten, a little with each edit."""

    def __init__(self, window_us: int) -> None:
        self._window_us = window_us
        self._windows: OrderedDict[tuple[str, Rate], Window] = OrderedDict()

    def read(self, scopes: Sequence[Scope], images: int, now_us: int) -> list[Reading]:
        """Of every limit."""
        readings = []
        for scope, rate, limit, amount in limits_of(scopes, images):
            window = self._windows.get((scope.name, rate)) or Window(self._window_us)
            used, wait_us, reset_us = window.read(amount, limit, now_us)
            readings.append(Reading(WHOSE[scope.kind], rate, limit, used, amount, wait_us, reset_us))
        return readings

    def take(self, scopes: Sequence[Scope], images: int, now_us: int) -> Sequence[_Share]:
        """Of every limit, whether there is room or not."""
        shares = []
        for scope, rate, _, amount in limits_of(scopes, images):
            window = self._windows.setdefault((scope.name, rate), Window(self._window_us))
            shares.append((window, amount, window.take(amount, now_us)))
        self._forget(len(shares) + 1, now_us)
        return shares

    def _forget(self, at_most: int, now_us: int) -> None:
        """What nobody would miss, among the next few: more than an edit adds."""
        for _ in range(min(at_most, len(self._windows))):
            name, window = self._windows.popitem(last=False)
            if window.used(now_us):
                self._windows[name] = window


def _seat(visit: _Visit) -> None:
    """Give an edit its slots, or a place in a queue."""
    visit.queue = _narrowest(visit.places)
    if visit.queue is not None:
        visit.queue.waiting[visit.number] = visit
        return
    for place in visit.places:
        place.running += 1
    visit.moved.set()


def _unseat(visit: _Visit) -> None:
    """Take them from it. One that has waited keeps its `queue`: it is out."""
    if visit.queue is not None:
        del visit.queue.waiting[visit.number]
        visit.moved.set()
        return
    for place in visit.places:
        place.running -= 1
    _go_on(visit.places)


def _go_on(places: Sequence[_Place]) -> None:
    """Whoever waits where there is a slot now moves on, in the order of their arrival."""
    while open_ := [place for place in places if place.waiting and not place.is_full]:
        first = min(open_, key=lambda place: min(place.waiting))
        _seat(first.waiting.pop(min(first.waiting)))


def _narrowest(places: Sequence[_Place]) -> _Place | None:
    """The last that is full."""
    return next((place for place in reversed(places) if place.is_full), None)


def _first_us(place: _Place, now_us: int) -> int | None:
    """Until the first who waits there gives up."""
    return max(0, place.waiting[min(place.waiting)].until_us - now_us) if place.waiting else None
