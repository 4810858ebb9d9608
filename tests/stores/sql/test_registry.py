"""Keys, groups and end users in the database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from databases import KINDS, working_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamedit.budgets import Budget
from streamedit.limits import RateLimits
from streamedit.parties import Allowance, ApiKey, EndUser, Group
from streamedit.stores.sql.registry import SqlRegistry

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example is a transaction. They may share a database: what is saved takes the place of what was there."""

_LIMIT = st.none() | st.integers(1, 1_000_000)
_TIME = st.floats(0, 4e9, allow_nan=False)
# PostgreSQL has no NUL in texts.
_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=64)
_NAMES = st.none() | st.lists(_TEXT).map(tuple)
_METADATA = st.dictionaries(_TEXT, _TEXT, max_size=4)
_DIGEST = st.binary(min_size=32, max_size=32)
_PERIODS = st.lists(st.sampled_from(["total", "1mo", "1d", "1w", "30m", "5h", "45s"]), unique=True)
ALLOWANCES = st.builds(
    Allowance,
    st.builds(RateLimits, _LIMIT, _LIMIT, _LIMIT),
    _PERIODS.flatmap(lambda periods: st.tuples(*(st.builds(Budget, st.integers(0, 10**15), st.just(p)) for p in periods))),
)
KEYS = st.builds(
    ApiKey, st.just("key_a"), _TEXT, _DIGEST, _TIME, st.none() | _TIME, st.none() | _TIME, st.none() | _TEXT, _NAMES,
    ALLOWANCES, _METADATA, st.none() | _DIGEST, st.none() | _TIME,
)  # fmt: skip
GROUPS = st.builds(Group, st.just("group_a"), _NAMES, _NAMES, st.booleans(), ALLOWANCES, _METADATA, _TIME)
END_USERS = st.builds(EndUser, _TEXT, st.booleans(), ALLOWANCES, _METADATA, _TIME)

KEY = ApiKey("key_1", "one", b"1" * 32, 1000.0)


@pytest.fixture(params=KINDS)
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlRegistry]:
    """An empty one, in each kind of database."""
    async with working_database(request.param, tmp_path) as database:
        yield SqlRegistry(database)


async def test_at_first_nobody_is_there(registry: SqlRegistry) -> None:
    """Whoever is asked for."""
    assert await registry.key("key_1") is None
    assert await registry.group("group_1") is None
    assert await registry.end_user("") is None
    assert not await registry.has_keys()
    assert (await registry.keys(), await registry.groups(), await registry.end_users()) == ([], [], [])


@FEW
@given(key=KEYS)
async def test_a_key_is_kept_as_it_was_saved(registry: SqlRegistry, key: ApiKey) -> None:
    """Its times, digests, names, limits, budgets and metadata, to the last bit."""
    await registry.save_key(key)
    assert await registry.key(key.id) == key
    assert await registry.keys() == [key]


@FEW
@given(group=GROUPS)
async def test_so_is_a_group(registry: SqlRegistry, group: Group) -> None:
    """That it may use nothing is not that it may use anything."""
    await registry.save_group(group)
    assert await registry.group(group.id) == group
    assert await registry.groups() == [group]


@FEW
@given(end_user=END_USERS)
async def test_so_is_an_end_user(registry: SqlRegistry, end_user: EndUser) -> None:
    """Under whatever name its caller gives it."""
    await registry.save_end_user(end_user)
    assert await registry.end_user(end_user.id) == end_user


async def test_saving_again_changes_that_one(registry: SqlRegistry) -> None:
    """And nobody else."""
    other = replace(KEY, id="key_2", digest=b"2" * 32)
    await registry.save_key(KEY)
    await registry.save_key(other)
    changed = replace(KEY, name="changed", revoked_at_s=2000.0)
    await registry.save_key(changed)
    assert await registry.keys() == [changed, other]


async def test_lists_begin_with_the_oldest(registry: SqlRegistry) -> None:
    """In whatever order they came."""
    for number in (2, 3, 1):
        await registry.save_key(replace(KEY, id=f"key_{number}", created_at_s=float(number)))
        await registry.save_group(Group(f"group_{number}", created_at_s=float(number)))
        await registry.save_end_user(EndUser(f"user_{number}", created_at_s=float(number)))
    assert [key.id for key in await registry.keys()] == ["key_1", "key_2", "key_3"]
    assert [group.id for group in await registry.groups()] == ["group_1", "group_2", "group_3"]
    assert [end_user.id for end_user in await registry.end_users()] == ["user_1", "user_2", "user_3"]


async def test_a_key_was_given_out_for_good(registry: SqlRegistry) -> None:
    """A server that has given out keys does not become everybody's by taking the last one back."""
    await registry.save_key(KEY)
    assert await registry.has_keys()
    await registry.save_key(replace(KEY, revoked_at_s=2000.0))
    assert await registry.has_keys()


async def test_what_is_deleted_is_gone(registry: SqlRegistry) -> None:
    """Once; the others stay."""
    for name in ("a", "b"):
        await registry.save_group(Group(name))
        await registry.save_end_user(EndUser(name))
    assert [await registry.delete_group("a"), await registry.delete_group("a")] == [True, False]
    assert [await registry.delete_end_user("a"), await registry.delete_end_user("a")] == [True, False]
    assert [group.id for group in await registry.groups()] == ["b"]
    assert [end_user.id for end_user in await registry.end_users()] == ["b"]
