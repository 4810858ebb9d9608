"""The ledger at a glance, on both databases."""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import traffic
from databases import KINDS, fresh_database
from sqlalchemy import insert
from traffic import DAY_S, Row, attempt_row, edit_row

from streamedit.stores.sql.database import Database
from streamedit.stores.sql.overview import Bucket, SqlOverview, Sums
from streamedit.stores.sql.tables import ATTEMPTS, EDITS

MIDNIGHT_S = 1_790_035_200
NOW_S = MIDNIGHT_S + DAY_S + 7200.0


@pytest.fixture(params=KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Empty."""
    with fresh_database(request.param, tmp_path) as url:
        made = Database(url)
        async with made.serving():
            yield made


async def enter(database: Database, *edits: Row) -> None:
    """Edits, each with its attempt."""
    await database.write(lambda connection: traffic.write(connection, edits))


async def day(overview: SqlOverview) -> Bucket:
    """The one day that tests are of."""
    return await overview.bucket(MIDNIGHT_S, DAY_S, NOW_S)


def sums_of(edits: Sequence[Row]) -> Sums:
    """The plain way."""
    return Sums(
        len(edits),
        sum(edit["outcome"] == "completed" for edit in edits),
        sum(edit["images"] for edit in edits),
        sum(edit["charge_micros"] for edit in edits),
    )


async def test_a_bucket_is_the_sum_of_its_edits(database: Database) -> None:
    """By model and provider as well; edits before it and after it are of others."""
    edits = list(traffic.plausible(400, MIDNIGHT_S + DAY_S + 3600, days=2))
    await enter(database, *edits)
    bucket = await day(SqlOverview(database))
    own = [edit for edit in edits if MIDNIGHT_S <= edit["started_at_s"] < MIDNIGHT_S + DAY_S]
    assert 50 < len(own) < 400
    assert bucket.sums == sums_of(own)
    for (model, provider), sums in bucket.models.items():
        assert sums == sums_of([edit for edit in own if (edit["model"], edit["provider"]) == (model, provider)])
    assert sum((sums for sums in bucket.models.values()), Sums()) == bucket.sums


async def test_an_empty_bucket_is_nothing(database: Database) -> None:
    """Zeros, and no latencies."""
    assert await day(SqlOverview(database)) == Bucket(MIDNIGHT_S, Sums(), {}, {}, [], [])


async def test_a_bucket_takes_its_start_and_not_its_end(database: Database) -> None:
    """Each edit is in one bucket."""
    await enter(database, edit_row("edit_1", MIDNIGHT_S), edit_row("edit_2", MIDNIGHT_S + DAY_S))
    assert (await day(SqlOverview(database))).sums.edits == 1


async def test_failures_are_those_of_attempts(database: Database) -> None:
    """A provider that failed is told of, though another one completed the edit."""
    edit = edit_row("edit_1", MIDNIGHT_S, provider="gemini")
    failed = attempt_row(edit, provider="openai", outcome="rate_limit_exceeded")
    attempts = [failed, attempt_row(edit, position=2)]
    await database.write(lambda connection: connection.execute(insert(EDITS), [edit]))
    await database.write(lambda connection: connection.execute(insert(ATTEMPTS), attempts))
    assert (await day(SqlOverview(database))).failures == {("openai", "rate_limit_exceeded"): 1}


async def test_latencies_are_exact_for_a_few(database: Database) -> None:
    """Each edit's, in order; time to completion only of those that were completed."""
    fast = edit_row("edit_1", MIDNIGHT_S, first_event_s=0.5, total_s=3.0)
    slow = edit_row("edit_2", MIDNIGHT_S + 1, first_event_s=2.0, total_s=1.0)
    never = edit_row("edit_3", MIDNIGHT_S + 2, first_event_s=None, total_s=9.0, outcome="upstream_timeout")
    await enter(database, slow, fast, never)
    bucket = await day(SqlOverview(database))
    assert bucket.first_event == [(0.5, 1.0), (2.0, 1.0)]
    assert bucket.total == [(1.0, 1.0), (3.0, 1.0)]


async def test_latencies_are_few_for_many(database: Database) -> None:
    """At most 200 points, in order, which stand for all; each is within half a percent of its rank."""
    count = 1_234
    await enter(database, *(edit_row(f"edit_{rank}", MIDNIGHT_S + rank, first_event_s=float(rank)) for rank in range(count)))
    points = (await day(SqlOverview(database))).first_event
    assert len(points) == 200
    assert sum(weight for _, weight in points) == pytest.approx(count)
    for part, (value, _) in enumerate(points):
        assert value == math.ceil(part * count / 200)


async def test_an_edit_that_is_late_is_counted(database: Database) -> None:
    """A bucket that was over, and was read before the ledger had all of it."""
    overview = SqlOverview(database)
    await enter(database, edit_row("edit_1", MIDNIGHT_S))
    before = await day(overview)
    assert await day(overview) is before
    await enter(database, edit_row("edit_2", MIDNIGHT_S))
    assert (await day(overview)).sums.edits == 2


async def test_a_bucket_that_runs_is_read_again(database: Database) -> None:
    """What is known of its edits may still change."""
    overview, start_s = SqlOverview(database), MIDNIGHT_S + DAY_S
    await enter(database, edit_row("edit_1", start_s))
    first = await overview.bucket(start_s, DAY_S, NOW_S)
    assert await overview.bucket(start_s, DAY_S, NOW_S) is not first


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_buckets_that_are_kept_are_bounded(database: Database) -> None:
    """However long somebody looks around."""
    overview = SqlOverview(database)
    for number in range(520):
        await overview.bucket(MIDNIGHT_S - 3600 * number, 3600, NOW_S)
    assert len(overview._over) == 500


@pytest.mark.parametrize("by", ["end_user", "key_id"])
async def test_the_busiest_are_told_with_their_sums(database: Database, by: str) -> None:
    """At most ten, those with the most edits first; nobody has no name."""
    edits = list(traffic.plausible(300, MIDNIGHT_S + DAY_S, days=2))
    await enter(database, *edits)
    found = await SqlOverview(database).busiest(by, MIDNIGHT_S, MIDNIGHT_S + DAY_S)
    own = [edit for edit in edits if edit["started_at_s"] >= MIDNIGHT_S]
    names = {edit[by] for edit in own} - {None}
    counts = sorted((-sum(edit[by] == name for edit in own), name) for name in names)[:10]
    assert [each.name for each in found] == [name for _, name in counts]
    for each in found:
        assert each.sums == sums_of([edit for edit in own if edit[by] == each.name])


async def test_keys_tell_when_they_were_last_used(database: Database) -> None:
    """None for one that never was."""
    await enter(database, *(edit_row(f"edit_{at}", MIDNIGHT_S + at, key_id="key_1") for at in range(3)))
    used = await SqlOverview(database).last_used(["key_1", "key_2"])
    assert used == {"key_1": MIDNIGHT_S + 2, "key_2": None}


async def test_many_may_look_at_once(database: Database) -> None:
    """All of them see the same."""
    await enter(database, *traffic.plausible(200, MIDNIGHT_S + DAY_S, days=1))
    overview = SqlOverview(database)
    buckets = await asyncio.gather(*(day(overview) for _ in range(8)))
    assert all(bucket == buckets[0] for bucket in buckets)
