"""Keys, groups and end users as the command prints them."""

import pytest

from streamedit.budgets import Budget
from streamedit.cli.members import allowed, moment, names
from streamedit.limits import RateLimits
from streamedit.parties import Allowance


def test_an_allowance_is_told_in_few_words() -> None:
    """Only what there is of it; money to the last millionth."""
    budgets = (Budget(10_000_000, "1d"), Budget(1), Budget(0, "1mo"))
    told = allowed(Allowance(RateLimits(60, 20, 4), budgets))
    assert told == {"Limits": "60 requests/min, 20 images/min, 4 at a time", "Budgets": "$10/1d, $0.000001, $0/1mo"}
    assert allowed(Allowance()) == {"Limits": "", "Budgets": ""}


@pytest.mark.parametrize(("several", "told"), [(None, "any"), (("a", "b"), "a, b")])
def test_names_are_listed(several: tuple[str, ...] | None, told: str) -> None:
    """Without a list, any will do."""
    assert names(several) == told


def test_a_time_is_told_in_utc() -> None:
    """Wherever the command runs; a time that never comes is nothing."""
    assert moment(1_800_000_000.0) == "2027-01-15 08:00"
    assert moment(None) == ""
