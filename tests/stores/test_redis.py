"""The shared log when something goes wrong: processes that die, stall or come back, and a Redis that is away."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import redises
from redis.asyncio import Redis
from redises import OwnRedis
from stores.logs import (
    DYING,
    FAILED,
    OWNER,
    QUICK,
    completed,
    edit,
    fill,
    ids,
    nobody,
    partial,
    read,
    redis_log,
    told,
    truth,
    until,
)

from streamedit.errors import EditExpired, NotFound, StoreUnavailable
from streamedit.events import Event, Failed
from streamedit.idempotency import Claim
from streamedit.stores import EndedElsewhere, EventLog, Logged
from streamedit.stores.leases import LeaseTimes
from streamedit.stores.redis import RedisEventLog


@asynccontextmanager
async def serving(
    url: str, prefix: str, cancel: Callable[[str], None] = nobody, *, retention_s: float = 60, times: LeaseTimes = QUICK
) -> AsyncIterator[RedisEventLog]:
    """One process's log at work."""
    log = redis_log(url, prefix, retention_s, times)
    async with log.serving(cancel):
        yield log


class TestDeath:
    """A process that made an edit is gone."""

    async def test_its_edit_ends_with_interrupted(self) -> None:
        """Readers elsewhere see what there was, then the failure that says that it may have been paid."""
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix, times=DYING) as maker, serving(url, prefix) as other:
                await fill(maker, "a", [partial(0)], ends=False)
                seen = await read(await other.follow("a"), 2)
                assert (ids(seen), seen[-1].last) == ([1, 2], True)
                assert isinstance(seen[-1].event, Failed)
                assert (seen[-1].event.error.code, seen[-1].event.error.charged) == ("interrupted", True)
                assert (await other.find("a", OWNER)).ended

    async def test_it_is_noticed_within_ten_seconds(self) -> None:
        """With the times that a server has."""
        times = LeaseTimes()
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            dying = LeaseTimes(renew_s=60, lease_s=times.lease_s)
            async with serving(url, prefix, times=dying) as maker, serving(url, prefix, times=times) as other:
                await fill(maker, "a", [partial(0)], ends=False)
                died_s = time.monotonic()
                await read(await other.follow("a"), 2)
                assert time.monotonic() - died_s < 10

    async def test_who_comes_back_too_late_is_told(self) -> None:
        """The end stays the end: its next event is refused, and its own readers see the same last event as all others."""
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix, times=DYING) as maker, serving(url, prefix) as other:
                await fill(maker, "a", [partial(0)], ends=False)
                own, others = await maker.follow("a"), await other.follow("a")
                theirs = await read(others, 2)
                with pytest.raises(EndedElsewhere):
                    await maker.append("a", completed(), last=True)
                assert await told(await read(own, 2)) == await told(theirs)

    async def test_who_stalls_for_a_moment_goes_on(self) -> None:
        """A promise that is kept again in time was never broken."""
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix) as maker, serving(url, prefix):
                await fill(maker, "a", [partial(0)], ends=False)
                time.sleep(0.6)  # noqa: ASYNC251 - the event loop stands still for longer than a promise holds
                for number in range(1, 5):
                    await maker.append("a", partial(number), last=False)
                    await asyncio.sleep(0.1)
                assert await maker.append("a", completed(), last=True) == 6

    async def test_an_edit_that_nobody_began_ends_too(self) -> None:
        """The process died between Redis' answer and its first event: who repeats the request is told."""
        claim = Claim(b"k", b"f")
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix, times=DYING) as maker, serving(url, prefix) as other:
                await maker.create(edit("a"), claim)
                seen = await read(await other.follow((await other.create(edit("b"), claim)).id), 1)
                assert isinstance(seen[0].event, Failed)
                assert seen[0].event.error.code == "interrupted"


class TestCancelling:
    """A wish from elsewhere."""

    async def test_the_maker_is_told(self) -> None:
        """Whoever makes the edit hears it, and nobody else does."""
        heard: dict[str, list[str]] = {"maker": [], "other": []}
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with (
                serving(url, prefix, heard["maker"].append) as maker,
                serving(url, prefix, heard["other"].append) as other,
            ):
                await maker.create(edit("a"))
                await maker.create(edit("b"))
                await other.request_cancel("a")
                await until(truth(lambda: bool(heard["maker"])))
                assert (set(heard["maker"]), heard["other"]) == ({"a"}, [])


