"""Which of several targets is asked first. Pure: the caller draws the lots.

The names are LiteLLM's `routing_strategy`; `ordered` is this server's own.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from streamedit.health import Health, this_minute
from streamedit.targets import Target


class Strategy(StrEnum):
    """How a route spreads its edits."""

    ORDERED = "ordered"
    """In the order of the configuration."""
    SIMPLE_SHUFFLE = "simple-shuffle"
    """By lot, with the weights that the targets have: `weight`, else `rpm`, else `tpm`."""
    LEAST_BUSY = "least-busy"
    """The one with the fewest calls open."""
    LATENCY = "latency-based"
    """The one whose first events have come soonest of late; one that nothing is known of goes first, unless it has failed."""
    COST = "cost-based"
    """The cheapest; one without a known price comes last."""
    USAGE = "usage-based"
    """The one with the fewest tokens, then requests, in this minute."""

    @classmethod
    def named(cls, name: str) -> "Strategy | None":
        """A strategy by its name, or by LiteLLM's longer one."""
        return next((one for one in cls if name in (one, f"{one}-routing", f"{one}-routing-v2")), None)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may be asked. `cost_micros`: of a usual edit; None where it is not known."""

    target: Target
    health: Health = field(default_factory=Health)
    cost_micros: Decimal | None = None


def pick(strategy: Strategy, candidates: Sequence[Candidate], now_s: float, draw: Callable[[], float]) -> Candidate:
    """One of at least one candidate, of those with the lowest `order`. `draw` gives a number from 0 to below 1."""
    lowest = min(candidate.target.order for candidate in candidates)
    group = [candidate for candidate in candidates if candidate.target.order == lowest]
    if strategy is Strategy.ORDERED:
        return group[0]
    if strategy is Strategy.SIMPLE_SHUFFLE:
        return group[drawn(_weights(group), draw())]
    ranked = [(_rank(strategy, candidate, now_s), candidate) for candidate in group]
    best = min(rank for rank, _ in ranked)
    equal = [candidate for rank, candidate in ranked if rank == best]
    return equal[drawn([1.0] * len(equal), draw())]


def _rank(strategy: Strategy, candidate: Candidate, now_s: float) -> tuple[float, ...]:
    health, cost = this_minute(candidate.health, now_s), candidate.cost_micros
    if strategy is Strategy.LEAST_BUSY:
        return (health.calls(now_s),)
    if strategy is Strategy.LATENCY:
        return (health.latency_s or (float("inf") if health.failures else 0.0),)
    if strategy is Strategy.COST:
        return (float("inf") if cost is None else float(cost),)
    return (health.tokens, health.requests)


def _weights(group: Sequence[Candidate]) -> list[float]:
    """Of the first kind that any of them has; a target without it has none of the lots."""
    for name in ("weight", "rpm", "tpm"):
        weights = [candidate.target.number(name) or 0.0 for candidate in group]
        if any(weights):
            return weights
    return [1.0] * len(group)


def drawn(weights: Sequence[float], lot: float) -> int:
    """The number of one of several, by their weights, of which one at least is not 0. `lot`: from 0 to below 1."""
    left = lot * sum(weights)
    for index, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return index
    # Rounding: the last that has a lot at all.
    return max(index for index, weight in enumerate(weights) if weight)
