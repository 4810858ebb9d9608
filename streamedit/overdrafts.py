"""What a caller is told whose edit could cost more than is left of a budget. Pure."""

from collections.abc import Mapping
from math import ceil

from streamedit.budgets import FOR_EVER, Spend
from streamedit.errors import BudgetExceeded
from streamedit.parties import ScopeKind

_QUOTA = "You exceeded your current quota, please check your plan and billing details."
"""OpenAI's words."""

_WHOSE: Mapping[ScopeKind, str] = {
    ScopeKind.SERVER: "this server's",
    ScopeKind.GROUP: "the group's",
    ScopeKind.KEY: "the key's",
    ScopeKind.END_USER: "the end user's",
}

_SOON_S = 1
"""Edits at work end within seconds, and seldom cost what was reserved for them."""

_NEVER = {"x-should-retry": "false"}


def refusal(kind: ScopeKind, spend: Spend, micros: int, now_s: float) -> BudgetExceeded:
    """For an edit that could cost `micros`. It names whose budget it is, and neither them nor amounts."""
    period = spend.budget.period
    whose = f"{_WHOSE[kind]} {'total budget' if period == FOR_EVER else f'budget for each {period}'}"
    if spend.spent_micros + micros <= spend.budget.limit_micros:
        told = f"Edits that are still at work hold what is left of {whose}."
        return BudgetExceeded(f"{_QUOTA} {told}", headers={"retry-after": str(_SOON_S)})
    told = f"This edit could cost more than is left of {whose}."
    return BudgetExceeded(f"{_QUOTA} {told}", headers={**_NEVER, **_retry_after(spend, micros, now_s)})


def _retry_after(spend: Spend, micros: int, now_s: float) -> Mapping[str, str]:
    """Until the next period; nothing where there is none, or where it would not help."""
    end_s = spend.period.end_s
    if end_s is None or micros > spend.budget.limit_micros:
        return {}
    return {"retry-after": str(max(1, ceil(end_s - now_s)))}
