"""GET /v1/admin/overview and /v1/admin/live, on both databases."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import traffic
from admin_pages import MASTER, PageServer, Setting, page_serving
from databases import KINDS, fresh_database
from traffic import DAY_S

from streamedit.budgets import Budget
from streamedit.clocks import Clocks
from streamedit.parties import Allowance, ApiKey

NOW_S = 1_790_042_400.0
CLOCKS = Clocks(time.monotonic, lambda: NOW_S)
BEARER = {"authorization": f"Bearer {MASTER}"}


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PageServer]:
    """A server with an empty ledger."""
    with fresh_database(request.param, tmp_path) as url, page_serving(Setting(url, clocks=CLOCKS)) as running:
        yield running


def overview(server: PageServer, **query: str) -> httpx.Response:
    """What a holder of the master key is told."""
    return server.ask("GET", "/v1/admin/overview", params=query, headers=BEARER)


def test_an_empty_ledger_is_an_overview_too(server: PageServer) -> None:
    """Zeros and empty lists; the usual range is of seven days."""
    answer = overview(server)
    told = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert (told["object"], told["range"], len(told["buckets"])) == ("overview", "7d", 7)
    assert (told["edits"], told["spend_micros"], told["first_event_s"]["p50"]) == (0, 0, None)
    assert [told[name] for name in ("by_model", "models", "failures", "end_users", "busiest_keys", "keys")] == [[]] * 6


def test_an_overview_is_of_its_range(server: PageServer) -> None:
    """Its sums are those of the edits that began in it, and its buckets add up to them."""
    edits = list(traffic.plausible(600, NOW_S, days=60))
    server.enter(edits)
    for name, days in (("7d", 7), ("30d", 30), ("90d", 90)):
        told = overview(server, range=name).json()
        own = [edit for edit in edits if edit["started_at_s"] >= NOW_S // DAY_S * DAY_S - (days - 1) * DAY_S]
        assert told["edits"] == sum(bucket["edits"] for bucket in told["buckets"]) == len(own)
        assert told["spend_micros"] == sum(edit["charge_micros"] for edit in own)
        assert told["failed"] == sum(edit["outcome"] != "completed" for edit in own)
    today = [edit for edit in edits if edit["started_at_s"] >= NOW_S // DAY_S * DAY_S]
    assert told["today"]["edits"] == len(today)
    assert len(overview(server, range="24h").json()["buckets"]) == 24


def test_keys_are_told_with_their_budgets(server: PageServer) -> None:
    """Spent, reserved and left of each, when it begins anew, and when the key was last used. Revoked ones are not."""
    allowance = Allowance(budgets=(Budget(10_000_000, "1d"),))
    kept = ApiKey("key_1", "Shop", bytes(32), 1.0, NOW_S + 60, group="g", allowance=allowance)
    gone = ApiKey("key_2", "Gone", bytes(32), 2.0, revoked_at_s=3.0)
    server.give(kept, spent_micros=3_000_000, reserved_micros=500_000)
    server.give(gone)
    server.enter([traffic.edit_row("edit_1", NOW_S - 5, key_id="key_1")])
    told = overview(server).json()
    budget = {
        "period": "1d", "limit_micros": 10_000_000, "spent_micros": 3_000_000, "reserved_micros": 500_000,
        "left_micros": 6_500_000, "resets_at": NOW_S // DAY_S * DAY_S + DAY_S,
    }  # fmt: skip
    assert told["keys"] == [
        {
            "id": "key_1", "name": "Shop", "group": "g", "created_at": 1.0, "expires_at": NOW_S + 60, "budgets": [budget],
            "last_used_at": NOW_S - 5,
        }
    ]  # fmt: skip
    assert bytes(32).hex() not in overview(server).text


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_what_goes_on_is_told(server: PageServer) -> None:
    """Edits at work and streams being sent, in the overview as by themselves."""
    server.telemetry.running.set(3)
    server.telemetry.readers.set(5)
    live = {"running_edits": 3, "open_streams": 5}
    assert server.ask("GET", "/v1/admin/live", headers=BEARER).json() == {"object": "live", **live}
    assert overview(server).json()["live"] == live


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_an_unknown_range_is_refused(server: PageServer) -> None:
    """400, which names the parameter."""
    answer = overview(server, range="1y")
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "range")


@pytest.mark.parametrize("path", ["/v1/admin/overview", "/v1/admin/live"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer sk-wrong"}])
def test_only_the_master_is_told(path: str, headers: dict[str, str]) -> None:
    """Nobody else, whether there is a database or not."""
    with page_serving(Setting()) as server:
        assert server.ask("GET", path, headers=headers).status_code == 401


def test_without_a_database_there_is_no_overview() -> None:
    """503, which says what is missing; what goes on is told all the same."""
    with page_serving(Setting()) as server:
        answer = overview(server)
        assert (answer.status_code, "server.database_url" in answer.json()["error"]["message"]) == (503, True)
        assert server.ask("GET", "/v1/admin/live", headers=BEARER).status_code == 200


def test_without_a_master_key_nobody_is_told() -> None:
    """Not even though the server is open to everybody."""
    with page_serving(Setting(master=None)) as server:
        answer = server.ask("GET", "/v1/admin/live")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "master_key_required")
