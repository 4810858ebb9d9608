"""Limits and budgets as people write them, in configurations and over HTTP, and as the database keeps them: JSON <-> Allowance.

{"limits": {"requests_per_minute": 60, "images_per_minute": 20, "parallel_edits": 4},
 "budgets": [{"limit_usd": 10, "period": "1d"}, {"limit_micros": 100000000, "period": "1mo"}]}
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from streamedit import budgets
from streamedit.budgets import Budget
from streamedit.events import Json
from streamedit.limits import RateLimits
from streamedit.parties import Allowance

_MAX_MICROS = 10**15
"""A billion dollars: sums of them fit where they are kept."""

_MAX_BUDGETS = 8


def _canonical(period: str) -> str:
    try:
        return budgets.canonical(period)
    except ValueError as error:
        raise PydanticCustomError("period", "{told}", {"told": str(error)}) from None


_Limit = Annotated[int | None, Field(ge=1, le=1_000_000)]


class Limits(BaseModel):
    """What may be asked for in any minute, and at a time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests_per_minute: _Limit = Field(None, description="Requests in any sixty seconds.")
    images_per_minute: _Limit = Field(None, description="Images in any sixty seconds.")
    parallel_edits: _Limit = Field(None, description="Edits at a time; others wait, or are refused.")

    def read(self) -> RateLimits:
        return RateLimits(self.requests_per_minute, self.images_per_minute, self.parallel_edits)


class BudgetField(BaseModel):
    """One budget, in dollars or in micro-dollars."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    limit_usd: Decimal | None = Field(None, ge=0, le=_MAX_MICROS // 10**6, description="Dollars in a period.")
    limit_micros: int | None = Field(None, ge=0, le=_MAX_MICROS, description="The same in millionths of a dollar.")
    period: Annotated[str, AfterValidator(_canonical)] = Field(
        budgets.FOR_EVER, description="`total`, `1mo`, or a number with s, m, h, d or w behind it."
    )

    @model_validator(mode="after")
    def _has_one_limit(self) -> Self:
        if (self.limit_usd is None) == (self.limit_micros is None):
            raise PydanticCustomError("limit", "a budget has limit_usd or limit_micros")
        return self

    def read(self) -> Budget:
        micros = self.limit_micros if self.limit_usd is None else int(self.limit_usd * 1_000_000)
        return Budget(micros or 0, self.period)


def _one_of_a_period(budgets_: tuple[BudgetField, ...]) -> tuple[BudgetField, ...]:
    periods = [budget.period for budget in budgets_]
    if len(set(periods)) < len(periods):
        raise PydanticCustomError("budgets", "two budgets have the same period")
    return budgets_


class AllowanceFields(BaseModel):
    """The fields of whatever has an allowance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limits: Limits = Limits()
    budgets: Annotated[tuple[BudgetField, ...], Field(max_length=_MAX_BUDGETS), AfterValidator(_one_of_a_period)] = ()

    def read(self) -> Allowance:
        return Allowance(self.limits.read(), tuple(budget.read() for budget in self.budgets))


def load(limits: Json, budgets_: Json) -> Allowance:
    """An allowance as it was dumped."""
    return AllowanceFields(limits=limits, budgets=budgets_).read()


def dump_limits(allowance: Allowance) -> Mapping[str, Json]:
    """Its limits; those that there are."""
    limits = allowance.limits
    told = {name: getattr(limits, name) for name in Limits.model_fields}
    return {name: value for name, value in told.items() if value is not None}


def dump_budgets(allowance: Allowance) -> list[Mapping[str, Json]]:
    """Its budgets, in micro-dollars."""
    return [{"limit_micros": budget.limit_micros, "period": budget.period} for budget in allowance.budgets]
