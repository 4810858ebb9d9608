"""The ledger, in both databases: nothing is lost, nothing is there twice."""

import asyncio
import json
import os
import random
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from databases import KINDS, fresh_database
from ledgers import PARTY, all_rows, edit_of, ledger_at, ledger_in, report_of, rows_of
from loggers import logger
from reports import ATTEMPT, EDIT, FAILED
from sqlalchemy import text

from streamedit.errors import StoreUnavailable
from streamedit.parties import Party
from streamedit.records import Report
from streamedit.stores import notes
from streamedit.stores.boxes import new_box
from streamedit.stores.no_ledger import NoLedger
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.ledger import SqlLedger
from streamedit.stores.sql.tables import ATTEMPTS, EDIT_TAGS, EDITS


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Of an empty database of each kind."""
    with fresh_database(request.param, tmp_path) as fresh:
        yield fresh


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    """One that serves."""
    serving = Database(url)
    async with serving.serving():
        yield serving


def new_id() -> str:
    """Of an edit."""
    return f"edit_{uuid.uuid4().hex}"


async def test_an_edit_is_entered_with_all_that_is_known(database: Database, tmp_path: Path) -> None:
    """One row for it, one for each attempt, one for each tag."""
    edit = replace(EDIT, input_bytes=77, flagged=("violence",), trace_id="a" * 32, cached_tokens=3, charge_micros=30_050)
    async with ledger_in(database, tmp_path / "box") as ledger:
        ledger.begin(edit_of("edit_1"), PARTY, EDIT.started_at_s)
        ledger.keep(Report(edit, (FAILED, ATTEMPT), party=PARTY), is_final=True)
        await ledger.flushed()
        edits, tags, attempts = await all_rows(database)
    whose = {"key_id": "key_a", "group_id": "team", "end_user": "alice", "metadata": {"order": "7"}}
    known = {**asdict(edit), **whose, "day": "2026-09-21", "flagged": ["violence"]}
    assert edits == [{column.name: known[column.name] for column in EDITS.columns}]
    assert [row["tag"] for row in tags] == ["blue", "red"]
    places = [{"edit_id": "edit_1", "position": position} for position in (1, 2)]
    expected = [{**asdict(each), **place} for each, place in zip((FAILED, ATTEMPT), places, strict=True)]
    assert attempts == [{column.name: known[column.name] for column in ATTEMPTS.columns} for known in expected]


async def test_a_later_report_takes_the_place_of_an_earlier_one(database: Database, tmp_path: Path) -> None:
    """Whether they are entered together or not: with its attempts and tags."""
    fewer = replace(PARTY, tags=("red",))
    async with ledger_in(database, tmp_path / "box") as ledger:
        for edit_id in ("edit_1", "edit_2"):
            ledger.keep(Report(replace(EDIT, edit_id=edit_id), (FAILED, ATTEMPT, ATTEMPT), party=PARTY), is_final=False)
        ledger.keep(report_of("edit_1", fewer, images=4), is_final=True)
        await ledger.flushed()
        ledger.keep(report_of("edit_2", fewer, images=4), is_final=True)
        await ledger.flushed()
        edits, tags, attempts = await all_rows(database)
    assert [(row["edit_id"], row["images"]) for row in edits] == [("edit_1", 4), ("edit_2", 4)]
    assert [(row["edit_id"], row["tag"]) for row in tags] == [("edit_1", "red"), ("edit_2", "red")]
    assert [(row["edit_id"], row["position"]) for row in attempts] == [("edit_1", 1), ("edit_2", 1)]


async def test_leaving_enters_what_is_left(database: Database, tmp_path: Path) -> None:
    """All of it; and nothing is left on the disk."""
    async with ledger_in(database, tmp_path / "box") as ledger:
        for number in range(230):
            ledger.keep(report_of(f"edit_{number}"), is_final=True)
    assert len(await rows_of(database, EDITS)) == 230
    assert not any((tmp_path / "box").iterdir())


async def test_whatever_callers_call_things_is_entered(database: Database, tmp_path: Path) -> None:
    """What a column has no room for is cut; numbers have bounds, texts neither NULs nor halves of letters."""
    odd = "\0\ud800\U0001f600" + "x" * 1000
    party = Party("key_a", odd, odd, (odd, odd + "y", "short"), {odd: odd})
    huge = {"images": 10**30, "input_tokens": 10**30, "total_s": float("inf"), "first_event_s": float("nan")}
    report = report_of("edit_1", party, model=odd, **huge)
    async with ledger_in(database, tmp_path / "box") as ledger:
        ledger.keep(report, is_final=True)
        await ledger.flushed()
        [row], tags, _ = await all_rows(database)
    assert row["model"] == ("\ufffd?\U0001f600" + "x" * 1000)[:256]
    assert (len(row["group_id"]), len(row["end_user"]), len(tags)) == (64, 512, 2)
    assert row["images"] < row["input_tokens"] < 10**13
    assert (row["total_s"], row["first_event_s"]) == (10**12, 0)


async def test_what_a_process_has_left_behind_is_entered(database: Database, tmp_path: Path) -> None:
    """Its reports, the last of each edit, and as interrupted what it had begun; doing it again changes nothing."""
    lines = [notes.dump_report(report_of("edit_1", images=n)) for n in (1, 2)]
    for _ in range(2):
        _leave_behind(tmp_path / "box", [notes.dump_begun(edit_of(i), PARTY, 86_400.5) for i in ("edit_1", "edit_2")], lines)
        async with ledger_in(database, tmp_path / "box") as ledger:
            await ledger.flushed()
            edits, tags, attempts = await all_rows(database)
        assert [(row["edit_id"], row["outcome"], row["images"]) for row in edits] == [
            ("edit_1", "completed", 2),
            ("edit_2", "interrupted", 0),
        ]
        interrupted = edits[1]
        assert (interrupted["status"], interrupted["cost_micros"], interrupted["error_type"]) == (503, None, "server_error")
        assert (interrupted["day"], interrupted["key_id"], interrupted["end_user"]) == ("1970-01-02", "key_a", "alice")
        assert [(row["edit_id"], row["tag"]) for row in tags] == [(i, t) for i in ("edit_1", "edit_2") for t in ("blue", "red")]
        assert [row["edit_id"] for row in attempts] == ["edit_1"]
    assert not any((tmp_path / "box").iterdir())


async def test_an_edit_that_was_entered_is_not_interrupted(database: Database, tmp_path: Path) -> None:
    """Though of what its process has left behind only its beginning is there."""
    async with ledger_in(database, tmp_path / "box") as ledger:
        ledger.keep(report_of("edit_1"), is_final=True)
    before = await all_rows(database)
    _leave_behind(tmp_path / "box", [notes.dump_begun(edit_of("edit_1"), PARTY, 5.0)], [])
    async with ledger_in(database, tmp_path / "box") as ledger:
        await ledger.flushed()
    assert await all_rows(database) == before


async def test_lines_that_nobody_can_read_stop_nothing(database: Database, tmp_path: Path) -> None:
    """Those around them are entered."""
    good = [notes.dump_report(report_of(f"edit_{number}")) for number in (1, 2)]
    _leave_behind(tmp_path / "box", [b"{}\n", b"\xff\n"], [good[0], b'{"edit":7}\n', b"\0\0\0\n", good[1], b'{"edit":{"ed'])
    async with ledger_in(database, tmp_path / "box") as ledger:
        await ledger.flushed()
    assert [row["edit_id"] for row in await rows_of(database, EDITS)] == ["edit_1", "edit_2"]


async def test_two_processes_share_a_folder(database: Database, tmp_path: Path) -> None:
    """Each enters its own; what one that died had left is entered by one of them."""
    _leave_behind(tmp_path / "box", [], [notes.dump_report(report_of("edit_0"))])
    async with ledger_in(database, tmp_path / "box") as one, ledger_in(database, tmp_path / "box") as other:
        one.keep(report_of("edit_1"), is_final=True)
        other.keep(report_of("edit_2"), is_final=True)
        await one.flushed()
        await other.flushed()
        assert [row["edit_id"] for row in await rows_of(database, EDITS)] == ["edit_0", "edit_1", "edit_2"]


async def test_while_the_database_is_away_nothing_is_lost(url: str, tmp_path: Path) -> None:
    """It is entered when the database is back."""
    async with ledger_at(url, tmp_path / "box") as (ledger, database):
        await _rename(database, "streamedit_edits", "gone")
        ledger.keep(report_of("edit_1"), is_final=True)
        with pytest.raises(StoreUnavailable):
            await ledger.flushed(0.2)
        await _rename(database, "gone", "streamedit_edits")
        await ledger.flushed()
        assert [row["edit_id"] for row in await rows_of(database, EDITS)] == ["edit_1"]


async def test_a_server_that_breaks_off_leaves_it_to_an_heir(url: str, tmp_path: Path) -> None:
    """What it had not entered yet."""
    database = Database(url)
    async with database.serving():
        ledger = SqlLedger(database, tmp_path / "box", 1 << 20, logger())
        with pytest.raises(ExceptionGroup):
            async with ledger.serving():
                ledger.keep(report_of("edit_1"), is_final=True)
                raise RuntimeError
        async with ledger_in(database, tmp_path / "box") as heir:
            await heir.flushed()
        assert [row["edit_id"] for row in await rows_of(database, EDITS)] == ["edit_1"]


async def test_many_edits_at_once(database: Database, tmp_path: Path) -> None:
    """Those that keep and those that wait do not hinder each other."""
    async with ledger_in(database, tmp_path / "box") as ledger:

        async def edit(number: int) -> None:
            edit_id = f"edit_{number:03}"
            ledger.begin(edit_of(edit_id), PARTY, 0.0)
            await asyncio.sleep(0)
            ledger.keep(report_of(edit_id), is_final=False)
            await ledger.flushed()
            ledger.keep(report_of(edit_id, images=2), is_final=True)

        async with asyncio.TaskGroup() as tasks:
            for number in range(300):
                tasks.create_task(edit(number))
    edits = await rows_of(database, EDITS)
    assert [(row["edit_id"], row["images"]) for row in edits] == [(f"edit_{number:03}", 2) for number in range(300)]
    assert len(await rows_of(database, EDIT_TAGS)) == 600


_SERVER = """
import asyncio, json, sys
from pathlib import Path
from ledgers import PARTY, edit_of, ledger_at, report_of

