"""Keeps the health of targets while they are asked."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from streamedit import health
from streamedit.health import CoolRules, Ended, Health
from streamedit.pricing import Prices
from streamedit.routing import Stage
from streamedit.stores import Healths
from streamedit.strategies import Candidate, Strategy
from streamedit.targets import Target

_FAREWELL_S = 2.0
"""For the store to take an end that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a target that is under way. `id`: like that of no other call, in any process."""

    target: Target
    id: str


class Tracker:
    """The targets' health, as one process of maybe several sees and changes it. `now_s` gives Unix time.

    `longest_s`: so long a call can take at most. A target without an id has no health: it may always be asked.
    """

    def __init__(self, healths: Healths, longest_s: float, prices: Prices, now_s: Callable[[], float]) -> None:
        self._healths = healths
        self._longest_s = longest_s
        self._prices = prices
        self._now_s = now_s

    async def candidates(self, stage: Stage) -> Sequence[Candidate]:
        """The targets of a stage, with what is known of them."""
        known = await self._healths.of([target.id for target in stage.targets if target.id is not None])
        by_cost = stage.policy.strategy is Strategy.COST
        return [
            Candidate(target, known.get(target.id or "", Health()), self._prices.usual_micros(target) if by_cost else None)
            for target in stage.targets
        ]

    async def begin(self, target: Target) -> Call | None:
        """A call begins; None when somebody else was faster, and the target may not be asked now."""
        call = Call(target, secrets.token_hex(6))
        if target.id is None:
            return call
        now_s = self._now_s()
        until_s, limits = now_s + self._longest_s, target.limits
        try:
            changed = await self._healths.change(target.id, lambda known: health.begun(known, limits, call.id, until_s, now_s))
        except asyncio.CancelledError:
            # The store may have taken it already.
            await self.abandon(call)
            raise
        return call if changed else None

    async def end(self, call: Call, end: Ended, rules: CoolRules) -> float:
        """A call has ended. Gives for how long the target cools down because of that, 0 when it does not."""
        if call.target.id is None:
            return 0.0
        now_s = self._now_s()
        changed = await self._healths.change(call.target.id, lambda known: health.ended(known, end, rules, call.id, now_s))
        if changed is None:
            return 0.0
        before, after = changed
        return after.cooled_until_s - now_s if after.cooled_until_s > before.cooled_until_s else 0.0

    async def abandon(self, call: Call) -> None:
        """A call was broken off, or says nothing of its target. Bounded, whether the caller is being cancelled or not."""
        if call.target.id is None:
            return
        with anyio.move_on_after(_FAREWELL_S, shield=True):
            await self._healths.change(call.target.id, lambda known: health.abandoned(known, call.id))
