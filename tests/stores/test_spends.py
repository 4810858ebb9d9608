"""Without a database there are no budgets."""

from streamedit.budgets import Budget
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.stores import Spends
from streamedit.stores.spends import NoSpends

SCOPE = Scope(ScopeKind.KEY, "k", Allowance(budgets=(Budget(0),)))


async def test_nobody_is_refused() -> None:
    """And nothing is known of what was spent."""
    spends: Spends = NoSpends()
    async with spends.serving():
        await spends.reserve("edit_1", [SCOPE], 10**9, 0.0, is_called=True)
        await spends.calling("edit_1")
        spends.settle("edit_1", 10**9)
        assert await spends.of([SCOPE]) == {SCOPE.name: ()}
