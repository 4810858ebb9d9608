"""GET /v1/admin/overview and /v1/admin/live: all that the admin page shows, for a master key or in its session."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from streamedit.budgets import Spend
from streamedit.events import Json
from streamedit.parties import Allowance, ApiKey, scope_of
from streamedit.stores import Spends
from streamedit.stores.sql.overview import SqlOverview
from streamedit.stores.sql.registry import SqlRegistry
from streamedit.telemetry import Telemetry
from streamedit.web.answers import no_database, private_answer
from streamedit.web.auth import Door
from streamedit.web.glance import Span, busiest, glance, span_of, today_of, told

_MOST_KEYS = 500
_USUAL = "7d"


@dataclass(frozen=True, slots=True)
class Accounts:
    """Where the database knows it from. `key_defaults`: for keys that have nothing else said of them."""

    ledger: SqlOverview
    registry: SqlRegistry
    spends: Spends
    key_defaults: Allowance = field(default_factory=Allowance)


class OverviewRoutes:
    """The handlers. Without a database, and so without `accounts`, there is nothing but what goes on."""

    def __init__(self, door: Door, telemetry: Telemetry, accounts: Accounts | None) -> None:
        self._door = door
        self._telemetry = telemetry
        self._accounts = accounts

    def routes(self) -> list[Route]:
        return [Route("/v1/admin/overview", self.overview), Route("/v1/admin/live", self.live)]

    async def overview(self, request: Request) -> Response:
        """What became of the edits of `?range=`: 24h, 7d (the usual), 30d or 90d; and what keys have spent."""
        await self._door.authenticate_master(request)
        if self._accounts is None:
            raise no_database()
        now_s = self._door.now_s()
        span = span_of(request.query_params.get("range", _USUAL), now_s)
        value = {
            "object": "overview", "end": int(now_s), "live": await self._live(),
            **await _edits(self._accounts.ledger, span, now_s), **await _keys(self._accounts),
        }  # fmt: skip
        return private_answer(value)

    async def live(self, request: Request) -> Response:
        """Edits at work and streams being sent, in all workers."""
        await self._door.authenticate_master(request)
        return private_answer({"object": "live", **await self._live()})

    async def _live(self) -> dict[str, Json]:
        # Those of other workers are in files.
        running_edits, open_streams = await to_thread.run_sync(self._telemetry.live)
        return {"running_edits": running_edits, "open_streams": open_streams}


async def _edits(ledger: SqlOverview, span: Span, now_s: float) -> dict[str, Json]:
    """One bucket after the other: others than this page want to read in between."""
    buckets = [await ledger.bucket(start_s, span.bucket_s, now_s) for start_s in span.starts_s]
    end_s = span.starts_s[-1] + span.bucket_s
    return {
        **glance(span, buckets),
        "today": told(await ledger.sums(today_of(now_s), end_s)),
        "end_users": busiest(await ledger.busiest("end_user", span.start_s, end_s)),
        "busiest_keys": busiest(await ledger.busiest("key_id", span.start_s, end_s)),
    }


async def _keys(books: Accounts) -> dict[str, Json]:
    """Those that were not revoked, the newest first, with the running periods of their budgets."""
    known = [key for key in reversed(await books.registry.keys()) if key.revoked_at_s is None]
    keys = known[:_MOST_KEYS]
    scopes = {key.id: scope_of(key, books.key_defaults) for key in keys}
    spends = await books.spends.of(list(scopes.values()))
    used = await books.ledger.last_used(list(scopes))
    listed: list[Json] = [{**_key(key, spends.get(scopes[key.id].name, ())), "last_used_at": used[key.id]} for key in keys]
    return {"keys": listed, "has_more_keys": len(known) > len(keys)}


def _key(key: ApiKey, spends: Sequence[Spend]) -> dict[str, Json]:
    return {
        "id": key.id,
        "name": key.name,
        "group": key.group,
        "created_at": key.created_at_s,
        "expires_at": key.expires_at_s,
        "budgets": [_budget(spend) for spend in spends],
    }


def _budget(spend: Spend) -> Json:
    return {
        "period": spend.budget.period,
        "limit_micros": spend.budget.limit_micros,
        "spent_micros": spend.spent_micros,
        "reserved_micros": spend.reserved_micros,
        "left_micros": spend.left_micros,
        "resets_at": spend.period.end_s,
    }
