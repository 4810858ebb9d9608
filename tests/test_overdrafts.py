"""What is said to a caller without budget."""

import pytest

from streamedit.budgets import Budget, Period, Spend
from streamedit.overdrafts import refusal
from streamedit.parties import ScopeKind

NOW_S = 1_800_000_000.25
DAILY = Budget(1_000, "1d")
TODAY = Period(1_799_971_200, 1_800_057_600)


def test_it_speaks_openai_s_words_and_names_the_budget() -> None:
    """429 `insufficient_quota`, with whose budget it is and for which time; no id and no amount."""
    detail = refusal(ScopeKind.END_USER, Spend(DAILY, TODAY, 1_000), 1, NOW_S).detail
    assert (detail.status, detail.type, detail.code) == (429, "insufficient_quota", "insufficient_quota")
    assert detail.message == (
        "You exceeded your current quota, please check your plan and billing details."
        " This edit could cost more than is left of the end user's budget for each 1d."
    )


@pytest.mark.parametrize(
    ("kind", "whose"),
    [(ScopeKind.SERVER, "this server's"), (ScopeKind.GROUP, "the group's"), (ScopeKind.KEY, "the key's")],
)
def test_each_scope_has_its_name(kind: ScopeKind, whose: str) -> None:
    """And a budget without periods is the total one."""
    spend = Spend(Budget(10), Period(0, None), 10)
    assert refusal(kind, spend, 1, NOW_S).detail.message.endswith(f"left of {whose} total budget.")


@pytest.mark.parametrize(
    ("spend", "headers"),
    [
        (Spend(DAILY, TODAY, 1_000), {"x-should-retry": "false", "retry-after": "57600"}),
        (Spend(DAILY, TODAY, 951), {"x-should-retry": "false", "retry-after": "57600"}),
        (Spend(DAILY, TODAY, 950, 1), {"retry-after": "1"}),
        (Spend(Budget(1_000), Period(0, None), 1_000), {"x-should-retry": "false"}),
        (Spend(Budget(49, "1d"), TODAY), {"x-should-retry": "false"}),
    ],
)
def test_it_says_when_to_come_back(spend: Spend, headers: dict[str, str]) -> None:
    """In the next period, to the second; soon if edits at work may leave room; never if there never will be any."""
    assert refusal(ScopeKind.KEY, spend, 50, NOW_S).detail.headers == headers
