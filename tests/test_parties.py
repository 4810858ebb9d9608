"""On whose behalf an edit is made."""

from hypothesis import given
from hypothesis import strategies as st

from streamedit.parties import Allowance, ApiKey, Party, Scope, ScopeKind

SCOPES = st.builds(Scope, st.sampled_from(ScopeKind), st.text(max_size=20), st.just(Allowance()))


@given(SCOPES, SCOPES)
def test_scopes_have_names_of_their_own(one: Scope, other: Scope) -> None:
    """An end user may call itself what it likes: it is counted apart from every key and group."""
    assert (one.name == other.name) == (one == other)


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