async def edit(ledger, number, run):
    edit_id = f"edit_{run}_{number}"
    ledger.begin(edit_of(edit_id), PARTY, 1.0)
    print(json.dumps(["begun", edit_id]), flush=True)
    await asyncio.sleep(0.001 * (number % 20))
    ledger.keep(report_of(edit_id), is_final=False)
    print(json.dumps(["kept", edit_id]), flush=True)
    await asyncio.sleep(0.001)
    ledger.keep(report_of(edit_id, images=2), is_final=True)

async def main(url, folder, run):
    async with ledger_at(url, Path(folder)) as (ledger, _), asyncio.TaskGroup() as tasks:
        for number in range(10_000):
            tasks.create_task(edit(ledger, number, run))
            await asyncio.sleep(0.001)

asyncio.run(main(*sys.argv[1:]))
"""


async def test_kill_minus_nine_loses_no_edit_that_was_acknowledged(url: str, tmp_path: Path, long: bool) -> None:
    """Whenever a process is killed: each edit that had ended is there as it ended, each that had begun is there, once."""
    told: dict[str, str] = {}
    chance = random.Random(7)
    for run in range(10 if long else 3):
        told |= await asyncio.to_thread(_killed_after, chance.randrange(50, 500), url, tmp_path / "box", run)
    async with ledger_at(url, tmp_path / "box") as (ledger, database):
        await ledger.flushed()
        edits, _, attempts = await all_rows(database)
    outcomes = {row["edit_id"]: row["outcome"] for row in edits}
    assert len(outcomes) == len(edits) >= len(told)
    for edit_id, step in told.items():
        assert outcomes[edit_id] in ({"completed"} if step == "kept" else {"completed", "interrupted"})
    assert len(attempts) == sum(outcome == "completed" for outcome in outcomes.values())
    assert {"completed", "interrupted"} == set(outcomes.values())


async def _rename(database: Database, table: str, name: str) -> None:
    await database.write(lambda connection: connection.execute(text(f"ALTER TABLE {table} RENAME TO {name}")))


def _killed_after(lines: int, url: str, folder: Path, run: int) -> dict[str, str]:
    """What a server has told of each edit before it was killed behind so many lines."""
    command = [sys.executable, "-c", _SERVER, url, str(folder), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": ":".join(sys.path)}) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        said += process.stdout.readlines()
    steps = [json.loads(line) for line in said if line.endswith(b"\n")]
    return {edit_id: step for step, edit_id in steps}


def _leave_behind(folder: Path, begun: list[bytes], kept: list[bytes]) -> None:
    """A box as a process leaves it that is killed."""
    path, lock = new_box(folder)
    (path / "begun-00000001").write_bytes(b"".join(begun))
    (path / "kept-00000001").write_bytes(b"".join(kept))
    os.close(lock)


async def test_without_a_database_there_is_no_ledger() -> None:
    """It has room for everything, and forgets it."""
    ledger = NoLedger()
    async with ledger.serving():
        ledger.begin(edit_of("edit_1"), PARTY, 0.0)
        ledger.keep(report_of("edit_1"), is_final=True)
        await ledger.flushed()
        assert ledger.has_room
