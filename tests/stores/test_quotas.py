"""How much is done at a time and by the minute, in one process and in many: one contract, and what Redis adds."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import pytest
import redises
from commands import clean_environ
from played import PlayedTime
from redis.asyncio import Redis
from stores.logs import truth, until

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.errors import ConcurrencyLimited, EditError, ImagesLimited, QueueFull, RateLimited, StoreUnavailable
from streamedit.limits import QuotaRules, RateLimits, Standing
from streamedit.parties import Allowance, Scope, ScopeKind
from streamedit.stores import Entered, Quotas
from streamedit.stores.quotas import MemoryQuotas
from streamedit.stores.reach import connected
from streamedit.stores.redis_quotas import QuotaPlace, RedisQuotas
from streamedit.stores.turnstile import SlotLease

Pair: TypeAlias = tuple[Quotas, Quotas]
"""What two processes count with: the same."""
Maker: TypeAlias = Callable[..., AbstractAsyncContextManager[Pair]]

QUICK = SlotLease(renew_s=0.05, lease_s=0.5)
LONG_S = 20.0


@asynccontextmanager
async def memory(**rules: float) -> AsyncIterator[Pair]:
    """Of one process."""
    quotas = MemoryQuotas(SYSTEM_CLOCKS, rules_of(**rules))
    async with quotas.serving():
        yield quotas, quotas
    assert (quotas._visits, quotas._places) == ({}, {})


@asynccontextmanager
async def redis(**rules: float) -> AsyncIterator[Pair]:
    """Of two."""
    with redises.any_redis() as url:
        place = QuotaPlace(url, redises.fresh_prefix(), QUICK)
        one, other = (RedisQuotas(place, SYSTEM_CLOCKS, rules_of(**rules)) for _ in range(2))
        async with one.serving(), other.serving():
            yield one, other
        assert (one._own, other._own) == ({}, {})


def rules_of(queue_size: float = 1000, queue_wait_s: float = LONG_S, window_s: float = 60) -> QuotaRules:
    """Rules in which everybody may wait."""
    return QuotaRules(int(queue_size), queue_wait_s, window_s)


def scope(kind: ScopeKind = ScopeKind.KEY, name: str = "a", **limits: int) -> Scope:
    """One with limits: `requests`, `images`, `slots`."""
    return Scope(kind, name, Allowance(RateLimits(limits.get("requests"), limits.get("images"), limits.get("slots"))))


def server(**limits: int) -> Scope:
    """What everybody shares."""
    return scope(ScopeKind.SERVER, "all", **limits)


async def outcome(quotas: Quotas, edit_id: str, *scopes: Scope, images: int = 1) -> Entered | EditError:
    """Of an attempt to come in."""
    try:
        return await quotas.enter(edit_id, scopes, images)
    except EditError as error:
        return error


async def is_in(quotas: Quotas, edit_id: str, *scopes: Scope) -> bool:
    """It came in, and has its slots."""
    entered = await outcome(quotas, edit_id, *scopes)
    return isinstance(entered, Entered) and entered.is_running


async def leave_all(quotas: Quotas, *edit_ids: str) -> None:
    """Nothing is left."""
    for edit_id in edit_ids:
        await quotas.leave(edit_id)


@pytest.mark.parametrize("maker", [memory, redis])
class TestRates:
    """So much in any minute."""

    async def test_without_limits_everybody_comes_in(self, maker: Maker) -> None:
        """And is told nothing of any."""
        async with maker() as (one, _):
            assert await one.enter("1", [], 1) == await one.enter("2", [scope()], 10) == Entered()
            await one.turn("1", 0)
            await leave_all(one, "1", "2")

    async def test_of_two_hundred_at_once_as_many_come_in_as_may(self, maker: Maker) -> None:
        """Fifty, of two processes; the others are told when to come back."""
        async with maker() as pair:
            asked = [outcome(pair[number % 2], str(number), scope(requests=50)) for number in range(200)]
            outcomes = await asyncio.gather(*asked)
            refused = [each for each in outcomes if isinstance(each, EditError)]
            assert len(refused) == 150
            for each in refused:
                assert type(each) is RateLimited
                assert 59_000 < int(each.detail.headers["retry-after-ms"]) <= 60_000
                assert each.detail.headers["x-ratelimit-remaining-requests"] == "0"
            for number in range(200):
                await pair[number % 2].leave(str(number))

    async def test_images_are_counted_one_by_one(self, maker: Maker) -> None:
        """Ten a minute: four, then five; a second four is too much, a one is not."""
        async with maker() as (one, other):
            ten = scope(images=10)
            assert (await one.enter("1", [ten], 4)).images == Standing(10, 6, 60.0)
            assert (await other.enter("2", [ten], 5)).images == Standing(10, 1, 60.0)
            assert type(await outcome(one, "3", ten, images=4)) is ImagesLimited
            entered = await other.enter("4", [ten], 1)
            assert (entered.images, entered.requests) == (Standing(10, 0, 60.0), None)
            await leave_all(one, "1")
            await leave_all(other, "2", "4")

    async def test_more_images_than_ever(self, maker: Maker) -> None:
        """Waiting would not help, and so is not told."""
        async with maker() as (one, _):
            refused = await outcome(one, "1", scope(images=4), images=5)
            assert isinstance(refused, ImagesLimited)
            assert refused.detail.param == "n"
            assert "retry-after" not in refused.detail.headers

    async def test_a_retry_after_is_exact(self, maker: Maker) -> None:
        """Whoever comes then is let in; whoever comes before is not."""
        async with maker(window_s=0.3) as (one, other):
            await one.enter("1", [scope(requests=1)], 1)
            asked_s = time.monotonic()
            refused = await outcome(one, "2", scope(requests=1))
            told_s = time.monotonic()
            assert isinstance(refused, RateLimited)
            wait_s = int(refused.detail.headers["retry-after-ms"]) / 1000
            while True:
                begun_s = time.monotonic()
                has_entered = await is_in(other, "2", scope(requests=1))
                if has_entered:
                    assert time.monotonic() >= asked_s + wait_s - 0.001
                    break
                assert begun_s < told_s + wait_s
                await asyncio.sleep(0.001)
            await leave_all(one, "1")
            await leave_all(other, "2")

    async def test_all_scopes_or_none(self, maker: Maker) -> None:
        """Who is refused by one of them counts in none; of those that let somebody in, the tightest is told."""
        async with maker() as (one, other):
            key, all_ = scope(requests=5, images=5), server(requests=1)
            assert (await one.enter("1", [all_, key], 1)).requests == Standing(1, 0, 60.0)
            refused = await outcome(other, "2", all_, key)
            assert isinstance(refused, RateLimited)
            assert refused.detail.message.startswith(
                "Rate limit reached for this server on requests per min (RPM): Limit 1, Used 1"
            )
            entered = await one.enter("3", [key], 2)
            assert (entered.requests, entered.images) == (Standing(5, 3, 60.0), Standing(5, 2, 60.0))
            await leave_all(one, "1", "3")

    async def test_scopes_do_not_share(self, maker: Maker) -> None:
        """A key and an end user of the same name, and two keys."""
        async with maker() as (one, other):
            scopes = [scope(requests=1), scope(name="b", requests=1), scope(ScopeKind.END_USER, requests=1)]
            assert [await is_in(one, each.name, each) for each in scopes] == [True, True, True]
            assert [await is_in(other, each.name + "2", each) for each in scopes] == [False, False, False]
            await leave_all(one, *(each.name for each in scopes))

    async def test_what_does_not_count_is_given_back(self, maker: Maker) -> None:
        """Its request and its images; who counts has had them, for the rest of the minute."""
        async with maker() as (one, other):
            key = scope(requests=1, images=3)
            for number in range(3):
                assert (await one.enter(str(number), [key], 3)).images == Standing(3, 0, 60.0)
                await one.leave(str(number), is_counted=False)
            assert await is_in(other, "last", key)
            await other.leave("last")
            await other.leave("last", is_counted=False)
            assert type(await outcome(one, "more", key)) is RateLimited


@pytest.mark.parametrize("maker", [memory, redis])
class TestSlots:
    """So much at a time."""

    async def test_never_more_than_there_are_slots(self, maker: Maker) -> None:
        """Forty edits of two processes, four at a time; all have their turn."""
        async with maker() as pair:
            running: list[int] = []
            together = asyncio.Barrier(4)

            async def edit(number: int) -> int:
                quotas = pair[number % 2]
                await quotas.enter(str(number), [scope(slots=4)], 1)
                await quotas.turn(str(number), LONG_S)
                running.append(number)
                most = len(running)
                await together.wait()
                running.remove(number)
                await quotas.leave(str(number))
                return most

            assert max(await asyncio.gather(*(edit(number) for number in range(40)))) == 4

    async def test_who_came_first_is_first(self, maker: Maker) -> None:
        """One at a time, in the order of arrival, wherever they arrived."""
        async with maker() as pair:
            served: list[int] = []
            for number in range(12):
                entered = await pair[number % 2].enter(str(number), [scope(slots=1)], 1)
                assert entered.is_running == (number == 0)

            async def edit(number: int) -> None:
                await pair[number % 2].turn(str(number), LONG_S)
                served.append(number)
                await pair[number % 2].leave(str(number))

            await asyncio.gather(*(edit(number) for number in reversed(range(12))))
            assert served == list(range(12))

    async def test_the_queue_has_an_end(self, maker: Maker) -> None:
        """Two run, three wait, the others are told when the first of those gives up at the latest; and count nowhere."""
        async with maker(queue_size=3) as pair:
            key = scope(slots=2, requests=100)
            asked = [outcome(pair[number % 2], str(number), key) for number in range(20)]
            outcomes = await asyncio.gather(*asked)
            states = [each.is_running if isinstance(each, Entered) else type(each) for each in outcomes]
            assert (states.count(True), states.count(False), states.count(QueueFull)) == (2, 3, 15)
            full = next(each for each in outcomes if isinstance(each, QueueFull))
            assert (full.detail.message, full.detail.code) == (
                "Too many pending requests, please retry later", "gateway_queue_full",
            )  # fmt: skip
            assert 19_000 < int(full.detail.headers["retry-after-ms"]) <= 20_000
            assert full.detail.headers["x-ratelimit-remaining-requests"] == "95"
            for number in range(20):
                await pair[number % 2].leave(str(number))

    async def test_without_a_queue_nobody_waits(self, maker: Maker) -> None:
        """When there will be a slot, nobody knows."""
        async with maker(queue_size=0) as (one, other):
            assert await is_in(one, "1", scope(slots=1))
            refused = await outcome(other, "2", scope(slots=1))
            assert type(refused) is QueueFull
            assert "retry-after" not in refused.detail.headers
            await leave_all(one, "1")

    async def test_whose_time_is_over_is_out(self, maker: Maker) -> None:
        """Its place is free, and its request was none."""
        async with maker(queue_size=1) as (one, other):
            key = scope(slots=1, requests=2)
            await one.enter("1", [key], 1)
            await other.enter("2", [key], 1)
            with pytest.raises(ConcurrencyLimited, match=r"^Concurrency limit exceeded for key, please retry later$") as told:
                await other.turn("2", 0.02)
            assert told.value.detail.code == "gateway_concurrency_limit"
            assert (await other.enter("3", [key], 1)).is_running is False
            await leave_all(one, "1", "2")
            await other.turn("3", LONG_S)
            await leave_all(other, "3")

    async def test_nobody_waits_longer_than_the_queue_allows(self, maker: Maker) -> None:
        """However patient the caller is."""
        async with maker(queue_wait_s=0.05) as (one, other):
            await one.enter("1", [scope(slots=1)], 1)
            await other.enter("2", [scope(slots=1)], 1)
            async with asyncio.timeout(5):
                with pytest.raises(ConcurrencyLimited):
                    await other.turn("2", LONG_S)
            await leave_all(one, "1")

    async def test_who_is_cancelled_leaves_nothing(self, maker: Maker) -> None:
        """In the queue; and again, when it has its turn."""
        async with maker(queue_size=1) as (one, other):
            key = scope(slots=1, requests=3)
            await one.enter("1", [key], 1)
            await other.enter("2", [key], 1)
            waiting = asyncio.create_task(other.turn("2", LONG_S))
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()
            await until(lambda: has_entered(one, "3", key))
            await leave_all(one, "1")
            await one.turn("3", LONG_S)
            await leave_all(one, "3")
            assert await is_in(other, "4", key)
            await leave_all(other, "4")

    async def test_a_full_key_is_in_nobody_s_way(self, maker: Maker) -> None:
        """Its edits wait for itself, also when they came first; those of another key go on."""
        async with maker(queue_size=2) as (one, other):
            all_, a, b = server(slots=3), scope(slots=1), scope(name="b", slots=3)
            states = [await is_in(one, f"a{number}", all_, a) for number in range(3)]
            states += [await is_in(other, f"b{number}", all_, b) for number in range(4)]
            assert states == [True, False, False, True, True, False, False]
            await leave_all(other, "b0")
            await other.turn("b2", LONG_S)
            await leave_all(one, "a0")
            await one.turn("a1", LONG_S)
            await leave_all(one, "a1", "a2")
            await other.turn("b3", LONG_S)
            await leave_all(other, "b1", "b2", "b3")

    async def test_a_slot_is_had_in_all_scopes_or_in_none(self, maker: Maker) -> None:
        """Who waits for the server, and then for its key, holds neither meanwhile."""
        async with maker() as (one, other):
            all_, a, b = server(slots=2), scope(slots=1), scope(name="b", slots=2)
            assert await is_in(one, "b0", all_, b)
            assert await is_in(one, "b1", all_, b)
            assert [await is_in(other, f"a{number}", all_, a) for number in range(2)] == [False, False]
            await leave_all(one, "b0", "b1")
            await other.turn("a0", LONG_S)
            assert await is_in(one, "b2", all_, b)
            await leave_all(one, "b2")
            await leave_all(other, "a0")
            await other.turn("a1", LONG_S)
            await leave_all(other, "a1")

    async def test_more_slots_are_for_those_who_wait(self, maker: Maker) -> None:
        """A limit that was raised; the next edit brings it, behind them."""
        async with maker() as (one, other):
            for number in range(3):
                await one.enter(str(number), [scope(slots=1)], 1)
            assert not await is_in(other, "3", scope(slots=3))
            await one.turn("1", LONG_S)
            await one.turn("2", LONG_S)
            await leave_all(one, "0", "1", "2")
            await leave_all(other, "3")

    async def test_a_limit_that_is_gone_is_gone_for_who_comes(self, maker: Maker) -> None:
        """Those who wait go on waiting for the slots there were."""
        async with maker() as (one, other):
            for number in range(2):
                await one.enter(str(number), [scope(slots=1)], 1)
            assert await is_in(other, "2", scope(requests=5))
            await leave_all(other, "2")
            await leave_all(one, "0")
            await one.turn("1", LONG_S)
            await leave_all(one, "1")

    async def test_leaving_twice_is_leaving_once(self, maker: Maker) -> None:
        """A second time frees no second slot; nor does leaving without having come."""
        async with maker() as (one, other):
            key = scope(slots=1)
            await one.enter("1", [key], 1)
            await leave_all(one, "1", "1", "nobody")
            assert await is_in(other, "2", key)
            assert not await is_in(other, "3", key)
            await leave_all(one, "1")
            await leave_all(other, "3", "2")

    async def test_who_has_left_has_no_turn(self, maker: Maker) -> None:
        """At once, also for who waits for it."""
        async with maker() as (one, _):
            await one.enter("1", [scope(slots=1)], 1)
            await one.enter("2", [scope(slots=1)], 1)
            waiting = asyncio.create_task(one.turn("2", LONG_S))
            await asyncio.sleep(0)
            await leave_all(one, "2")
            async with asyncio.timeout(5):
                with pytest.raises(ConcurrencyLimited):
                    await waiting
            with pytest.raises(ConcurrencyLimited):
                await one.turn("2", LONG_S)
            await leave_all(one, "1")


class TestMemory:
    """In played time."""

    async def test_a_full_queue_has_room_when_it_says(self) -> None:
        """When the first of those who wait gives up; not a millisecond before."""
        time_ = PlayedTime(1000.0)
        quotas = MemoryQuotas(time_.clocks, rules_of(queue_size=2, queue_wait_s=30))
        key = scope(slots=1)
        for number in range(3):
            await quotas.enter(str(number), [key], 1)
            await time_.sleep(5)
        refused = await outcome(quotas, "3", key)
        assert isinstance(refused, QueueFull)
        assert (refused.detail.headers["retry-after"], refused.detail.headers["retry-after-ms"]) == ("20", "20000")
        await time_.sleep(19.999)
        assert isinstance(await outcome(quotas, "3", key), QueueFull)
        await time_.sleep(0.001)
        with pytest.raises(ConcurrencyLimited):
            await quotas.turn("1", 60)
        assert isinstance(await outcome(quotas, "3", key), Entered)

    async def test_a_minute_is_sixty_seconds(self) -> None:
        """Whoever comes a millisecond before they are over, is refused."""
        time_ = PlayedTime(1000.0)
        quotas = MemoryQuotas(time_.clocks, rules_of())
        await quotas.enter("1", [scope(requests=1)], 1)
        await time_.sleep(59.999)
        refused = await outcome(quotas, "2", scope(requests=1))
        assert isinstance(refused, RateLimited)
        assert (refused.detail.headers["retry-after"], refused.detail.headers["retry-after-ms"]) == ("1", "1")
        await time_.sleep(0.001)
        assert await is_in(quotas, "2", scope(requests=1))

    async def test_what_is_idle_is_forgotten(self) -> None:
        """Of thousands of end users those of the last minute are known, and not many more."""
        time_ = PlayedTime(1000.0)
        quotas = MemoryQuotas(time_.clocks, rules_of())
        most = 0
        for number in range(8_000):
            user = scope(ScopeKind.END_USER, str(number), requests=5, images=5, slots=1)
            await quotas.enter(str(number), [user], 1)
            await quotas.leave(str(number))
            await time_.sleep(0.1)
            most = max(most, len(quotas._rates._windows))
        assert most <= 3 * 2 * 600
        assert (quotas._places, quotas._visits) == ({}, {})


class TestRedis:
    """What is special about many processes."""

    async def test_what_a_killed_process_holds_is_free_soon(self) -> None:
        """Its slots and its places in the queue, once its promise is broken; those of the living stay."""
        with redises.any_redis() as url:
            place = QuotaPlace(url, redises.fresh_prefix(), QUICK)
            quotas = RedisQuotas(place, SYSTEM_CLOCKS, rules_of(queue_size=2))
            async with quotas.serving():
                held, mine = scope(slots=2), scope(name="b", slots=1)
                await quotas.enter("mine", [mine], 1)
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-c", _HOLDER, place.url, place.prefix, env=_environ(), stdout=asyncio.subprocess.PIPE
                )
                assert process.stdout is not None
                assert await process.stdout.readline() == b"2 run, 1 waits\n"
                assert not await is_in(quotas, "next", held)
                process.kill()
                killed_s = time.monotonic()
                await process.wait()
                await quotas.turn("next", LONG_S)
                assert time.monotonic() - killed_s < QUICK.lease_s + 1
                assert await is_in(quotas, "another", held)
                assert not await is_in(quotas, "b", mine)
                await leave_all(quotas, "next", "another", "b", "mine")

    async def test_a_grant_is_told_at_once(self) -> None:
        """By a message, long before the promise is renewed."""
        with redises.any_redis() as url:
            place = QuotaPlace(url, redises.fresh_prefix(), SlotLease(renew_s=60, lease_s=60))
            one, other = (RedisQuotas(place, SYSTEM_CLOCKS, rules_of()) for _ in range(2))
            async with one.serving(), other.serving(), connected(url) as client:
                await until(lambda: _listen(client, other._turnstile.grants_channel, 2))
                await one.enter("1", [scope(slots=1)], 1)
                await other.enter("2", [scope(slots=1)], 1)
                await leave_all(one, "1")
                async with asyncio.timeout(2):
                    await other.turn("2", LONG_S)
                await leave_all(other, "2")

    async def test_an_outage_takes_nobody_s_slot(self) -> None:
        """Of nobody a promise came through, for longer than one holds: that says nothing of who has made it."""
        with redises.own_redis() as server_:
            place = QuotaPlace(server_.url, redises.fresh_prefix(), QUICK)
            one, other = (RedisQuotas(place, SYSTEM_CLOCKS, rules_of(queue_size=0)) for _ in range(2))
            async with one.serving():
                async with other.serving():
                    await other.enter("1", [scope(slots=1)], 1)
                server_.pause()
                await until(_after(QUICK.lease_s))
                server_.go_on()
                spared_s = time.monotonic() + QUICK.lease_s / 2
                await until(lambda: _is_told(one, QueueFull, scope(slots=1)))
                while time.monotonic() < spared_s:
                    assert await _is_told(one, QueueFull, scope(slots=1))
                await until(lambda: is_in_again(one, "2", scope(slots=1)))
                await leave_all(one, "2")

    async def test_a_lost_message_is_no_lost_turn(self) -> None:
        """Nobody hears of the grant: it is seen when the promise is renewed."""
        with redises.own_redis() as server_:
            place = QuotaPlace(server_.url, redises.fresh_prefix(), QUICK)
            one, other = (RedisQuotas(place, SYSTEM_CLOCKS, rules_of()) for _ in range(2))
            async with one.serving(), other.serving(), connected(server_.url) as client:
                await one.enter("1", [scope(slots=1)], 1)
                await other.enter("2", [scope(slots=1)], 1)
                await client.client_kill_filter(_type="pubsub")
                await leave_all(one, "1")
                async with asyncio.timeout(0.9):
                    await other.turn("2", LONG_S)
                await leave_all(other, "2")

    async def test_what_redis_has_lost_is_brought_back(self) -> None:
        """Who runs has its slot again, and who waits its place."""
        with redises.own_redis() as server_:
            place = QuotaPlace(server_.url, redises.fresh_prefix(), QUICK)
            one, other = (RedisQuotas(place, SYSTEM_CLOCKS, rules_of(queue_size=1)) for _ in range(2))
            async with one.serving(), other.serving():
                key = scope(slots=1)
                await one.enter("1", [key], 1)
                await one.enter("2", [key], 1)
                server_.kill()
                server_.start()
                await until(lambda: _is_told(other, QueueFull, key))
                await leave_all(one, "1")
                await one.turn("2", LONG_S)
                await leave_all(one, "2")

    @pytest.mark.parametrize("how", ["killed", "paused"])
    async def test_without_redis_nobody_new_comes_in(self, how: str) -> None:
        """503, soon; who is in leaves as ever, and who waits may. When it is back, everybody comes in."""
        with redises.own_redis() as server_:
            place = QuotaPlace(server_.url, redises.fresh_prefix(), QUICK)
            quotas = RedisQuotas(place, SYSTEM_CLOCKS, rules_of())
            async with quotas.serving():
                key = scope(slots=1)
                await quotas.enter("1", [key], 1)
                await quotas.enter("2", [key], 1)
                server_.kill() if how == "killed" else server_.pause()
                async with asyncio.timeout(5):
                    assert type(await outcome(quotas, "3", key)) is StoreUnavailable
                    with pytest.raises(ConcurrencyLimited):
                        await quotas.turn("2", 0.05)
                    await leave_all(quotas, "1")
                server_.start() if how == "killed" else server_.go_on()
                await until(lambda: is_in_again(quotas, "4", key))
                await leave_all(quotas, "4")

    async def test_a_server_starts_without_redis(self) -> None:
        """It finds it later; whoever has no limits does not need it."""
        with redises.own_redis() as server_:
            server_.kill()
            quotas = RedisQuotas(QuotaPlace(server_.url, redises.fresh_prefix(), QUICK), SYSTEM_CLOCKS, rules_of())
            async with quotas.serving():
                assert type(await outcome(quotas, "1", scope(requests=1))) is StoreUnavailable
                assert await quotas.enter("2", [scope()], 1) == Entered()
                server_.start()
                await until(lambda: is_in_again(quotas, "3", scope(requests=1)))
                await leave_all(quotas, "2", "3")

    async def test_what_nobody_uses_expires(self) -> None:
        """Every key has its end, and what counts no more goes soon; that somebody is there is known all the time."""
        with redises.any_redis() as url:
            place = QuotaPlace(url, redises.fresh_prefix(), QUICK)
            quotas = RedisQuotas(place, SYSTEM_CLOCKS, rules_of(window_s=0.1))
            async with quotas.serving(), connected(url) as client:
                for number in range(3):
                    await quotas.enter(str(number), [scope(requests=9, images=9, slots=1)], 2)
                keys = [key async for key in client.scan_iter(f"{place.prefix}*")]
                assert len(keys) > 3
                assert all([await client.pttl(key) != -1 for key in keys])
                await leave_all(quotas, "0", "1", "2")
                await until(lambda: _has_one(client, f"{place.prefix}quotas:heard"))


async def has_entered(quotas: Quotas, edit_id: str, *scopes: Scope) -> bool:
    """It came in, to run or to wait."""
    return isinstance(await outcome(quotas, edit_id, *scopes), Entered)


async def is_in_again(quotas: Quotas, edit_id: str, *scopes: Scope) -> bool:
    """It runs; if it waits it does not, and is out."""
    has_slots = await is_in(quotas, edit_id, *scopes)
    if not has_slots:
        await quotas.leave(edit_id, is_counted=False)
    return has_slots


async def _is_told(quotas: Quotas, kind: type[EditError], *scopes: Scope) -> bool:
    told = type(await outcome(quotas, "probe", *scopes)) is kind
    await quotas.leave("probe", is_counted=False)
    return told


async def _has_one(client: Redis, name: str) -> bool:
    """Of all keys beside it."""
    return [key async for key in client.scan_iter(f"{name.rpartition(':')[0]}*")] == [name.encode()]


async def _listen(client: Redis, channel: str, count: int) -> bool:
    """So many do."""
    [(_, listeners)] = await client.pubsub_numsub(channel)
    return bool(listeners == count)


def _after(seconds: float) -> Callable[[], Awaitable[bool]]:
    """So much time has passed from now on."""
    until_s = time.monotonic() + seconds
    return truth(lambda: time.monotonic() >= until_s)


def _environ() -> dict[str, str]:
    return {**clean_environ(), "PYTHONPATH": os.pathsep.join(sys.path)}


_HOLDER = """
import asyncio, sys
from stores.test_quotas import QUICK, is_in, rules_of, scope
from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.stores.reach import connected
from streamedit.stores.redis_quotas import QuotaPlace, RedisQuotas

async def hold():
    quotas = RedisQuotas(QuotaPlace(sys.argv[1], sys.argv[2], QUICK), SYSTEM_CLOCKS, rules_of())
    async with quotas.serving():
        running = [await is_in(quotas, f"held-{number}", scope(slots=2)) for number in range(3)]
        print(f"{sum(running)} run, {len(running) - sum(running)} waits", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""
