"""What is known of targets, in one process and in many: one contract for all that keep it, and what Redis adds."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import TypeAlias

import pytest
import redises
from hypothesis import given
from hypothesis import strategies as st
from stores.logs import truth, until

from streamedit.failures import Kind
from streamedit.health import CoolRules, Ended, Health, abandoned, begun, ended
from streamedit.stores import Healths, Step, codec
from streamedit.stores.healths import MemoryHealths
from streamedit.stores.redis_healths import RedisHealths
from streamedit.targets import Limits

NOW_S = 1_800_000_000.0
RULES = CoolRules(5.0)
FIVE = Limits(max_parallel=5)

Pair: TypeAlias = tuple[Healths, Healths]
"""What two clients see: the same."""
Maker: TypeAlias = Callable[[], AbstractAsyncContextManager[Pair]]


@asynccontextmanager
async def memory() -> AsyncIterator[Pair]:
    """Of one process."""
    healths = MemoryHealths()
    async with healths.serving():
        yield healths, healths


@asynccontextmanager
async def redis() -> AsyncIterator[Pair]:
    """Of two processes."""
    with redises.any_redis() as url:
        prefix = redises.fresh_prefix()
        one, other = RedisHealths(url, prefix), RedisHealths(url, prefix)
        async with one.serving(), other.serving():
            yield one, other


def begins(call: str, limits: Limits = Limits(), at_s: float = NOW_S) -> Step:  # noqa: B008 - frozen
    """A call of at most a minute begins."""
    return lambda known: begun(known, limits, call, at_s + 60, at_s)


def ends(call: str, failure: Kind | None = None) -> Step:
    """It has ended."""
    return lambda known: ended(known, Ended(failure, 0.5, 7), RULES, call, NOW_S)


async def known(healths: Healths, target_id: str = "a") -> Health:
    """What somebody sees of a target."""
    return (await healths.of([target_id])).get(target_id, Health())


@pytest.mark.parametrize("maker", [memory, redis])
class TestContract:
    """What holds wherever it is kept."""

    async def test_what_is_not_known_is_not_there(self, maker: Maker) -> None:
        """Of nobody, of somebody, of several of whom one is known."""
        async with maker() as (healths, _):
            assert await healths.of([]) == {}
            assert await healths.of(["a"]) == {}
            await healths.change("b", begins("call"))
            assert list(await healths.of(["a", "b"])) == ["b"]

    async def test_a_change_is_seen_by_all(self, maker: Maker) -> None:
        """Whole, and both states are given."""
        async with maker() as (one, other):
            await one.change("a", begins("call"))
            changed = await other.change("a", ends("call", Kind.RATE_LIMIT))
            assert changed is not None
            before, after = changed
            assert list(before.running) == ["call"]
            assert await known(one) == await known(other) == after
            assert (after.cooled_until_s, dict(after.failures), after.running) == (NOW_S + 5, {Kind.RATE_LIMIT: 1}, {})
            assert (after.first_events_s, after.tokens, after.requests) == ((0.5,), 7, 1)

    async def test_no_change_is_none(self, maker: Maker) -> None:
        """And leaves what there was."""
        async with maker() as (one, other):
            await one.change("a", begins("call", Limits(max_parallel=1)))
            before = await known(one)
            assert await other.change("a", begins("other", Limits(max_parallel=1))) is None
            assert await known(other) == before

    async def test_of_a_hundred_at_once_as_many_begin_as_may(self, maker: Maker) -> None:
        """Five at a time, from two clients; when they have ended the next five."""
        async with maker() as (one, other):
            for turn in range(2):
                calls = [(one, other)[number % 2].change("a", begins(f"{turn}-{number}", FIVE)) for number in range(100)]
                begun_ = [number for number, changed in enumerate(await asyncio.gather(*calls)) if changed]
                assert len(begun_) == 5
                assert sorted((await known(one)).running) == sorted(f"{turn}-{number}" for number in begun_)
                done = [(other, one)[number % 2].change("a", ends(f"{turn}-{number}")) for number in begun_]
                await asyncio.gather(*done)
                assert (await known(other)).running == {}

    async def test_no_change_is_lost(self, maker: Maker) -> None:
        """Two clients count to a hundred."""
        async with maker() as (one, other):
            count: Step = lambda health: replace(health, tokens=health.tokens + 1)  # noqa: E731 - a step is a function
            await asyncio.gather(*((one, other)[number % 2].change("a", count) for number in range(100)))
            assert (await known(one)).tokens == 100

    async def test_a_killed_process_s_calls_are_forgotten(self, maker: Maker) -> None:
        """Once they cannot be under way any more."""
        async with maker() as (one, other):
            for number in range(5):
                await one.change("a", begins(f"lost-{number}", FIVE))
            assert await other.change("a", begins("next", FIVE, NOW_S + 59)) is None
            assert await other.change("a", begins("next", FIVE, NOW_S + 60)) is not None
            assert list((await known(other)).running) == ["next"]


async def down(healths: RedisHealths) -> None:
    """It has noticed that Redis is away."""
    await healths.of(["a"])
    assert not healths._reach.is_up


class TestOutage:
    """Redis is away."""

    @pytest.mark.parametrize("how", ["killed", "paused"])
    async def test_an_edit_goes_on_with_what_this_process_knows(self, how: str) -> None:
        """What it has seen itself, and others' changes that it has read; within little more than a second."""
        with redises.own_redis() as server:
            prefix = redises.fresh_prefix()
            one, other = RedisHealths(server.url, prefix), RedisHealths(server.url, prefix)
            async with one.serving(), other.serving():
                await other.change("a", begins("others", Limits(max_parallel=2)))
                await one.of(["a"])
                server.kill() if how == "killed" else server.pause()
                async with asyncio.timeout(2.5):
                    assert await one.change("a", begins("own", Limits(max_parallel=2))) is not None
                    assert await one.change("a", begins("more", Limits(max_parallel=2))) is None
                    assert sorted((await known(one)).running) == ["others", "own"]
                server.go_on() if how == "paused" else server.start()

    async def test_redis_is_told_what_it_has_missed(self) -> None:
        """A call that began before and ended during it is open nowhere; a cooldown that began meanwhile holds for all."""
        with redises.own_redis() as server:
            prefix = redises.fresh_prefix()
            one, other = RedisHealths(server.url, prefix), RedisHealths(server.url, prefix)
            async with one.serving(), other.serving():
                await one.change("a", begins("before"))
                server.pause()
                await one.change("a", begins("during"))
                await one.change("a", ends("before", Kind.RATE_LIMIT))
                server.go_on()
                await until(lambda: has_cooled(other))
                health = await known(other)
                assert (list(health.running), health.cooled_until_s) == (["during"], NOW_S + 5)
                await until(truth(lambda: not one._is_behind))
                await one.change("a", lambda known: abandoned(known, "during"))
                assert (await known(other)).running == {}

    async def test_nobody_overtakes_what_redis_has_missed(self) -> None:
        """Until it is told, this process goes by what it knows itself; an end does not come before its beginning."""
        with redises.own_redis() as server:
            prefix = redises.fresh_prefix()
            one, other = RedisHealths(server.url, prefix), RedisHealths(server.url, prefix)
            async with one.serving(), other.serving():
                server.pause()
                await one.change("a", begins("call"))
                server.go_on()
                await one._reach.probe(one._texts.answer())
                assert list((await known(one)).running) == ["call"]
                await one.change("a", ends("call", Kind.RATE_LIMIT))
                await until(lambda: has_cooled(other))
                assert (await known(other)).running == {}

    async def test_a_redis_that_has_lost_everything_is_taken_up_again(self) -> None:
        """It knows nothing, and learns."""
        with redises.own_redis() as server:
            healths = RedisHealths(server.url, redises.fresh_prefix())
            async with healths.serving():
                await healths.change("a", begins("call"))
                server.kill()
                await down(healths)
                server.start()
                await until(truth(lambda: healths._reach.is_up))
                assert await healths.of(["a"]) == {}
                await healths.change("a", begins("next"))
                assert list((await known(healths)).running) == ["next"]

    async def test_a_server_starts_without_redis(self) -> None:
        """It finds it later."""
        with redises.own_redis() as server:
            server.kill()
            one = RedisHealths(server.url, redises.fresh_prefix())
            async with one.serving():
                assert await one.change("a", begins("call")) is not None
                server.start()
                await until(truth(lambda: not one._is_behind))
                assert list((await known(one)).running) == ["call"]


