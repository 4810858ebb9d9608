"""Keys, groups and end users as they are answered."""

import pytest

from streamedit.budgets import Budget, Period, Spend
from streamedit.parties import Allowance, ApiKey, EndUser, Group, Member
from streamedit.wire import objects

ALLOWANCE = Allowance(budgets=(Budget(100, "1d"), Budget(7)))
KEY = ApiKey("key_abc", "n", b"secret", 1.9, allowance=ALLOWANCE)
GROUP = Group("g", allowance=ALLOWANCE, created_at_s=1.9)
END_USER = EndUser("u", allowance=ALLOWANCE, created_at_s=1.9)


@pytest.mark.parametrize("member", [KEY, GROUP, END_USER])
def test_a_budget_tells_what_it_has_come_to(member: Member) -> None:
    """In the period that is running, in whatever order it is told; null where nobody counts."""
    spends = [Spend(Budget(7), Period(0, None), spent_micros=9), Spend(ALLOWANCE.budgets[0], Period(0, 86_400), 60, 30)]
    daily, total = objects.of(member, spends).budgets
    assert (daily.limit_micros, daily.period) == (100, "1d")
    assert daily.spend is not None
    assert daily.spend.model_dump() == {"spent_micros": 60, "reserved_micros": 30, "left_micros": 10, "resets_at": 86_400}
    assert total.spend is not None
    assert (total.spend.left_micros, total.spend.resets_at) == (0, None)
    assert [budget.spend for budget in objects.of(member, []).budgets] == [None, None]


def test_a_key_is_known_by_its_beginning() -> None:
    """Neither its text nor its digest is told; times are whole seconds."""
    told = objects.of(KEY, []).model_dump()
    assert (told["prefix"], told["created_at"]) == ("sk-se-abc", 1)
    assert "secret" not in str(told)
