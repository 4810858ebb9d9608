"""Keeps the health of targets while they are asked."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import anyio

from streamedit import health
from streamedit.health import Caller, CoolRules, Ended, Health
from streamedit.pricing import Prices
from streamedit.routing import Stage
from streamedit.stores import Healths
from streamedit.strategies import Candidate, Strategy
from streamedit.targets import Target

_FAREWELL_S = 2.0
"""For the store to take an end that nobody waits for."""


class Tracker:
    """The targets' health, as one process of maybe several sees and changes it. `now_s` gives Unix time.

    A target without an id has none: it may always be asked.
    """

    def __init__(self, healths: Healths, caller: Caller, prices: Prices, now_s: Callable[[], float]) -> None:
        self._healths = healths
        self._caller = caller
        self._prices = prices
        self._now_s = now_s

    async def candidates(self, stage: Stage) -> Sequence[Candidate]:
        """The targets of a stage, with what is known of them."""
        known = await self._healths.of([target.id for target in stage.targets if target.id is not None])
        by_cost = stage.policy.strategy is Strategy.COST
        return [
            Candidate(target, known.get(target.id or "", Health()), self._cost_micros(target) if by_cost else None)
            for target in stage.targets
        ]

    def _cost_micros(self, target: Target) -> Decimal | None:
        return self._prices.usual_micros(target)

    async def begin(self, target: Target) -> bool:
        """An attempt begins; false when somebody else was faster, and the target may not be asked now."""
        if target.id is None:
            return True
        now_s, limits = self._now_s(), target.limits
        return await self._healths.change(target.id, lambda known: health.begun(known, limits, self._caller, now_s)) is not None

    async def end(self, target: Target, end: Ended, rules: CoolRules) -> float:
        """An attempt has ended. Gives for how long the target cools down because of that, 0 when it does not."""
        if target.id is None:
            return 0.0
        now_s = self._now_s()
        changed = await self._healths.change(target.id, lambda known: health.ended(known, end, rules, self._caller, now_s))
        return max(0.0, changed.cooled_until_s - now_s) if changed and end.failure is not None else 0.0

    async def abandon(self, target: Target) -> None:
        """An attempt was broken off. Bounded, whether the caller is being cancelled or not."""
        if target.id is None:
            return
        with anyio.move_on_after(_FAREWELL_S, shield=True):
            await self._healths.change(target.id, lambda known: health.abandoned(known, self._caller))
