"""Who gives out keys: what is checked, and what holds when several change the same at once, on either database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from databases import KINDS, fresh_database

from streamedit.errors import EditError, InvalidRequest
from streamedit.registrar import Registrar
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.registry import SqlRegistry

NOW_S = 1_800_000_000.0


@pytest.fixture(params=KINDS)
async def registry(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlRegistry]:
    """Of an empty database."""
    with fresh_database(request.param, tmp_path) as url:
        database = Database(url)
        async with database.serving():
            yield SqlRegistry(database)


def _registrar(registry: SqlRegistry, now_s: float = NOW_S, changed: Callable[[], None] = lambda: None) -> Registrar:
    return Registrar(registry, ("openai", "mock"), lambda: now_s, changed)


async def test_who_renames_a_key_does_not_give_it_back(registry: SqlRegistry) -> None:
    """Changes of one key at the same time: it is revoked in the end, and no change is lost before that."""
    registrar = _registrar(registry)
    for _ in range(5):
        key, _text = await registrar.create_key({})
        patches = [registrar.change_key(key.id, {"metadata": {str(number): "x"}}) for number in range(6)]
        results = await asyncio.gather(*patches, registrar.revoke_key(key.id), return_exceptions=True)
        kept = await registrar.key(key.id)
        done = [number for number, result in enumerate(results[:-1]) if not isinstance(result, BaseException)]
        assert all(isinstance(result, InvalidRequest) for result in results[:-1] if isinstance(result, BaseException))
        assert kept.revoked_at_s == NOW_S
        assert set(kept.metadata) == {str(number) for number in done}


async def test_a_new_group_may_be_said_twice_at_once(registry: SqlRegistry) -> None:
    """Nobody is refused for it; one of them is kept."""
    registrar = _registrar(registry)
    groups = await asyncio.gather(*(registrar.put_group("g", {"metadata": {"by": str(number)}}) for number in range(8)))
    assert await registrar.group("g") in groups


async def test_whoever_remembers_is_told_of_each_change(registry: SqlRegistry) -> None:
    """After it is kept; not when it was refused."""
    told: list[None] = []
    registrar = _registrar(registry, changed=lambda: told.append(None))
    key, _ = await registrar.create_key({})
    await registrar.put_group("g", {})
    await registrar.put_end_user("u", {})
    for change in (
        lambda: registrar.change_key(key.id, {"name": "n"}),
        lambda: registrar.rotate_key(key.id, {}),
        lambda: registrar.change_group("g", {}),
        lambda: registrar.change_end_user("u", {}),
        lambda: registrar.delete_group("g"),
        lambda: registrar.delete_end_user("u"),
        lambda: registrar.revoke_key(key.id),
    ):
        before = len(told)
        await change()
        assert len(told) == before + 1
    for refused in (registrar.create_key({"group": "g"}), registrar.put_group("g", {"x": 1}), registrar.delete_end_user("u")):
        with pytest.raises(EditError):
            await refused
    assert len(told) == 10


async def test_what_was_right_once_is_no_mistake_later(registry: SqlRegistry) -> None:
    """A key that has expired can be renamed, and one whose group has gone; to say the same anew is refused."""
    registrar = _registrar(registry)
    await registrar.put_group("g", {})
    key, _ = await registrar.create_key({"expires_at": NOW_S + 1, "group": "g"})
    await registry.delete_group("g")
    later = _registrar(registry, now_s=NOW_S + 2)
    assert (await later.change_key(key.id, {"name": "n"})).name == "n"
    for patch in ({"expires_at": NOW_S + 1}, {"group": "g"}):
        with pytest.raises(InvalidRequest) as refused:
            await later.change_key(key.id, patch)
        assert refused.value.detail.param in patch


async def test_a_change_of_what_is_not_there_makes_it(registry: SqlRegistry) -> None:
    """A group, an end user; what was said of them before stays."""
    registrar = _registrar(registry)
    await registrar.change_group("g", {"images": False})
    await registrar.change_group("g", {"platforms": ["mock"]})
    await registrar.change_end_user("u", {"metadata": {"a": "1"}})
    await registrar.change_end_user("u", {"blocked": True})
    group, end_user = await registrar.group("g"), await registrar.end_user("u")
    assert (group.images, group.platforms) == (False, ("mock",))
    assert (end_user.is_blocked, end_user.metadata) == (True, {"a": "1"})
