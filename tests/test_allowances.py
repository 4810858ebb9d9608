"""Limits and budgets as people write them, and as the database keeps them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from streamedit.allowances import AllowanceFields, BudgetField, dump_budgets, dump_limits, load
from streamedit.budgets import Budget
from streamedit.limits import RateLimits
from streamedit.parties import Allowance

LIMIT = st.none() | st.integers(1, 1_000_000)
BUDGETS = st.lists(
    st.builds(Budget, st.integers(0, 10**15), st.sampled_from(["total", "1mo", "1d", "2d", "1w", "30m", "5h", "45s"])),
    unique_by=lambda budget: budget.period,
    max_size=8,
)
ALLOWANCES = st.builds(Allowance, st.builds(RateLimits, LIMIT, LIMIT, LIMIT), BUDGETS.map(tuple))


@given(ALLOWANCES)
def test_what_is_kept_is_what_was_written(allowance: Allowance) -> None:
    """To the micro-dollar; what is not limited is not kept."""
    limits, budgets = dump_limits(allowance), dump_budgets(allowance)
    assert load(limits, budgets) == allowance
    assert None not in limits.values()


@given(st.integers(0, 10**15))
def test_dollars_are_exact(micros: int) -> None:
    """As text or as a number of JSON's, to six digits behind the point."""
    dollars = f"{micros // 10**6}.{micros % 10**6:06d}"
    assert BudgetField.model_validate({"limit_usd": dollars}).read().limit_micros == micros
    assert BudgetField.model_validate_json(f'{{"limit_usd": {dollars}}}').read().limit_micros == micros


@given(st.integers(0, 10**9))
def test_so_are_they_from_a_yaml_file(micros: int) -> None:
    """Which makes floating-point numbers of them: up to a thousand dollars no micro-dollar is lost."""
    assert BudgetField.model_validate({"limit_usd": micros / 10**6}).read().limit_micros == micros


def test_without_anything_all_is_allowed() -> None:
    """An allowance that says nothing is none."""
    assert AllowanceFields().read() == load({}, []) == Allowance()


def test_periods_are_kept_in_one_notation() -> None:
    """However they were written."""
    assert BudgetField.model_validate({"limit_usd": 1, "period": "monthly"}).read() == Budget(1_000_000, "1mo")
    assert BudgetField.model_validate({"limit_micros": 7}).read() == Budget(7, "total")


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"limits": {"requests_per_minute": 0}}, "limits.requests_per_minute"),
        ({"limits": {"images_per_minute": 1_000_001}}, "limits.images_per_minute"),
        ({"limits": {"parallel_edits": "many"}}, "limits.parallel_edits"),
        ({"limits": {"requests_per_second": 1}}, "limits.requests_per_second"),
        ({"budgets": [{"limit_usd": -1}]}, "budgets.0.limit_usd"),
        ({"budgets": [{"limit_usd": "NaN"}]}, "budgets.0.limit_usd"),
        ({"budgets": [{"limit_usd": 1e12}]}, "budgets.0.limit_usd"),
        ({"budgets": [{"limit_micros": 1.5}]}, "budgets.0.limit_micros"),
        ({"budgets": [{"limit_usd": 1, "period": "1y"}]}, "budgets.0.period"),
        ({"budgets": [{"limit_usd": 1, "limit_micros": 1}]}, "budgets.0"),
        ({"budgets": [{"period": "1d"}]}, "budgets.0"),
        ({"budgets": [{"limit_usd": 1, "period": "1d"}, {"limit_usd": 2, "period": "daily"}]}, "budgets"),
        ({"budgets": [{"limit_usd": 1, "period": f"{days}d"} for days in range(1, 10)]}, "budgets"),
        ({"budget": []}, "budget"),
    ],
)
def test_every_mistake_is_told_with_its_place(fields: dict[str, Any], where: str) -> None:
    """One of each kind."""
    with pytest.raises(ValidationError) as raised:
        AllowanceFields.model_validate(fields)
    assert [".".join(map(str, error["loc"])) for error in raised.value.errors()] == [where]
