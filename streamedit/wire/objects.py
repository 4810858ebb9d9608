"""Keys, groups and end users as they are answered. Times in Unix seconds, money in micro-dollars."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel

from streamedit import allowances
from streamedit.allowances import Limits
from streamedit.budgets import Spend
from streamedit.keys import beginning_of
from streamedit.parties import Allowance, ApiKey, EndUser, Group, Member


class SpendObject(BaseModel):
    """What a budget has come to in the period that is running. `resets_at`: null when it never does."""

    spent_micros: int
    reserved_micros: int
    left_micros: int
    resets_at: int | None

    @classmethod
    def of(cls, spend: Spend) -> "SpendObject":
        return cls(
            spent_micros=spend.spent_micros,
            reserved_micros=spend.reserved_micros,
            left_micros=spend.left_micros,
            resets_at=spend.period.end_s,
        )


class BudgetObject(BaseModel):
    """A budget; `spend` is null where nobody counts."""

    limit_micros: int
    period: str
    spend: SpendObject | None


class _Allowed(BaseModel):
    """The fields of whatever has an allowance."""

    object: str
    id: str
    created_at: int
    limits: Limits
    budgets: list[BudgetObject]
    metadata: dict[str, str]


class KeyObject(_Allowed):
    """A key without its text. `prefix`: how that begins. `previous_expires_at`: until when the one before opens."""

    object: Literal["api_key"] = "api_key"
    name: str
    prefix: str
    group: str | None
    models: list[str] | None
    expires_at: int | None
    revoked_at: int | None
    previous_expires_at: int | None

    @classmethod
    def of(cls, key: ApiKey, spends: Sequence[Spend]) -> "KeyObject":
        return cls(
            id=key.id,
            name=key.name,
            prefix=beginning_of(key.id),
            group=key.group,
            models=_list(key.models),
            expires_at=_seconds(key.expires_at_s),
            revoked_at=_seconds(key.revoked_at_s),
            previous_expires_at=_seconds(key.previous_until_s),
            **_allowed(key.allowance, key.metadata, key.created_at_s, spends),
        )


class NewKeyObject(KeyObject):
    """A key with its text, which is told this once."""

    key: str


class GroupObject(_Allowed):
    """A group."""

    object: Literal["group"] = "group"
    platforms: list[str] | None
    models: list[str] | None
    images: bool

    @classmethod
    def of(cls, group: Group, spends: Sequence[Spend]) -> "GroupObject":
        return cls(
            id=group.id,
            platforms=_list(group.platforms),
            models=_list(group.models),
            images=group.images,
            **_allowed(group.allowance, group.metadata, group.created_at_s, spends),
        )


class EndUserObject(_Allowed):
    """An end user."""

    object: Literal["end_user"] = "end_user"
    blocked: bool

    @classmethod
    def of(cls, end_user: EndUser, spends: Sequence[Spend]) -> "EndUserObject":
        return cls(
            id=end_user.id,
            blocked=end_user.is_blocked,
            **_allowed(end_user.allowance, end_user.metadata, end_user.created_at_s, spends),
        )


class DeletedObject(BaseModel):
    """What is there no more."""

    object: Literal["group.deleted", "end_user.deleted"]
    id: str
    deleted: Literal[True] = True


def of(member: Member, spends: Sequence[Spend]) -> KeyObject | GroupObject | EndUserObject:
    """Whatever it is, with what its budgets have come to."""
    match member:
        case ApiKey():
            return KeyObject.of(member, spends)
        case Group():
            return GroupObject.of(member, spends)
        case EndUser():
            return EndUserObject.of(member, spends)


def _allowed(allowance: Allowance, metadata: Mapping[str, str], created_at_s: float, spends: Sequence[Spend]) -> dict[str, Any]:
    told = {spend.budget.period: SpendObject.of(spend) for spend in spends}
    budgets = [
        BudgetObject(limit_micros=budget.limit_micros, period=budget.period, spend=told.get(budget.period))
        for budget in allowance.budgets
    ]
    return {
        "limits": Limits(**allowances.dump_limits(allowance)),
        "budgets": budgets,
        "metadata": dict(metadata),
        "created_at": int(created_at_s),
    }


def _list(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else list(names)


def _seconds(at_s: float | None) -> int | None:
    return None if at_s is None else int(at_s)
