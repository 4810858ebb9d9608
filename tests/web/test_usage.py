"""GET /v1/usage and GET /v1/admin/edits, over both databases."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from databases import KINDS, fresh_database
from ledgers import PARTY, ledger_in, report_of
from registries import KnownRegistry
from reports import ATTEMPT, EDIT, FAILED
from starlette.applications import Starlette

from streamedit.keys import Keyring, StreamTokens, digest_of, make_key
from streamedit.parties import ApiKey, Party
from streamedit.records import Report
from streamedit.stores.sql.audits import SqlAudits
from streamedit.stores.sql.database import Database
from streamedit.stores.sql.ledger import SqlLedger
from streamedit.stores.sql.usage import SqlUsage
from streamedit.web.answers import HANDLERS
from streamedit.web.auth import Door
from streamedit.web.usage import Entered, UsageRoutes

NOW_S = 1_790_100_000.0
BOTH = pytest.mark.parametrize("kind", KINDS)
ONE = pytest.mark.parametrize("kind", ["sqlite"])


KEY_ID, KEY = make_key()


def door_of(*keys: ApiKey) -> Door:
    """`master` opens everything."""
    return Door(Keyring(["master"]), KnownRegistry({key.id: key for key in keys}), StreamTokens("secret"), lambda: NOW_S)


@asynccontextmanager
async def client_of(kind: str, folder: Path) -> AsyncIterator[tuple[SqlLedger, httpx.AsyncClient]]:
    """A client with the master key, and the ledger that it sees."""
    with fresh_database(kind, folder) as url:
        database = Database(url)
        door = door_of(ApiKey(KEY_ID, "own", digest_of(KEY), 1.0))
        async with database.serving(), ledger_in(database, folder / "box") as ledger:
            routes = UsageRoutes(door, Entered(SqlUsage(database), SqlAudits(database), ledger.flushed)).routes()
            app = Starlette(routes=routes, exception_handlers=HANDLERS)
            headers = {"authorization": "Bearer master"}
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://s", headers=headers) as client:
                yield ledger, client


def fill(ledger: SqlLedger, *parties: Party) -> None:
    """One edit for each, a second after the other."""
    for number, party in enumerate(parties, start=1):
        edit = replace(EDIT, edit_id=f"edit_{number}", started_at_s=EDIT.started_at_s + number)
        ledger.keep(Report(edit, (FAILED, ATTEMPT), party=party), is_final=True)


@BOTH
async def test_usage_is_summed_up(kind: str, tmp_path: Path) -> None:
    """By day without further words; what has ended a moment ago is in it."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, PARTY, PARTY)
        answer = await client.get("/v1/usage", params={"start": "2026-09-21", "end": "2026-09-21"})
    body = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    sums = {
        "edits": 2, "completed": 2, "failed": 0, "images": 2, "input_tokens": 20, "input_image_tokens": 0,
        "cached_tokens": 0, "output_tokens": 2000, "output_text_tokens": 0, "cost_micros": 60_100, "charge_micros": 0,
        "first_event_p50_s": 0.3, "first_event_p95_s": 0.3, "total_p50_s": 4.0, "total_p95_s": 4.0,
    }  # fmt: skip
    assert body == {
        "object": "list", "start": 1_789_948_800, "end": 1_789_948_800 + 86_400, "group_by": ["day"],
        "data": [{"day": "2026-09-21", **sums}], "total": sums, "has_more": False,
    }  # fmt: skip


@BOTH
async def test_usage_by_several_names_of_some_edits(kind: str, tmp_path: Path) -> None:
    """Grouped and chosen by the same names."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, PARTY, replace(PARTY, end_user="bob"), replace(PARTY, key_id="key_b"), Party("key_b"))
        answer = await client.get("/v1/usage?group_by=key,end_user&group=team")
    rows = sorted((row["key"], row["end_user"], row["edits"]) for row in answer.json()["data"])
    assert rows == [("key_a", "alice", 1), ("key_a", "bob", 1), ("key_b", "alice", 1)]


@ONE
async def test_a_key_sees_its_own_usage(kind: str, tmp_path: Path) -> None:
    """And is refused another's; a master key sees all."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, replace(PARTY, key_id=KEY_ID), replace(PARTY, key_id="key_b"), replace(PARTY, key_id="key_b"))
        own = {"authorization": f"Bearer {KEY}"}
        seen = [await client.get(f"/v1/usage?group_by=key{more}", headers=own) for more in ("", f"&key={KEY_ID}")]
        other = await client.get("/v1/usage?key=key_b", headers=own)
        everything = await client.get("/v1/usage?group_by=")
        nobody = await client.get("/v1/usage", headers={"authorization": ""})
    assert [(answer.json()["data"][0]["key"], answer.json()["total"]["edits"]) for answer in seen] == [(KEY_ID, 1)] * 2
    assert (other.status_code, other.json()["error"]["param"]) == (403, "key")
    assert (everything.json()["total"]["edits"], everything.json()["data"]) == (3, [])
    assert nobody.status_code == 401


