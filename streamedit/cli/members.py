"""Keys, groups and end users as the command prints them: in a table, or as the server answers them."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from streamedit import allowances
from streamedit.budgets import FOR_EVER, Budget
from streamedit.cli.printing import note, print_json, print_pairs, print_table
from streamedit.parties import Allowance, Member
from streamedit.wire import objects

_Member = TypeVar("_Member", bound=Member)

Row = Mapping[str, str]
"""A member's cells, by their columns' names."""

_SHORT = {"requests_per_minute": "requests/min", "images_per_minute": "images/min", "parallel_edits": "at a time"}


def print_list(members: Sequence[_Member], row: Callable[[_Member], Row], *, as_json: bool) -> None:
    """All of them."""
    if as_json:
        print_json({"object": "list", "data": [objects.of(member, []).model_dump(mode="json") for member in members]})
    elif not members:
        note("There is nothing yet.")
    else:
        rows = [row(member) for member in members]
        print_table(list(rows[0]), [list(each.values()) for each in rows])


def print_one(member: _Member, row: Callable[[_Member], Row], *, as_json: bool) -> None:
    """One, with a line for each column."""
    if as_json:
        print_json(objects.of(member, []).model_dump(mode="json"))
    else:
        metadata = ", ".join(f"{name}={value}" for name, value in member.metadata.items())
        more = {"Created": moment(member.created_at_s), "Metadata": metadata}
        print_pairs({**row(member), **more})


def allowed(allowance: Allowance) -> Row:
    """The cells of an allowance."""
    limits = [f"{value} {_SHORT[name]}" for name, value in allowances.dump_limits(allowance).items()]
    return {"Limits": ", ".join(limits), "Budgets": ", ".join(map(_budget, allowance.budgets))}


def names(several: Sequence[str] | None) -> str:
    """The cell of a list of names."""
    return "any" if several is None else ", ".join(several)


def moment(at_s: float | None) -> str:
    """The cell of a time, in UTC."""
    return "" if at_s is None else datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M")


def _budget(budget: Budget) -> str:
    dollars = f"${Decimal(budget.limit_micros) / 1_000_000:f}"
    return dollars if budget.period == FOR_EVER else f"{dollars}/{budget.period}"
