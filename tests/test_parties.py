"""On whose behalf an edit is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamedit.budgets import Budget
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, ApiKey, EndUser, Group, Member, Party, Scope, ScopeKind, scope_of

ALLOWANCE = Allowance(budgets=(Budget(100, "1d"), Budget(7)))
KEY = ApiKey("key_abc", "n", b"secret", 1.9, allowance=ALLOWANCE)
GROUP = Group("g", allowance=ALLOWANCE)
END_USER = EndUser("u", allowance=ALLOWANCE)

SCOPES = st.builds(Scope, st.sampled_from(ScopeKind), st.text(max_size=20), st.just(Allowance()))


@given(SCOPES, SCOPES)
def test_scopes_have_names_of_their_own(one: Scope, other: Scope) -> None:
    """An end user may call itself what it likes: it is counted apart from every key and group."""
    assert (one.name == other.name) == (one == other)


@pytest.mark.parametrize(("member", "kind"), [(KEY, ScopeKind.KEY), (GROUP, ScopeKind.GROUP), (END_USER, ScopeKind.END_USER)])
def test_each_counts_in_a_scope_of_its_own(member: Member, kind: ScopeKind) -> None:
    """By its kind and its id, with what it is allowed; and by the defaults, where nothing else is said of it."""
    scope = scope_of(member)
    assert (scope.kind, scope.id, scope.allowance) == (kind, member.id, ALLOWANCE)
    limits = RateLimits(requests_per_minute=3)
    assert scope_of(member, Allowance(limits, (Budget(1),))).allowance == Allowance(limits, ALLOWANCE.budgets)


def test_a_key_is_open_until_its_time() -> None:
    """Or until it is revoked, and then for ever not."""
    key = ApiKey("key_1", "one", b"", 0.0, expires_at_s=1000.0)
    assert key.is_open(999.9)
    assert not key.is_open(1000.0)
    assert not ApiKey("key_1", "one", b"", 0.0, revoked_at_s=1000.0).is_open(0.0)
    assert ApiKey("key_1", "one", b"", 0.0).is_open(1e12)


def test_what_is_printed_of_them_is_no_secret() -> None:
    """Neither digests, nor end users, nor what callers say of themselves."""
    key = ApiKey("key_1", "one", b"canary", 0.0, previous_digest=b"canary")
    assert "canary" not in repr(key)
    assert "canary" not in repr(Party(end_user="canary", tags=("canary",), metadata={"canary": "canary"}))