@ONE
@pytest.mark.parametrize(("more", "accept"), [("&format=csv", "application/json"), ("", "text/csv")])
async def test_usage_as_csv(kind: str, tmp_path: Path, more: str, accept: str) -> None:
    """A header, a line for each row, and no cell that a spreadsheet would run."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, replace(PARTY, end_user="=cmd()"))
        answer = await client.get(f"/v1/usage?group_by=end_user,day{more}", headers={"accept": accept})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["end_user"], row["day"], row["edits"], row["cost_micros"]) == ("'=cmd()", "2026-09-21", "1", "30050")


@ONE
@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("grup_by=day", "grup_by"),
        ("group_by=prompt", "group_by"),
        ("start=2026-02-30", "start"),
        ("start=2026-09-21&end=2026-09-20", "start"),
        ("end=x", "end"),
        ("key=", "key"),
        ("tag=%00", "tag"),
        ("format=xml", "format"),
        ("key=a&key=b", "key"),
    ],
)
async def test_bad_queries_are_refused(kind: str, tmp_path: Path, query: str, param: str) -> None:
    """With 400, naming the parameter."""
    async with client_of(kind, tmp_path) as (_, client):
        answer = await client.get(f"/v1/usage?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@BOTH
async def test_edits_one_by_one(kind: str, tmp_path: Path) -> None:
    """The newest first, with their attempts, a page after the other."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, *[PARTY] * 5)
        first = (await client.get("/v1/admin/edits?limit=2")).json()
        second = (await client.get(f"/v1/admin/edits?limit=3&after={first['last_id']}")).json()
    assert [edit["edit_id"] for edit in first["data"]] == ["edit_5", "edit_4"]
    assert [edit["edit_id"] for edit in second["data"]] == ["edit_3", "edit_2", "edit_1"]
    assert (first["first_id"], first["has_more"], second["has_more"]) == ("edit_5", True, False)
    edit = first["data"][0]
    assert (edit["key_id"], edit["tags"], edit["metadata"]) == ("key_a", ["blue", "red"], {"order": "7"})
    assert [(each["position"], each["outcome"]) for each in edit["attempts"]] == [(1, "rate_limit_exceeded"), (2, "completed")]


@BOTH
async def test_edits_that_began_together_are_not_lost_between_pages(kind: str, tmp_path: Path) -> None:
    """Each is on one page, once."""
    async with client_of(kind, tmp_path) as (ledger, client):
        for number in range(7):
            ledger.keep(report_of(f"edit_{number}"), is_final=True)
        seen: list[str] = []
        after = ""
        while True:
            page = (await client.get(f"/v1/admin/edits?limit=2{after}")).json()
            seen += [edit["edit_id"] for edit in page["data"]]
            if not page["has_more"]:
                break
            after = f"&after={page['last_id']}"
    assert seen == [f"edit_{number}" for number in reversed(range(7))]


@BOTH
async def test_some_edits_as_csv(kind: str, tmp_path: Path) -> None:
    """Chosen by the names of usage; of the attempts their number."""
    async with client_of(kind, tmp_path) as (ledger, client):
        fill(ledger, PARTY, replace(PARTY, tags=("green",)))
        answer = await client.get("/v1/admin/edits?format=csv&tag=green&day=2026-09-21")
    [row] = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["edit_id"], row["attempts"], row["tags"], row["group_id"]) == ("edit_2", "2", '["green"]', "team")
    assert answer.headers["x-has-more"] == "false"


@ONE
@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ("limit=0", 400, "limit"),
        ("limit=1001", 400, "limit"),
        ("limit=x", 400, "limit"),
        ("limit=%C2%B2", 400, "limit"),
        ("after=edit_9", 404, "after"),
        ("after=%00", 404, "after"),
        ("group_by=day", 400, "group_by"),
    ],
)
async def test_bad_pages_are_refused(kind: str, tmp_path: Path, query: str, status: int, param: str) -> None:
    """Naming the parameter."""
    async with client_of(kind, tmp_path) as (_, client):
        answer = await client.get(f"/v1/admin/edits?{query}")
    assert (answer.status_code, answer.json()["error"]["param"]) == (status, param)


@ONE
async def test_edits_one_by_one_are_the_masters(kind: str, tmp_path: Path) -> None:
    """They tell of everybody's end users."""
    async with client_of(kind, tmp_path) as (_, client):
        answer = await client.get("/v1/admin/edits", headers={"authorization": f"Bearer {KEY}"})
    assert answer.status_code == 403
