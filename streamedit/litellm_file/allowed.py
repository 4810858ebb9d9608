"""From `general_settings` and `litellm_settings` to what everybody, each key and each end user may do."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from streamedit.allowances import AllowanceFields, BudgetField, Limits
from streamedit.budgets import FOR_EVER
from streamedit.documents import Location
from streamedit.litellm_file.sections import LiteLLMFile, LiteLLMSettings


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is allowed to all together, to each key, to each end user."""

    everybody: AllowanceFields
    key: AllowanceFields
    end_user: AllowanceFields


def allowed_of(file: LiteLLMFile) -> Allowed:
    """What a file says of it in LiteLLM's sections."""
    general, litellm = file.general_settings, file.litellm_settings
    # LiteLLM's default of a `max_budget`, 0, is none.
    budgets = _budgets(litellm.max_budget or None, litellm.budget_duration)
    return Allowed(
        AllowanceFields(limits=Limits(parallel_edits=general.global_max_parallel_requests), budgets=budgets),
        AllowanceFields(limits=Limits(parallel_edits=general.max_parallel_requests)),
        AllowanceFields(budgets=_budgets(litellm.max_end_user_budget)),
    )


def budgeted(litellm: LiteLLMSettings) -> Iterator[Location]:
    """The places that say what may be spent."""
    if litellm.max_budget:
        yield "litellm_settings", "max_budget"
    if litellm.max_end_user_budget is not None:
        yield "litellm_settings", "max_end_user_budget"


def _budgets(dollars: Decimal | None, period: str | None = None) -> tuple[BudgetField, ...]:
    return () if dollars is None else (BudgetField(limit_usd=dollars, period=period or FOR_EVER),)