async def has_cooled(healths: Healths) -> bool:
    """A target cools down."""
    return (await known(healths)).cooled_until_s > 0


async def test_what_is_kept_expires_by_itself() -> None:
    """After a day, under its own prefix."""
    with redises.any_redis() as url:
        prefix = redises.fresh_prefix()
        healths = RedisHealths(url, prefix)
        async with healths.serving():
            await healths.change("a", begins("call"))
            assert 86_000 < await healths._texts._client.ttl(f"{prefix}health:a") <= 86_400


@given(
    st.builds(
        Health,
        minute=st.integers(0, 10**9),
        requests=st.integers(0, 10**6),
        tokens=st.integers(0, 10**9),
        failures=st.dictionaries(st.sampled_from(Kind), st.integers(0, 9)),
        running=st.dictionaries(st.text(), st.floats(0, 1e10)),
        cooled_until_s=st.floats(0, 1e10),
        probe=st.text(),
        probed_until_s=st.floats(0, 1e10),
        first_events_s=st.lists(st.floats(0, 1e4), max_size=10).map(tuple),
    )
)
def test_a_health_survives_its_text(health: Health) -> None:
    """Every field of it."""
    assert codec.load_health(codec.dump_health(health)) == health


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"{", b'{"failures":{"new":1}}', b'{"failures":[]}'])
def test_what_cannot_be_read_is_not_known(text: bytes) -> None:
    """Another version's text breaks no edit."""
    assert codec.load_health(text) == Health()
