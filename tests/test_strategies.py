"""Which of several targets is asked first."""

import random
from collections import Counter
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.failures import Kind
from streamedit.health import Health
from streamedit.strategies import Candidate, Strategy, pick
from streamedit.targets import Target

NOW_S = 1_800_000_000.0
MINUTE = 30_000_000


def candidate(name: str, health: Health = Health(), cost: int | None = None, **params: object) -> Candidate:  # noqa: B008 - frozen
    """One of a name."""
    return Candidate(Target("p", name, params=params), health, None if cost is None else Decimal(cost))


def picked(strategy: Strategy, *candidates: Candidate, lot: float = 0.0) -> str:
    """The name of the one that is asked."""
    return pick(strategy, candidates, NOW_S, lambda: lot).target.model


def shares(*candidates: Candidate, of: int = 4000) -> dict[str, float]:
    """How often each is asked, under simple-shuffle."""
    draw = random.Random(1).random
    counts = Counter(pick(Strategy.SIMPLE_SHUFFLE, candidates, NOW_S, draw).target.model for _ in range(of))
    return {name: count / of for name, count in counts.items()}


@pytest.mark.parametrize(
    ("name", "strategy"),
    [
        ("ordered", Strategy.ORDERED),
        ("simple-shuffle", Strategy.SIMPLE_SHUFFLE),
        ("least-busy", Strategy.LEAST_BUSY),
        ("latency-based", Strategy.LATENCY),
        ("latency-based-routing", Strategy.LATENCY),
        ("cost-based-routing", Strategy.COST),
        ("usage-based-routing", Strategy.USAGE),
        ("usage-based-routing-v2", Strategy.USAGE),
        ("lar1", None),
    ],
)
def test_a_strategy_has_litellm_s_names(name: str, strategy: Strategy | None) -> None:
    """The short and the long ones; None for one that is not here."""
    assert Strategy.named(name) is strategy


@pytest.mark.parametrize("strategy", Strategy)
def test_the_lowest_order_goes_first(strategy: Strategy) -> None:
    """Whatever the strategy; a target without an order comes last."""
    second, first, last = candidate("second", order=2), candidate("first", order=0), candidate("last")
    assert picked(strategy, last, second, first) == "first"
    assert picked(strategy, last, second) == "second"
    assert picked(strategy, last) == "last"


def test_ordered_takes_the_first() -> None:
    """As the configuration has them."""
    assert picked(Strategy.ORDERED, candidate("a"), candidate("b"), lot=0.9) == "a"


@pytest.mark.parametrize("name", ["weight", "rpm", "tpm"])
def test_lots_follow_the_weights(name: str) -> None:
    """`weight`, else `rpm`, else `tpm`: three to one."""
    asked = shares(*(Candidate(Target("p", model, params={name: weight})) for model, weight in (("a", 3), ("b", 1))))
    assert asked["a"] == pytest.approx(0.75, abs=0.03)


def test_without_weights_all_are_equal() -> None:
    """A third each."""
    assert shares(*map(candidate, "abc")) == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}, abs=0.03)


def test_the_first_kind_of_weight_counts() -> None:
    """A target that has none of it has no lots, until it is alone."""
    heavy, fast = candidate("heavy", weight=1), candidate("fast", rpm=100)
    assert shares(heavy, fast) == {"heavy": 1.0}
    assert shares(fast) == {"fast": 1.0}


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_every_lot_falls_on_a_target_with_lots(weights: list[float], lot: float) -> None:
    """Whatever is drawn, somebody is asked: nobody without lots, while anybody has some."""
    group = [candidate(str(index), weight=weight) for index, weight in enumerate(weights)]
    weight = weights[int(picked(Strategy.SIMPLE_SHUFFLE, *group, lot=lot))]
    assert weight > 0 or not any(weights)


def busy(calls: int) -> Health:
    """So many calls are open, and one that is not believed any more."""
    return Health(running={"old": NOW_S, **{str(number): NOW_S + 1 for number in range(calls)}})


FIGURES = {
    Strategy.LEAST_BUSY: lambda figure: candidate(str(figure), busy(figure)),
    Strategy.LATENCY: lambda figure: candidate(str(figure), Health(first_events_s=(figure, figure))),
    Strategy.COST: lambda figure: candidate(str(figure), cost=figure),
    Strategy.USAGE: lambda figure: candidate(str(figure), Health(minute=MINUTE, tokens=figure)),
}


@given(st.sampled_from(sorted(FIGURES)), st.lists(st.integers(0, 9), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
def test_the_best_is_asked(strategy: Strategy, figures: list[int], lot: float) -> None:
    """The least busy, the soonest, the cheapest, the least used: one of those, whatever is drawn."""
    assert picked(strategy, *map(FIGURES[strategy], figures), lot=lot) == str(min(figures))


@pytest.mark.parametrize("strategy", FIGURES)
def test_the_lot_decides_between_equals(strategy: Strategy) -> None:
    """Not always the first."""
    a, b = candidate("a"), candidate("b")
    assert {picked(strategy, a, b, lot=lot) for lot in (0.1, 0.9)} == {"a", "b"}


def test_who_is_not_known_is_tried_and_who_has_failed_is_not() -> None:
    """Without a time to a first event a target goes first, unless it has failed in this minute."""
    known = candidate("known", Health(first_events_s=(3.0,)))
    failing = candidate("failing", Health(minute=MINUTE, failures={Kind.INTERNAL: 1}))
    recovered = candidate("recovered", Health(minute=MINUTE - 1, failures={Kind.INTERNAL: 1}))
    assert picked(Strategy.LATENCY, known, candidate("new")) == "new"
    assert picked(Strategy.LATENCY, known, failing) == "known"
    assert picked(Strategy.LATENCY, known, recovered) == "recovered"


def test_a_price_that_is_not_known_comes_last() -> None:
    """Not known is not free."""
    assert picked(Strategy.COST, candidate("unknown"), candidate("dear", cost=10**6)) == "dear"


def test_usage_is_this_minute_s() -> None:
    """Tokens, then requests; those of another minute are none."""
    used = candidate("used", Health(minute=MINUTE, tokens=5, requests=1))
    asked = candidate("asked", Health(minute=MINUTE, tokens=5, requests=2))
    old = candidate("old", Health(minute=MINUTE - 1, tokens=500, requests=9))
    assert picked(Strategy.USAGE, asked, used) == "used"
    assert picked(Strategy.USAGE, used, old) == "old"
