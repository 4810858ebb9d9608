"""Budgets, limits and the ledger when processes are killed and databases are away: real commands, a played provider."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import redises
from accounts import MASTER, Accounts, at, bearer, budget
from clients import get, post
from commands import started
from databases import fresh_database, own_postgres
from servers import serving
from test_admission_e2e import PRICE, PRICE_MICROS, every_kind, held, many, paid, priced, spend_of
from upstreams import Asked, Hang, Script, ScriptedUpstream

from streamedit.clocks import SYSTEM_CLOCKS
from streamedit.parties import Scope, ScopeKind

BUDGET = {"limit_micros": 50 * PRICE_MICROS, "period": "total"}


@contextmanager
def command(folder: Path, scripted: ScriptedUpstream, *arguments: str, **server: Any) -> Iterator[tuple[Any, str]]:
    """A started server with one priced model and the master key: its process and its URL."""
    model = {"model": "openai/gpt-image-2", "api_key": "sk-provider", "api_base": scripted.url, **PRICE}
    config = {"model_list": [{"model_name": "gpt-image-2", "litellm_params": model}], "server": server}
    file = folder / "config.json"
    file.write_text(json.dumps(config))
    with started("--config", str(file), *arguments, STREAMEDIT_API_KEY=MASTER) as (process, url, _):
        yield process, url


def new_key(url: str, **fields: Any) -> tuple[str, dict[str, str]]:
    """The id of a key that a server gives out, and the headers that open it."""
    made = httpx.post(f"{url}/v1/admin/keys", json=fields, headers=bearer(MASTER)).raise_for_status().json()
    return made["id"], bearer(made["key"])


@every_kind
def test_kill_minus_nine_gives_no_budget_anything_back(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """What a provider may have charged is spent when its time is over, what only waited is free; the ledger has all four."""
    scripted.serve(lambda asked: paid(asked) if len(scripted.asked) < 3 else [Hang()])
    ledger = str(tmp_path / "ledger")
    with fresh_database(kind, tmp_path) as database:
        with command(tmp_path, scripted, database_url=database, ledger_folder=ledger) as (process, url):
            key_id, headers = new_key(url, limits={"parallel_edits": 1}, budgets=[BUDGET])
            ended = [post(f"{url}/v1/images/edits", headers=headers).headers["x-edit-id"] for _ in range(2)]
            at_work = [post(f"{url}/v1/images/edits/async", headers=headers).json["id"] for _ in range(2)]
            for _ in range(3):
                assert scripted.came.acquire(timeout=10)
            process.kill()
            process.wait(10)
        later = replace(SYSTEM_CLOCKS, now_s=lambda: SYSTEM_CLOCKS.now_s() + 3600)
        with serving(at(database, priced(scripted), ledger_folder=Path(ledger)), later) as server:
            scope = Scope(ScopeKind.KEY, key_id, budget(50 * PRICE_MICROS))
            server.wait_for(lambda: spend_of(Accounts(server), scope).reserved_micros == 0)
            assert spend_of(Accounts(server), scope).spent_micros == 3 * PRICE_MICROS
            edits = get(f"{server.url}/v1/admin/edits?key={key_id}", bearer(MASTER)).json["data"]
            assert {edit["edit_id"]: edit["outcome"] for edit in edits} == {
                **dict.fromkeys(ended, "completed"), **dict.fromkeys(at_work, "interrupted"),
            }  # fmt: skip
        assert len(scripted.asked) == 3


@every_kind
def test_two_workers_share_limits_and_budgets(kind: str, tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Sixty edits at once: three at a time are made, as many as the budget has room for, and not one more."""
    three, lock = threading.Barrier(3), threading.Lock()
    running: Counter[str] = Counter()

    def script(asked: Asked) -> Script:
        with lock:
            running["now"] += 1
            running["most"] = max(running["most"], running["now"])
        three.wait(20)
        with lock:
            running["now"] -= 1
        yield from paid(asked)

    scripted.serve(script)
    with redises.any_redis() as redis_url, fresh_database(kind, tmp_path) as database:
        places = {"database_url": database, "ledger_folder": str(tmp_path / "ledger")}
        shared = {"redis_url": redis_url, "redis_prefix": redises.fresh_prefix()}
        with command(tmp_path, scripted, "--workers", "2", **places, **shared) as (_, url):
            _, headers = new_key(url, limits={"parallel_edits": 3}, budgets=[{"limit_micros": 21 * PRICE_MICROS}])
            answers = asyncio.run(many([f"{url}/v1/images/edits"], headers, 60))
    assert Counter(each.status_code for each in answers) == {200: 21, 429: 39}
    assert (len(scripted.asked), running["most"]) == (21, 3)


def test_while_the_database_is_away(tmp_path: Path, scripted: ScriptedUpstream) -> None:
    """Edits at work end, those without budgets are made, others are told to come again; afterwards all is in its place."""
    with (
        own_postgres() as postgres,
        held(scripted) as goes_on,
        serving(at(f"{postgres.url}/postgres", priced(scripted))) as server,
    ):
        accounts = Accounts(server)
        key, headers = accounts.key(allowance=budget(50 * PRICE_MICROS))
        first = post(f"{server.edits_url}/async", headers=headers).json
        assert scripted.came.acquire(timeout=10)
        postgres.kill()
        goes_on.set()
        assert get(f"{server.url}{first['events_url']}", headers).status == 200
        assert post(server.edits_url, headers=bearer(MASTER)).status == 200
        refused = post(server.edits_url, headers=headers)
        assert (refused.status, refused.error["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        postgres.start()
        scope = Scope(ScopeKind.KEY, key.id, key.allowance)
        server.wait_for(lambda: spend_of(accounts, scope).reserved_micros == 0)
        assert spend_of(accounts, scope).spent_micros == PRICE_MICROS
        assert post(server.edits_url, headers=headers).status == 200
        edits = get(f"{server.url}/v1/admin/edits", bearer(MASTER)).json["data"]
        assert [edit["outcome"] for edit in edits] == ["completed"] * 3