class TestOutage:
    """Redis is away for a while."""

    @pytest.mark.parametrize("fault", ["pause", "kill"])
    async def test_running_edits_go_on(self, fault: str) -> None:
        """Their readers here miss nothing, new edits are refused, readiness is red; when Redis is back, it has everything."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as maker, serving(redis.url, "p:") as other:
                events: list[Event] = [partial(0), partial(1), partial(2), completed()]
                await fill(maker, "a", events[:1], ends=False)
                local = await maker.follow("a")
                assert ids(await read(local, 1)) == [1]
                break_off(redis, fault)
                await fill(maker, "a", events[1:3], ends=False, create=False)
                assert ids(await read(local, 2)) == [2, 3]
                await turned(maker, ready=False)
                for refused in (maker.create(edit("b")), other.find("a", OWNER), maker.find("z", OWNER)):
                    with pytest.raises(StoreUnavailable) as caught:
                        await refused
                    assert caught.value.detail.headers["retry-after"]
                assert (await maker.find("a", OWNER)).last_id == 3
                bring_back(redis, fault)
                await turned(maker, ready=True)
                await turned(other, ready=True)
                await fill(maker, "a", events[3:], create=False)
                await until(lambda: has_ended(other, "a"))
                seen = await read(await other.follow("a"), 4)
                assert await told(seen) == await told([Logged(i, event, i == 4) for i, event in enumerate(events, 1)])
                assert (await maker.create(edit("b"))).id == "b"

    async def test_an_edit_may_end_meanwhile(self) -> None:
        """It is complete for its readers here at once, and for all others when Redis is back."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as maker, serving(redis.url, "p:") as other:
                await fill(maker, "a", [partial(0)], ends=False)
                seen_elsewhere = await other.follow("a")
                assert ids(await read(seen_elsewhere, 1)) == [1]
                redis.pause()
                await maker.append("a", completed(), last=True)
                assert (await maker.find("a", OWNER)).ended
                redis.go_on()
                assert ids(await read(seen_elsewhere, 1)) == [2]
                await until(lambda: has_ended(other, "a"))

    async def test_an_outage_kills_nobody(self, long: bool) -> None:
        """All promises are broken then, and that is nobody's fault: when Redis is back, all edits go on."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as maker, serving(redis.url, "p:") as other:
                await fill(maker, "a", [partial(0)], ends=False)
                redis.pause()
                await turned(maker, ready=False)
                await asyncio.sleep(10 if long else 1)  # longer than a promise holds, and than patience lasts
                redis.go_on()
                await turned(maker, ready=True)
                await maker.append("a", completed(), last=True)
                assert [type(each.event) for each in await read(await other.follow("a"), 2)] == [
                    type(partial(0)),
                    type(completed()),
                ]

    async def test_whoever_is_cancelled_while_redis_hesitates_loses_no_event(self) -> None:
        """An event that may be in Redis already is there for all, before the last one is."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as maker, serving(redis.url, "p:") as other:
                await fill(maker, "a", [partial(0)], ends=False)
                redis.pause()
                adding = asyncio.ensure_future(maker.append("a", partial(1), last=False))
                await asyncio.sleep(0.05)
                adding.cancel()
                redis.go_on()
                with pytest.raises(asyncio.CancelledError):
                    await adding
                assert await maker.append("a", FAILED, last=True) == 3
                for log in (maker, other):
                    await until(functools.partial(has_ended, log, "a"))
                    seen = await read(await log.follow("a"), 3)
                    assert (ids(seen), seen[-1].event) == ([1, 2, 3], FAILED)

    async def test_what_is_wiped_is_written_again(self) -> None:
        """FLUSHALL: the maker still has its edit."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as maker, serving(redis.url, "p:") as other:
                await fill(maker, "a", [partial(0), partial(1)], ends=False)
                async with Redis.from_url(redis.url) as client:
                    await client.flushall()
                await maker.append("a", completed(), last=True)
                await until(lambda: has_ended(other, "a"))
                assert ids(await read(await other.follow("a"), 3)) == [1, 2, 3]

    async def test_connections_that_redis_has_closed_fail_nobody(self) -> None:
        """Idle ones, all at once, as after a restart or by its `timeout`: the next steps go on by new ones."""
        with redises.own_redis() as redis:
            async with serving(redis.url, "p:") as log, Redis.from_url(redis.url) as client:
                await asyncio.gather(*(log.create(edit(f"a{number}")) for number in range(8)))
                assert await client.client_kill_filter(_type="normal", skipme=True) >= 8
                # They are closed before the next answer comes, and seen to be before the one after it does.
                assert (await client.ping(), await client.ping()) == (True, True)
                await asyncio.gather(*(log.create(edit(f"b{number}")) for number in range(8)))
                assert log.is_ready

    async def test_a_server_may_start_before_its_redis(self) -> None:
        """It is not ready until then."""
        with redises.own_redis() as redis:
            redis.kill()
            async with serving(redis.url, "p:") as log:
                assert not log.is_ready
                redis.start()
                await turned(log, ready=True)


class TestLoss:
    """Something is missing in Redis."""

    async def test_an_event_without_its_payload_is_told(self) -> None:
        """A Redis that evicts what it should keep: readers elsewhere get an error, no gap and no endless wait."""
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix) as maker, serving(url, prefix) as other, Redis.from_url(url) as client:
                await fill(maker, "a", [partial(0), partial(1), completed()])
                assert await client.delete(f"{prefix}payload:a:2") == 1
                seen = await read(await other.follow("a"), 2)
                assert (ids(seen), seen[-1].last) == ([1, 2], True)
                assert isinstance(seen[-1].event, Failed)

    async def test_every_key_expires(self) -> None:
        """After the retention the pictures, after a day the rest."""
        with redises.any_redis() as url:
            prefix = redises.fresh_prefix()
            async with serving(url, prefix) as log, Redis.from_url(url) as client:
                await log.create(edit("a"), Claim(b"k", b"f"))
                await fill(log, "a", [partial(0), partial(1)], ends=False, create=False)
                assert await longest_s(client, f"{prefix}*") <= 24 * 3600
                await log.append("a", completed(), last=True)
                assert await longest_s(client, f"{prefix}payload:*") <= 60
                assert await longest_s(client, f"{prefix}events:*") <= 60
                assert await longest_s(client, f"{prefix}*") <= 24 * 3600

    async def test_what_has_expired_is_gone(self) -> None:
        """Its owner is told so, and nobody else; a repeated request, too."""
        with redises.any_redis() as url:
            async with serving(url, redises.fresh_prefix(), retention_s=0.05) as log:
                await log.create(edit("a"), Claim(b"k", b"f"))
                await log.append("a", completed(), last=True)
                await until(lambda: is_gone(log, "a"))
                with pytest.raises(NotFound):
                    await log.find("a", "key_2")
                with pytest.raises(EditExpired):
                    await log.create(edit("b"), Claim(b"k", b"f"))


async def test_stopping_brings_the_rest_to_redis() -> None:
    """What Redis does not have yet when a server stops is brought there, within a bound."""
    with redises.own_redis() as redis:
        slow = LeaseTimes(renew_s=1, lease_s=60)
        async with serving(redis.url, "p:", times=slow) as maker:
            await maker.create(edit("a"))
            redis.kill()
            await fill(maker, "a", [partial(0), completed()], create=False)
            redis.start()
            await until(truth(lambda: maker.is_ready))
        async with serving(redis.url, "p:") as other:
            assert ids(await read(await other.follow("a"), 2)) == [1, 2]


def break_off(redis: OwnRedis, fault: str) -> None:
    """Redis hangs, or is gone."""
    if fault == "pause":
        redis.pause()
    else:
        redis.kill()


def bring_back(redis: OwnRedis, fault: str) -> None:
    """As it was, or empty."""
    if fault == "pause":
        redis.go_on()
    else:
        redis.start()


async def turned(log: EventLog, *, ready: bool) -> None:
    """Returns when it is, or is not any more, ready."""
    await until(truth(lambda: log.is_ready == ready))


async def has_ended(log: EventLog, edit_id: str) -> bool:
    """An edit is there, and is seen to have ended."""
    try:
        return (await log.find(edit_id, OWNER)).ended
    except (NotFound, StoreUnavailable):
        return False


async def is_gone(log: EventLog, edit_id: str) -> bool:
    """It was there, and cannot be read any more."""
    try:
        await log.find(edit_id, OWNER)
    except EditExpired:
        return True
    return False


async def longest_s(client: Redis, pattern: str) -> float:
    """The longest time to live of all such keys; a key that stays for ever fails."""
    lives = [await client.ttl(key) for key in await client.keys(pattern)]
    assert lives
    assert min(lives) >= 0
    return max(lives)
